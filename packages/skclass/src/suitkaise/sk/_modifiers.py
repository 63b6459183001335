"""The modifiers: what can follow the name of an operation before its arguments.

    fetch.timeout(2.0).retry(5).background()(url)
    └─┬─┘└────────────── Options ──────────┘└─┬─┘
  Operation          (immutable)          arguments

Nothing happens before the last pair of parentheses; a chain can be kept and called again.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from suitkaise.sk import _execution
from suitkaise.sk._operation import Repeatable
from suitkaise.sk._options import Mode, Options, Retry

if TYPE_CHECKING:
    from concurrent.futures import Future

P = ParamSpec("P")
R = TypeVar("R")  # what the operation comes to
T = TypeVar("T")  # what a call hands over: R, a Future of it, or something to await

PLAIN = Options()


class Modifiable(Generic[P, R, T]):
    """Something to call, with modifiers. Each returns a new chain and changes nothing here."""

    __slots__ = ("_operation", "_options")

    _operation: Repeatable
    _options: Options

    def timeout(self, seconds: float) -> Modified[P, R, T]:
        """Give up an attempt after so many seconds: `FunctionTimeoutError`.

        A plain function in the main thread is interrupted there. Elsewhere it runs in a thread and
        is interrupted at its next Python instruction; what blocks in compiled code goes on in that
        thread until it returns, and nobody waits for it. Code that catches `BaseException` is not
        ended. An async function is cancelled.

        Args:
            seconds: Above 0, for each attempt.

        Raises:
            ValueError: ``seconds`` is not above 0, or not finite.
            TypeError: ``seconds`` is no number.

        Example:
            >>> import time
            >>> from suitkaise.sk import sk
            >>> sk(time.sleep).timeout(0.01)(60)
            Traceback (most recent call last):
                ...
            suitkaise.sk._errors.FunctionTimeoutError: sleep took longer than its timeout of 0.01 s
        """
        return Modified(self._operation, self._options.with_timeout(seconds))

    def background(self) -> Modified[P, R, Future[R]]:
        """Return a `concurrent.futures.Future` at once, and do it in a thread.

        Context variables are those of the caller. At its end the interpreter waits for what was
        begun.

        Raises:
            SkModifierError: The chain has ``.asynced()``.

        Example:
            >>> from suitkaise.sk import sk
            >>> future = sk(pow).background()(2, 10)
            >>> future.result()
            1024
        """
        return Modified(self._operation, self._options.with_mode(Mode.BACKGROUND))

    def asynced(self) -> Modified[P, R, Coroutine[Any, Any, R]]:
        """Return something to await, in asyncio.

        A plain function runs in a thread, with the caller's context variables; cancelling the
        await interrupts it as ``.timeout()`` does.

        Raises:
            SkModifierError: The chain has ``.background()``.

        Example:
            >>> import asyncio
            >>> from suitkaise.sk import sk
            >>> async def main():
            ...     return await sk(pow).asynced()(2, 10)
            >>> asyncio.run(main())
            1024
        """
        return Modified(self._operation, self._options.with_mode(Mode.ASYNCED))

    def retry(
        self,
        times: int = 3,
        delay: float = 1.0,
        backoff_factor: float = 1.0,
        exceptions: type[BaseException] | tuple[type[BaseException], ...] = (Exception,),
    ) -> Modified[P, R, T]:
        """Try again when it raises; the last attempt's exception is raised as it is.

        Args:
            times: How many attempts there are at most, the first included.
            delay: Seconds between the first attempt and the second.
            backoff_factor: Each further delay is the one before times this.
            exceptions: What is worth another attempt; anything else is raised at once. An attempt
                that ran over its timeout raises a `TimeoutError`.

        Raises:
            ValueError: A number is out of range; the message names it.
            TypeError: An argument is of the wrong kind; the message names it.

        Example:
            >>> from suitkaise.sk import sk
            >>> answers = iter([0, 0, 5])
            >>> sk(lambda: 10 / next(answers)).retry(3, delay=0.0)()
            2.0
        """
        retry = Retry.checked(times, delay, backoff_factor, exceptions)
        return Modified(self._operation, self._options.with_retry(retry))

    def rate_limit(self, per_second: float) -> Modified[P, R, T]:
        """Let calls begin no faster; whoever comes early waits.

        All calls of this function in this process with the same limit count together, of all
        objects if it is a method. Attempts of one call are not counted.

        Args:
            per_second: Calls per second, above 0.

        Raises:
            ValueError: ``per_second`` is not above 0, or not finite.
            TypeError: ``per_second`` is no number.

        Example:
            >>> from suitkaise.sk import sk
            >>> gentle = sk(abs).rate_limit(1000)
            >>> [gentle(-n) for n in range(3)]
            [0, 1, 2]
        """
        return Modified(self._operation, self._options.with_rate(per_second))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        outcome: T = _execution.call(self._operation, self._options, args, kwargs)
        return outcome


class Modified(Modifiable[P, R, T]):
    """A chain of modifiers, ready to be called. Equal chains of one operation compare equal."""

    __slots__ = ()

    def __init__(self, operation: Repeatable, options: Options) -> None:
        self._operation = operation
        self._options = options

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Modified):
            return NotImplemented
        return (self._operation, self._options) == (other._operation, other._options)

    def __hash__(self) -> int:
        return hash((self._operation, self._options))

    def __reduce__(self) -> tuple[Any, ...]:
        return Modified, (self._operation, self._options)

    def __repr__(self) -> str:
        return f"<{self._operation!r}{self._options!r}>"
