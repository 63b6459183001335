"""One more run of a loop that does nothing; no peer has one, so beside it is a loop by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from .contest import Call, Contender, Contest, Trial

_RUNS = 20_000


@contextmanager
def _skprocess() -> Iterator[Call]:
    from .processes import Idle

    yield lambda runs: Idle(runs).run()


@contextmanager
def _by_hand() -> Iterator[Call]:
    def loop(runs: int) -> int:
        times: list[float] = []
        for _ in range(runs):
            began = perf_counter()
            _nothing()
            times.append(perf_counter() - began)
        return len(times)

    yield loop


def _nothing() -> None:
    pass


_BY_HAND = "a loop by hand"

CONTESTS = (
    Contest(
        "one more run of a no-op loop",
        f"{_RUNS:,} runs of an empty `__run__`, in a process that is started and ended for them, "
        "divided by their number. By hand it is a loop around an empty function that appends the "
        "difference of two `perf_counter()` to a list.",
        lambda: Trial(_RUNS, lambda last: last in (_RUNS - 1, _RUNS)),
        (
            Contender("suitkaise Skprocess", _skprocess, is_ours=True),
            Contender(_BY_HAND, _by_hand),
        ),
        reference=_BY_HAND,
        max_loops=1,
        per=_RUNS,
    ),
)
