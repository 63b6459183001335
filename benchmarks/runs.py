"""One more run of a loop; no peer has one, so beside it is a loop by hand, or one with one life."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter

from .contest import Call, Contender, Contest, Trial

_RUNS = 20_000
_STEADY_RUNS = 200


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


def _steady(lives: int) -> Callable[[], AbstractContextManager[Call]]:
    @contextmanager
    def open_it() -> Iterator[Call]:
        from .processes import Steady

        yield lambda runs: Steady(runs, lives).run()

    return open_it


def _nothing() -> None:
    pass


_BY_HAND = "a loop by hand"
_ONE_LIFE = "suitkaise Skprocess, lives=1"

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
    Contest(
        "one more run of 1 ms with 1 MiB of state",
        f"{_STEADY_RUNS:,} runs that keep a CPU busy for 1 ms and change one page of a `bytearray` "
        "of 1 MiB, in a process that is started and ended for them, divided by their number. With "
        "`lives=2` the state is saved after each run.",
        lambda: Trial(_STEADY_RUNS, lambda runs: runs == _STEADY_RUNS),
        (
            Contender("suitkaise Skprocess, lives=2", _steady(2), is_ours=True),
            Contender(_ONE_LIFE, _steady(1), is_ours=True),
        ),
        reference=_ONE_LIFE,
        max_loops=1,
        per=_STEADY_RUNS,
    ),
)
