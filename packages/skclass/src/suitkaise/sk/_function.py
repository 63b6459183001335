"""`sk`: modifiers for functions, methods and classes."""

from __future__ import annotations

import enum
import functools
import sys
from collections.abc import Callable, Coroutine
from types import FunctionType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from suitkaise.sk._blocking import find_blocking_calls
from suitkaise.sk._clock import SYSTEM_CLOCK, Clock
from suitkaise.sk._modifiers import PLAIN, Modifiable
from suitkaise.sk._operation import BoundOperation, is_async_function, operation_of
from suitkaise.sk._skclass import Skclass

if TYPE_CHECKING:
    from typing import Self

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
T = TypeVar("T")
S = TypeVar("S")
ClassT = TypeVar("ClassT", bound=type)


class Binding(enum.Enum):
    """What a function in a class gets as its first argument."""

    INSTANCE = enum.auto()  # the object
    CLASS = enum.auto()  # the class: a classmethod
    NOTHING = enum.auto()  # a staticmethod


class SkFunction(Modifiable[P, R, T]):
    """A function with modifiers; called plainly, it is the function.

    Made by `sk`. In a class it binds like a function, a classmethod or a staticmethod.
    """

    __slots__ = ("__dict__", "__weakref__", "__wrapped__", "_binding", "_owner")

    __wrapped__: Callable[P, T]
    __name__: str
    __qualname__: str

    def __init__(
        self,
        function: Callable[P, T],
        asynced: Callable[P, Coroutine[Any, Any, R]] | None = None,
        *,
        binding: Binding = Binding.INSTANCE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        functools.update_wrapper(self, function)
        self._operation = operation_of(function, asynced, clock)
        self._operation.owner = self
        self._options = PLAIN
        self._binding = binding
        self._owner: type | None = None
        if is_async_function(function):
            _mark_async(self)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.__wrapped__(*args, **kwargs)

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner

    @property
    def _twin(self) -> Callable[P, Coroutine[Any, Any, R]] | None:
        """The async function that does the same, if one was given."""
        return getattr(self._operation, "asynced", None)

    @property
    def blocking_calls(self) -> list[str]:
        """The calls in its source that wait, its helpers' included, by name, sorted.

        Such as ``["requests.get", "time.sleep"]``; of a method on an object that is not known
        ``".recv"``; its own name if it is marked by `blocking`. Without source nothing is found.
        """
        return find_blocking_calls(self.__wrapped__, self._owner)

    @property
    def has_blocking_calls(self) -> bool:
        """Whether `blocking_calls` has any."""
        return bool(self.blocking_calls)

    @overload
    def __get__(self, owner: None, kind: type | None = None) -> Self: ...

    @overload
    def __get__(
        self: SkFunction[Concatenate[S, Q], R, T], owner: S, kind: type | None = None
    ) -> BoundSkFunction[Q, R, T]: ...

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if self._binding is Binding.CLASS:
            return BoundSkFunction(self, type(owner) if kind is None else kind)
        if owner is None or self._binding is Binding.NOTHING:
            return self
        return BoundSkFunction(self, owner)

    def __reduce__(self) -> tuple[Any, ...] | str:
        if _is_importable(self):
            return self.__qualname__
        return _rebuild, (self.__wrapped__, self._twin, self._binding)

    def __repr__(self) -> str:
        return f"<sk {self.__wrapped__!r}>"


class BoundSkFunction(Modifiable[P, R, T]):
    """A method of one object, or a classmethod of one class, with modifiers."""

    __slots__ = ("__func__", "__self__")

    def __init__(self, function: SkFunction[Any, R, T], owner: object) -> None:
        self.__func__ = function
        self.__self__ = owner
        self._options = PLAIN

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        outcome: T = self.__func__.__wrapped__(self.__self__, *args, **kwargs)
        return outcome

    def __getattr__(self, name: str) -> Any:
        if name == "_operation":  # made when a modifier asks for it: plain calls do not
            self._operation = BoundOperation(self.__func__._operation, self.__self__)
            return self._operation
        return getattr(self.__func__, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundSkFunction):
            return NotImplemented
        return self.__self__ is other.__self__ and self.__func__ is other.__func__

    def __hash__(self) -> int:
        return hash((id(self.__self__), self.__func__))

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.__self__, self.__func__.__name__)

    def __repr__(self) -> str:
        return f"<sk bound method {self.__func__.__qualname__} of {self.__self__!r}>"


