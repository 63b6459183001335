"""Queues and deques: with their contents; nobody waits, and the sender's keep what they hold.

    queue.Queue, LifoQueue, PriorityQueue   all attributes, `unfinished_tasks` among them
    queue.SimpleQueue                       its items
    collections.deque                       its items and `maxlen`

Other threads may use a queue meanwhile: what arrives is what it held at one moment.
"""

import contextlib
import gc
import sys
from collections import deque
from copyreg import __newobj__  # type: ignore[attr-defined]
from itertools import chain
from operator import call
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._attributes import attributes_of, set_attributes
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    from queue import Queue, SimpleQueue

    from suitkaise.cucumber._pickler import Pickler

# A queue holds its lock for moments only. Whoever holds it longer may be who called serialize(),
# and waiting for oneself has no end.
_LOCK_SECONDS = 1.0
_MOST_ATTEMPTS = 100


def reduce_queue(pickler: "Pickler", queue: "Queue[Any]") -> ReduceValue:
    """Send the attributes as they are at one moment; the locks among them arrive unlocked."""
    is_ours = queue.mutex.acquire(timeout=_LOCK_SECONDS)
    try:
        state = _with_items_copied(queue)
    finally:
        if is_ours:
            queue.mutex.release()
    return __newobj__, (type(queue),), state


def _with_items_copied(queue: "Queue[Any]") -> Any:
    """Return the state, with the contents copied: the pickler reads them when others may write."""
    state = attributes_of(queue)
    own = state[0] if isinstance(state, tuple) else state
    items = own.get("queue")
    if type(items) in (deque, list, set, dict):
        copied = items.copy()
        own.update({name: copied for name, value in own.items() if value is items})
    return state


def reduce_simple_queue(queue: "SimpleQueue[Any]") -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Send the items, which stay where they are, and what a subclass has added."""
    return (type(queue),), {
        "items": peek(queue),
        "attributes": attributes_of(queue),
    }


def rebuild_simple_queue(cls: "type[SimpleQueue[Any]]") -> "SimpleQueue[Any]":
    """Make an empty queue."""
    from queue import SimpleQueue

    return SimpleQueue.__new__(cls)


def restore_simple_queue(queue: "SimpleQueue[Any]", state: dict[str, Any]) -> None:
    """Put the items in."""
    from queue import SimpleQueue

    for item in state["items"]:
        SimpleQueue.put(queue, item)
    set_attributes(queue, state["attributes"])


def peek(queue: "SimpleQueue[Any]") -> list[Any]:
    """Return what a SimpleQueue holds, without taking it out.

    Taken out and put back, the items could reach other threads late, never, or in another order.
    The garbage collector is told what a queue refers to: at last the items, then the type; before
    Python 3.13 a list that ends in the items instead of these.
    """
    from queue import SimpleQueue

    # Both calls are made from C, so that no other thread runs between them.
    functions: Any = (gc.get_referents, SimpleQueue.qsize)
    subjects: Any = (queue, queue)
    if sys.version_info < (3, 13):
        functions = (list, SimpleQueue.qsize)
        subjects = (gc.get_referents(queue)[-2], queue)
    held: list[Any]
    held, size = map(call, functions, subjects)
    end = len(held) - (sys.version_info >= (3, 13))
    return held[end - size : end]


def reduce_deque(pickler: "Pickler", items: "deque[Any]") -> ReduceValue:
    """Send the items as they are at one moment, and what a subclass has added."""
    cls, maxlen = type(items), items.maxlen
    held = _items_of(items)
    if cls is deque:
        return deque, () if maxlen is None else ((), maxlen), None, iter(held)
    state = {"items": held, "attributes": attributes_of(items)}
    return rebuild_deque, (cls, maxlen), state, None, None, restore_deque


def _items_of(items: "deque[Any]") -> list[Any]:
    """Return what a deque holds at one moment, whatever a subclass's `__iter__` gives."""
    for _ in range(_MOST_ATTEMPTS):
        with contextlib.suppress(RuntimeError):  # a finalizer ran in the middle, and others then
            # Called from C, so that no other thread runs between the beginning and the end.
            return list(chain.from_iterable(map(deque.__iter__, (items,))))
    raise RefusalError("other threads change it all the time; stop them, or send its items")


def rebuild_deque(cls: "type[deque[Any]]", maxlen: int | None) -> "deque[Any]":
    """Make an empty deque, without calling anything of the user's."""
    made = deque.__new__(cls)
    deque.__init__(made, (), maxlen)
    return made


def restore_deque(items: "deque[Any]", state: dict[str, Any]) -> None:
    """Fill a deque of a subclass."""
    deque.extend(items, state["items"])
    set_attributes(items, state["attributes"])


REDUCERS: dict[str, Reducer] = {
    "_queue.SimpleQueue": reducer_with_state(
        reduce_simple_queue, rebuild_simple_queue, restore_simple_queue
    ),
    "collections.deque": reduce_deque,
    "queue.Queue": reduce_queue,
}
