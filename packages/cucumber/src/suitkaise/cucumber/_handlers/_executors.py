"""Executors of concurrent.futures: new ones with the same settings; Futures that are done.

What runs stays with the sender. An executor that has work that has not begun is refused, as that
would be lost; one that was shut down arrives so. A Future arrives with its result, its error, or
cancelled; a pending one is refused.
"""

from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

_PENDING = "its work that has not begun would be lost; wait for it (shutdown, wait) before"


def reduce_threads(executor: Any) -> tuple[tuple[type], tuple[Any, ...]]:
    """Send how it was made, and whether it was shut down."""
    if executor._work_queue.qsize() and not executor._shutdown:
        raise RefusalError(_PENDING)
    settings = (
        executor._max_workers,
        executor._thread_name_prefix,
        executor._initializer,
        executor._initargs,
    )
    return (type(executor),), (settings, executor._shutdown, _added(executor, _threads_own()))


def reduce_processes(executor: Any) -> tuple[tuple[type], tuple[Any, ...]]:
    """Send how it was made, and whether it was shut down."""
    if executor._pending_work_items:
        raise RefusalError(_PENDING)
    settings = (
        executor._max_workers,
        executor._mp_context.get_start_method(),
        executor._initializer,
        executor._initargs,
        executor._max_tasks_per_child,
    )
    is_shut_down = executor._shutdown_thread
    return (type(executor),), (settings, is_shut_down, _added(executor, _processes_own()))


def rebuild_empty(kind: Any) -> Any:
    """Make one that is yet to be set up."""
    return kind.__new__(kind)


def restore_threads(executor: Any, state: tuple[Any, ...]) -> None:
    """Set it up; its threads begin with its first work."""
    from concurrent.futures import ThreadPoolExecutor

    settings, is_shut_down, added = state
    ThreadPoolExecutor.__init__(executor, *settings)
    _finish(executor, is_shut_down, added)


def restore_processes(executor: Any, state: tuple[Any, ...]) -> None:
    """Set it up; its processes begin with its first work."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    (workers, method, initializer, initargs, max_tasks), is_shut_down, added = state
    ProcessPoolExecutor.__init__(
        executor,
        workers,
        multiprocessing.get_context(method),
        initializer,
        initargs,
        max_tasks_per_child=max_tasks,
    )
    _finish(executor, is_shut_down, added)


def _finish(executor: "Executor", is_shut_down: bool, added: dict[str, Any]) -> None:
    vars(executor).update(added)
    if is_shut_down:
        executor.shutdown()


def _threads_own() -> frozenset[str]:
    from concurrent.futures import ThreadPoolExecutor

    return frozenset(vars(ThreadPoolExecutor(1)))


def _processes_own() -> frozenset[str]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    executor = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    names = frozenset(vars(executor))
    executor.shutdown()
    return names


def _added(executor: Any, own: frozenset[str]) -> dict[str, Any]:
    """Return what a user has added."""
    return {name: value for name, value in vars(executor).items() if name not in own}


def reduce_future(future: "Future[Any]") -> tuple[tuple[type], tuple[Any, ...]]:
    """Send the outcome."""
    if not future.done():
        raise RefusalError(
            "it is pending, and who works on it stays here; wait for its result and send that"
        )
    if future.cancelled():
        outcome: tuple[Any, ...] = ()
    else:
        error = future.exception()
        outcome = (None if error is not None else future.result(), error)
    own = {"_condition", "_state", "_result", "_exception", "_waiters", "_done_callbacks"}
    return (type(future),), (outcome, _added(future, frozenset(own)))


def restore_future(future: "Future[Any]", state: tuple[Any, dict[str, Any]]) -> None:
    """Have it be done."""
    from concurrent.futures import Future

    outcome, added = state
    Future.__init__(future)
    vars(future).update(added)
    if not outcome:
        future.cancel()
        future.set_running_or_notify_cancel()
    elif outcome[1] is not None:
        future.set_exception(outcome[1])
    else:
        future.set_result(outcome[0])


REDUCERS: dict[str, Reducer] = {
    "concurrent.futures.thread.ThreadPoolExecutor": reducer_with_state(
        reduce_threads, rebuild_empty, restore_threads
    ),
    "concurrent.futures.process.ProcessPoolExecutor": reducer_with_state(
        reduce_processes, rebuild_empty, restore_processes
    ),
    "concurrent.futures._base.Future": reducer_with_state(
        reduce_future, rebuild_empty, restore_future
    ),
}
