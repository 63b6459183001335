"""What a timer costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

from .contest import Call, Contender, Contest, Trial

_TIMES = 2_000
_READINGS = 20
_KEPT = 1_000
_NAME = "timer"

# What a contender does so many times with its timer.
Use = Callable[[Any, int], object]


@contextmanager
def _bare() -> Iterator[Call]:
    def measure(times: int) -> int:
        for _ in range(times):
            began = perf_counter()
            _ = perf_counter() - began
        return times

    yield measure


@contextmanager
def _list() -> Iterator[Call]:
    def record(times: int) -> int:
        durations: list[float] = []
        for _ in range(times):
            durations.append(0.5)  # noqa: PERF401  one at a time, as they come
        return len(durations)

    yield record


@contextmanager
def _sktimer(use: Use, kept: int = 0, max_times: int | None = None) -> Iterator[Call]:
    from suitkaise.timing import Sktimer

    def measure(times: int) -> int:
        timer = Sktimer()
        for number in range(kept):
            timer.add_time(number * 1e-6)
        timer.set_max_times(max_times)
        use(timer, times)
        return timer.num_times - (0 if max_times else kept)

    yield measure


@contextmanager
def _codetiming(use: Use, kept: int = 0) -> Iterator[Call]:
    from codetiming import Timer

    def measure(times: int) -> int:
        timer = Timer(_NAME, logger=None)  # with a name it keeps the measurements, as ours does
        timer.timers.clear()
        for number in range(kept):
            timer.timers.add(_NAME, number * 1e-6)
        use(timer, times)
        return int(timer.timers.count(_NAME)) - kept

    yield measure


def _start_stop(timer: Any, times: int) -> None:
    for _ in range(times):
        timer.start()
        timer.stop()


def _with_time_this(timer: Any, times: int) -> None:
    from suitkaise.timing import TimeThis

    for _ in range(times):
        with TimeThis(timer):
            pass


def _with(timer: Any, times: int) -> None:
    for _ in range(times):
        with timer:
            pass


def _decorated_by_timethis(timer: Any, times: int) -> None:
    from suitkaise.timing import timethis

    function = timethis(timer)(_nothing)
    for _ in range(times):
        function()


def _decorated(timer: Any, times: int) -> None:
    function = timer(_nothing)
    for _ in range(times):
        function()


def _nothing() -> None:
    pass


def _add(timer: Any, times: int) -> None:
    for _ in range(times):
        timer.add_time(0.5)


def _add_to_codetiming(timer: Any, times: int) -> None:
    for _ in range(times):
        timer.timers.add(_NAME, 0.5)


def _add_and_read(timer: Any, times: int) -> None:
    for _ in range(times):
        timer.add_time(0.5)
        _ = timer.mean, timer.stdev


def _add_and_read_codetiming(timer: Any, times: int) -> None:
    for _ in range(times):
        timer.timers.add(_NAME, 0.5)
        _ = timer.timers.mean(_NAME), timer.timers.stdev(_NAME)


def _recorded(times: int, kept: int = 0) -> Trial:
    return Trial(times, lambda recorded: recorded in (times, kept))


def _contest(title: str, about: str, *contenders: Contender, reference: str) -> Contest:
    return Contest(
        title,
        about,
        partial(_recorded, _TIMES),
        contenders,
        reference=reference,
        per=_TIMES,
        in_cpu_time=True,
    )


_SKTIMER, _CODETIMING = "suitkaise Sktimer", "codetiming"

CONTESTS = (
    _contest(
        "start and stop a timer",
        f"Around nothing, {_TIMES:,} times, in CPU time; the timers keep every measurement.",
        Contender(_SKTIMER, partial(_sktimer, _start_stop), is_ours=True),
        Contender(_CODETIMING, partial(_codetiming, _start_stop)),
        Contender("perf_counter, twice", _bare),
        reference="perf_counter, twice",
    ),
    _contest(
        "time a block",
        f"An empty one, {_TIMES:,} times, in CPU time.",
        Contender("suitkaise TimeThis", partial(_sktimer, _with_time_this), is_ours=True),
        Contender(_CODETIMING, partial(_codetiming, _with)),
        Contender("perf_counter, twice", _bare),
        reference=_CODETIMING,
    ),
    _contest(
        "time a function",
        f"An empty one, {_TIMES:,} times, with a decorator, in CPU time.",
        Contender("suitkaise timethis", partial(_sktimer, _decorated_by_timethis), is_ours=True),
        Contender(_CODETIMING, partial(_codetiming, _decorated)),
        reference=_CODETIMING,
    ),
    _contest(
        "record a duration",
        f"One that was measured elsewhere, {_TIMES:,} times, in CPU time.",
        Contender(_SKTIMER, partial(_sktimer, _add), is_ours=True),
        Contender(
            f"{_SKTIMER}, max_times={_TIMES}",
            partial(_sktimer, _add, max_times=_TIMES),
            is_ours=True,
        ),
        Contender(_CODETIMING, partial(_codetiming, _add_to_codetiming)),
        Contender("list.append", _list),
        reference=_CODETIMING,
    ),
    Contest(
        "record a duration, read mean and deviation",
        f"With {_KEPT:,} measurements there already, in CPU time.",
        partial(_recorded, _READINGS, _KEPT),
        (
            Contender(_SKTIMER, partial(_sktimer, _add_and_read, _KEPT), is_ours=True),
            Contender(
                f"{_SKTIMER}, max_times={_KEPT}",
                partial(_sktimer, _add_and_read, _KEPT, _KEPT),
                is_ours=True,
            ),
            Contender(_CODETIMING, partial(_codetiming, _add_and_read_codetiming, _KEPT)),
        ),
        reference=_CODETIMING,
        per=_READINGS,
        in_cpu_time=True,
    ),
)
