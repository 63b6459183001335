"""The timeout of a section, from inside: an exception raised where the section is.

The kernel's interval timer sends SIGALRM, whose handler raises in the main thread: in Python code
at the next instruction, in a wait (`sleep`, `recv`, a lock) at once. Code that never comes back to
the interpreter is not stopped by it: then the parent ends the process, see `_skprocess`.
"""

from __future__ import annotations

import signal
from types import FrameType


class SectionExpired(BaseException):
    """Raised inside a section whose time is over; it passes `except Exception`."""


class SectionAlarm:
    """Raises `SectionExpired` in the main thread."""

    def __init__(self) -> None:
        self._is_armed = False

    def install(self) -> None:
        """Take over SIGALRM; in the main thread."""
        signal.signal(signal.SIGALRM, self._on_signal)

    def arm(self, seconds: float) -> None:
        """Raise once, after so many seconds."""
        self._is_armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def disarm(self) -> None:
        """Raise no more."""
        self._is_armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_armed:  # else it came while disarming
            raise SectionExpired
