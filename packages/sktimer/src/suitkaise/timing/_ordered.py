"""Durations in order of length, and what can be read off them."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import floor


def extended(ordered: array[float] | None, times: Sequence[float]) -> array[float]:
    """Give ``ordered`` with more durations, at least one, in their places.

    Sorting what is sorted up to its new end takes O(n): the standard sort finds the two runs and
    merges them.
    """
    if ordered is None:
        return array("d", sorted(times))
    both = ordered.tolist()
    both += sorted(times)
    both.sort()
    return array("d", both)


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Interpolate linearly between the closest ranks; ``percent`` is from 0 to 100."""
    rank = (len(ordered) - 1) * percent / 100.0  # divided last: a whole rank comes out whole
    below = floor(rank)
    lower = ordered[below]
    if below + 1 == len(ordered):
        return lower
    upper = ordered[below + 1]
    return min(upper, lower + (upper - lower) * (rank - below))


def checked_percent(percent: float) -> float:
    """Give ``percent`` back, or raise.

    Raises:
        ValueError: It is outside 0 to 100.
        TypeError: It is no real number.
    """
    try:
        if 0.0 <= percent <= 100.0:
            return percent
    except TypeError:
        raise TypeError(
            f"percent must be a number from 0 to 100, got {percent!r} ({type(percent).__name__})"
        ) from None
    raise ValueError(f"percent must be from 0 to 100, got {percent!r}")
