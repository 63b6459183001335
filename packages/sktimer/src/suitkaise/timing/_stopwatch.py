"""One running measurement, and the ones that a thread has running.

Pure: the time is handed in as ``now`` (float seconds of any monotonic clock).
"""

from __future__ import annotations

import threading


class Stopwatch:
    """A measurement that has begun and not ended.

    It belongs to the thread, the block or the call that began it and needs no lock.
    """

    __slots__ = ("_pause_begun", "_paused", "begun")

    def __init__(self, now: float) -> None:
        self.begun = now
        """When it began, or the last lap did."""
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
        if not paused:
            return now - self.begun, 0.0
        # Subtracting a sum of pauses can leave a rounding error below zero.
        return max(0.0, now - self.begun - paused), paused

    def lap(self, now: float) -> tuple[float, float]:
        """Give what `read` gives, and begin again at ``now``; a pause goes on."""
        reading = self.read(now)
        self.begun = now
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
            raise not_running(method)
        return self.nested[-1]

    def end(self, method: str) -> Stopwatch:
        """Take the innermost measurement off and give it.

        Raises:
            RuntimeError: This thread has none; the message names ``method``.
        """
        nested = self.nested
        if not nested:
            raise not_running(method)
        return nested.pop()


def not_running(method: str) -> RuntimeError:
    return RuntimeError(
        f"Sktimer.{method}() without start(): this thread has no running measurement "
        "(each thread has its own); call start() first"
    )
