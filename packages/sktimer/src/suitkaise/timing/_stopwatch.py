"""One running measurement, and the ones that a thread has running.

Pure: the time is handed in as ``now`` (float seconds of any monotonic clock).
"""

from __future__ import annotations

import threading


class Stopwatch:
    """A measurement that has begun and not ended.

    It belongs to the thread that began it and needs no lock.
    """

    __slots__ = ("_begun", "_pause_begun", "_paused")

    def __init__(self, now: float) -> None:
        self._begun = now
        self._paused = 0.0
        """Seconds spent in pauses that have ended."""
        self._pause_begun: float | None = None
        """When the present pause began; None while running."""

    @property
    def is_paused(self) -> bool:
        """Whether the measurement is paused."""
        return self._pause_begun is not None

    def pause(self, now: float) -> None:
        """Stop counting at ``now``; a second pause changes nothing."""
        if self._pause_begun is None:
            self._pause_begun = now

    def resume(self, now: float) -> None:
        """Count again from ``now``; without a pause it changes nothing."""
        if self._pause_begun is not None:
            self._paused += now - self._pause_begun
            self._pause_begun = None

    def read(self, now: float) -> tuple[float, float]:
        """Give the seconds measured and the seconds paused, up to ``now``."""
        paused = self._paused
        if self._pause_begun is not None:
            paused += now - self._pause_begun
        # Subtracting a sum of pauses can leave a rounding error below zero.
        return max(0.0, now - self._begun - paused), paused

    def lap(self, now: float) -> tuple[float, float]:
        """Give what `read` gives, and begin again at ``now``; a pause goes on."""
        reading = self.read(now)
        self._begun = now
        self._paused = 0.0
        if self._pause_begun is not None:
            self._pause_begun = now
        return reading


class ThreadStopwatches(threading.local):
    """The calling thread's running measurements: each thread sees its own."""

    def __init__(self) -> None:
        self.nested: list[Stopwatch] = []
        """Outermost first: `stop` ends the last one."""

    def innermost(self, method: str) -> Stopwatch:
        """Give the running measurement that a method of the timer is about.

        Raises:
            RuntimeError: This thread has none; the message names ``method``.
        """
        if not self.nested:
            raise RuntimeError(
                f"Sktimer.{method}() without start(): this thread has no running measurement "
                "(each thread has its own); call start() first"
            )
        return self.nested[-1]
