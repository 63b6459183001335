"""A map as an operation: what a plain call, `.background()` and `.asynced()` come to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._awaiting import Awaited, Failed
from ._collecting import Collecting
from ._jobs import Job
from ._paces import callee
from ._progress import Progress
from ._reconnection import pack_with_secrets
from ._requirements import require_count
from ._results import Results

if TYPE_CHECKING:
    from concurrent.futures import Future

    from suitkaise.sk.modifiers import Arguments, Keywords

    from ._pool import Maps


class Mapping:
    """The operation of a map: its arguments are the maps it is of, the function and the items.

    Args:
        name: The map's.
        is_ordered: Whether results come in the order of the items.
        is_lazy: Whether a plain call returns an iterator; then a timeout is for each item.
    """

    is_async = False

    def __init__(self, name: str, *, is_ordered: bool, is_lazy: bool) -> None:
        self._name = f"Pool.{name}"
        self._is_ordered = is_ordered
        self._is_lazy = is_lazy

    def run(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Return the list, or the iterator."""
        if self._is_lazy:
            job = self._job(*args, **kwargs, is_lazy=True, item_timeout=timeout)
            return Results(job, is_ordered=self._is_ordered)
        return self._collecting(args, kwargs, timeout).run()

    def begin(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Future[list[Any]]:
        """Have the list collected; what a plain call would raise is raised by `result()`."""
        awaited: Awaited[Any]
        try:
            awaited = self._collecting(args, kwargs, timeout).begin()
        except Exception as error:
            awaited = Failed(error)
        return awaited.begin(None)

    async def run_async(
        self, args: Arguments, kwargs: Keywords, timeout: float | None
    ) -> list[Any]:
        """Return the list."""
        return await self._collecting(args, kwargs, timeout).run_async()

    def _collecting(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Collecting:
        whole, each = (None, timeout) if self._is_lazy else (timeout, None)
        job = self._job(*args, **kwargs, is_lazy=False, item_timeout=each)
        return Collecting(self._name, job, is_ordered=self._is_ordered, timeout=whole, pool=args[0])

    @staticmethod
    def _job(
        maps: Maps,
        function: Any,
        items: Iterable[Any],
        *,
        is_lazy: bool,
        item_timeout: float | None,
        window: int | None = None,
        progress: Progress = None,
    ) -> Job:
        if not callable(function):
            raise TypeError(f"a map takes a callable or an Skprocess class first, not {function!r}")
        if window is not None:
            require_count(f"window={window!r}", window)
        name = getattr(function, "__qualname__", type(function).__qualname__)
        packed, secrets = pack_with_secrets(name, function)
        return Job(
            maps._dispatcher,
            items,
            function=packed,
            secrets=secrets,
            name=name,
            callee=callee(function),
            star=maps._star,
            is_lazy=is_lazy,
            item_timeout=item_timeout,
            window=window,
            progress=progress,
        )
