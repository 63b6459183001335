"""What a timer has measured: the latest durations, and the pauses in them.

    record ─► inbox ─ settle ─► times, pauses ─ a copy of what is new ─► folds: moments,
             (a list)  (lock)   (8 bytes each)                          extremes, order

Recording waits for no lock: appending to a list is atomic in every build of Python, with the GIL
and without. So it is safe in a signal handler, in a finalizer, and in a child forked while another
thread was reading. (Appending to an `array` is atomic under the GIL alone.) The lock is held while
the inbox is emptied and while what is new is copied; nothing is computed under it. It is
re-entrant, for a signal handler that reads the timer that it interrupted.
"""

from __future__ import annotations

import operator
import sys
import threading
from array import array
from math import fsum
from typing import Any, NamedTuple

from suitkaise.timing import _extremes, _moments, _ordered
from suitkaise.timing._extremes import Extremes
from suitkaise.timing._fold import Fold, Kept, Stretch
from suitkaise.timing._moments import Moments

_INBOX_LIMIT = 512
"""How many measurements wait in the inbox, where each takes 32 bytes, before it is emptied."""


class Window(NamedTuple):
    """A copy of what is kept, at one moment."""

    start: int
    """The number of the oldest, counted from the first one ever."""
    times: array[float]
    paused: float
    """Seconds spent in pauses, which `times` leave out."""

    def since(self, start: int, end: int) -> Stretch:
        """Give what is from ``end`` on if ``start`` is the oldest, otherwise everything."""
        known = end - start
        if start != self.start or not 0 < known <= len(self.times):
            return Stretch(self.start, self.start, self.times)
        return Stretch(start, end, self.times[known:])


