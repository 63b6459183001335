"""`Pool`: apply a function to many items, in many processes."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from ._cpus import usable_cpus
from ._dispatcher import Dispatcher, State
from ._limits import Limits
from ._map_calls import LazyMap, ListMap, StarLazyMap, StarListMap
from ._mapping import Mapping
from ._modifiers import Method
from ._progress import Progress
from ._requirements import require_count, require_seconds
from ._results import Results
from ._skprocess import Skprocess
from ._submissions import Submissions

if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Self

    from suitkaise.sk.modifiers import Operation


_MAP = Mapping("map", is_ordered=True, is_lazy=False)
_UNORDERED_MAP = Mapping("unordered_map", is_ordered=False, is_lazy=False)
_IMAP = Mapping("imap", is_ordered=True, is_lazy=True)
_UNORDERED_IMAP = Mapping("unordered_imap", is_ordered=False, is_lazy=True)

Kind = TypeVar("Kind")
P = ParamSpec("P")
R = TypeVar("R")


def typed(kind: type[Kind], operation: Operation) -> Callable[[Callable[..., Any]], Kind]:
    """Give a map modifiers, and the type that says what they come to."""
    return lambda function: cast("Kind", Method(function, operation))


class Maps:
    """The four maps of a pool, for a function of one argument or, after `star()`, of several.

    The function may be anything callable, a lambda too, or an `Skprocess` class: then each item
    makes an instance, which runs its life in a worker. Function and items travel by cucumber. What
    a task raises is raised here as itself, its remote traceback as `__cause__`. A worker that dies
    fails the item it was running with a `ProcessDiedError`; another takes its place.

    All four take modifiers before the arguments, in any order: `.timeout(s)`, `.background()`
    (a Future of the list) and `.asynced()` (to await the list). And all take two options:

        window: How many items are pulled from the input at most whose results the caller has not
            got yet. None: `map` and `unordered_map` pull what the workers can do with, the lazy
            ones a few chunks for each worker.
        progress: True for a progress bar (the extra `[progress]`, which is tqdm), a string for one
            with that label, or any object with `update(n)`: it is told in the thread that takes
            the results how many more items are done, failed ones too.
    """

    def __init__(self, dispatcher: Dispatcher, *, star: bool) -> None:
        self._dispatcher = dispatcher
        self._star = star


class StarMaps(Maps):
    """The maps of `pool.star()`: a tuple is unpacked into the function's arguments.

    An item that is no tuple is passed as one argument.
    """

    @typed(StarListMap, _MAP)
    def map(
        self,
        function: Callable[..., Any],
        items: Iterable[Any],
        *,
        window: int | None = None,
        progress: Progress = None,
    ) -> list[Any]:
        """As `Pool.map`, with tuples unpacked."""
        options = {"window": window, "progress": progress}
        return cast("list[Any]", _MAP.run((self, function, items), options, None))

    @typed(StarListMap, _UNORDERED_MAP)
    def unordered_map(
        self,
        function: Callable[..., Any],
        items: Iterable[Any],
        *,
        window: int | None = None,
        progress: Progress = None,
    ) -> list[Any]:
        """As `Pool.unordered_map`, with tuples unpacked."""
        options = {"window": window, "progress": progress}
        return cast("list[Any]", _UNORDERED_MAP.run((self, function, items), options, None))

    @typed(StarLazyMap, _IMAP)
    def imap(
        self,
        function: Callable[..., Any],
        items: Iterable[Any],
        *,
        window: int | None = None,
        progress: Progress = None,
    ) -> Results[Any]:
        """As `Pool.imap`, with tuples unpacked."""
        options = {"window": window, "progress": progress}
        return cast("Results[Any]", _IMAP.run((self, function, items), options, None))

    @typed(StarLazyMap, _UNORDERED_IMAP)
    def unordered_imap(
        self,
        function: Callable[..., Any],
        items: Iterable[Any],
        *,
        window: int | None = None,
        progress: Progress = None,
    ) -> Results[Any]:
        """As `Pool.unordered_imap`, with tuples unpacked."""
        options = {"window": window, "progress": progress}
        return cast("Results[Any]", _UNORDERED_IMAP.run((self, function, items), options, None))


class Pool(Maps, Executor):
    """A pool of warm worker processes.

    It is a `concurrent.futures.Executor`: `submit` returns a Future for `as_completed`, `wait` and
    `loop.run_in_executor`. Its `map` is another than an Executor's: see there.

    The workers are started by the first map and stay for the next ones. As a context manager the
    pool is closed at the end, or terminated if the block raises. A pool that is dropped, or never
    closed, ends silently.

    Args:
        workers: How many processes run at once; None: the CPUs that this process may use.
        retries: How often an item (or a submitted call) is run again whose worker died; what runs
            over its time is not.
        max_tasks: Items after which a worker is replaced; None: never.
        max_memory: Bytes above which a worker is replaced once its item is done; None: never. What
            it shares with other processes does not count.
        idle_timeout: Seconds after which a worker that has nothing to do ends; the next item that
            needs one starts another. None: workers stay.
        blas_threads: Threads on which numerical libraries (OpenMP, OpenBLAS, MKL ...) may compute
            in each worker; 0: as many as they like. None: the workers share the CPUs, unless the
            environment says something else (`OMP_NUM_THREADS` ...).
        forward_logs: Whether log records made in tasks go through the handlers of this process;
            else only handlers that are added in the workers see them.

    Raises:
        ValueError: If an argument makes no sense; it names the argument and the value.

    Example:
        >>> with Pool(workers=2) as pool:
        ...     pool.map(lambda n: n * n, [1, 2, 3])
        [1, 4, 9]
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        retries: int = 0,
        max_tasks: int | None = None,
        max_memory: int | None = None,
        idle_timeout: float | None = None,
        blas_threads: int | None = None,
        forward_logs: bool = True,
    ) -> None:
        cpus = usable_cpus()
        if workers is None:
            workers = cpus
        require_count(f"Pool(workers={workers!r})", workers)
        require_count(f"Pool(retries={retries!r})", retries, 0)
        if max_tasks is not None:
            require_count(f"Pool(max_tasks={max_tasks!r})", max_tasks)
        if max_memory is not None:
            require_count(f"Pool(max_memory={max_memory!r})", max_memory)
        require_seconds(f"Pool(idle_timeout={idle_timeout!r})", idle_timeout)
        if blas_threads is not None:
            require_count(f"Pool(blas_threads={blas_threads!r})", blas_threads, 0)
        dispatcher = Dispatcher(
            workers,
            retries=retries,
            limits=Limits(
                max_tasks=max_tasks or 0,
                max_memory=max_memory or 0,
                threads=max(1, cpus // workers) if blas_threads is None else blas_threads,
                is_threads_chosen=blas_threads is not None,
            ),
            idle_timeout=idle_timeout,
            forwards_logs=forward_logs,
        )
        super().__init__(dispatcher, star=False)
        # The I/O thread knows the dispatcher, not the pool: dropping the pool ends the workers.
        finalizer = weakref.finalize(self, self._dispatcher.terminate_later)
        finalizer.atexit = False
        self._submissions = Submissions(self._dispatcher)

    @property
    def workers(self) -> int:
        """How many processes run at once."""
        return self._dispatcher.workers

    def star(self) -> StarMaps:
        """Return the maps in a form that unpacks tuples: `fn(1, 2)` instead of `fn((1, 2))`."""
        maps = StarMaps(self._dispatcher, star=True)
        maps._pool = self  # type: ignore[attr-defined]  # alive as long as its maps are
        return maps

    @typed(ListMap, _MAP)
    def map(  # type: ignore[override]  # the specification's: see the docstring
        self,
        function: Callable[[Any], Any] | type[Skprocess],
        items: Iterable[Any],
        *,
        window: int | None = None,
        progress: Progress = None,
    ) -> list[Any]:
        """Apply the function to each item; blocks until all are done.

        Unlike `Executor.map` it takes one iterable, whose items need not be pulled at once, and
        returns a list; `imap` is the lazy one, and `star()` is for several arguments.

        `.timeout(s)` is for the whole call: what runs then is killed, the pool goes on.

        Returns:
            The results, in the order of the items.

        Raises:
            BaseException: What a task raised, the first by the order of the items; the rest is
                cancelled. A `ProcessDiedError` if a task's worker died.
            ResultTimeoutError: If `.timeout(s)` was over.
            ProcessError: If the pool is closed.
            SerializationError: If the function or an item cannot travel.
        """
        options = {"window": window, "progress": progress}
        return cast("list[Any]", _MAP.run((self, function, items), options, None))

    @typed(ListMap, _UNORDERED_MAP)
    def unordered_map(
        self,
        function: Callable[[Any], Any] | type[Skprocess],
        items: Iterable[Any],
        *,
        window: int | None = None,
        progress: Progress = None,
    ) -> list[Any]:
        """Apply the function to each item; blocks until all are done.

        Returns:
            The results, in the order in which they came in.

        Raises:
            BaseException: As `map`, the first that came in.
        """
        options = {"window": window, "progress": progress}
        return cast("list[Any]", _UNORDERED_MAP.run((self, function, items), options, None))

    @typed(LazyMap, _IMAP)
    def imap(
        self,
        function: Callable[[Any], Any] | type[Skprocess],
        items: Iterable[Any],
        *,
        window: int | None = None,
        progress: Progress = None,
    ) -> Results[Any]:
        """Return an iterator over the results in the order of the items.

        The items are pulled as the results are taken, so that endless ones use constant memory.
        `next()` blocks until the next result is there; if the task failed it raises, and the one
        after that goes on. `.timeout(s)` is for each item: one that runs longer is killed, and
        fails with a `ResultTimeoutError`. `.background()` and `.asynced()` come to a list.

        Raises:
            ProcessError: If the pool is closed.
        """
        options = {"window": window, "progress": progress}
        return cast("Results[Any]", _IMAP.run((self, function, items), options, None))

    @typed(LazyMap, _UNORDERED_IMAP)
    def unordered_imap(
        self,
        function: Callable[[Any], Any] | type[Skprocess],
        items: Iterable[Any],
        *,
        window: int | None = None,
        progress: Progress = None,
    ) -> Results[Any]:
        """Return an iterator over the results in the order in which they come in; see `imap`."""
        options = {"window": window, "progress": progress}
        return cast("Results[Any]", _UNORDERED_IMAP.run((self, function, items), options, None))

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Have `fn(*args, **kwargs)` called in a worker; returns at once. From any thread.

        Calls take their turn in the order in which they were submitted, beside the maps that run.
        A function is rebuilt once in each worker, any other callable for each call.

        Returns:
            A Future. `cancel()` works until a worker has the call. `result()` raises what the call
            raised, its remote traceback as `__cause__`; a `ProcessDiedError` if the worker died; a
            `SerializationError` if the function or an argument cannot travel; a `ProcessError` if
            the result cannot, or the pool was terminated.

        Raises:
            ProcessError: If the pool is closed (a `RuntimeError`, too), or is another process's.
            TypeError: If `fn` is an Skprocess class, or not callable.

        Example:
            >>> with Pool(workers=2) as pool:
            ...     pool.submit(pow, 2, 10).result()
            1024
        """
        return self._submissions.submit(fn, args, kwargs, self)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the pool, as an Executor does; may be repeated.

        Args:
            wait: Whether to block until all work is done and the workers have ended, as `close`
                does; else that happens in the background.
            cancel_futures: Whether to cancel what was submitted and no worker has yet.
        """
        self._dispatcher.begin_closing()
        if cancel_futures:
            self._submissions.cancel_all()
        if wait:
            self.close()
        else:
            threading.Thread(target=self.close, name="suitkaise-close", daemon=True).start()

    def close(self) -> None:
        """Take no more work, wait for what runs or was submitted, and end the workers.

        May be repeated. An iterator of `imap` whose results are not being taken is not waited for;
        it raises a `ProcessError` after the results that were ready.
        """
        self._dispatcher.close()

    def terminate(self) -> None:
        """Kill the workers; maps that run, and what was submitted, raise a `ProcessError`."""
        self._dispatcher.terminate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.terminate()

    def __repr__(self) -> str:
        state = "" if self._dispatcher.state is State.OPEN else " (closed)"
        return f"<Pool of {self.workers} workers{state}>"
