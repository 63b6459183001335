"""What can be called with modifiers: an operation, and three ways to have it done.

Whoever owns an operation knows best how to wait for it: a plain function needs a thread to be
awaited, an async one does not, and a process or a pool has a future already. So the owner supplies
the three ways, and the modifiers only choose between them (`_execution`).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from suitkaise.sk import _alarm
from suitkaise.sk._clock import SYSTEM_CLOCK, Clock
from suitkaise.sk._errors import FunctionTimeoutError
from suitkaise.sk._rate import RateLimiters

if TYPE_CHECKING:
    from concurrent.futures import Future

_CO_COROUTINE = 0x80  # a code object's flag, as `inspect` has it, which takes long to import
Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


class Operation(Protocol):
    """Something to do with arguments. `timeout` is in seconds; None: as long as it takes.

    Attributes:
        is_async: Whether a plain call hands over something to await.
    """

    @property
    def is_async(self) -> bool: ...

    def run(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Do it, and return the outcome; blocks the calling thread until then."""

    def begin(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Future[Any]:
        """Have it done; returns at once."""

    def run_async(
        self, args: Arguments, kwargs: Keywords, timeout: float | None
    ) -> Coroutine[Any, Any, Any]:
        """Do it without blocking the event loop. Cancelling gives it up."""


class Repeatable(Operation, Protocol):
    """An operation that can be tried again, and be kept from beginning too often.

    Attributes:
        limiters: The rate limits of all its calls.
        clock: What delays are measured by.
    """

    @property
    def limiters(self) -> RateLimiters: ...

    @property
    def clock(self) -> Clock: ...


class _OfFunction:
    """What is common to calling a function, sync or async."""

    def __init__(self, function: Callable[..., Any], clock: Clock) -> None:
        self.function = function
        self.limiters = RateLimiters()
        self.clock = clock
        self.owner: Any = None  # the SkFunction that made it, by whose name it travels

    def __reduce__(self) -> tuple[Any, ...]:
        return _operation_of_owner, (self.owner,)

    def __repr__(self) -> str:
        return f"sk {name_of(self.function)}"


class FunctionOperation(_OfFunction):
    """Calling a plain function.

    Args:
        function: What to call.
        asynced: An async function that does the same, or None.
    """

    is_async = False

    def __init__(
        self,
        function: Callable[..., Any],
        asynced: Callable[..., Coroutine[Any, Any, Any]] | None = None,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        super().__init__(function, clock)
        self.asynced = asynced

    def run(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Call it here; with a timeout perhaps in a thread, see `_alarm.is_usable`."""
        if timeout is None:
            return self.function(*args, **kwargs)
        call = partial(self.function, *args, **kwargs)
        error = FunctionTimeoutError(name_of(self.function), timeout)
        if _alarm.is_usable():
            return _alarm.call_with_alarm(call, timeout, error)
        from concurrent import futures  # here: with a thread only

        from suitkaise.sk._threads import ThreadCall

        thread_call = ThreadCall(call)
        thread_call.start()
        try:
            futures.wait((thread_call.future,), timeout)
        finally:  # nothing happens if it has ended; else time is over, or it is Ctrl-C
            thread_call.interrupt(error)
        return thread_call.future.result()

    def begin(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Future[Any]:
        """Call it in a thread."""
        return in_thread(partial(self.run, args, kwargs, timeout))

    async def run_async(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Await the async twin, or call it in a thread."""
        import asyncio  # here: importing it takes longer than all of suitkaise.sk

        if self.asynced is not None:
            return await await_within(self.asynced(*args, **kwargs), timeout, self.function)
        from suitkaise.sk._threads import ThreadCall

        thread_call = ThreadCall(partial(self.function, *args, **kwargs))
        thread_call.start()
        outcome = asyncio.wrap_future(thread_call.future)
        try:
            await asyncio.wait((outcome,), timeout=timeout)
        except BaseException:
            outcome.cancel()  # nobody will ask for it
            raise
        finally:  # nothing happens if it has ended; else time is over, or it is a cancellation
            thread_call.interrupt(FunctionTimeoutError(name_of(self.function), timeout or 0.0))
        return await outcome


class AsyncFunctionOperation(_OfFunction):
    """Calling an async function.

    Args:
        function: What to call.
    """

    is_async = True

    def __init__(
        self, function: Callable[..., Coroutine[Any, Any, Any]], *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        super().__init__(function, clock)

    def run(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Run it in an event loop of its own."""
        import asyncio  # here: importing it takes longer than all of suitkaise.sk

        return asyncio.run(self.run_async(args, kwargs, timeout))

    def begin(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Future[Any]:
        """Run it in a thread, in an event loop of its own."""
        return in_thread(partial(self.run, args, kwargs, timeout))

    async def run_async(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Await it."""
        return await await_within(self.function(*args, **kwargs), timeout, self.function)


class BoundOperation:
    """An operation of an object: the object comes first in the arguments."""

    def __init__(self, operation: Repeatable, owner: object) -> None:
        self.is_async = operation.is_async
        self.limiters = operation.limiters
        self.clock = operation.clock
        self._operation = operation
        self._owner = owner

    def run(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Do it, and return the outcome."""
        return self._operation.run((self._owner, *args), kwargs, timeout)

    def begin(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Future[Any]:
        """Have it done."""
        return self._operation.begin((self._owner, *args), kwargs, timeout)

    def run_async(
        self, args: Arguments, kwargs: Keywords, timeout: float | None
    ) -> Coroutine[Any, Any, Any]:
        """Do it without blocking the event loop."""
        return self._operation.run_async((self._owner, *args), kwargs, timeout)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundOperation):
            return NotImplemented
        return self._owner is other._owner and self._operation == other._operation

    def __hash__(self) -> int:
        return hash((id(self._owner), self._operation))

    def __reduce__(self) -> tuple[Any, ...]:
        return BoundOperation, (self._operation, self._owner)

    def __repr__(self) -> str:
        return f"{self._operation!r} of {self._owner!r}"


def operation_of(
    function: Callable[..., Any],
    asynced: Callable[..., Coroutine[Any, Any, Any]] | None,
    clock: Clock,
) -> FunctionOperation | AsyncFunctionOperation:
    """Choose the operation for a function."""
    if is_async_function(function):
        return AsyncFunctionOperation(function, clock=clock)
    return FunctionOperation(function, asynced, clock=clock)


def is_async_function(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine."""
    while isinstance(function, partial):
        function = function.func
    for called in (function, getattr(type(function), "__call__", None)):  # noqa: B004  not if, but what
        code = getattr(getattr(called, "__func__", called), "__code__", None)
        if code is not None and code.co_flags & _CO_COROUTINE:
            return True
    return False


def in_thread(call: Callable[[], Any]) -> Future[Any]:
    """Make a call in a thread; returns at once."""
    from suitkaise.sk._threads import ThreadCall

    thread_call = ThreadCall(call)
    thread_call.start()
    return thread_call.future


async def await_within(
    awaitable: Coroutine[Any, Any, Any], timeout: float | None, function: Callable[..., Any]
) -> Any:
    """Await it; raises `FunctionTimeoutError` for `function` if it takes longer."""
    if timeout is None:
        return await awaitable
    import asyncio  # here: importing it takes longer than all of suitkaise.sk

    try:
        async with asyncio.timeout(timeout) as limit:
            return await awaitable
    except TimeoutError:
        if limit.expired():
            raise FunctionTimeoutError(name_of(function), timeout) from None
        raise


def name_of(function: Callable[..., Any]) -> str:
    """Return what an error calls it."""
    return getattr(function, "__qualname__", None) or repr(function)


def _operation_of_owner(owner: Any) -> Any:
    return owner._operation
