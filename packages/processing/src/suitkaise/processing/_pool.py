"""`Pool`: apply a function to many items, in many processes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ._dispatcher import Dispatcher, State
from ._jobs import Job
from ._platform import usable_cpus
from ._reconnection import pack_with_secrets
from ._results import Results, in_order, raise_error
from ._skprocess import Skprocess

if TYPE_CHECKING:
    from typing import Self

Item = TypeVar("Item")
Value = TypeVar("Value")


class Maps:
    """The four maps of a pool, for a function of one argument or, after `star()`, of several.

    The function may be anything callable, a lambda too, or an `Skprocess` class: then each item
    makes an instance, which runs its life in a worker. Function and items travel by cucumber. What
    a task raises is raised here as itself, its remote traceback as `__cause__`. A worker that dies
    fails the item it was running with a `ProcessDiedError`; another takes its place.
    """

    def __init__(self, dispatcher: Dispatcher, *, star: bool) -> None:
        self._dispatcher = dispatcher
        self._star = star

    def _list(self, function: Any, items: Iterable[Any], *, is_ordered: bool) -> list[Any]:
        job = self._job(function, items, is_lazy=False)
        results: list[Any] = []
        try:
            job.begin()
            for batch in in_order(job) if is_ordered else job.batches():
                if batch.errors:
                    raise_error(batch.errors[min(batch.errors)])
                results += batch.values
        except Exception:
            job.end()
            raise
        except BaseException:  # Ctrl-C: nobody waits any more for what is running
            job.end(kill=True)
            raise
        job.end()
        return results

    def _iterate(self, function: Any, items: Iterable[Any], *, is_ordered: bool) -> Results[Any]:
        return Results(self._job(function, items, is_lazy=True), is_ordered=is_ordered)

    def _job(self, function: Any, items: Iterable[Any], *, is_lazy: bool) -> Job:
        if not callable(function):
            raise TypeError(f"a map takes a callable or an Skprocess class first, not {function!r}")
        name = getattr(function, "__qualname__", type(function).__qualname__)
        packed, secrets = pack_with_secrets(name, function)
        return Job(
            self._dispatcher,
            items,
            function=packed,
            secrets=secrets,
            name=name,
            star=self._star,
            is_lazy=is_lazy,
        )


class StarMaps(Maps):
    """The maps of `pool.star()`: a tuple is unpacked into the function's arguments.

    An item that is no tuple is passed as one argument.
    """

    def map(self, function: Callable[..., Value], items: Iterable[Any]) -> list[Value]:
        """As `Pool.map`, with tuples unpacked."""
        return self._list(function, items, is_ordered=True)

    def unordered_map(self, function: Callable[..., Value], items: Iterable[Any]) -> list[Value]:
        """As `Pool.unordered_map`, with tuples unpacked."""
        return self._list(function, items, is_ordered=False)

    def imap(self, function: Callable[..., Value], items: Iterable[Any]) -> Results[Value]:
        """As `Pool.imap`, with tuples unpacked."""
        return self._iterate(function, items, is_ordered=True)

    def unordered_imap(
        self, function: Callable[..., Value], items: Iterable[Any]
    ) -> Results[Value]:
        """As `Pool.unordered_imap`, with tuples unpacked."""
        return self._iterate(function, items, is_ordered=False)


class Pool(Maps):
    """A pool of warm worker processes.

    The workers are started by the first map and stay for the next ones. As a context manager the
    pool is closed at the end, or terminated if the block raises. A pool that is dropped, or never
    closed, ends silently.

    Args:
        workers: How many processes run at once; None: the CPUs that this process may use.
        forward_logs: Whether log records made in tasks go through the handlers of this process;
            else only handlers that are added in the workers see them.

    Raises:
        ValueError: If `workers` is not a whole number from 1 on.

    Example:
        >>> with Pool(workers=2) as pool:
        ...     pool.map(lambda n: n * n, [1, 2, 3])
        [1, 4, 9]
    """

    def __init__(self, workers: int | None = None, *, forward_logs: bool = True) -> None:
        if workers is None:
            workers = usable_cpus()
        if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
            raise ValueError(f"Pool(workers={workers!r}): it must be a whole number from 1 on")
        super().__init__(Dispatcher(workers, forwards_logs=forward_logs), star=False)
        # The I/O thread knows the dispatcher, not the pool: dropping the pool ends the workers.
        finalizer = weakref.finalize(self, self._dispatcher.terminate_later)
        finalizer.atexit = False

    @property
    def workers(self) -> int:
        """How many processes run at once."""
        return self._dispatcher.workers

    def star(self) -> StarMaps:
        """Return the maps in a form that unpacks tuples: `fn(1, 2)` instead of `fn((1, 2))`."""
        maps = StarMaps(self._dispatcher, star=True)
        maps._pool = self  # type: ignore[attr-defined]  # alive as long as its maps are
        return maps

    @overload
    def map(self, function: type[Skprocess], items: Iterable[Any]) -> list[Any]: ...
    @overload
    def map(self, function: Callable[[Item], Value], items: Iterable[Item]) -> list[Value]: ...
    def map(self, function: Any, items: Iterable[Any]) -> list[Any]:
        """Apply the function to each item; blocks until all are done.

        Returns:
            The results, in the order of the items.

        Raises:
            BaseException: What a task raised, the first by the order of the items; the rest is
                cancelled. A `ProcessDiedError` if a task's worker died.
            ProcessError: If the pool is closed.
            SerializationError: If the function or an item cannot travel.
        """
        return self._list(function, items, is_ordered=True)

    @overload
    def unordered_map(self, function: type[Skprocess], items: Iterable[Any]) -> list[Any]: ...
    @overload
    def unordered_map(
        self, function: Callable[[Item], Value], items: Iterable[Item]
    ) -> list[Value]: ...
    def unordered_map(self, function: Any, items: Iterable[Any]) -> list[Any]:
        """Apply the function to each item; blocks until all are done.

        Returns:
            The results, in the order in which they came in.

        Raises:
            BaseException: As `map`, the first that came in.
        """
        return self._list(function, items, is_ordered=False)

    @overload
    def imap(self, function: type[Skprocess], items: Iterable[Any]) -> Results[Any]: ...
    @overload
    def imap(self, function: Callable[[Item], Value], items: Iterable[Item]) -> Results[Value]: ...
    def imap(self, function: Any, items: Iterable[Any]) -> Results[Any]:
        """Return an iterator over the results in the order of the items.

        The items are pulled as the results are taken, so that endless ones use constant memory.
        `next()` blocks until the next result is there; if the task failed it raises, and the one
        after that goes on.

        Raises:
            ProcessError: If the pool is closed.
        """
        return self._iterate(function, items, is_ordered=True)

    @overload
    def unordered_imap(self, function: type[Skprocess], items: Iterable[Any]) -> Results[Any]: ...
    @overload
    def unordered_imap(
        self, function: Callable[[Item], Value], items: Iterable[Item]
    ) -> Results[Value]: ...
    def unordered_imap(self, function: Any, items: Iterable[Any]) -> Results[Any]:
        """Return an iterator over the results in the order in which they come in; see `imap`."""
        return self._iterate(function, items, is_ordered=False)

    def close(self) -> None:
        """Take no more work, wait for the maps that run, and end the workers; may be repeated.

        An iterator of `imap` whose results are not being taken is not waited for; it raises a
        `ProcessError` after the results that were ready.
        """
        self._dispatcher.close()

    def terminate(self) -> None:
        """Kill the workers; maps that run in other threads raise a `ProcessError`."""
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
