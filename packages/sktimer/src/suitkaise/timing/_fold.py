"""A value computed from the measurements kept, brought up to date when it is asked for."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Stretch(NamedTuple):
    """Some of a timer's measurements, numbered from its first one ever."""

    start: int
    """The number of the oldest one kept."""
    first: int
    """The number of the first in `times`; `start` if these are all that are kept."""
    times: array[float]
    """From `first` to the latest."""


class Kept(Protocol):
    """What has measurements to read: a timer's, or a copy of them."""

    def since(self, start: int, end: int) -> Stretch:
        """Give what is from ``end`` on if ``start`` is still the oldest, otherwise everything."""


class Fold(Generic[T]):
    """A value that grows with the measurements: their sum, their order, ...

    Recording costs it nothing. Reading takes in what came since the last reading; each
    measurement is taken in once, so that a value read all the time is a running one. When the
    oldest have left a rolling window, all is computed anew: taking their part out again would
    leave the rounding errors of an outlier behind for good.

    It needs no lock: what it holds is one tuple that never changes, and of two threads that bring
    it up to date at once either result is right.

    Args:
        extend: Gives the value with more measurements; the first argument is None to begin with.
    """

    def __init__(self, extend: Callable[[T | None, array[float]], T]) -> None:
        self._extend = extend
        self._held: tuple[int, int, T | None] = (0, 0, None)

    def of(self, kept: Kept) -> T | None:
        """Bring the value up to date and give it; None if no measurements are kept."""
        held_start, held_end, value = self._held
        start, first, times = kept.since(held_start, held_end)
        if first == start:
            value = None
        if times:
            value = self._extend(value, times)
            self._held = (start, first + len(times), value)
        return value
