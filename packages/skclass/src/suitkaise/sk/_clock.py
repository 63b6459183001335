"""The clock by which calls wait; tests bring one of their own."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> float:
        """Return the present moment, in seconds of a clock that only goes forward."""

    def sleep(self, seconds: float) -> None:
        """Wait; blocks the calling thread."""

    def sleep_async(self, seconds: float) -> Awaitable[None]:
        """Wait; lets the event loop go on."""


class SystemClock:
    """The machine's."""

    def now(self) -> float:
        """Return the monotonic time."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait; blocks the calling thread."""
        time.sleep(seconds)

    def sleep_async(self, seconds: float) -> Awaitable[None]:
        """Wait; lets the event loop go on."""
        import asyncio  # here: importing it takes longer than all of suitkaise.sk

        return asyncio.sleep(seconds)


SYSTEM_CLOCK = SystemClock()
