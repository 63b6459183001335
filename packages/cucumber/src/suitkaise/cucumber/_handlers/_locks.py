"""Locks and what is made of them: they arrive unlocked, with nobody waiting.

Whoever holds a lock does not travel with it: a held lock would block its receiver for ever.
Semaphore, BoundedSemaphore and Event are ordinary objects around a Condition and need no handler:
their counts and flags travel as attributes.
"""

import threading
from copyreg import __newobj__  # type: ignore[attr-defined]
from threading import Barrier, Condition
from typing import Any

from suitkaise.cucumber._reducer import Reducer, reducer, reducer_with_state


def reduce_lock(lock: Any) -> tuple[()]:
    """Send nothing: all new locks are alike."""
    return ()


def rebuild_lock() -> Any:
    """Make an unlocked lock."""
    return threading.Lock()


def rebuild_rlock() -> Any:
    """Make an unlocked re-entrant lock."""
    return threading.RLock()


def reduce_condition(condition: Condition) -> tuple[tuple[type[Condition]], Any]:
    """Send the lock, which others may share, and what a subclass or a user has added."""
    lock = condition._lock  # type: ignore[attr-defined]
    own = vars(Condition(lock))
    added = {name: value for name, value in vars(condition).items() if name not in own}
    return (type(condition),), (lock, added)


def restore_condition(condition: Condition, state: tuple[Any, dict[str, Any]]) -> None:
    """Set up a condition around its lock."""
    lock, added = state
    Condition.__init__(condition, lock)
    vars(condition).update(added)


def reduce_barrier(barrier: Barrier) -> tuple[tuple[type[Barrier]], Any]:
    """Send parties, action, timeout and whether it is broken."""
    action = barrier._action  # type: ignore[attr-defined]
    timeout = barrier._timeout  # type: ignore[attr-defined]
    own = vars(Barrier(1))
    added = {name: value for name, value in vars(barrier).items() if name not in own}
    return (type(barrier),), (barrier.parties, action, timeout, barrier.broken, added)


def restore_barrier(barrier: Barrier, state: tuple[Any, ...]) -> None:
    """Set up a barrier that nobody waits at."""
    parties, action, timeout, is_broken, added = state
    Barrier.__init__(barrier, parties, action, timeout)
    if is_broken:
        barrier.abort()
    vars(barrier).update(added)


REDUCERS: dict[type, Reducer] = {
    type(threading.Lock()): reducer(reduce_lock, rebuild_lock),
    type(threading.RLock()): reducer(reduce_lock, rebuild_rlock),
    threading._PyRLock: reducer(reduce_lock, rebuild_rlock),  # type: ignore[attr-defined]
    Condition: reducer_with_state(reduce_condition, __newobj__, restore_condition),
    Barrier: reducer_with_state(reduce_barrier, __newobj__, restore_barrier),
}
