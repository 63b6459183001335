"""The decorator that times functions, and the owner of the timers that it makes by itself.

A call's measurement lives in the frame of its wrapper, not in the timer's stopwatch of the thread:
recursive calls, and the tasks of an asyncio loop, would share that one.
"""

from __future__ import annotations

import functools
import inspect
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Generator
from time import perf_counter
from typing import (
    Any,
    Concatenate,
    ParamSpec,
    Protocol,
    TypeVar,
    cast,
    overload,
)

from suitkaise.timing._sktimer import Sktimer
from suitkaise.timing._stopwatch import Stopwatch

P = ParamSpec("P")
Rest = ParamSpec("Rest")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class TimedFunction(Protocol[P, R_co]):
    """What `timethis` makes of a function: the same function to call, and its timer."""

    timer: Sktimer
    """Where its calls are recorded."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function and record how long it took."""

    @overload
    def __get__(self, instance: None, owner: type, /) -> TimedFunction[P, R_co]: ...
    @overload
    def __get__(
        self: TimedFunction[Concatenate[T, Rest], R_co], instance: T, owner: type | None = None, /
    ) -> TimedFunction[Rest, R_co]: ...


class _GlobalTimers:
    """The timers that `timethis` made by itself, for as long as their functions live."""

    def __init__(self) -> None:
        self._timers: weakref.WeakSet[Sktimer] = weakref.WeakSet()
        self._lock = threading.RLock()  # a finalizer may decorate a function at any moment

    def new(self) -> Sktimer:
        timer = Sktimer()
        with self._lock:
            self._timers.add(timer)
        return timer

    def reset(self) -> None:
        with self._lock:
            timers = list(self._timers)
        for timer in timers:
            timer.reset()


_global_timers = _GlobalTimers()


def clear_global_timers() -> None:
    """Reset every timer that `timethis` made by itself, in all modules of this process.

    Timers that were given to `timethis` stay as they are.

    Example:
        >>> from suitkaise.timing import clear_global_timers, timethis
        >>> @timethis()
        ... def work():
        ...     return 3
        >>> work()
        3
        >>> clear_global_timers()
        >>> work.timer.num_times
        0
    """
    _global_timers.reset()


@overload
def timethis(function: Callable[P, R_co], /) -> TimedFunction[P, R_co]: ...
@overload
def timethis(
    timer: Sktimer | None = None,
) -> Callable[[Callable[P, R_co]], TimedFunction[P, R_co]]: ...
def timethis(timer: Any = None) -> Any:
    """Time every call of a function.

    For functions, methods, coroutine functions and generator functions, sync and async. Every call
    has a measurement of its own, also if it is recursive or runs in several threads or tasks at
    once, and is recorded when it ends, with a result or with an exception.

    A coroutine is timed from its first step to its end, with all that it awaits. A generator is
    timed until it is exhausted or closed; what its consumer does between two items counts as
    paused (`Sktimer.total_time_paused`).

    ``@classmethod``, ``@staticmethod`` and ``@property`` go above it.

    Args:
        timer: Where to record. None: a new timer, kept for as long as the function, which
            `clear_global_timers` resets too. Without parentheses, the function itself.

    Returns:
        The function, with the timer as its attribute ``timer``.

    Raises:
        TypeError: ``timer`` is neither an `Sktimer` nor a function, or what is decorated is no
            function.

    Example:
        >>> from suitkaise.timing import Sktimer, timethis
        >>> @timethis
        ... def square(number):
        ...     return number * number
        >>> [square(number) for number in (1, 2, 3)]
        [1, 4, 9]
        >>> square.timer.num_times
        3
        >>> requests = Sktimer(max_times=1000)
        >>> @timethis(requests)
        ... async def fetch(address):
        ...     return address
    """
    if timer is None:
        return lambda function: _timed(function, None)
    if isinstance(timer, Sktimer):
        return lambda function: _timed(function, timer)
    return _timed(timer, None)


def _timed(function: Callable[P, Any], timer: Sktimer | None) -> TimedFunction[P, Any]:
    """Wrap a function as its kind asks for."""
    if not callable(function) or isinstance(function, (type, staticmethod)):
        raise TypeError(
            f"timethis() times functions, got {function!r} ({type(function).__name__}); write "
            "@timethis, @timethis() or @timethis(timer) directly above a def, below @classmethod, "
            "@staticmethod and @property"
        )
    timer = _global_timers.new() if timer is None else timer
    wrap: Callable[[Callable[..., Any], Sktimer], Callable[..., Any]]
    if inspect.iscoroutinefunction(function):
        wrap = _timed_coroutines
    elif inspect.isasyncgenfunction(function):
        wrap = _timed_async_generators
    elif inspect.isgeneratorfunction(function):
        wrap = _timed_generators
    else:
        wrap = _timed_calls
    wrapped: Any = functools.update_wrapper(wrap(function, timer), function)
    wrapped.timer = timer
    return cast("TimedFunction[P, Any]", wrapped)


def _timed_calls(function: Callable[..., Any], timer: Sktimer) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        begun = perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            timer.add_time(perf_counter() - begun)

    return wrapper


def _timed_coroutines(function: Callable[..., Any], timer: Sktimer) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        begun = perf_counter()
        try:
            return await function(*args, **kwargs)
        finally:
            timer.add_time(perf_counter() - begun)

    return wrapper


def _timed_generators(function: Callable[..., Any], timer: Sktimer) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        step, argument = generator.send, None
        stopwatch = Stopwatch(perf_counter())
        try:
            while True:
                try:
                    item = step(argument)
                except StopIteration as end:
                    return end.value
                stopwatch.pause(perf_counter())
                try:
                    step, argument = generator.send, (yield item)
                except BaseException as thrown:  # GeneratorExit too: it is close()
                    step, argument = generator.throw, thrown
                stopwatch.resume(perf_counter())
        finally:
            timer._measurements.record(*stopwatch.read(perf_counter()))

    return wrapper


def _timed_async_generators(function: Callable[..., Any], timer: Sktimer) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        step, argument = generator.asend, None
        stopwatch = Stopwatch(perf_counter())
        try:
            while True:
                try:
                    item = await step(argument)
                except StopAsyncIteration:
                    return
                stopwatch.pause(perf_counter())
                try:
                    step, argument = generator.asend, (yield item)
                except BaseException as thrown:  # GeneratorExit too: it is aclose()
                    step, argument = generator.athrow, thrown
                stopwatch.resume(perf_counter())
        finally:
            timer._measurements.record(*stopwatch.read(perf_counter()))

    return wrapper
