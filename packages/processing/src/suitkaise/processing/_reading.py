"""Who reads the channel of a child: the I/O thread, or the thread that waits in `listen`.

A message that goes through the I/O thread wakes two threads, one after the other, and they contend
for the interpreter's lock. So a thread that listens, if nobody else waits for news of the process,
borrows the reading: it waits for the channel itself. The I/O thread takes the reading back when
somebody waits for anything else, or when nobody has listened for a while: a child must not find its
channel full because nobody reads.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable

from ._segments import Descriptor, is_scarce
from ._supervisor import Supervisor

_PATIENCE = 0.05  # seconds after the last call of `listen`


class Waker:
    """Has one thread wait for a channel, or for somebody who wakes it."""

    def __init__(self) -> None:
        self._wakeup = Descriptor(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))
        self._poll = select.poll()
        self._poll.register(self._wakeup.number, select.POLLIN)
        self._reading: Reading | None = None  # whose channel is registered

    @property
    def descriptor(self) -> int:
        """What wakes it."""
        return self._wakeup.number

    def release(self) -> None:
        """Wake the thread. From any thread; does not block."""
        os.eventfd_write(self._wakeup.number, 1)

    def wait(self, reading: Reading, timeout: float | None) -> bool:
        """Block until there is something to read, somebody wakes the thread, or time is over.

        Returns:
            Whether there may be something to read.
        """
        if self._reading is not reading:
            if self._reading is not None:
                self._poll.unregister(self._reading.descriptor)
                self._reading = None
            self._poll.register(reading.descriptor, select.POLLIN)
            self._reading = reading
        is_readable = False
        for descriptor, _ in self._poll.poll(None if timeout is None else timeout * 1000):
            if descriptor == reading.descriptor:
                is_readable = True
            else:
                os.eventfd_read(descriptor)
        return is_readable


class _OfThread(threading.local):
    waker: Waker | None = None


_of_thread = _OfThread()


def waker_of_this_thread() -> Waker | None:
    """Return what this thread waits with; None without eventfd, or while descriptors are scarce."""
    if _of_thread.waker is None and hasattr(os, "eventfd"):
        with contextlib.suppress(OSError):
            waker = Waker()
            if not is_scarce(waker.descriptor):
                _of_thread.waker = waker
    return _of_thread.waker


class Reading:
    """The reading of one channel, and who has it.

    Args:
        supervisor: Whose thread has it at first.
        descriptor: The channel's.
        set_watched: Has the I/O thread watch the channel, or leave it; called in that thread.

    Attributes:
        descriptor: The channel's.
        is_lent: Whether it is for the thread that listens to read.
    """

    def __init__(
        self, supervisor: Supervisor, descriptor: int, set_watched: Callable[[bool], None]
    ) -> None:
        self.descriptor = descriptor
        self._supervisor = supervisor
        self._set_watched = set_watched
        self.is_lent = False
        self._is_over = False  # it is the I/O thread's for good
        self._listeners: dict[Waker, None] = {}
        self._was_used = False  # since the last look
        self._is_looked_after = False  # a look is due

    def borrow(self, waker: Waker) -> bool:
        """Let the calling thread read, until it gives the reading `back`; False if it cannot."""
        if self._is_over:
            return False
        self._listeners[waker] = None
        if not self.is_lent:
            self.is_lent = True
            self._supervisor.call_soon(self._carry_out)
        return True

    def back(self, waker: Waker) -> None:
        """Have the I/O thread take the reading back some time, if nobody borrows it again."""
        self._was_used = True
        self._listeners.pop(waker, None)
        if not self._is_looked_after:
            self._is_looked_after = True
            self._supervisor.call_soon(self._look_later)

    def take_back(self) -> None:
        """Have the I/O thread read from now on. From any thread."""
        if self.is_lent:
            self.is_lent = False
            self._supervisor.call_soon(self._carry_out)

    def end(self) -> None:
        """Have the I/O thread read what is left, and lend it no more. From any thread."""
        self._is_over = True
        self.is_lent = False
        self._supervisor.call_soon(self._carry_out)

    # -- in the I/O thread

    def _carry_out(self) -> None:
        self._set_watched(not self.is_lent)

    def _look_later(self) -> None:
        self._supervisor.call_at(time.monotonic() + _PATIENCE, self._look)

    def _look(self) -> None:
        self._is_looked_after = False
        if self.is_lent and not self._listeners:
            if self._was_used:
                self._was_used = False
                self._is_looked_after = True
                self._look_later()
            else:
                self.take_back()
