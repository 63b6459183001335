"""What a type checker sees of the maps and their modifiers: the arguments, and what comes of them.

At run time a map is a `Method` and its chains are `Modified`; nothing here is ever made. A chain
that is generic in its function cannot be written with `ParamSpec`, hence one class for each form
of the outcome, with and without `star()`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, overload

if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Self

    from ._progress import Progress
    from ._results import Results
    from ._skprocess import Skprocess

Item = TypeVar("Item")
Value = TypeVar("Value")


class MapOptions(TypedDict, total=False):
    """What every map takes beside the function and the items, see `Pool`."""

    window: int | None
    progress: Progress


class _Chain:
    def timeout(self, seconds: float) -> Self:
        """See `Modifiable.timeout`."""
        raise NotImplementedError


class _BackgroundChain(_Chain):
    def background(self) -> Self:
        """See `Modifiable.background`."""
        raise NotImplementedError


class _AsyncedChain(_Chain):
    def asynced(self) -> Self:
        """See `Modifiable.asynced`."""
        raise NotImplementedError


class _WholeChain(_Chain):
    def background(self) -> BackgroundMap:
        """See `Modifiable.background`."""
        raise NotImplementedError

    def asynced(self) -> AsyncedMap:
        """See `Modifiable.asynced`."""
        raise NotImplementedError


class _StarChain(_Chain):
    def background(self) -> StarBackgroundMap:
        """See `Modifiable.background`."""
        raise NotImplementedError

    def asynced(self) -> StarAsyncedMap:
        """See `Modifiable.asynced`."""
        raise NotImplementedError


class ListMap(_WholeChain):
    """`pool.map`."""

    @overload
    def __call__(
        self, function: type[Skprocess], items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> list[Any]: ...
    @overload
    def __call__(
        self,
        function: Callable[[Item], Value],
        items: Iterable[Item],
        **options: Unpack[MapOptions],
    ) -> list[Value]: ...
    def __call__(
        self, function: Any, items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> list[Any]:
        raise NotImplementedError


class LazyMap(_WholeChain):
    """`pool.imap`."""

    @overload
    def __call__(
        self, function: type[Skprocess], items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Results[Any]: ...
    @overload
    def __call__(
        self,
        function: Callable[[Item], Value],
        items: Iterable[Item],
        **options: Unpack[MapOptions],
    ) -> Results[Value]: ...
    def __call__(
        self, function: Any, items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Results[Any]:
        raise NotImplementedError


class BackgroundMap(_BackgroundChain):
    """`pool.map.background()`."""

    @overload
    def __call__(
        self, function: type[Skprocess], items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Future[list[Any]]: ...
    @overload
    def __call__(
        self,
        function: Callable[[Item], Value],
        items: Iterable[Item],
        **options: Unpack[MapOptions],
    ) -> Future[list[Value]]: ...
    def __call__(
        self, function: Any, items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Future[list[Any]]:
        raise NotImplementedError


class AsyncedMap(_AsyncedChain):
    """`pool.map.asynced()`."""

    @overload
    def __call__(
        self, function: type[Skprocess], items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Coroutine[Any, Any, list[Any]]: ...
    @overload
    def __call__(
        self,
        function: Callable[[Item], Value],
        items: Iterable[Item],
        **options: Unpack[MapOptions],
    ) -> Coroutine[Any, Any, list[Value]]: ...
    def __call__(
        self, function: Any, items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Coroutine[Any, Any, list[Any]]:
        raise NotImplementedError


class StarListMap(_StarChain):
    """`pool.star().map`."""

    def __call__(
        self, function: Callable[..., Value], items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> list[Value]:
        raise NotImplementedError


class StarLazyMap(_StarChain):
    """`pool.star().imap`."""

    def __call__(
        self, function: Callable[..., Value], items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Results[Value]:
        raise NotImplementedError


class StarBackgroundMap(_BackgroundChain):
    """`pool.star().map.background()`."""

    def __call__(
        self, function: Callable[..., Value], items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Future[list[Value]]:
        raise NotImplementedError


class StarAsyncedMap(_AsyncedChain):
    """`pool.star().map.asynced()`."""

    def __call__(
        self, function: Callable[..., Value], items: Iterable[Any], **options: Unpack[MapOptions]
    ) -> Coroutine[Any, Any, list[Value]]:
        raise NotImplementedError
