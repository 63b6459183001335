"""Queues of threads: with what waits in them, locks of their own, and nobody waiting.

A `queue.SimpleQueue` does not show what is in it: its content is taken out and put back, and who
looks just then may find it empty.
"""

import queue
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._iterators import take_once
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

_MADE_ANEW = frozenset({"mutex", "not_empty", "not_full", "all_tasks_done"})
_MOST_ATTEMPTS = 100


def reduce_queue(waiting: "queue.Queue[Any]") -> tuple[tuple[type], dict[str, Any]]:
    """Send what waits, the counts, and what a user has added."""
    state = {name: value for name, value in vars(waiting).items() if name not in _MADE_ANEW}
    state["queue"] = _snapshot(waiting)
    return (type(waiting),), state


def _snapshot(waiting: "queue.Queue[Any]") -> Any:
    """Copy the container. Its lock may be held, even by this thread, and is not waited for."""
    content: Any = waiting.queue
    for _ in range(_MOST_ATTEMPTS):
        try:
            return content.copy()
        except RuntimeError:  # another thread has changed it in the middle
            continue
    raise RefusalError("other threads change it all the time; stop them, or send its items")


def rebuild_queue(kind: "type[queue.Queue[Any]]") -> "queue.Queue[Any]":
    """Make a queue that is yet to get its content."""
    return kind.__new__(kind)


def restore_queue(waiting: "queue.Queue[Any]", state: dict[str, Any]) -> None:
    """Give it its content, and locks."""
    made = queue.Queue[Any](state["maxsize"])
    vars(waiting).update(vars(made))
    vars(waiting).update(state)


def reduce_simple(pickler: "Pickler", waiting: "queue.SimpleQueue[Any]") -> ReduceValue:
    """Send what waits, as a state: an item may lead back to the queue."""

    def take() -> list[Any]:
        items = []
        try:
            for _ in range(waiting.qsize()):
                items.append(waiting.get_nowait())  # noqa: PERF401  it raises in the middle
        except queue.Empty:  # another thread was quicker
            pass
        for item in items:
            waiting.put(item)
        return items

    items = take_once(pickler, waiting, take)
    attributes = dict(getattr(waiting, "__dict__", {}))
    return rebuild_simple, (type(waiting),), (items, attributes), None, None, restore_simple


def rebuild_simple(kind: "type[queue.SimpleQueue[Any]]") -> "queue.SimpleQueue[Any]":
    """Make an empty queue."""
    return kind.__new__(kind)


def restore_simple(
    waiting: "queue.SimpleQueue[Any]", state: tuple[list[Any], dict[str, Any]]
) -> None:
    """Put in what waited."""
    items, attributes = state
    if attributes:
        vars(waiting).update(attributes)
    for item in items:
        queue.SimpleQueue.put(waiting, item)


REDUCERS: dict[str, Reducer] = {
    "queue.Queue": reducer_with_state(reduce_queue, rebuild_queue, restore_queue),
    "_queue.SimpleQueue": reduce_simple,
}
