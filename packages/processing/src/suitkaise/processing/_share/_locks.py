"""Locks that all members of a Share have in common, and that die with their holder.

A POSIX record lock on a byte of a file belongs to a process: the kernel frees it when the process
ends, however it ends, and a fork does not inherit it. It says nothing to the threads of one
process, so each has a lock for threads before it. Closing *any* descriptor of the file frees all
locks that the process holds on it: there is exactly one, nothing is ever mapped from it, and it is
closed last.

An interrupt may come between any two instructions, also before the first one of a method that is to
let go. So who writes the steps out lets go in a `finally`, by a call into C; and a `ByteLock` lets
go when a `with` is over without having left it.
"""

from __future__ import annotations

import errno
import os
import threading
import time
import weakref
from collections.abc import Callable
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, lockf
from functools import partial
from typing import Any

PATIENCE = 10.0  # what looks like a deadlock for longer is one
_TRY = LOCK_EX | LOCK_NB
_TRIES = 10  # before the kernel is asked to wait: it takes longer to wake than most are held
_RETRY = 0.002
_NOT_HELD = -1
_HEAP, _USER, _OWNER = range(3)
_FIRST = 16


def hold(descriptor: int, byte: int, name: str = "the log of a Share") -> None:
    """Wait for a byte of a lock file, and take it for this process.

    The caller has a lock of its threads, and calls this inside the `try` whose `finally` lets go.

    Raises:
        RuntimeError: This thread waits for a process that waits for this thread.
    """
    try:
        lockf(descriptor, _TRY, 1, byte)
    except OSError:  # somebody holds it
        _wait_for(descriptor, byte, name)


def _wait_for(descriptor: int, byte: int, name: str) -> None:
    for _ in range(_TRIES):
        try:
            lockf(descriptor, _TRY, 1, byte)
            return
        except OSError:
            continue
    give_up = None
    while True:
        try:
            lockf(descriptor, LOCK_EX, 1, byte)
            return
        except OSError as error:
            if error.errno != errno.EDEADLK:
                raise
            # The kernel knows processes only: what looks like a circle of them may be none of
            # their threads. If it is one, it stays, and each thread in it holds something.
            give_up = give_up or time.monotonic() + PATIENCE
            if time.monotonic() > give_up and _holds_any_but(byte):
                raise RuntimeError(
                    f"deadlock: this process waits for {name}, whose holder waits for a "
                    "lock that this process holds; take locks in the same order everywhere"
                ) from error
            time.sleep(_RETRY)


class _Exit:
    """Gives each `with` an `__exit__` of its own, which nothing but that `with` refers to.

    When it is gone and has not been called to its end, the `with` was interrupted.
    """

    def __get__(self, lock: ByteLock | None, _owner: type[ByteLock]) -> Callable[..., None]:
        return ByteLock.leave if lock is None else lock.new_exit()


class _Entry(weakref.ref[Callable[..., None]]):
    """What a `with` has entered, and watches its `__exit__`."""

    __slots__ = ("before", "lock")
    lock: ByteLock
    before: int  # how often the thread held the lock; missing until it is about to be entered


class ByteLock:
    """A lock for threads and processes alike; one thread may take it more than once.

    Args:
        descriptor: The lock file.
        byte: Which of its bytes.
        name: What it guards, for the error.

    Attributes:
        threads: The lock of the threads: held once by who holds it, however often it was taken.
        depth: How often that is.
    """

    __exit__ = _Exit()

    def __init__(self, descriptor: int, byte: int, name: str) -> None:
        self._descriptor = descriptor
        self.byte = byte
        self._name = name
        self.renew()
        _byte_locks.add(self)

    def renew(self) -> None:
        """Be held by no thread: at the beginning, and after a fork."""
        self.threads: Any = threading.RLock()
        self.depth = 0
        self._coming: dict[int, _Entry] = {}  # by thread: what it is about to enter

    def is_held(self) -> bool:
        """Tell whether this thread holds it, or is about to."""
        return bool(self.threads._is_owned())

    def __enter__(self) -> None:
        entry = self._coming.pop(threading.get_ident(), None)
        before = self.depth if self.threads._is_owned() else _NOT_HELD
        if entry is not None:
            entry.before = before
        if before == _NOT_HELD:
            self.threads.acquire()
            self.depth = 1
        else:
            self.depth = before + 1
        # Also if it is held already: maybe a signal's handler has come between these two lines.
        hold(self._descriptor, self.byte, self._name)

    def try_enter(self) -> bool:
        """Take it if nobody else has it, without waiting; then `leave` it."""
        if not self.threads.acquire(blocking=False):
            return False
        is_taken = False
        try:
            lockf(self._descriptor, _TRY, 1, self.byte)
            is_taken = True
        except OSError:
            return False
        finally:
            if not is_taken or self.depth:  # then it is held once more by who had it before
                self.threads.release()
        self.depth += 1
        return True

    def let_go(self) -> None:
        """Leave it, however often it was taken."""
        self.restore(_NOT_HELD)

    def take_again(self, depth: int) -> None:
        """Take it as often as it was when it was let go of."""
        self.__enter__()
        self.depth = depth

    def hold_first(self) -> None:
        """Take it, for who writes the steps out, has just taken `threads`, and puts them back."""
        self.depth = 1
        hold(self._descriptor, self.byte, self._name)

    def new_exit(self) -> Callable[..., None]:
        """Return what leaves the lock when it is called, and sees to it that it is left."""
        entries: list[_Entry] = []
        leave = partial(_leave, self, entries)
        entry = _Entry(leave, _leave_what_was_entered)
        entry.lock = self
        entries.append(entry)
        self._coming[threading.get_ident()] = entry
        return leave

    def leave(self, *_: object) -> None:
        """Undo what one `__enter__` did."""
        self.restore(self.depth - 1 or _NOT_HELD)

    def restore(self, depth: int) -> None:
        """Be held by this thread as often as it was; can be done again if it was interrupted."""
        if not self.threads._is_owned():
            return
        if depth == _NOT_HELD:
            self.depth = 0
            lockf(self._descriptor, LOCK_UN, 1, self.byte)
            self.threads.release()
        else:
            self.depth = depth
            if not depth:  # a signal handler has come in the first or last steps of another
                lockf(self._descriptor, LOCK_UN, 1, self.byte)


def _leave(lock: ByteLock, entries: list[_Entry], *_: object) -> None:
    if entries and hasattr(entries[0], "before"):
        lock.restore(entries[0].before)
        entries.clear()  # and with it what watches
    else:  # not a `with` has asked for it
        lock.leave()


def _leave_what_was_entered(entry: _Entry) -> None:
    if hasattr(entry, "before"):
        entry.lock.restore(entry.before)


def _holds_any_but(byte: int) -> bool:
    return any(lock.byte != byte and lock.is_held() for lock in list(_byte_locks))


_byte_locks: weakref.WeakSet[ByteLock] = weakref.WeakSet()


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
        self._owner: int | None = None  # this process, if it is the one

    def hold_as_owner(self) -> None:
        """Show, for as long as this process lives, that the Share has its owner."""
        lockf(self.descriptor, LOCK_EX | LOCK_NB, 1, _OWNER)
        self._owner = os.getpid()

    def is_owner_gone(self) -> bool:
        """Tell whether the process that made the Share has ended."""
        if self._owner == os.getpid():
            return False
        try:
            lockf(self.descriptor, LOCK_SH | LOCK_NB, 1, _OWNER)
        except OSError:
            return False
        lockf(self.descriptor, LOCK_UN, 1, _OWNER)
        return True

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
