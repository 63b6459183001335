"""What threads wait for each other at, in a Share: between processes as well.

A lock that is part of an attribute is that attribute's turn: who holds it changes the attribute
alone, and all locks in one attribute are the same. So a method that runs as one step, which takes
the turn too, can be in no circle with one that takes the lock, and the kernel frees it when its
holder dies. While such a step is at work, the locks that it meets are ordinary ones of its replica.

A condition counts in the Share how often it was notified. Who waits lets go of the turn, and looks
ever more rarely whether it was. Events, semaphores, barriers and queues are made of these two:
their own code runs with the proxy in the place of the object, and so does what uses them.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ._locks import ByteLock

if TYPE_CHECKING:
    from ._attribute import Attribute

LOCKS = (type(threading.Lock()), type(threading.RLock()))
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.01  # seconds
_NOTIFIED = "_notified_in_share"

# By dotted name: what is made of locks and conditions, and may wait.
_WAITED_AT = frozenset({
    *("threading.Barrier", "threading.Condition", "threading.Event", "threading.Semaphore"),
    *("queue.Queue", "_queue.SimpleQueue"),
})  # fmt: skip


@functools.cache
def is_waited_at(cls: Any) -> bool:
    """Tell whether objects of a class are such that threads wait at."""
    return not _WAITED_AT.isdisjoint(_names_of(cls))


def is_for_waiting(cls: Any) -> bool:
    """Tell whether objects of a class are locks, or such that threads wait at."""
    return cls in LOCKS or is_waited_at(cls)


def method_of(cls: type, name: str) -> Callable[..., Any] | None:
    """Return what takes the place of a method in a Share; it is called with the proxy first."""
    methods = _methods_of(cls)
    return methods.get(name) if methods else None


@functools.cache
def _methods_of(cls: type) -> dict[str, Callable[..., Any]]:
    if issubclass(cls, LOCKS):
        return _LOCK
    names = _names_of(cls)
    if "threading.Condition" in names:
        return _CONDITION
    return _SIMPLE_QUEUE if "_queue.SimpleQueue" in names else {}


def _names_of(cls: type) -> set[str]:
    return {f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__}


class LeaveTurn:
    """The `__exit__` of what stands for a lock: that of the turn, which no interrupt can spoil."""

    def __get__(self, shared: Any, owner: type) -> Any:
        return _release if shared is None else _turn_of(shared).new_exit()


def _attribute_of(shared: Any) -> Attribute:
    from ._objects import place

    attribute: Attribute = place(shared)[0].attribute
    return attribute


def _turn_of(shared: Any) -> ByteLock:
    turn: ByteLock = _attribute_of(shared).turn
    return turn


def _enter(shared: Any) -> bool:
    attribute = _attribute_of(shared)
    attribute.member.check()
    attribute.turn.__enter__()
    return True


def _acquire(shared: Any, blocking: bool = True, timeout: float = -1) -> bool:
    if blocking and timeout < 0:
        return _enter(shared)
    if not blocking and timeout != -1:
        raise ValueError("can't specify a timeout for a non-blocking call")
    turn = _turn_of(shared)
    return any(turn.try_enter() for _ in _tries(timeout if blocking else 0.0))


def _release(shared: Any, *_: object) -> None:
    turn = _turn_of(shared)
    if not turn.is_held():
        raise RuntimeError("release unlocked lock")
    turn.leave()


def _is_locked(shared: Any) -> bool:
    turn = _turn_of(shared)
    if turn.is_held():
        return True
    if not turn.try_enter():
        return True
    turn.leave()
    return False


def _is_owned(shared: Any) -> bool:
    return _turn_of(shared).is_held()


def _wait(shared: Any, timeout: float | None = None) -> bool:
    turn = _turn_of(shared)
    if not turn.is_held():
        raise RuntimeError("cannot wait on un-acquired lock")
    before, depth = _notified(shared), turn.depth
    try:
        turn.let_go()
        return any(_notified(shared) != before for _ in _tries(timeout))
    finally:
        turn.take_again(depth)


def _notify(shared: Any, _count: int = 1) -> None:
    from ._objects import set_data

    if not _turn_of(shared).is_held():
        raise RuntimeError("cannot notify on un-acquired lock")
    set_data(shared, _NOTIFIED, _notified(shared) + 1)


def _notified(shared: Any) -> int:
    return int(getattr(shared, _NOTIFIED, 0))


def _get(shared: Any, block: bool = True, timeout: float | None = None) -> Any:
    """Take the next item of a SimpleQueue; its own method would keep all others from adding one."""
    from queue import Empty

    if timeout is not None and timeout < 0:
        raise ValueError("'timeout' must be a non-negative number")
    for _ in _tries(timeout if block else 0.0):
        try:
            return shared.get_nowait()
        except Empty:
            continue
    raise Empty


def _tries(timeout: float | None) -> Iterator[None]:
    """Give a try at once, and then others, ever more rarely, the last one after so many seconds."""
    end = None if timeout is None else time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while True:
        yield
        left = pause if end is None else end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)


_COMMON: dict[str, Callable[..., Any]] = {
    "acquire": _acquire,
    "release": _release,
    "locked": _is_locked,
    "__enter__": _enter,
    "__exit__": _release,
    "_is_owned": _is_owned,
}
_LOCK: dict[str, Callable[..., Any]] = {
    **_COMMON,
    "acquire_lock": _acquire,
    "release_lock": _release,
    "locked_lock": _is_locked,
}
_CONDITION: dict[str, Callable[..., Any]] = {
    **_COMMON,
    "wait": _wait,
    "notify": _notify,
    "notify_all": _notify,
    "notifyAll": _notify,
}
_SIMPLE_QUEUE: dict[str, Callable[..., Any]] = {"get": _get}
