"""multiprocessing: what another process can open by its name is the same there; the rest refused.

    semaphores with a name      opened: Lock, RLock, Semaphore, Condition, Event of a "spawn" or
                                "forkserver" context have one, those of a "fork" context have none
    shared memory               opened (`_shared_memory`)
    managers and their proxies  connected to, once asked for (`_managers`)
    queues, connections, values, arrays, barriers, processes, pools
                                refused: only what multiprocessing starts itself inherits them

While multiprocessing starts a child of its own, its own way of pickling these applies.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers import _managers, _shared_memory
from suitkaise.cucumber._handlers._attributes import assign_attributes, attributes_of
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

_INHERITED = "only processes that multiprocessing starts itself inherit it"
_MESSAGES = (
    "use tell() and listen() of suitkaise.processing, a list in a Share, or a queue of a "
    "multiprocessing.Manager()"
)
_OWN = frozenset({"_semlock", "_is_fork_ctx", "acquire", "release"})


def unless_spawning(reduce: Reducer) -> Reducer:
    """Make a reducer that leaves the object to multiprocessing while that starts a child."""

    def reduce_for_child(pickler: "Pickler", obj: Any) -> ReduceValue:
        from multiprocessing.context import get_spawning_popen
        from multiprocessing.reduction import ForkingPickler

        if get_spawning_popen() is None:
            return reduce(pickler, obj)
        if hasattr(obj, "get_obj"):
            return reduce_synchronized(obj)
        registered = ForkingPickler._extra_reducers.get(type(obj))  # type: ignore[attr-defined]
        return obj.__reduce_ex__(5) if registered is None else registered(obj)

    return reduce_for_child


def reduce_synchronized(shared: Any) -> ReduceValue:
    """Reduce a Value or an Array for a child: ctypes itself would send a copy of the number."""
    from multiprocessing.sharedctypes import reduce_ctype  # type: ignore[attr-defined]

    make, (value, *others) = shared.__reduce__()
    return rebuild_synchronized, (make, reduce_ctype(value), others)


def rebuild_synchronized(
    make: Callable[..., Any], value: tuple[Callable[..., Any], tuple[Any, ...]], others: list[Any]
) -> Any:
    """Make a Value or an Array of the same memory."""
    rebuild, arguments = value
    return make(rebuild(*arguments), *others)


def refusing(reason: str) -> Reducer:
    """Make a reducer that raises."""

    def refuse(pickler: object, obj: object) -> ReduceValue:
        raise RefusalError(reason)

    return refuse


def reduce_semaphore(pickler: "Pickler", semaphore: Any) -> ReduceValue:
    """Send the name; whoever holds it still does, as it is the same semaphore there."""
    _refuse_without_name(semaphore)
    internal = semaphore._semlock
    state = {
        "semaphore": (internal.handle, internal.kind, internal.maxvalue, internal.name),
        "attributes": attributes_of(semaphore, except_for=_OWN),
    }
    return rebuild_empty, (type(semaphore),), state, None, None, restore_semaphore


def _refuse_without_name(semaphore: Any) -> None:
    if semaphore._semlock.name is None:
        raise RefusalError(
            f"its semaphore has no name to open it by, {_INHERITED}; make it by "
            'multiprocessing.get_context("spawn"), or use the lock() of a Share of '
            "suitkaise.processing"
        )


def rebuild_empty(cls: Any) -> Any:
    """Make one that is yet to be set up."""
    return cls.__new__(cls)


def restore_semaphore(semaphore: Any, state: dict[str, Any]) -> None:
    """Open the semaphore of that name."""
    from multiprocessing.synchronize import SemLock

    try:
        SemLock.__setstate__(semaphore, state["semaphore"])  # type: ignore[attr-defined]
    except FileNotFoundError as error:
        raise RefusalError(
            "the semaphore is no longer there: who made it must keep it until it is opened here"
        ) from error
    assign_attributes(semaphore, state["attributes"])


def reduce_condition(pickler: "Pickler", condition: Any) -> ReduceValue:
    """Send the semaphores that it is made of, if they have names."""
    _refuse_without_name(condition._wait_semaphore)
    state = attributes_of(condition, except_for=_OWN)
    return rebuild_empty, (type(condition),), state, None, None, restore_condition


def restore_condition(condition: Any, state: Any) -> None:
    """Set up a condition around its lock, which others may share."""
    assign_attributes(condition, state)
    condition._make_methods()


def reduce_event(pickler: "Pickler", event: Any) -> ReduceValue:
    """Send the condition and the flag, if they have names."""
    _refuse_without_name(event._flag)
    return event.__reduce_ex__(5)


_REFUSED = {
    **dict.fromkeys(
        ("queues.JoinableQueue", "queues.Queue", "queues.SimpleQueue"),
        f"{_INHERITED}; {_MESSAGES}",
    ),
    **dict.fromkeys(
        ("connection._ConnectionBase", "connection.Listener"),
        f"it is a descriptor of this process, {_INHERITED}; use Pipe.pair() of "
        "suitkaise.processing, or send the address, and connect there",
    ),
    **dict.fromkeys(
        ("heap.Arena", "heap.BufferWrapper", "sharedctypes.SynchronizedBase"),
        f"its memory has no name to open it by, {_INHERITED}; use an attribute of a Share of "
        "suitkaise.processing, or SharedMemory",
    ),
    "synchronize.Barrier": f"{_INHERITED}; use the barrier of a multiprocessing.Manager()",
    "process.BaseProcess": (
        "a process cannot be moved; send its function and arguments, and start one there, or use "
        "Skprocess of suitkaise.processing"
    ),
    "process.AuthenticationString": (
        "it is a secret, and secrets do not travel; set current_process().authkey there"
    ),
    **dict.fromkeys(
        ("pool.Pool", "pool.IMapIterator"),
        "the workers of a pool stay with who made it; make it at the receiver, or use Pool of "
        "suitkaise.processing",
    ),
    "pool.ApplyResult": "who works on it stays in this process; send what its get() returns",
}

_NAMED: dict[str, Reducer] = {
    "synchronize.Condition": reduce_condition,
    "synchronize.Event": reduce_event,
    "synchronize.SemLock": reduce_semaphore,
    **_managers.REDUCERS,
    **_shared_memory.REDUCERS,
}

REDUCERS: dict[str, Reducer] = {
    f"multiprocessing.{name}": unless_spawning(reduce)
    for name, reduce in (
        *_NAMED.items(),
        *((name, refusing(reason)) for name, reason in _REFUSED.items()),
    )
}
