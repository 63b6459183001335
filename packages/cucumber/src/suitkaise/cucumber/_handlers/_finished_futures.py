"""Futures of asyncio that have finished, in a process where nothing runs that finished them.

asyncio binds a future to one loop. Where one arrives, often no loop runs yet, and the one that will
await it is made later; so these are of whichever loop runs. This module imports asyncio, and is
imported only where a future is met.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any


class _WhicheverLoop:
    """Stands for the running loop, as far as a finished future asks for one."""

    def get_debug(self) -> bool:
        """Return whether to note where a future was made: at the sender."""
        return False

    def call_soon(
        self, callback: Callable[..., object], *arguments: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Have the running loop call back who asked to be when the future is done."""
        return asyncio.get_running_loop().call_soon(callback, *arguments, context=context)


WHICHEVER_LOOP: Any = _WhicheverLoop()


class FinishedFuture(asyncio.Future[Any]):
    """A future with its outcome: `await` it in any loop, or ask it without one."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop."""
        return asyncio.get_running_loop()


class FinishedTask(FinishedFuture):
    """The outcome of a task."""

    name = ""

    def get_name(self) -> str:
        """Return the task's name."""
        return self.name


def make_future(cls: type[asyncio.Future[Any]]) -> asyncio.Future[Any]:
    """Make a future that is yet to get its outcome, without calling anything of the user's."""
    future = cls.__new__(cls)
    loop = WHICHEVER_LOOP
    if not issubclass(cls, FinishedFuture):
        loop = asyncio._get_running_loop() or WHICHEVER_LOOP
    asyncio.Future.__init__(future, loop=loop)
    return future
