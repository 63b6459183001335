"""One more run of a loop that does nothing; ours alone, no peer has such a loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .contest import Call, Contender, Contest, Trial

_RUNS = 20_000


@contextmanager
def _skprocess() -> Iterator[Call]:
    from .processes import Idle

    yield lambda runs: Idle(runs).run()


CONTESTS = (
    Contest(
        "one more run of an Skprocess",
        f"A process with {_RUNS:,} runs of an empty `__run__`, divided by their number.",
        lambda: Trial(_RUNS, lambda last: last in (_RUNS - 1, _RUNS)),
        (Contender("suitkaise Skprocess", _skprocess, is_ours=True),),
        reference=None,
        max_loops=1,
        per=_RUNS,
    ),
)
