"""asyncio: queues and locks as those of threads; futures and tasks that are done, as an outcome.

Queues keep their content and belong to the loop that uses them first at the receiver. Locks arrive
unlocked; events, semaphores and barriers keep their flags and counts, and nobody waits. A future or
task that is done arrives as a `FinishedFuture`, which can be awaited in any loop and asked in none;
one that is pending is refused, and so are loops and what is connected through them.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer, reducer_with_state

if TYPE_CHECKING:
    import asyncio

# Who waits, and for which loop: not at the receiver.
_MADE_ANEW = frozenset({"_getters", "_putters", "_waiters", "_finished", "_loop", "_locked"})


def reduce_waited_for(thing: Any) -> tuple[tuple[type], dict[str, Any]]:
    """Send all but who waits for it, and whether it is locked."""
    state = {name: value for name, value in vars(thing).items() if name not in _MADE_ANEW}
    if "_queue" in state:
        state["_queue"] = state["_queue"].copy()
    return (type(thing),), state


def rebuild_waited_for(kind: Any) -> Any:
    """Make one that nobody waits for, and that is yet to get its state."""
    return kind.__new__(kind)


def restore_waited_for(thing: Any, state: dict[str, Any]) -> None:
    """Set it up, and give it its state."""
    import asyncio

    for base, arguments in (
        (asyncio.Queue, (0,)),
        (asyncio.Lock, ()),
        (asyncio.Event, ()),
        (asyncio.Semaphore, (1,)),
        (asyncio.Barrier, (1,)),
    ):
        if isinstance(thing, base):
            vars(thing).update(vars(base(*arguments)))
    vars(thing).update(state)
    if state.get("_unfinished_tasks"):
        thing._finished.clear()


def reduce_condition(condition: "asyncio.Condition") -> tuple[tuple[type], tuple[Any, Any]]:
    """Send the lock, which others may share, and what a user has added."""
    internal: Any = condition
    own = {"_lock", "_waiters", "_loop", "locked", "acquire", "release"}
    added = {name: value for name, value in vars(condition).items() if name not in own}
    return (type(condition),), (internal._lock, added)


def restore_condition(condition: "asyncio.Condition", state: tuple[Any, Any]) -> None:
    """Set it up around its lock."""
    import asyncio

    lock, added = state
    asyncio.Condition.__init__(condition, lock)
    vars(condition).update(added)


class FinishedFuture:
    """What became of a future or a task, in a process where it has not run.

    `await` and the methods of an `asyncio.Future` that ask give the outcome at once. There is
    nothing left to cancel.
    """

    def __init__(self, name: str, value: Any, error: BaseException | None) -> None:
        self._name = name
        self._value = value
        self._error = error

    def done(self) -> bool:
        """Return True."""
        return True

    def cancelled(self) -> bool:
        """Return whether it was cancelled at the sender."""
        import asyncio

        return isinstance(self._error, asyncio.CancelledError)

    def exception(self) -> BaseException | None:
        """Return what it raised; None if it returned. Raises `CancelledError` if cancelled."""
        if self._error is not None and self.cancelled():
            raise self._error
        return self._error

    def result(self) -> Any:
        """Return what it returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._value

    def get_name(self) -> str:
        """Return the task's name; empty of a future."""
        return self._name

    def cancel(self, msg: Any = None) -> bool:
        """Return False: it is done."""
        return False

    def add_done_callback(
        self, callback: Callable[["FinishedFuture"], object], *, context: Any = None
    ) -> None:
        """Have it called soon, by the loop that runs."""
        import asyncio

        asyncio.get_running_loop().call_soon(callback, self, context=context)

    def remove_done_callback(self, callback: Callable[..., object]) -> int:
        """Return 0: none waits."""
        return 0

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        return self.result()

    def __repr__(self) -> str:
        name = f" {self._name!r}" if self._name else ""
        outcome = f"raised {self._error!r}" if self._error is not None else repr(self._value)
        return f"<FinishedFuture{name}: {outcome}>"


def reduce_future(future: "asyncio.Future[Any]") -> tuple[str, Any, BaseException | None]:
    """Send the outcome."""
    import asyncio

    if not future.done():
        raise RefusalError(
            "it is pending, and what it waits for stays here; await it and send the result"
        )
    name = future.get_name() if isinstance(future, asyncio.Task) else ""
    if future.cancelled():
        return name, None, asyncio.CancelledError()
    error = future.exception()
    return name, None if error is not None else future.result(), error


def rebuild_future(name: str, value: Any, error: BaseException | None) -> FinishedFuture:
    """Make what stands for it."""
    return FinishedFuture(name, value, error)


def refuse_live(pickler: object, thing: Any) -> ReduceValue:
    """Say why what a loop drives cannot travel."""
    raise RefusalError(
        "it belongs to the event loop of this process; make it at the receiver, from what it is "
        "made of (host and port, the function)"
    )


_future = reducer(reduce_future, rebuild_future)
_waited_for = reducer_with_state(reduce_waited_for, rebuild_waited_for, restore_waited_for)

REDUCERS: dict[str, Reducer] = {
    "asyncio.queues.Queue": _waited_for,
    "asyncio.locks.Lock": _waited_for,
    "asyncio.locks.Event": _waited_for,
    "asyncio.locks.Semaphore": _waited_for,
    "asyncio.locks.Barrier": _waited_for,
    "asyncio.locks.Condition": reducer_with_state(
        reduce_condition, rebuild_waited_for, restore_condition
    ),
    "_asyncio.Future": _future,
    "_asyncio.Task": _future,
    "asyncio.futures.Future": _future,
    "asyncio.tasks.Task": _future,
    **dict.fromkeys(
        (
            "asyncio.events.AbstractEventLoop",
            "asyncio.events.Handle",
            "asyncio.events.AbstractServer",
            "asyncio.runners.Runner",
            "asyncio.streams.StreamReader",
            "asyncio.streams.StreamWriter",
            "asyncio.transports.BaseTransport",
            "asyncio.taskgroups.TaskGroup",
            "asyncio.timeouts.Timeout",
            "asyncio.subprocess.Process",
        ),
        refuse_live,
    ),
}
