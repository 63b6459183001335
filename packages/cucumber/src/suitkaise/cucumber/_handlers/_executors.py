"""Executors of concurrent.futures: new ones, set up alike; and Futures that have finished.

Threads and processes begin with the first work at the receiver. Work does not travel: what is
running stays with the sender, and an executor with work that has not begun is refused, as nobody
would do that work for who gets the copy. One that was shut down, or is broken, arrives so.

A Future arrives with its result, its exception, or cancelled; one that has not finished is refused.
"""

from copyreg import __newobj__  # type: ignore[attr-defined]
from functools import cache
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._attributes import attributes_of, set_attributes
from suitkaise.cucumber._handlers._queues import peek
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

    from suitkaise.cucumber._pickler import Pickler


def reduce_thread_pool(pool: "ThreadPoolExecutor") -> tuple[tuple[type], dict[str, Any]]:
    """Send how it was set up."""
    internal: Any = pool
    _refuse_waiting_work(peek(internal._work_queue))
    prefix = internal._thread_name_prefix
    return _reduced(pool, "ThreadPoolExecutor", internal._shutdown, thread_name_prefix=prefix)


def restore_thread_pool(pool: "ThreadPoolExecutor", state: dict[str, Any]) -> None:
    """Set up an executor of threads."""
    from concurrent.futures import ThreadPoolExecutor

    _restore(ThreadPoolExecutor, pool, state)


def reduce_process_pool(pool: "ProcessPoolExecutor") -> tuple[tuple[type], dict[str, Any]]:
    """Send how it was set up, its start method among that."""
    internal: Any = pool
    _refuse_waiting_work(list(internal._pending_work_items.values()))
    return _reduced(
        pool,
        "ProcessPoolExecutor",
        internal._shutdown_thread,
        mp_context=internal._mp_context.get_start_method(),
        max_tasks_per_child=internal._max_tasks_per_child,
    )


def restore_process_pool(pool: "ProcessPoolExecutor", state: dict[str, Any]) -> None:
    """Set up an executor of processes."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    _restore(ProcessPoolExecutor, pool, {**state, "mp_context": get_context(state["mp_context"])})


def _reduced(
    pool: Any, base: str, is_shut_down: bool, **settings: Any
) -> tuple[tuple[type], dict[str, Any]]:
    """Add to an executor's settings what all executors have."""
    return (type(pool),), {
        **settings,
        "max_workers": pool._max_workers,
        "initializer": pool._initializer,
        "initargs": pool._initargs,
        "is_broken": pool._broken,
        "is_shut_down": is_shut_down,
        "attributes": attributes_of(pool, except_for=_own_names(base)),
    }


def rebuild_pool(cls: Any) -> Any:
    """Make an executor that is yet to be set up."""
    return cls.__new__(cls)


def _restore(base: Any, pool: Any, state: dict[str, Any]) -> None:
    """Set up an executor, without calling a subclass's own `__init__`."""
    is_broken, is_shut_down, attributes = (
        state.pop(name) for name in ("is_broken", "is_shut_down", "attributes")
    )
    base.__init__(pool, **state)
    pool._broken = is_broken
    set_attributes(pool, attributes)
    if is_shut_down:
        base.shutdown(pool)


def _refuse_waiting_work(work: list[Any]) -> None:
    """Refuse an executor with work that has not begun; None is what wakes up a worker."""
    waiting = sum(item is not None and item.future._state == "PENDING" for item in work)
    if waiting:
        raise RefusalError(
            f"{waiting} of its jobs have not begun, and would not be done by a copy; wait for "
            "their futures, or cancel them, first"
        )


@cache
def _own_names(name: str) -> frozenset[str]:
    """Find the attributes that are not a subclass's or a user's."""
    import concurrent.futures

    pool = getattr(concurrent.futures, name)(1)
    names = frozenset(vars(pool))
    pool.shutdown()
    return names


def reduce_future(pickler: "Pickler", future: "Future[Any]") -> ReduceValue:
    """Send the outcome. Callbacks have been called, and who waits is here."""
    if future._state in ("PENDING", "RUNNING"):  # done() would wait for its lock
        raise RefusalError(
            "it has not finished, and who works on it stays in this process; send its result()"
        )
    state = attributes_of(future)
    own: dict[str, Any] = state[0] if isinstance(state, tuple) else state
    own.update(_waiters=[], _done_callbacks=[])
    if own["_state"] == "CANCELLED":  # there is no executor that will tell who waits for it
        own["_state"] = "CANCELLED_AND_NOTIFIED"
    return __newobj__, (type(future),), state


REDUCERS: dict[str, Reducer] = {
    "concurrent.futures._base.Future": reduce_future,
    "concurrent.futures.process.ProcessPoolExecutor": reducer_with_state(
        reduce_process_pool, rebuild_pool, restore_process_pool
    ),
    "concurrent.futures.thread.ThreadPoolExecutor": reducer_with_state(
        reduce_thread_pool, rebuild_pool, restore_thread_pool
    ),
}
