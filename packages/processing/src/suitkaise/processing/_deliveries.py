"""Runs what users hang on Futures, in a thread of its own.

The I/O thread must not: a callback is users' code, which may block for ever, and so may the event
of `concurrent.futures.wait` (see `_notice`). There is no thread before the first callback. While
one is stuck in a callback and others wait for their turn, another thread goes on.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._supervisor import Supervisor

_PATIENCE = 0.1  # seconds that what waits its turn waits for those who are stuck


class Deliveries:
    """Owns the threads. `put` is called in the I/O thread."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Have no threads: in a process that was just forked they are not here."""
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._has_thread = False
        self._is_watched = False
        self._taken = 0  # calls that threads have begun; roughly, it only shows that they move

    def put(self, call: Callable[[], None], supervisor: Supervisor) -> None:
        """Have it called soon; it must not raise."""
        self._calls.put(call)
        if not self._has_thread:
            self._hire()
        if not self._is_watched:
            self._watch(supervisor)

    def _hire(self) -> None:
        thread = threading.Thread(target=self._serve, name="suitkaise-callbacks", daemon=True)
        with contextlib.suppress(RuntimeError):  # no room for a thread: `_watch` tries again
            thread.start()
            self._has_thread = True

    def _watch(self, supervisor: Supervisor) -> None:
        self._is_watched = True
        taken = self._taken

        def look() -> None:
            self._is_watched = False
            if self._calls.qsize():
                if self._taken == taken:
                    self._hire()
                self._watch(supervisor)

        supervisor.call_at(time.monotonic() + _PATIENCE, look)

    def _serve(self) -> None:
        while True:
            call = self._calls.get()
            self._taken += 1
            call()
            del call


deliveries = Deliveries()
os.register_at_fork(after_in_child=deliveries.begin_anew)
