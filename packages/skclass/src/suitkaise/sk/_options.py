"""What a chain of modifiers has asked for: plain values, checked once.

The words are tenacity's and stamina's: a call has *attempts*, between two of them lies a *delay*.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from suitkaise.sk._errors import SkModifierError


class Mode(enum.Enum):
    """How the caller gets the outcome."""

    PLAIN = enum.auto()  # as the function itself would hand it over
    BACKGROUND = enum.auto()  # as a concurrent.futures.Future, at once
    ASYNCED = enum.auto()  # as something to await


@dataclass(frozen=True, slots=True)
class Retry:
    """When to try again.

    Attributes:
        times: How many attempts there are at most, the first included.
        delay: Seconds between the first attempt and the second.
        backoff_factor: Each further delay is the one before times this.
        exceptions: What is worth another attempt; anything else is raised at once.
    """

    times: int
    delay: float
    backoff_factor: float
    exceptions: tuple[type[BaseException], ...]

    @classmethod
    def checked(cls, times: Any, delay: Any, backoff_factor: Any, exceptions: Any) -> Retry:
        """Build it from the arguments of ``.retry()``.

        Raises:
            ValueError: A number is out of range; the message names it.
            TypeError: An argument is of the wrong kind; the message names it.
        """
        if not isinstance(times, int) or isinstance(times, bool):
            raise TypeError(f"retry(times={times!r}): it must be a whole number, 1 or more")
        if times < 1:
            raise ValueError(f"retry(times={times!r}): it must be 1 or more")
        _check_seconds(f"retry(delay={delay!r})", delay, zero=True)
        _check_number(f"retry(backoff_factor={backoff_factor!r})", backoff_factor)
        if not 0.0 < backoff_factor < inf:
            raise ValueError(
                f"retry(backoff_factor={backoff_factor!r}): it must be finite and above 0"
            )
        kinds = exceptions if isinstance(exceptions, tuple) else (exceptions,)
        for kind in kinds:
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise TypeError(
                    f"retry(exceptions={exceptions!r}): it must be an exception class, "
                    "or a tuple of them"
                )
        return cls(times, delay, backoff_factor, kinds)

    def delays(self) -> Iterator[float]:
        """Yield the seconds to wait before each attempt after the first."""
        delay = self.delay
        for _ in range(self.times - 1):
            yield delay
            delay *= self.backoff_factor


_ONCE = Retry(1, 0.0, 1.0, ())


@dataclass(frozen=True, slots=True)
class Options:
    """All that a chain has asked for. A modifier returns a changed copy; the last one counts.

    Attributes:
        mode: How the caller gets the outcome.
        timeout: Seconds that each attempt may take; None: as long as it likes.
        retry: When to try again.
        per_second: How many calls may begin in a second; None: any number.
    """

    mode: Mode = Mode.PLAIN
    timeout: float | None = None
    retry: Retry = _ONCE
    per_second: float | None = None

    @property
    def is_single(self) -> bool:
        """Whether a call is one attempt, and begins when it likes."""
        return self.per_second is None and self.retry.times == 1

    def with_mode(self, mode: Mode) -> Options:
        """Ask for the outcome in this form.

        Raises:
            SkModifierError: Another form was asked for before.
        """
        if self.mode not in (Mode.PLAIN, mode):
            raise SkModifierError(
                ".background() and .asynced() do not go together: a call hands over a Future, or "
                "something to await. Leave one out; to await a Future use asyncio.wrap_future()"
            )
        return replace(self, mode=mode)

    def with_timeout(self, seconds: Any) -> Options:
        """Allow each attempt so many seconds.

        Raises:
            ValueError: It is not above 0.
            TypeError: It is no number.
        """
        _check_seconds(f"timeout({seconds!r})", seconds, zero=False)
        return replace(self, timeout=seconds)

    def with_retry(self, retry: Retry) -> Options:
        """Try again when it says so."""
        return replace(self, retry=retry)

    def with_rate(self, per_second: Any) -> Options:
        """Let so many calls begin in a second.

        Raises:
            ValueError: It is not above 0.
            TypeError: It is no number.
        """
        _check_number(f"rate_limit({per_second!r})", per_second)
        if not 0.0 < per_second < inf:
            raise ValueError(
                f"rate_limit({per_second!r}): it must be a finite number of calls per second, "
                "above 0"
            )
        return replace(self, per_second=per_second)

    def __repr__(self) -> str:
        parts = []
        if self.per_second is not None:
            parts.append(f".rate_limit({self.per_second:g})")
        if self.retry != _ONCE:
            parts.append(f".retry({self.retry.times})")
        if self.timeout is not None:
            parts.append(f".timeout({self.timeout:g})")
        if self.mode is not Mode.PLAIN:
            parts.append(f".{self.mode.name.lower()}()")
        return "".join(parts)


def _check_number(argument: str, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{argument}: it must be a number")


def _check_seconds(argument: str, value: Any, *, zero: bool) -> None:
    _check_number(argument, value)
    if not (0.0 <= value < inf) or (value == 0.0 and not zero):
        least = "0 or more" if zero else "above 0"
        raise ValueError(f"{argument}: it must be a finite number of seconds, {least}")
