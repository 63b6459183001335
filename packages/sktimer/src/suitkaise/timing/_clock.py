"""The time of day, waiting, and what lies between two times."""

from __future__ import annotations

import time as _time
from math import inf

from suitkaise.sk import sk

_LONGEST = 1e9
"""Some thirty years; the system refuses what lies far beyond."""


def time() -> float:
    """Give the current time.

    Returns:
        Seconds since the epoch, as `time.time` of the standard library gives them.

    Example:
        >>> from suitkaise import timing
        >>> began = timing.time()
        >>> timing.elapsed(began) < 60.0
        True
    """
    return _time.time()


async def _sleep_async(seconds: float) -> float:
    _check_duration(seconds)
    import asyncio  # here: importing it takes longer than all of suitkaise.timing

    await asyncio.sleep(seconds)
    return _time.time()


@sk(asynced=_sleep_async)
def sleep(seconds: float) -> float:
    """Block the calling thread for some time; ``await sleep.asynced()(seconds)`` blocks nobody.

    Args:
        seconds: How long, from 0 to 1e9.

    Returns:
        The time afterwards, in seconds since the epoch, as `time` gives it.

    Raises:
        ValueError: ``seconds`` is negative, above 1e9 or not a number.
        TypeError: ``seconds`` is no real number.

    Example:
        >>> from suitkaise import timing
        >>> began = timing.time()
        >>> ended = timing.sleep(0.01)
        >>> timing.elapsed(began, ended) > 0.0
        True
    """
    _check_duration(seconds)
    _time.sleep(seconds)
    return _time.time()


def _check_duration(seconds: float) -> None:
    allowed = "a number from 0 to 1e9"
    try:
        is_allowed = 0.0 <= seconds <= _LONGEST
    except TypeError:
        raise TypeError(
            f"sleep(): seconds must be {allowed}, got {seconds!r} ({type(seconds).__name__})"
        ) from None
    if not is_allowed:
        raise ValueError(f"sleep(): seconds must be {allowed}, got {seconds!r}")


def elapsed(a: float, b: float | None = None) -> float:
    """Give how much time lies between two times, whichever comes first.

    Args:
        a: A time in seconds, as `time` gives it.
        b: Another of the same clock; None for now.

    Returns:
        Seconds, never negative.

    Raises:
        ValueError: A time is infinite or not a number.
        TypeError: A time is no real number.

    Example:
        >>> from suitkaise import timing
        >>> timing.elapsed(10.0, 12.5), timing.elapsed(12.5, 10.0)
        (2.5, 2.5)
    """
    if b is None:
        b = _time.time()
    for name, moment in (("a", a), ("b", b)):
        try:
            is_finite = -inf < moment < inf
        except TypeError:
            raise TypeError(
                f"elapsed(): {name} must be a time in seconds, "
                f"got {moment!r} ({type(moment).__name__})"
            ) from None
        if not is_finite:
            raise ValueError(f"elapsed(): {name} must be a finite time in seconds, got {moment!r}")
    return abs(b - a)
