"""The engine: this process's supervisor and launcher, made at the first use.

It ends with the interpreter, and the children end with it. A process forked from this one (by
`os.fork`, by `multiprocessing`) shares nothing with it: it makes an engine of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import socket
import threading
from collections.abc import Callable

from ._children import Child, Owner
from ._launcher import Launcher
from ._logs import LogThread
from ._messages import Start
from ._page import WORKER_BYTES, create_page
from ._platform import PACKETS, PAGE_BYTES, ensure_supported, occupy_standard_descriptors
from ._segments import Descriptor
from ._supervisor import Supervisor


class Engine:
    """Starts children."""

    def __init__(self) -> None:
        ensure_supported()
        occupy_standard_descriptors()
        self.supervisor = Supervisor()
        self.supervisor.start()
        self._logs = LogThread()
        self._lock = threading.RLock()  # guards the launcher
        self._launcher: Launcher | None = None
        self._numbers = itertools.count(1)

    def launch(self, start: Start, owner: Owner, adopt: Callable[[Child], None]) -> None:
        """Start a child and send it its first message; returns before it runs.

        If this raises, Ctrl-C included, no child of it is left.

        Args:
            start: The first message.
            owner: Who is told of its messages and its end.
            adopt: Called with the child before there is a process, so that it is never nobody's.

        Raises:
            OSError: If there are no descriptors, memory or processes left to do so.
        """
        for _ in range(2):  # the server may have been killed unnoticed
            if self._fork(self._living_launcher(), start, owner, adopt):
                return
        raise OSError("the server that launches processes was killed twice in a row")

    def close(self) -> None:
        """End the server and all children; waits until the server has ended."""
        with self._lock:
            launcher, self._launcher = self._launcher, None
        if launcher is not None:
            launcher.close()
        self.supervisor.stop()
        self._logs.finish()

    def abandon(self) -> None:
        """Let go of everything, in a process forked from this one."""
        if self._launcher is not None:
            self._launcher.abandon()
        self.supervisor.abandon()

    def _living_launcher(self) -> Launcher:
        with self._lock:
            if self._launcher is None or self._launcher.is_lost:
                self._launcher = Launcher(self.supervisor)
            return self._launcher

    def _fork(
        self, launcher: Launcher, start: Start, owner: Owner, adopt: Callable[[Child], None]
    ) -> bool:
        """Have a child forked; False if the server turns out to be gone."""
        # A worker is told nothing, and one read of a stream takes many frames.
        kind = PACKETS if start.role == "process" else socket.SOCK_STREAM
        ours, theirs = socket.socketpair(type=kind)
        page_descriptor = -1
        with theirs:
            try:
                try:
                    size = WORKER_BYTES if start.role == "worker" else PAGE_BYTES
                    page, page_descriptor = create_page(size)
                except BaseException:
                    ours.close()
                    raise
                child = Child(
                    next(self._numbers), owner, launcher, self.supervisor, ours, page, self._logs
                )
                try:
                    if start.lives > 1:
                        child.memory = Descriptor(os.dup(page_descriptor))
                    adopt(child)
                    child.watch()
                    if launcher.fork(child, theirs.fileno(), page_descriptor):
                        child.send(start)
                        return True
                    child.release()
                    return False
                except BaseException:  # Ctrl-C
                    child.discard()
                    raise
            finally:
                if page_descriptor >= 0:
                    os.close(page_descriptor)


class _Slot:
    """Owns the engine of this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._engine: Engine | None = None

    def get(self) -> Engine:
        with self._lock:
            if self._engine is None or not self._engine.supervisor.is_running:
                self._engine = Engine()
            return self._engine

    def close(self) -> None:
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            # A second Ctrl-C asks for the end that is already on its way: it needs no traceback.
            with contextlib.suppress(KeyboardInterrupt):
                engine.close()

    def forget_after_fork(self) -> None:
        self._lock = threading.RLock()  # another thread may have held it at the fork
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.abandon()


_slot = _Slot()
atexit.register(_slot.close)  # at the import: what a program registers later still finds children
os.register_at_fork(after_in_child=_slot.forget_after_fork)


def engine() -> Engine:
    """Return this process's engine; the first call starts its I/O thread."""
    return _slot.get()
