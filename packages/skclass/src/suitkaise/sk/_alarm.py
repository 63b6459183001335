"""Timeouts without a thread: the kernel's interval timer, in the main thread.

The signal's handler raises `Expired` where the call is: in Python code at the next instruction, in
a wait (`sleep`, `recv`, a lock) at once. There is one such timer in a process, and somebody else
may be using it (a test's deadline, an outer call with a timeout of its own), so an alarm rings for
whoever comes first and puts things back as they were.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from suitkaise.sk._expired import Expired

R = TypeVar("R")
_SOON = 1e-6  # seconds; zero would switch the timer off


def is_usable() -> bool:
    """Whether the calling thread can be interrupted by an alarm."""
    return (
        hasattr(signal, "setitimer")
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGALRM) is not None  # None: taken by other than Python code
    )


def call_with_alarm(call: Callable[[], R], seconds: float, error: Exception) -> R:
    """Call it in the calling thread, where `is_usable`; raises `error` if it takes longer."""
    alarm = _Alarm(seconds)
    try:
        alarm.set()
        try:
            return call()
        finally:
            alarm.is_over = True
    except Expired as expired:
        if expired.args == (alarm,):
            raise error from None
        raise
    finally:
        alarm.put_back()


class _Alarm:
    """One use of the timer, and what was there before."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._deadline = time.monotonic() + seconds
        self._outer_handler: Any = None
        self._outer_deadline: float | None = None
        self._outer_interval = 0.0

    def set(self) -> None:
        self._outer_handler = signal.signal(signal.SIGALRM, self._ring)
        remaining, self._outer_interval = signal.setitimer(signal.ITIMER_REAL, 0)
        if remaining:
            self._outer_deadline = time.monotonic() + remaining
        self._wind()

    def put_back(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._outer_handler)
        if self._outer_deadline is not None:
            remaining = max(self._outer_deadline - time.monotonic(), _SOON)
            signal.setitimer(signal.ITIMER_REAL, remaining, self._outer_interval)

    def _wind(self) -> None:
        """Have the timer ring for whoever comes first."""
        deadlines = [at for at in (self._deadline, self._outer_deadline) if at is not None]
        signal.setitimer(signal.ITIMER_REAL, max(min(deadlines) - time.monotonic(), _SOON))

    def _ring(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._outer_deadline is not None and now >= self._outer_deadline:
            self._outer_deadline = now + self._outer_interval if self._outer_interval else None
            self._wind()
            if callable(self._outer_handler):
                self._outer_handler(number, frame)
        if now >= self._deadline:
            if not self.is_over:
                raise Expired(self)
        else:
            self._wind()
