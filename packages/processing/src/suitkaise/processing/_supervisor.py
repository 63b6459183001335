"""The I/O thread: one for the whole parent process, however many children there are.

It waits on every descriptor at once and calls the handler of the one that is ready; it calls what
is due. It alone touches the selector; other threads hand it what to do (`call_soon`). Handlers
never block and never run users' code: they move messages, and wake who waits for them.

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

_STOP_GRACE = 1.0

Handler = Callable[[int], None]  # receives the events that are ready


class DueCall:
    """A call that is due at some time, unless it is cancelled before."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Forget the call, and all that it refers to."""
        self._call = None

    def __call__(self) -> None:
        if self._call is not None:
            self._call()


class Supervisor:
    """Runs handlers and due calls in its thread, from `start` to `stop`."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._resting: dict[int, Handler] = {}  # descriptors that are watched for nothing just now
        self._calls: list[tuple[float, int, DueCall]] = []
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

    @property
    def is_running(self) -> bool:
        """Whether the thread serves."""
        return not self._is_stopping

    @property
    def is_current(self) -> bool:
        """Whether it is the I/O thread that asks."""
        return threading.current_thread() is self._thread

    def stop(self) -> None:
        """End the thread and close the selector; waits for a second at most."""
        self.call_soon(self._stop)
        if threading.current_thread() is not self._thread:
            self._thread.join(_STOP_GRACE)

    def _stop(self) -> None:
        self._is_stopping = True

    def abandon(self) -> None:
        """Close the descriptors, in a process forked from this one: the thread is not here."""
        self._close()

    def watch(self, descriptor: int, handler: Handler) -> None:
        """Call `handler` whenever the descriptor has something to read. From any thread."""
        if threading.current_thread() is self._thread:
            self._watch(descriptor, handler)  # else what it asks for next came too soon
        else:
            self.call_soon(lambda: self._watch(descriptor, handler))

    def watch_writable(self, descriptor: int, handler: Handler, is_wanted: bool) -> None:
        """Call the handler also when the descriptor can be written to. From any thread."""
        if threading.current_thread() is self._thread:
            self._change(descriptor, handler, selectors.EVENT_WRITE, is_wanted)
        else:
            self.call_soon(
                lambda: self._change(descriptor, handler, selectors.EVENT_WRITE, is_wanted)
            )

    def watch_readable(self, descriptor: int, handler: Handler, is_wanted: bool) -> None:
        """Call the handler when there is something to read, or leave that. In the I/O thread."""
        self._change(descriptor, handler, _READ, is_wanted)

    def watch_writing(self, descriptor: int, handler: Handler) -> None:
        """Call `handler` whenever the descriptor can be written to, and only then."""
        self.call_soon(lambda: self._watch(descriptor, handler, selectors.EVENT_WRITE))

    def forget(self, descriptor: int, handler: Handler, close: Callable[[], None]) -> None:
        """Stop watching, then close the descriptor: its number is soon another's. From any thread.

        Args:
            descriptor: What was watched.
            handler: Its handler.
            close: Closes it, in the I/O thread.
        """
        if self._is_stopping:
            close()
        else:  # in the I/O thread too: a `watch` may be on its way that came before
            self.call_soon(lambda: self._forget(descriptor, handler, close))

    def call_at(self, deadline: float, call: Callable[[], None]) -> DueCall:
        """Run `call` in the I/O thread once `time.monotonic()` has reached the deadline."""
        due = DueCall(call)
        self.call_soon(lambda: heapq.heappush(self._calls, (deadline, next(self._order), due)))
        return due

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
        with contextlib.suppress(OSError):
            os.read(self._wakeup_read, 4096)

    def _run(self) -> None:
        while not self._is_stopping:
            try:
                ready = self._selector.select(self._until_next_call())
            except OSError:  # the program has closed our descriptors
                ready = [(key, _READ) for key in self._selector.get_map().values()]
                self._is_stopping = True
            for key, events in ready:
                self._guard(key.data, events)
            while self._soon:
                self._guard(self._soon.popleft())
            while self._calls and self._calls[0][0] <= time.monotonic():
                self._guard(heapq.heappop(self._calls)[2])
        while self._soon:
            self._guard(self._soon.popleft())
        self._close()

    def _watch(self, descriptor: int, handler: Handler, events: int = _READ) -> None:
        self._selector.register(descriptor, events, handler)

    def _change(self, descriptor: int, handler: Handler, event: int, is_wanted: bool) -> None:
        events = self._events_of(descriptor, handler)
        if events is None:
            return
        wanted = events | event if is_wanted else events & ~event
        if wanted == events:
            return
        if not events:
            del self._resting[descriptor]
            self._selector.register(descriptor, wanted, handler)
        elif not wanted:
            self._selector.unregister(descriptor)
            self._resting[descriptor] = handler
        else:
            self._selector.modify(descriptor, wanted, handler)

    def _forget(self, descriptor: int, handler: Handler, close: Callable[[], None]) -> None:
        events = self._events_of(descriptor, handler)
        if events == 0:
            del self._resting[descriptor]
        elif events is not None:
            with contextlib.suppress(OSError):  # closed by somebody else
                self._selector.unregister(descriptor)
        close()

    def _events_of(self, descriptor: int, handler: Handler) -> int | None:
        """What the descriptor is watched for; 0: for nothing just now, None: it is not ours."""
        if self._resting.get(descriptor) == handler:
            return 0
        keys = self._selector.get_map()  # None once the selector is closed
        key = keys.get(descriptor) if keys else None
        return key.events if key is not None and key.data == handler else None

    def _close(self) -> None:
        self._selector.close()
        descriptor, self._wakeup_write = self._wakeup_write, -1  # the number is soon another's
        for end in (self._wakeup_read, descriptor):
            with contextlib.suppress(OSError):  # closed by somebody else
                os.close(end)

    def _until_next_call(self) -> float | None:
        return max(0.0, self._calls[0][0] - time.monotonic()) if self._calls else None

    @staticmethod
    def _guard(handler: Callable[..., None], *arguments: int) -> None:
        """Run a handler; one that fails is our bug: show it, and keep all the others served."""
        try:
            handler(*arguments)
        except Exception:
            threading.excepthook(
                threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
            )
