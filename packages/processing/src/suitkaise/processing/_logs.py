"""The records of children, handled in their parent.

    I/O thread                             log thread
    PendingRecords.add --> [one queue for all] --> logging.getLogger(name).handle(record)
    PendingRecords.after_records <-- what waited, once the records before it have been handled

Handlers are users' code, so they do not run in the I/O thread. The log thread starts with the first
record that comes. What ends a process or a chunk of items waits behind the records made before it:
whoever has `wait()`, `result()` or a map behind him finds them handled.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ._log_records import unpack
from ._messages import Logged

if TYPE_CHECKING:
    from ._supervisor import DueCall, Supervisor

GRACE = 5.0  # seconds that handlers may keep an ending waiting


class LogThread:
    """Hands records to the loggers of this process, in the order in which they came."""

    def __init__(self) -> None:
        self._records: queue.SimpleQueue[tuple[PendingRecords, Logged] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, backlog: PendingRecords, logged: Logged) -> None:
        """Take a record; in the I/O thread."""
        self._records.put((backlog, logged))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="suitkaise-logs", daemon=True)
            self._thread.start()

    def finish(self) -> None:
        """Wait until all records have been handled, and end; for a few seconds at most."""
        thread = self._thread
        self._records.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join(GRACE)

    def _run(self) -> None:
        while (entry := self._records.get()) is not None:
            backlog, logged = entry
            try:
                record = unpack(logged)
                logging.getLogger(record.name).handle(record)
            except BaseException:  # a filter of the user's, say: the next record is another matter
                threading.excepthook(
                    threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
                )
            backlog.note_handled()
            del entry, backlog, logged


class PendingRecords:
    """The records of one child that wait to be handled, and the calls that wait behind them."""

    def __init__(self, logs: LogThread, supervisor: Supervisor) -> None:
        self._logs = logs
        self._supervisor = supervisor
        self._handled = 0  # written by the log thread, all others by the I/O thread
        self._taken = 0
        self._is_given_up = False  # handlers hang: nothing waits until they go on
        self._waiting: deque[tuple[int, Callable[[], None]]] = deque()
        self._due: DueCall | None = None

    def add(self, logged: Logged) -> None:
        """Take a record."""
        self._taken += 1
        self._logs.put(self, logged)

    def after_records(self, call: Callable[[], None]) -> None:
        """Make a call in the I/O thread, once the records so far have been handled."""
        if self._handled == self._taken:
            self._is_given_up = False
        if not self._waiting and (self._is_given_up or self._handled == self._taken):
            call()
            return
        self._waiting.append((self._taken, call))
        if self._due is None:
            self._due = self._supervisor.call_at(time.monotonic() + GRACE, self._give_up)
        self._release()  # the log thread may have looked before there was anything to see

    def note_handled(self) -> None:
        """Count a record as handled; in the log thread."""
        self._handled += 1
        if self._waiting:
            self._supervisor.call_soon(self._release)

    def _give_up(self) -> None:
        self._is_given_up = True
        self._release()

    def _release(self) -> None:
        while self._waiting and (self._is_given_up or self._handled >= self._waiting[0][0]):
            self._waiting.popleft()[1]()
        if not self._waiting and self._due is not None:
            self._due.cancel()
            self._due = None
