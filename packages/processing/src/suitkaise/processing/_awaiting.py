"""One thing to wait for, three ways to do it: in a thread, in an event loop, as a Future.

    I/O thread --Notice.notify--> a lock that a thread holds out      (`wait`)
                              --> call_soon_threadsafe of asyncio,
                                  run_sync_soon of trio               (`wait_async`)
                              --> claim                               (`_future.ProcessFuture`)

None of them takes a thread. What was awaited is opened by who asked for it: the thread, the task,
whoever calls the Future's `result()`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ._errors import ResultTimeoutError
from ._notice import Notice

if TYPE_CHECKING:
    from concurrent.futures import Future

R = TypeVar("R")
Outcome = tuple[Any, BaseException | None]  # what came of it: a value, or what to raise
Opener = Callable[[], Outcome]  # to be called in the thread that asked; the same every time


class Awaited(ABC, Generic[R]):
    """What one call waits for.

    Args:
        name: What an error calls it, such as "Countdown.result".
        notice: Tells when it may have come.
        timeout: Seconds after which the call itself returns what `give_up` does; None: never.

    Attributes:
        consequence: What an error says of the time after the timeout.
        shows_origin: Whether an error is raised with the traceback that it came with.
    """

    consequence = ""
    shows_origin = False

    def __init__(self, name: str, notice: Notice, timeout: float | None = None) -> None:
        self.name = name
        self.notice = notice
        self.gives_up_at = None if timeout is None else time.monotonic() + timeout

    @property
    def descriptor(self) -> int | None:
        """What becomes readable when it may have come, besides the notice."""
        return None

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether there is something to claim. From any thread; does not block."""

    @abstractmethod
    def claim(self) -> Opener | None:
        """Take it, or return None: another was quicker. From any thread; does not block."""

    def give_up(self) -> Outcome:
        """Return what the call comes to when its own timeout is over."""
        raise NotImplementedError(f"{self.name} has no timeout of its own")

    def abandon(self) -> None:
        """Do what is to be done when a Future of it ran over its time or was cancelled."""

    def overrun(self, timeout: float) -> ResultTimeoutError:
        """Return what to raise when the timeout of the modifier is over."""
        return ResultTimeoutError(
            f"{self.name} took longer than its timeout of {timeout:g} s{self.consequence}",
            timeout=timeout,
        )

    # -- the three ways; `timeout` is the modifier's

    def wait(self, timeout: float | None) -> R:
        """Block the calling thread until it has come."""
        limit = Limit(self, timeout)
        while (outcome := limit.look()) is None:
            self.notice.wait_for(self.is_ready, limit.left())
        value: R = deliver(outcome)
        return value

    async def wait_async(self, timeout: float | None) -> R:
        """Let the event loop go on until it has come: asyncio's, or trio's."""
        woken = way_of_this_loop()
        limit = Limit(self, timeout)
        while (outcome := limit.look()) is None:
            await woken(self.notice, self.is_ready, limit.left(), self.descriptor)
        value: R = deliver(outcome)
        return value

    def begin(self, timeout: float | None) -> Future[R]:
        """Return a Future of it at once."""
        from ._future import ProcessFuture  # here: concurrent.futures takes long to import

        return ProcessFuture(self, timeout)


class Failed(Awaited[Any]):
    """What has failed before it could be waited for."""

    def __init__(self, error: Exception) -> None:
        super().__init__("a call", Notice())
        self._error = error

    def is_ready(self) -> bool:
        return True

    def claim(self) -> Opener | None:
        return lambda: (None, self._error)


class Limit:
    """The two times at which a wait ends by itself: the call's own, and the modifier's."""

    def __init__(self, awaited: Awaited[Any], timeout: float | None) -> None:
        self._awaited = awaited
        self._timeout = timeout
        self._overrun_at = None if timeout is None else time.monotonic() + timeout
        self.moment = awaited.gives_up_at
        if self.moment is None or (self._overrun_at is not None and self._overrun_at < self.moment):
            self.moment = self._overrun_at

    def left(self) -> float | None:
        """Return the seconds until the first of them; None: there is none."""
        return None if self.moment is None else max(0.0, self.moment - time.monotonic())

    def look(self) -> Outcome | None:
        """Return what came of it, or None: go on waiting."""
        awaited = self._awaited
        while awaited.is_ready():
            opener = awaited.claim()
            if opener is not None:
                return opener()
        return self.over()

    def over(self) -> Outcome | None:
        """Return what it comes to if a time is over, else None."""
        if self.moment is None or time.monotonic() < self.moment:
            return None
        if self.moment == self._overrun_at:
            assert self._timeout is not None
            return None, self._awaited.overrun(self._timeout)
        return self._awaited.give_up()


def deliver(outcome: Outcome) -> Any:
    """Return the value, or raise the error; raised again and again, its traceback does not grow."""
    value, error = outcome
    if error is not None:
        raise error.with_traceback(None)
    return value


class Woken(Protocol):
    """How to wait in a loop, until something is so or the time is over; perhaps less."""

    def __call__(
        self,
        notice: Notice,
        is_so: Callable[[], object],
        seconds: float | None,
        descriptor: int | None = None,
    ) -> Coroutine[Any, Any, None]: ...


def way_of_this_loop() -> Woken:
    """Return what to await until something is so or a time is over, in the loop that runs here."""
    trio = sys.modules.get("trio")  # who runs in it has imported it
    if trio is not None:
        with contextlib.suppress(RuntimeError):
            trio.lowlevel.current_task()
            return _woken_in_trio
    return _woken_in_asyncio


async def _woken_in_asyncio(
    notice: Notice,
    is_so: Callable[[], object],
    seconds: float | None,
    descriptor: int | None = None,
) -> None:
    import asyncio  # here: only who runs in it needs it

    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def settle() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(settle)

    watch = notice.watch(is_so, wake)
    timer = None if seconds is None else loop.call_later(seconds, settle)
    reader = None if descriptor is None else os.dup(descriptor)  # others may wait for it too
    try:
        if reader is not None:
            loop.add_reader(reader, settle)
        await waiter
    finally:
        notice.unwatch(watch)
        if reader is not None:
            loop.remove_reader(reader)
            os.close(reader)
        if timer is not None:
            timer.cancel()


async def _woken_in_trio(
    notice: Notice,
    is_so: Callable[[], object],
    seconds: float | None,
    descriptor: int | None = None,
) -> None:
    trio: ModuleType | Any = sys.modules["trio"]
    token = trio.lowlevel.current_trio_token()
    event = trio.Event()

    def wake() -> None:
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(event.set)

    async def read(reader: int) -> None:
        await trio.lowlevel.wait_readable(reader)
        event.set()

    watch = notice.watch(is_so, wake)
    reader = None if descriptor is None else os.dup(descriptor)  # others may wait for it too
    try:
        with trio.move_on_after(float("inf") if seconds is None else seconds):
            if reader is None:
                await event.wait()
            else:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(read, reader)
                    await event.wait()
                    nursery.cancel_scope.cancel()
    finally:
        notice.unwatch(watch)
        if reader is not None:
            os.close(reader)
