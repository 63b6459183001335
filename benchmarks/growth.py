"""How a map grows with its input: the time of each task is to stay what it is."""

from __future__ import annotations

from . import pools, tasks
from .contest import Contest, Trial

_SIZES = (1_000, 10_000, 100_000, 1_000_000)


def _contest(size: int) -> Contest:
    def prepare() -> Trial:
        numbers = range(size)
        right = [number * number for number in numbers]
        work = pools.Work(tasks.square, numbers, None)
        return Trial(work, lambda answer: answer == right)

    return Contest(
        f"{size:,} tiny tasks, the time of each",
        "A function of a module squares a number; everybody chooses the chunks.",
        prepare,
        (pools.SUITKAISE, pools.MULTIPROCESSING),
        reference=pools.MULTIPROCESSING.name,
        rounds=9,
        max_loops=100_000 // size or 1,
        per=size,
    )


CONTESTS = tuple(map(_contest, _SIZES))
