"""The shortest and the longest duration, in a form that new durations can be added to."""

from __future__ import annotations

from array import array
from typing import NamedTuple


class Extremes(NamedTuple):
    """The first shortest and the first longest of one or more durations, in float seconds."""

    num_times: int
    shortest: float
    shortest_index: int
    longest: float
    longest_index: int


def extended(extremes: Extremes | None, times: array[float]) -> Extremes:
    """Give the extremes with more durations, at least one."""
    shortest, longest = min(times), max(times)
    if extremes is None:
        count, low, low_index, high, high_index = 0, shortest, -1, longest, -1
    else:
        count, low, low_index, high, high_index = extremes
    if low_index < 0 or shortest < low:
        low, low_index = shortest, count + times.index(shortest)
    if high_index < 0 or longest > high:
        high, high_index = longest, count + times.index(longest)
    return Extremes(count + len(times), low, low_index, high, high_index)
