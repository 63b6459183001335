"""asyncio: queues and locks of no loop; futures and tasks that have finished, with their outcome.

    Queue, LifoQueue, PriorityQueue     with contents, `maxsize` and unfinished tasks
    Lock, Condition                     unlocked
    Event, Semaphore, Barrier           with flag, count, parties
    Future, Task                        finished: with result, exception or cancellation

Nobody waits at any of them, and the loop that uses one first at the receiver is its loop. A future
or a task that has not finished is refused; so are loops and what lives in them, such as streams.
"""

from collections import deque
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._attributes import attributes_of, set_attributes
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    import asyncio

_WAITING = ("_getters", "_putters", "_waiters")


def reduce_unbound(thing: Any) -> tuple[tuple[type], Any]:
    """Send all attributes but its loop and who waits."""
    state = attributes_of(thing, except_for=("_loop",))
    own: dict[str, Any] = state[0] if isinstance(state, tuple) else state
    own.update({name: deque() for name in _WAITING if own.get(name)})
    if type(own.get("_queue")) in (deque, list):
        own["_queue"] = own["_queue"].copy()  # the loop may run in another thread
    return (type(thing),), state


def reduce_lock(lock: "asyncio.Lock") -> tuple[tuple[type], Any]:
    """Send what a subclass or a user has added; it arrives unlocked."""
    arguments, state = reduce_unbound(lock)
    (state[0] if isinstance(state, tuple) else state)["_locked"] = False
    return arguments, state


def reduce_barrier(barrier: "asyncio.Barrier") -> tuple[tuple[type], Any]:
    """Send parties, and whether it is broken; nobody has arrived at the receiver."""
    arguments, state = reduce_unbound(barrier)
    own = state[0] if isinstance(state, tuple) else state
    own["_count"] = 0
    if not barrier.broken:
        own["_state"] = type(own["_state"]).FILLING
    return arguments, state


def rebuild_unbound(cls: Any) -> Any:
    """Make one that is yet to get its attributes."""
    return cls.__new__(cls)


def reduce_future(future: "asyncio.Future[Any]") -> tuple[tuple[type], dict[str, Any]]:
    """Send the outcome; it does not count as looked at here."""
    if not future.done():
        raise RefusalError(
            "it has not finished, and who works on it stays in this process; await it first, or "
            "send its result"
        )
    internal: Any = future
    state = {
        "is_cancelled": future.cancelled(),
        "message": internal._cancel_message,
        "result": internal._result,
        "exception": internal._exception,
    }
    kind, state["attributes"] = _kind_and_attributes(internal)
    return (kind,), state


def _kind_and_attributes(future: Any) -> tuple[type, Any]:
    """Tell what a future is at the receiver: a user's subclass stays one, a task cannot."""
    import asyncio

    from suitkaise.cucumber._handlers._finished_futures import FinishedFuture, FinishedTask

    if isinstance(future, asyncio.Task):
        return FinishedTask, {"name": future.get_name()}
    if type(future).__module__.partition(".")[0] in ("_asyncio", "asyncio"):
        # What gather() returns also holds those that have not finished.
        return FinishedFuture, None
    return type(future), attributes_of(future)


def rebuild_future(cls: "type[asyncio.Future[Any]]") -> "asyncio.Future[Any]":
    """Make a future that is yet to get its outcome."""
    from suitkaise.cucumber._handlers._finished_futures import make_future

    return make_future(cls)


def restore_future(future: "asyncio.Future[Any]", state: dict[str, Any]) -> None:
    """Give a future its outcome."""
    from asyncio import Future

    set_attributes(future, state["attributes"])
    if state["is_cancelled"]:
        Future.cancel(future, state["message"])
    elif state["exception"] is not None:
        Future.set_exception(future, state["exception"])
        # Whether anybody looked at it is the sender's concern.
        future._log_traceback = False
    else:
        Future.set_result(future, state["result"])


def refuse_bound(pickler: object, thing: object) -> ReduceValue:
    """Say why what lives in an event loop stays there."""
    raise RefusalError(
        "it belongs to the event loop of this process; send what it is made from (a host and a "
        "port, a command, the function), and make it in the loop there"
    )


_unbound = reducer_with_state(reduce_unbound, rebuild_unbound, set_attributes)
_future = reducer_with_state(reduce_future, rebuild_future, restore_future)

REDUCERS: dict[str, Reducer] = {
    "_asyncio.Future": _future,
    "_asyncio.Task": _future,
    "asyncio.locks.Barrier": reducer_with_state(reduce_barrier, rebuild_unbound, set_attributes),
    "asyncio.locks.Condition": _unbound,
    "asyncio.locks.Event": _unbound,
    "asyncio.locks.Lock": reducer_with_state(reduce_lock, rebuild_unbound, set_attributes),
    "asyncio.locks.Semaphore": _unbound,
    "asyncio.queues.Queue": _unbound,
    **dict.fromkeys(
        (
            "asyncio.events.AbstractEventLoop",
            "asyncio.events.AbstractServer",
            "asyncio.events.Handle",
            "asyncio.runners.Runner",
            "asyncio.streams.StreamReader",
            "asyncio.streams.StreamWriter",
            "asyncio.subprocess.Process",
            "asyncio.taskgroups.TaskGroup",
            "asyncio.timeouts.Timeout",
            "asyncio.transports.BaseTransport",
        ),
        refuse_bound,
    ),
}
