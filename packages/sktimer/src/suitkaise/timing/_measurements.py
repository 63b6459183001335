"""What a timer has measured: the latest durations, and the pauses in them."""

from __future__ import annotations

import operator
import sys
import threading
from array import array
from math import fsum
from typing import Any


class Measurements:
    """Durations in float seconds, oldest first, behind a lock.

    The lock is held for one append, or for one copy of what is kept; nothing else happens
    under it.
    """

    def __init__(self, max_times: int | None) -> None:
        self._max_times = _checked_max_times(max_times)
        self._times: array[float] = array("d")
        """Up to twice as long as the window of `max_times`: see `record`."""
        self._pauses: dict[int, float] = {}
        """Seconds paused, by the index in `_times`; most measurements have none."""
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            self._trim()
            return {
                "max_times": self._max_times,
                "times": self._times[:],
                "pauses": self._pauses.copy(),
            }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._max_times = state["max_times"]
        self._times = state["times"]
        self._pauses = state["pauses"]
        self._lock = threading.Lock()

    @property
    def max_times(self) -> int | None:
        """How many of the latest are kept; None for all."""
        return self._max_times

    def record(self, elapsed: float, paused: float) -> None:
        """Keep a measurement; runs several times in each iteration of a process."""
        with self._lock:
            times = self._times
            times.append(elapsed)
            if paused:
                self._pauses[len(times) - 1] = paused
            # Dropping from the front moves the rest: done once in a window it costs little.
            if self._max_times is not None and len(times) >= 2 * self._max_times:
                self._trim()

    def count(self) -> int:
        """Count what is kept."""
        with self._lock:
            return self._count()

    def get(self, index: int) -> float | None:
        """Give one duration, as a list would; None if there is no such one."""
        with self._lock:
            count = self._count()
            if not -count <= index < count:
                return None
            return self._times[index if index < 0 else index - count]

    def kept(self) -> tuple[array[float], float]:
        """Copy the durations and add up the pauses in them."""
        with self._lock:
            first = len(self._times) - self._count()
            paused = fsum(paused for index, paused in self._pauses.items() if index >= first)
            return self._times[first:], paused

    def resize(self, max_times: int | None) -> None:
        """Keep so many from now on, and drop older ones at once.

        Raises:
            ValueError: ``max_times`` is below 1; nothing changed.
            TypeError: ``max_times`` is not a whole number; nothing changed.
        """
        checked = _checked_max_times(max_times)
        with self._lock:
            # What fell out of the old window must not come back into a wider one.
            self._trim()
            self._max_times = checked
            self._trim()

    def clear(self) -> None:
        """Forget all of them; `max_times` stays."""
        with self._lock:
            self._times = array("d")
            self._pauses = {}

    def _count(self) -> int:
        """Count what the window shows; the caller holds the lock."""
        return min(len(self._times), self._max_times or sys.maxsize)

    def _trim(self) -> None:
        """Drop what is older than the window; the caller holds the lock."""
        surplus = len(self._times) - self._count()
        if surplus:
            del self._times[:surplus]
            self._pauses = {
                index - surplus: paused
                for index, paused in self._pauses.items()
                if index >= surplus
            }


def _checked_max_times(max_times: int | None) -> int | None:
    """Give ``max_times`` back as an int or None, or raise what `Measurements.resize` says."""
    if max_times is None:
        return None
    checked = operator.index(max_times)
    if checked < 1:
        raise ValueError(f"max_times must be 1 or more, or None to keep all; got {max_times!r}")
    return checked
