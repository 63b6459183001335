"""The I/O thread: one for the whole parent process, however many children there are.

It waits on every descriptor at once and calls the handler of the one that is ready; it calls what
is due. Handlers never block and never run users' code: they move messages and complete futures.

    owns   the selector, the calls that are due
    reads  all channels, the servers' control sockets
    wakes  the threads that wait in `wait`, `result`, `listen` and the maps
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import selectors
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

_READ = selectors.EVENT_READ
_READ_WRITE = selectors.EVENT_READ | selectors.EVENT_WRITE

Handler = Callable[[int], None]  # receives the events that are ready


class Supervisor:
    """Runs handlers and due calls in its thread, from `start` to `stop`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.RLock()  # guards the selector's registrations and the calls
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._soon: deque[Callable[[], None]] = deque()
        self._is_stopping = False
        self._wakeup_read, self._wakeup_write = os.pipe()
        os.set_blocking(self._wakeup_read, False)
        os.set_blocking(self._wakeup_write, False)
        self._selector.register(self._wakeup_read, _READ, self._drain_wakeup)
        self._thread = threading.Thread(target=self._run, name="suitkaise-io", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the selector; waits for a second at most."""
        self._is_stopping = True
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(1.0)

    def abandon(self) -> None:
        """Close the descriptors, in a process forked from this one: the thread is not here."""
        self._close()

    def watch(self, descriptor: int, handler: Handler) -> None:
        """Call `handler` whenever the descriptor has something to read. From any thread."""
        with self._lock:
            self._selector.register(descriptor, _READ, handler)

    def watch_writable(self, descriptor: int, is_wanted: bool) -> None:
        """Call the descriptor's handler also when it can be written to. From any thread."""
        with self._lock, contextlib.suppress(KeyError):
            handler = self._selector.get_key(descriptor).data
            self._selector.modify(descriptor, _READ_WRITE if is_wanted else _READ, handler)

    def forget(self, descriptor: int, handler: Handler) -> None:
        """Stop watching; to be called before the descriptor is closed. From any thread.

        The handler must be given because the number of a closed descriptor is soon another's.
        """
        with self._lock, contextlib.suppress(KeyError):
            if self._selector.get_key(descriptor).data == handler:
                self._selector.unregister(descriptor)

    def call_at(self, deadline: float, call: Callable[[], None]) -> None:
        """Run `call` in the I/O thread once `time.monotonic()` has reached the deadline."""
        with self._lock:
            heapq.heappush(self._calls, (deadline, next(self._order), call))
        self._wake()

    def call_soon(self, call: Callable[[], None]) -> None:
        """Run `call` in the I/O thread, soon. From any thread, and without a lock.

        So it may be used where the garbage collector calls: the thread that it interrupts may hold
        any lock.
        """
        self._soon.append(call)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake anyway; closed: it has stopped
            os.write(self._wakeup_write, b"w")

    def _drain_wakeup(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup_read, 4096)

    def _run(self) -> None:
        while not self._is_stopping:
            for key, events in self._selector.select(self._until_next_call()):
                self._guard(key.data, events)
            while self._soon:
                self._guard(self._soon.popleft())
            while (call := self._next_due()) is not None:
                self._guard(call)
        self._close()

    def _close(self) -> None:
        self._selector.close()
        os.close(self._wakeup_read)
        descriptor, self._wakeup_write = self._wakeup_write, -1  # the number is soon another's
        os.close(descriptor)

    def _until_next_call(self) -> float | None:
        with self._lock:
            return max(0.0, self._calls[0][0] - time.monotonic()) if self._calls else None

    def _next_due(self) -> Callable[[], None] | None:
        with self._lock:
            if self._calls and self._calls[0][0] <= time.monotonic():
                return heapq.heappop(self._calls)[2]
            return None

    @staticmethod
    def _guard(handler: Callable[..., None], *arguments: int) -> None:
        """Run a handler; one that fails is our bug: show it, and keep all the others served."""
        try:
            handler(*arguments)
        except Exception:
            threading.excepthook(
                threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
            )
