"""Waiting for the I/O thread's news, in a way that no interrupt can spoil.

Ctrl-C raises between any two instructions of the main thread. In `threading.Condition`, and so in
`Event` and `Future`, those are Python code: interrupted there, a lock stays held for ever, and the
I/O thread with all its processes hangs on it. What the interpreter does in one instruction cannot
be interrupted half-way: taking or releasing one lock, an operation of a dict or a deque. This
module and the engine share nothing else between threads.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Protocol


class Wakeable(Protocol):
    """Something that wakes a thread."""

    def release(self) -> None:
        """Wake it. From any thread; does not block."""


class Watch:
    """Something to call, once, when something has come about."""

    __slots__ = ("call", "is_so")

    def __init__(self, is_so: Callable[[], object], call: Callable[[], None]) -> None:
        self.is_so = is_so
        self.call = call


class Notice:
    """Something that threads wait for. Who changes it calls `notify`; nobody holds a lock.

    Args:
        on_wait: Called when somebody begins to wait; must not block.

    Attributes:
        wakers: What `notify` wakes as well: threads that wait for something else at the same time
            put themselves in here, and take themselves out again.
    """

    def __init__(self, on_wait: Callable[[], None] | None = None) -> None:
        self._on_wait = on_wait
        self._waiters: dict[threading.Lock, None] = {}
        self.wakers: dict[Wakeable, None] = {}
        self._watches: dict[Watch, None] = {}

    def wait_for(self, is_so: Callable[[], object], timeout: float | None = None) -> bool:
        """Block until `is_so()`, which is asked again after each `notify`.

        Args:
            is_so: Whether it has come about.
            timeout: Seconds to wait at most; None: as long as it takes.

        Returns:
            Whether it has come about.
        """
        if is_so():
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        waiter = threading.Lock()
        waiter.acquire()
        self._waiters[waiter] = None
        if self._on_wait is not None:
            self._on_wait()
        try:
            while not is_so():
                left = -1.0 if deadline is None else deadline - time.monotonic()
                if deadline is not None and left <= 0:
                    return False
                waiter.acquire(timeout=min(left, threading.TIMEOUT_MAX))
            return True
        finally:
            self._waiters.pop(waiter, None)

    def watch(self, is_so: Callable[[], object], call: Callable[[], None]) -> Watch:
        """Have `call` made once `is_so()`: at once, or by the thread that notifies.

        Args:
            is_so: Whether it has come about; must not block.
            call: Must not block either, nor raise.
        """
        watch = Watch(is_so, call)
        self._watches[watch] = None
        if self._on_wait is not None:
            self._on_wait()
        self._look(watch)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """Have the call not made, if it has not been."""
        self._watches.pop(watch, None)

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits, other than the `wakers`."""
        return bool(self._waiters or self._watches)

    def wake(self) -> None:
        """Have the `wakers` look again. From any thread; does not block."""
        for waker in list(self.wakers):
            waker.release()

    def notify(self) -> None:
        """Have everybody who waits look again. From any thread; does not block."""
        if not (self.wakers or self._waiters or self._watches):
            return
        self.wake()
        for waiter in list(self._waiters):
            with contextlib.suppress(RuntimeError):  # it has been told already
                waiter.release()
        for watch in list(self._watches):
            self._look(watch)

    def _look(self, watch: Watch) -> None:
        # Of two threads that look at once, the one that takes it out makes the call.
        if watch.is_so() and self._watches.pop(watch, watch) is None:
            watch.call()
