"""One more run of a loop; no peer has one, so beside it is a loop by hand, or one with one life.

And how late a timeout comes, beside the only peer that has one which ends what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic, perf_counter, sleep

from .contest import Call, Contender, Contest, Measured, Trial

_RUNS = 20_000
_STEADY_RUNS = 200
_TIMEOUT = 0.2  # seconds


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


def _overrunning(way: str) -> Callable[[], AbstractContextManager[Call]]:
    @contextmanager
    def open_it() -> Iterator[Call]:
        from suitkaise.processing import ProcessTimeoutError

        from .processes import Overrunning

        def overrun(timeout: float) -> Measured:
            process = Overrunning(way, timeout)
            process.start()
            began = process.listen()
            try:
                process.result()
            except ProcessTimeoutError as error:
                return Measured(monotonic() - began - timeout, error.timeout)
            return Measured(0.0, None)

        yield overrun

    return open_it


@contextmanager
def _pebble() -> Iterator[Call]:
    from concurrent.futures import TimeoutError as Late

    from pebble import ProcessPool

    def overrun(timeout: float) -> Measured:
        began = monotonic()  # its time begins when a worker takes it, a moment later
        try:
            pool.schedule(sleep, args=(60.0,), timeout=timeout).result()
        except Late:
            return Measured(monotonic() - began - timeout, timeout)
        return Measured(0.0, None)

    with ProcessPool(max_workers=1) as pool:
        pool.schedule(sleep, args=(0.0,)).result()
        yield overrun


def _nothing() -> None:
    pass


_BY_HAND = "a loop by hand"
_PEBBLE = "pebble, time.sleep"
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
    Contest(
        "how late a timeout comes",
        f"A run that may take {_TIMEOUT:g} s: the time from then until its caller has the error. "
        "What swallows every exception, or never comes back from compiled code, is killed after a "
        "grace of half a second. pebble kills at once, and can leave nothing in order.",
        lambda: Trial(_TIMEOUT, lambda timeout: timeout == _TIMEOUT),
        (
            Contender("suitkaise Skprocess, a loop in Python", _overrunning("loop"), is_ours=True),
            Contender("suitkaise Skprocess, time.sleep", _overrunning("sleep"), is_ours=True),
            Contender(
                "suitkaise Skprocess, all exceptions swallowed",
                _overrunning("stubborn"),
                is_ours=True,
            ),
            Contender(
                "suitkaise Skprocess, in compiled code", _overrunning("compiled"), is_ours=True
            ),
            Contender(_PEBBLE, _pebble),
        ),
        reference=_PEBBLE,
        rounds=7,
        max_loops=1,
    ),
)
