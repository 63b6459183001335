"""The engine: this process's supervisor and launcher, made at the first use.

It ends with the interpreter, and the children end with it. A process forked from this one (by
`os.fork`, by `multiprocessing`) shares nothing with it: it makes an engine of its own.
"""

from __future__ import annotations

import atexit
import itertools
import os
import socket
import threading

from ._children import Child, Owner
from ._launcher import Launcher
from ._messages import Start
from ._page import create_page
from ._platform import ensure_supported
from ._supervisor import Supervisor


class Engine:
    """Starts children."""

    def __init__(self) -> None:
        ensure_supported()
        self.supervisor = Supervisor()
        self.supervisor.start()
        self._lock = threading.RLock()  # guards the launcher
        self._launcher: Launcher | None = None
        self._numbers = itertools.count(1)

    def launch(self, start: Start, owner: Owner) -> Child:
        """Start a child and send it its first message; returns before it runs.

        Raises:
            OSError: If there are no descriptors, memory or processes left to do so.
        """
        for _ in range(2):  # the server may have been killed unnoticed
            launcher = self._living_launcher()
            child = self._fork(launcher, owner)
            if child is not None:
                child.send(start)
                return child
        raise OSError("the server that launches processes was killed twice in a row")

    def close(self) -> None:
        """End the server and all children; waits until the server has ended."""
        with self._lock:
            launcher, self._launcher = self._launcher, None
        if launcher is not None:
            launcher.close()
        self.supervisor.stop()

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

    def _fork(self, launcher: Launcher, owner: Owner) -> Child | None:
        """Have a child forked; None if the server turns out to be gone."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                page, page_descriptor = create_page()
            except BaseException:
                ours.close()
                raise
            child = Child(next(self._numbers), owner, launcher, self.supervisor, ours, page)
            try:
                if launcher.fork(child, theirs.fileno(), page_descriptor):
                    return child
                child.release()
                return None
            except BaseException:  # Ctrl-C: nobody will ever own this child
                child.kill()
                raise
            finally:
                os.close(page_descriptor)


class _Slot:
    """Owns the engine of this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._engine: Engine | None = None

    def get(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = Engine()
            return self._engine

    def close(self) -> None:
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
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
