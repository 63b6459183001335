"""`.timeout()`, `.background()` and `.asynced()` on methods that wait.

    process.result.timeout(2.0).background()()
    └─────┬──────┘└─────────┬─────────────┘└┬┘
     BoundMethod        Modified        arguments

The chain's options, and what they come to, are those of `suitkaise.sk`. A method says what it waits
for (`Awaited`), which knows the three ways. A plain call is the function itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from suitkaise.sk import modifiers
from suitkaise.sk.modifiers import Arguments, Keywords, Mode, Operation, Options

from ._awaiting import Awaited, Failed

if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Self

P = ParamSpec("P")
R = TypeVar("R")  # what the method returns
T = TypeVar("T")  # what a call hands over: R, a Future of it, or something to await
S = TypeVar("S")

_PLAIN = Options()


class Waiting:
    """The operation of a method that waits for one thing.

    Args:
        awaited_of: Called as the method is, returns what it waits for.
    """

    is_async = False

    def __init__(self, awaited_of: Callable[..., Awaited[Any]]) -> None:
        self._awaited_of = awaited_of

    def run(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Wait in the calling thread."""
        return self._awaited_of(*args, **kwargs).wait(timeout)

    def begin(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Future[Any]:
        """Return a Future; what a plain call would raise is raised by its `result()`."""
        try:
            awaited = self._awaited_of(*args, **kwargs)
        except Exception as error:
            awaited = Failed(error)
        return awaited.begin(timeout)

    async def run_async(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Wait in the event loop."""
        return await self._awaited_of(*args, **kwargs).wait_async(timeout)

    def __repr__(self) -> str:
        return self._awaited_of.__name__


class Modifiable(Generic[P, R, T]):
    """Something to call, with modifiers. Each returns a new chain and changes nothing here."""

    __slots__ = ()

    def _with(self, change: Callable[[Options], Options]) -> Modified[P, R, Any]:
        raise NotImplementedError

    def timeout(self, seconds: float) -> Modified[P, R, T]:
        """Raise `ResultTimeoutError` after so many seconds.

        A process whose `wait`, `result` or `listen` took too long goes on; one whose `run` did is
        killed, and so is what runs of a map.

        Args:
            seconds: Above 0.

        Raises:
            ValueError: ``seconds`` is not above 0, or not finite.
            TypeError: ``seconds`` is no number.
        """
        return self._with(lambda options: options.with_timeout(seconds))

    def background(self) -> Modified[P, R, Future[R]]:
        """Return a `concurrent.futures.Future` at once.

        Whatever a plain call would raise, its `result()` raises. Cancelling the Future of a `run`
        kills the process, that of a map what runs of it; another Future only stops waiting.

        Raises:
            SkModifierError: The chain has ``.asynced()``.
        """
        return self._with(lambda options: options.with_mode(Mode.BACKGROUND))

    def asynced(self) -> Modified[P, R, Coroutine[Any, Any, R]]:
        """Return something to await, in asyncio (or uvloop) and in trio.

        It takes no thread. Cancelling the await of a `run` kills the process, that of a map what
        runs of it; another await only stops waiting.

        Raises:
            SkModifierError: The chain has ``.background()``.
        """
        return self._with(lambda options: options.with_mode(Mode.ASYNCED))


class Modified(Modifiable[P, R, T]):
    """A chain of modifiers, ready to be called."""

    __slots__ = ("_name", "_operation", "_options", "_owner")

    def __init__(self, name: str, operation: Operation, owner: object, options: Options) -> None:
        self._name = name
        self._operation = operation
        self._owner = owner
        self._options = options

    def _with(self, change: Callable[[Options], Options]) -> Modified[P, R, Any]:
        return Modified(self._name, self._operation, self._owner, change(self._options))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        outcome: T = modifiers.call(self._operation, self._options, (self._owner, *args), kwargs)
        return outcome

    def __repr__(self) -> str:
        return f"<{self._name}{self._options!r} of {self._owner!r}>"


if TYPE_CHECKING:

    class _Bound(Generic[P, R]):
        func: Callable[..., R]
        args: tuple[Any, ...]
        __name__: str

        def __init__(self, function: Callable[..., R], owner: object) -> None: ...

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
else:
    _Bound = functools.partial  # it calls twice as fast as a `__call__` written in Python


class BoundMethod(_Bound[P, R], Modifiable[P, R, R]):
    """A method of one object, with modifiers."""

    __slots__ = ()

    def _with(self, change: Callable[[Options], Options]) -> Modified[P, R, Any]:
        operation: Operation = self.func.operation  # type: ignore[attr-defined]
        return Modified(self.func.__qualname__, operation, self.__self__, change(_PLAIN))

    @property
    def __self__(self) -> Any:
        return self.args[0]

    @property
    def __func__(self) -> Callable[..., R]:
        return self.func

    if not TYPE_CHECKING:  # to a checker it would mean that there is any attribute

        def __getattr__(self, name: str) -> Any:
            if name in ("__name__", "__qualname__"):  # with more it would pass for a function
                return getattr(self.func, name)
            raise AttributeError(f"a method has no attribute {name!r}", name=name, obj=self)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self.func.__doc__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundMethod):
            return NotImplemented
        return self.func is other.func and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((self.func, id(self.__self__)))

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.__self__, self.func.__name__)

    def __repr__(self) -> str:
        return f"<bound method {self.func.__qualname__} of {self.__self__!r}>"


class Method(Generic[S, P, R]):
    """Stands in a class in place of a method's function, and gives it modifiers.

    A subclass overrides it as any method; `super()` works.
    """

    __wrapped__: Callable[Concatenate[S, P], R]

    def __init__(self, function: Callable[Concatenate[S, P], R], operation: Operation) -> None:
        functools.update_wrapper(self, function)
        function.operation = operation  # type: ignore[attr-defined]  # where a BoundMethod finds it
        self._function = function

    def __call__(self, owner: S, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._function(owner, *args, **kwargs)

    @overload
    def __get__(self, owner: None, kind: type | None = None) -> Self: ...

    @overload
    def __get__(self, owner: S, kind: type | None = None) -> BoundMethod[P, R]: ...

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self
        return BoundMethod(self._function, owner)

    def __repr__(self) -> str:
        return f"<method {self._function.__qualname__}>"


def modifiable(
    awaited_of: Callable[Concatenate[S, P], Awaited[R]],
    operation: Callable[[Callable[..., Awaited[Any]]], Operation] = Waiting,
) -> Callable[[Callable[Concatenate[S, P], R]], Method[S, P, R]]:
    """Give a method modifiers.

    Args:
        awaited_of: Called as the method is, returns what it waits for.
        operation: Makes the operation of it.
    """
    return lambda function: Method(function, operation(awaited_of))