class Measurements:
    """Durations in float seconds, oldest first, from any number of threads."""

    def __init__(self, max_times: int | None) -> None:
        self._max_times = _checked_max_times(max_times)
        self._times: array[float] = array("d")
        """A little longer than the window of `max_times`: see `_settle`."""
        self._pauses: dict[int, float] = {}
        """Seconds paused, by the number of the measurement; most have none."""
        self._dropped = 0
        """How many came before `_times`, and so the number of its first."""
        self._attach()

    def _attach(self) -> None:
        """Make what does not travel in a pickle."""
        self._inbox: list[float] = []
        self._lock = threading.RLock()
        self._moments = Fold(_moments.extended)
        self._extremes = Fold(_extremes.extended)
        self._ordered = Fold(_ordered.extended)

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            self._settle()
            self._trim()
            return {
                "_max_times": self._max_times,
                "_times": self._times[:],
                "_pauses": self._pauses.copy(),
                "_dropped": self._dropped,
            }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._attach()

    @property
    def max_times(self) -> int | None:
        """How many of the latest are kept; None for all."""
        return self._max_times

    # Recording

    def record(self, elapsed: float, paused: float = 0.0) -> None:
        """Keep a duration that was interrupted for ``paused`` seconds.

        O(1); without a pause it never waits.
        """
        if paused:
            with self._lock:
                self._settle()
                self._pauses[self._dropped + len(self._times)] = paused
                self._times.append(elapsed)
            return
        inbox = self._inbox
        inbox.append(elapsed)
        if len(inbox) >= _INBOX_LIMIT and self._lock.acquire(blocking=False):
            try:
                self._settle()
            finally:
                self._lock.release()

    def take_over(self, other: Measurements) -> None:
        """Keep what ``other`` holds, as if it had been recorded here."""
        start, times, pauses = other._copied()  # first: two locks at once could deadlock
        with self._lock:
            self._settle()
            shift = self._dropped + len(self._times) - start
            self._pauses.update((number + shift, paused) for number, paused in pauses.items())
            self._times.extend(times)
            self._settle()

    def resize(self, max_times: int | None) -> None:
        """Keep so many from now on, and drop older ones at once.

        Raises:
            ValueError: ``max_times`` is below 1; nothing changed.
            TypeError: ``max_times`` is not a whole number; nothing changed.
        """
        checked = _checked_max_times(max_times)
        with self._lock:
            self._settle()
            # What fell out of the old window must not come back into a wider one.
            self._trim()
            self._max_times = checked
            self._trim()

    def clear(self) -> None:
        """Forget all of them; `max_times` stays."""
        with self._lock:
            self._settle()
            self._drop(len(self._times))

    # Reading

    def count(self) -> int:
        """Count what is kept."""
        with self._lock:
            self._settle()
            return self._count()

    def get(self, index: int) -> float | None:
        """Give one duration, as a list would; None if there is no such one."""
        with self._lock:
            self._settle()
            count = self._count()
            if not -count <= index < count:
                return None
            return self._times[index if index < 0 else index - count]

    def window(self) -> Window:
        """Copy what is kept."""
        start, times, pauses = self._copied()
        return Window(start, times, fsum(pauses.values()))

    def since(self, start: int, end: int) -> Stretch:
        """Copy what is from ``end`` on if ``start`` is still the oldest, otherwise everything."""
        with self._lock:
            self._settle()
            oldest = self._first()
            first = end if start == oldest else oldest
            return Stretch(oldest, first, self._times[first - self._dropped :])

    def moments(self, kept: Kept | None = None) -> Moments | None:
        """Give sum, mean and spread, of all or of a copy; None without a measurement."""
        return self._moments.of(kept or self)

    def extremes(self, kept: Kept | None = None) -> Extremes | None:
        """Give the shortest and the longest, of all or of a copy; None without a measurement."""
        return self._extremes.of(kept or self)

    def ordered(self, kept: Kept | None = None) -> array[float] | None:
        """Give them in order of length, all or a copy; not to be changed; None without any."""
        return self._ordered.of(kept or self)

    def total_paused(self) -> float | None:
        """Add up the pauses in what is kept; None without a measurement."""
        with self._lock:
            self._settle()
            first = self._first()
            pauses = [paused for number, paused in self._pauses.items() if number >= first]
            is_empty = not self._times
        return None if is_empty else fsum(pauses)

    # For holders of the lock

    def _settle(self) -> None:
        """Empty the inbox; other threads may append to it meanwhile."""
        inbox = self._inbox
        count = len(inbox)
        if count:
            arrived = inbox[:count]
            del inbox[:count]
            self._times.fromlist(arrived)
        # Dropping from the front moves the rest: done once for an eighth of a window it costs
        # little, and a measurement takes 9 bytes at most.
        if self._max_times is not None and len(self._times) > self._max_times * 9 // 8:
            self._trim()

    def _count(self) -> int:
        """Count what the window shows."""
        return min(len(self._times), self._max_times or sys.maxsize)

    def _first(self) -> int:
        """Give the number of the oldest that the window shows."""
        return self._dropped + len(self._times) - self._count()

    def _trim(self) -> None:
        """Drop what is older than the window."""
        self._drop(len(self._times) - self._count())

    def _drop(self, count: int) -> None:
        """Drop so many of the oldest."""
        if count:
            del self._times[:count]
            self._dropped += count
            self._pauses = {
                number: paused for number, paused in self._pauses.items() if number >= self._dropped
            }

    def _copied(self) -> tuple[int, array[float], dict[int, float]]:
        """Copy what the window shows: the first number, the durations, the pauses by number."""
        with self._lock:
            self._settle()
            first = self._first()
            pauses = {number: paused for number, paused in self._pauses.items() if number >= first}
            return first, self._times[first - self._dropped :], pauses


def _checked_max_times(max_times: int | None) -> int | None:
    """Give ``max_times`` back as an int or None, or raise what `Measurements.resize` says."""
    if max_times is None:
        return None
    try:
        checked = operator.index(max_times)
    except TypeError:
        raise TypeError(
            "max_times must be a whole number, 1 or more, or None to keep all; "
            f"got {max_times!r} ({type(max_times).__name__})"
        ) from None
    if checked < 1:
        raise ValueError(f"max_times must be 1 or more, or None to keep all; got {max_times!r}")
    return checked
