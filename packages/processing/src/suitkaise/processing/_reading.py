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
from typing import Any

from ._segments import Descriptor, is_scarce
from ._supervisor import Supervisor

_PATIENCE = 0.05  # seconds after the last call of `listen`


class Waker:
    """Has one thread wait for a channel, or for somebody who wakes it.

    Attributes:
        poll: Waits for milliseconds; returns the descriptors that are ready.
    """

    def __init__(self) -> None:
        self._wakeup = Descriptor(os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))
        self._poll = select.poll()
        self._poll.register(self._wakeup.number, select.POLLIN)
        self.poll = self._poll.poll
        self.reading: Reading | None = None  # whose channel is registered

    @property
    def descriptor(self) -> int:
        """What wakes it."""
        return self._wakeup.number

    def release(self) -> None:
        """Wake the thread. From any thread; does not block."""
        os.eventfd_write(self._wakeup.number, 1)

    def watch(self, reading: Reading) -> None:
        """Have `poll` wait for this reading's channel, too, and no other's."""
        if self.reading is not None:
            self._poll.unregister(self.reading.descriptor)
            self.reading = None
        self._poll.register(reading.descriptor, select.POLLIN)
        self.reading = reading


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
        is_for_listeners: Whether it can be lent; else it is the I/O thread's for good.
        listeners: Who waits, and is to be woken when there is news; the owner's.
    """

    def __init__(
        self, supervisor: Supervisor, descriptor: int, set_watched: Callable[[bool], None]
    ) -> None:
        self.descriptor = descriptor
        self._supervisor = supervisor
        self._set_watched = set_watched
        self.is_lent = False
        self.is_for_listeners = True
        self.listeners: dict[Any, None] = {}
        self._was_used = False  # since the last look
        self._is_looked_after = False  # a look is due

    def wait(self, waker: Waker, timeout: float | None, has_arrived: Callable[[], object]) -> bool:
        """Block until there is something to read, somebody wakes the thread, or time is over.

        The calling thread borrows the reading. Some time later the I/O thread takes it back, if
        nobody borrows it again.

        Args:
            waker: The calling thread's.
            timeout: Seconds; None: as long as it takes.
            has_arrived: Asked before: whether to return at once.

        Returns:
            Whether there may be something to read.
        """
        listeners = self.listeners
        listeners[waker] = None
        try:
            if not self.is_lent and self.is_for_listeners:
                self.is_lent = True
                self._supervisor.call_soon(self._carry_out)
            if has_arrived():
                return True
            if waker.reading is not self:
                waker.watch(self)
            is_readable = False
            for descriptor, _ in waker.poll(None if timeout is None else timeout * 1000):
                if descriptor == self.descriptor:
                    is_readable = True
                else:
                    os.eventfd_read(descriptor)
            return is_readable
        finally:
            listeners.pop(waker, None)
            self._was_used = True
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
        self.is_for_listeners = False
        self.is_lent = False
        self._supervisor.call_soon(self._carry_out)

    # -- in the I/O thread

    def _carry_out(self) -> None:
        self._set_watched(not self.is_lent)

    def _look_later(self) -> None:
        self._supervisor.call_at(time.monotonic() + _PATIENCE, self._look)

    def _look(self) -> None:
        self._is_looked_after = False
        if self.is_lent and not self.listeners:
            if self._was_used:
                self._was_used = False
                self._is_looked_after = True
                self._look_later()
            else:
                self.take_back()
