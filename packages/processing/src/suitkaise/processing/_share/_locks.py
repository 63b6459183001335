"""Locks that all members of a Share have in common, and that die with their holder.

A POSIX record lock on a byte of a file belongs to a process: the kernel frees it when the process
ends, however it ends, and a fork does not inherit it. It says nothing to the threads of one
process, so each has a lock for threads before it. Closing *any* descriptor of the file frees all
locks that the process holds on it: there is exactly one, nothing is ever mapped from it, and it is
closed last.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from fcntl import LOCK_EX, LOCK_UN, lockf
from types import TracebackType

_HEAP, _USER = 0, 1
_FIRST = 16
_RETRY = 0.002
_PATIENCE = 10.0


def hold(descriptor: int, byte: int, name: str = "the log of a Share") -> None:
    """Wait for a byte of a lock file, and take it for this process.

    The caller has a lock of its threads, and calls this inside the `try` whose `finally` lets go:
    an interrupt may come between any two instructions.

    Raises:
        RuntimeError: This process waits for another that waits for this one.
    """
    give_up = None
    while True:
        try:
            lockf(descriptor, LOCK_EX, 1, byte)
            return
        except OSError as error:
            if error.errno != errno.EDEADLK:
                raise
            # The kernel knows processes only: what looks like a circle of them may be none of
            # their threads. If it is one, it stays.
            give_up = give_up or time.monotonic() + _PATIENCE
            if time.monotonic() > give_up:
                raise RuntimeError(
                    f"deadlock: this process waits for {name}, whose holder waits for a "
                    "lock that this process holds; take locks in the same order everywhere"
                ) from error
            time.sleep(_RETRY)


class ByteLock:
    """A lock for threads and processes alike; one thread may take it more than once.

    Args:
        descriptor: The lock file.
        byte: Which of its bytes.
        name: What it guards, for the error.
    """

    def __init__(self, descriptor: int, byte: int, name: str) -> None:
        self._descriptor = descriptor
        self._byte = byte
        self._name = name
        self.renew()

    def renew(self) -> None:
        """Be held by no thread: at the beginning, and after a fork."""
        self._threads = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            if not self._depth:
                hold(self._descriptor, self._byte, self._name)
            self._depth += 1
        except BaseException:
            if not self._depth:
                lockf(self._descriptor, LOCK_UN, 1, self._byte)
            self._threads.release()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._depth -= 1
        try:
            if not self._depth:
                lockf(self._descriptor, LOCK_UN, 1, self._byte)
        finally:
            self._threads.release()


class Locks:
    """The lock file of one Share, in one process.

    Attributes:
        descriptor: The only one of the file.
        heap: Held while blocks are taken and given back.
        user: What `share.lock()` takes.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.heap = ByteLock(descriptor, _HEAP, "the memory of the Share")
        self.user = ByteLock(descriptor, _USER, "share.lock()")

    @staticmethod
    def log_byte(slot: int) -> int:
        """Return the byte that guards an attribute's log."""
        return _FIRST + 2 * slot

    def turn(self, slot: int) -> ByteLock:
        """Return the lock that who changes an object in many steps holds."""
        return ByteLock(self.descriptor, _FIRST + 2 * slot + 1, "its turn to change an object")

    def close(self) -> None:
        """Let go of the file, and so of all locks of this process."""
        os.close(self.descriptor)
