"""The timeout of a section, from inside: an exception raised where the section is.

The kernel's interval timer sends SIGALRM, whose handler raises in the main thread: in Python code
at the next instruction, in a wait (`sleep`, `recv`, a lock) at once. Code that never comes back to
the interpreter is not stopped by it: then the parent ends the process, see `_skprocess`.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class SectionExpired(BaseException):
    """Raised inside a section whose time is over; it passes `except Exception`."""


class SectionAlarm:
    """Raises `SectionExpired` in the main thread. As a context manager it holds the alarm back.

    It is held back while a frame is being moved: cut in two, it would garble the channel.
    """

    def __init__(self) -> None:
        self._main_thread = threading.main_thread().ident
        self._is_armed = False
        self._held = 0
        self._is_pending = False

    def install(self) -> None:
        """Take over SIGALRM; in the main thread."""
        signal.signal(signal.SIGALRM, self._on_signal)

    def arm(self, seconds: float) -> None:
        """Raise once, after so many seconds."""
        self._is_pending = False
        self._is_armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def disarm(self) -> None:
        """Raise no more."""
        self._is_armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self._is_armed:  # it came while disarming
            return
        if self._held:
            self._is_pending = True
        else:
            raise SectionExpired

    def __enter__(self) -> None:
        if threading.get_ident() == self._main_thread:
            self._held += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if threading.get_ident() == self._main_thread:
            self._held -= 1
            if self._is_pending and not self._held:
                self._is_pending = False
                if self._is_armed:
                    raise SectionExpired