@overload
def sk(target: ClassT) -> ClassT: ...  # type: ignore[overload-overlap]  # a class is callable


@overload
def sk(
    target: Callable[P, Coroutine[Any, Any, R]],
) -> SkFunction[P, R, Coroutine[Any, Any, R]]: ...


@overload
def sk(target: Callable[P, R]) -> SkFunction[P, R, R]: ...


@overload
def sk(
    *, asynced: Callable[P, Coroutine[Any, Any, R]]
) -> Callable[[Callable[P, R]], SkFunction[P, R, R]]: ...


def sk(target: Any = None, *, asynced: Any = None) -> Any:
    """Give a function, a method or all methods of a class modifiers.

    ``.timeout(s)``, ``.background()``, ``.asynced()``, ``.retry()`` and ``.rate_limit()`` follow
    its name, in any order and number, before the arguments. A plain call stays a plain call.

    Of a class it is the same class that comes back: its functions, classmethods and staticmethods
    have modifiers (those with two underscores in front stay as they are), and ``_shared_meta`` is
    attached as by `Skclass`.

    Args:
        target: The function or class.
        asynced: An async function that does the same, for ``.asynced()``: a thread is then not
            needed. Give it by itself, and decorate with what comes back.

    Raises:
        TypeError: ``target`` cannot be called, or ``asynced`` is no async function.

    Example:
        >>> @sk
        ... def double(number: int) -> int:
        ...     return 2 * number
        >>> double(4)
        8
        >>> double.retry(2).background()(4).result()
        8
    """
    if asynced is not None and not is_async_function(asynced):
        raise TypeError(f"sk(asynced={asynced!r}): it must be an async function")
    if target is None:
        return functools.partial(_wrap, asynced=asynced)
    return _wrap(target, asynced)


def _wrap(target: Any, asynced: Any) -> Any:
    if isinstance(target, type):
        if asynced is not None:
            raise TypeError(f"sk(asynced=...) is for functions, not for the class {target!r}")
        return _wrap_class(target)
    if isinstance(target, SkFunction):
        return target
    if isinstance(target, staticmethod):
        return SkFunction(target.__func__, asynced, binding=Binding.NOTHING)
    if isinstance(target, classmethod):
        return SkFunction(target.__func__, asynced, binding=Binding.CLASS)
    if not callable(target):
        raise TypeError(f"sk({target!r}): it must be a function, a method or a class")
    return SkFunction(target, asynced)


def _wrap_class(cls: type) -> type:
    for name, member in list(vars(cls).items()):
        is_function = isinstance(member, FunctionType | staticmethod | classmethod)
        if is_function and not name.startswith("__"):
            function = _wrap(member, None)
            function.__set_name__(cls, name)
            setattr(cls, name, function)
    return Skclass(cls)


def _mark_async(function: SkFunction[Any, Any, Any]) -> None:
    """Have `inspect` and asyncio see an async function."""
    import inspect

    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(function)
    elif "asyncio" in sys.modules:
        function._is_coroutine = sys.modules["asyncio"].coroutines._is_coroutine  # type: ignore[attr-defined]


def _is_importable(function: SkFunction[Any, Any, Any]) -> bool:
    found: Any = sys.modules.get(function.__module__)
    if found is None or function.__module__ == "__main__":
        return False
    for name in getattr(function, "__qualname__", "").split("."):
        found = getattr(found, name, None)
    return found is function


def _rebuild(
    function: Callable[..., Any], asynced: Any, binding: Binding
) -> SkFunction[..., Any, Any]:
    return SkFunction(function, asynced, binding=binding)
