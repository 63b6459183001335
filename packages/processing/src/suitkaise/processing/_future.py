"""A `concurrent.futures.Future` that no interrupt can spoil, and that takes no thread.

    I/O thread    decides what becomes of it: claimed, over its time, cancelled
    any thread    waits (`result`) on a Notice; asks the I/O thread to cancel
    who asks      opens what came: users' code runs there

`Future` itself is Python code around a `Condition`. Interrupted in it by Ctrl-C, the main thread
keeps the lock for ever, and whoever completes the Future hangs on it. Here nobody holds a lock:
the state is one attribute that the I/O thread alone writes. What `concurrent.futures.wait` and
`as_completed` touch (`_condition`, `_waiters`, `_state`) is provided without one, see `_Gate`.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import _base
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ._awaiting import Awaited, Limit, Opener, Outcome
from ._deliveries import deliveries
from ._engine import engine
from ._errors import ProcessError
from ._notice import Notice, Watch

if TYPE_CHECKING:
    from types import TracebackType

    from ._supervisor import DueCall

R = TypeVar("R")


class DecidedFuture(futures.Future[R]):
    """A Future that others decide, once: by `_decide`, and whether it is cancelled before that.

    Args:
        name: What an error calls it.
    """

    _shows_origin = False
    # Made when they are asked for, in one step: two of them refer back, and few Futures need them.
    _gate: _Gate | None = None
    _told: _Waiters | None = None
    _callbacks: deque[Callable[[futures.Future[R]], object]] | None = None

    def __init__(self, name: str) -> None:
        # Not Future's own: that makes the lock, and sets what is computed here.
        self._name = name
        self._process = os.getpid()
        self._supervisor = engine().supervisor
        self._opener: Opener | None = None  # once it is decided
        self._is_cancelled = False
        self._news = Notice()  # of the decision
        self._opening = threading.RLock()  # guards the outcome, which is opened once
        self._outcome: Outcome | None = None
        self._origin: TracebackType | None = None  # raised again and again, it does not grow

    # -- for whoever holds it

    def done(self) -> bool:
        """Whether it has come, failed, or was cancelled."""
        return self._opener is not None

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._is_cancelled

    def running(self) -> bool:
        """Whether it is still awaited."""
        return not self.done()

    def result(self, timeout: float | None = None) -> R:
        """Block until it has come, and return it or raise what it raised.

        Args:
            timeout: Seconds to wait at most; None: as long as it takes.

        Raises:
            TimeoutError: If the time was over first.
            CancelledError: If it was cancelled.
        """
        value, error = self._await_outcome(timeout)
        if error is not None:
            raise error.with_traceback(self._origin)
        result: R = value
        return result

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Block until it has come, and return what it raised; None if nothing.

        Args:
            timeout: Seconds to wait at most; None: as long as it takes.

        Raises:
            TimeoutError: If the time was over first.
            CancelledError: If it was cancelled.
        """
        return self._await_outcome(timeout)[1]

    def add_done_callback(self, fn: Callable[[futures.Future[R]], object]) -> None:
        """Have `fn(future)` called once it is done: here if it is, else in a thread for that."""
        if self._callbacks is None:
            self.__dict__.setdefault("_callbacks", deque())
        assert self._callbacks is not None
        self._callbacks.append(fn)
        if self.done():
            self._call_back()

    def set_running_or_notify_cancel(self) -> NoReturn:
        """Refuse: see `_refuse`."""
        self._refuse()

    def set_result(self, result: R) -> NoReturn:
        """Refuse: see `_refuse`."""
        self._refuse()

    def set_exception(self, exception: BaseException | None) -> NoReturn:
        """Refuse: see `_refuse`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        """Say who completes it."""
        raise futures.InvalidStateError(f"{self!r} is completed by what it waits for")

    def __repr__(self) -> str:
        state = "cancelled" if self.cancelled() else "done" if self.done() else "awaited"
        return f"<Future of {self._name} ({state})>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} cannot travel: it is completed in this process; send its result")

    # -- from who decides it

    def _decide(self, opener: Opener) -> None:
        """Have it be done; does not block, and runs no code of users."""
        self._opener = opener
        self._news.notify()
        if self._callbacks or self._told:
            if self._supervisor.is_current:
                deliveries.put(self._tell, self._supervisor)
            else:
                self._supervisor.call_soon(partial(deliveries.put, self._tell, self._supervisor))

    # -- in the thread that asks

    def _is_served(self) -> bool:
        return self._process == os.getpid() and self._supervisor.is_running

    def _is_over(self) -> bool:
        return self.done() or not self._is_served()

    def _await_outcome(self, timeout: float | None) -> Outcome:
        if not self._news.wait_for(self._is_over, timeout):
            raise TimeoutError(f"{self!r} did not come within {timeout:g} s")
        if not self.done():
            raise ProcessError(f"{self!r} cannot come: this process does not run what it awaits")
        outcome = self._open()
        if self._is_cancelled:
            raise futures.CancelledError
        return outcome

    def _open(self) -> Outcome:
        """Open what came, once."""
        with self._opening:
            if self._outcome is None:
                assert self._opener is not None
                try:
                    self._outcome = self._opener()
                except Exception as error:
                    self._outcome = None, error
                _, failure = self._outcome
                if failure is not None and self._shows_origin:
                    self._origin = failure.__traceback__
            return self._outcome

    # -- for concurrent.futures and asyncio

    @property
    def _condition(self) -> Any:  # type: ignore[override]
        return self._gate or self.__dict__.setdefault("_gate", _Gate(self))

    @property
    def _waiters(self) -> Any:  # type: ignore[override]
        known = self._told  # which is false while it has none
        return self.__dict__.setdefault("_told", _Waiters(self)) if known is None else known

    @property
    def _state(self) -> str:  # type: ignore[override]
        if not (self.done() if self._gate is None else self._gate.sees_decision()):
            return _base.RUNNING
        return _base.CANCELLED_AND_NOTIFIED if self._is_cancelled else _base.FINISHED

    @property
    def _result(self) -> Any:  # type: ignore[override]
        return self._open()[0] if self.done() else None

    @property
    def _exception(self) -> BaseException | None:  # type: ignore[override]
        return self._open()[1] if self.done() else None

    def _tell(self) -> None:
        """Tell all that wait for the decision: in no thread that must go on."""
        if self._told is not None:
            self._told.tell()
        self._call_back()

    def _call_back(self) -> None:
        while self._callbacks:
            try:
                callback = self._callbacks.popleft()
            except IndexError:  # another thread was quicker
                return
            try:
                callback(self)
            except Exception:
                _base.LOGGER.exception("exception calling callback for %r", self)


class ProcessFuture(DecidedFuture[R]):
    """What `.background()` returns. Cancelling it does what giving up the call would.

    Args:
        awaited: What it waits for.
        timeout: The modifier's, in seconds.
    """

    def __init__(self, awaited: Awaited[R], timeout: float | None) -> None:
        super().__init__(awaited.name)
        self._awaited = awaited
        self._shows_origin = awaited.shows_origin
        self._limit = Limit(awaited, timeout)
        self._watching: Watch | None = None
        self._due: DueCall | None = None
        self._reader: int | None = None  # our own copy of the descriptor that is watched
        self._supervisor.call_soon(self._watch)

    def cancel(self) -> bool:
        """Wait no more; a process whose `run` it is, or a map, is killed.

        Returns:
            Whether it is cancelled; False if it was done before.
        """
        if not self.done() and self._is_served():
            self._supervisor.call_soon(self._cancel)
            self._news.wait_for(self._is_over)
        return self.cancelled()

    # -- in the I/O thread

    def _watch(self) -> None:
        if self.done():
            return
        self._watching = self._awaited.notice.watch(self._awaited.is_ready, self._on_news)
        if not self.done() and self._due is None and self._limit.moment is not None:
            self._due = self._supervisor.call_at(self._limit.moment, self._expire)
        if not self.done() and self._reader is None and self._awaited.descriptor is not None:
            self._reader = os.dup(self._awaited.descriptor)
            self._supervisor.watch(self._reader, self._on_readable)

    def _on_readable(self, _events: int) -> None:
        self._awaited.notice.notify()

    def _on_news(self) -> None:
        """Claim it: in a child, the thread that notifies may be another."""
        if self._supervisor.is_current:
            self._claim()
        else:
            self._supervisor.call_soon(self._claim)

    def _claim(self) -> None:
        if self.done():
            return
        opener = self._awaited.claim()
        if opener is None:  # a thread was quicker
            self._supervisor.call_soon(self._watch)
        else:
            self._decide(opener)

    def _expire(self) -> None:
        if not self.done():
            outcome = self._limit.over()
            assert outcome is not None
            self._decide(lambda: outcome)
            self._awaited.abandon()

    def _cancel(self) -> None:
        if not self.done():
            self._is_cancelled = True
            self._decide(lambda: (None, futures.CancelledError()))
            self._awaited.abandon()

    def _decide(self, opener: Opener) -> None:
        if self._watching is not None:
            self._awaited.notice.unwatch(self._watching)
        if self._due is not None:
            self._due.cancel()
        if self._reader is not None:
            self._supervisor.forget(
                self._reader, self._on_readable, partial(os.close, self._reader)
            )
        super()._decide(opener)


class _Gate:
    """What `wait` and `as_completed` take for the lock of a Future, and that blocks nobody.

    Between `acquire` and `release` they count the Futures that are not done, and leave a waiter
    with each. So in between the thread goes on seeing what it saw at first; a decision that comes
    meanwhile reaches its waiter at the end.
    """

    def __init__(self, future: DecidedFuture[Any]) -> None:
        self._future = future
        self._seen: dict[int, bool] = {}  # thread -> whether it was done when the thread came in

    def sees_decision(self) -> bool:
        seen = self._seen.get(threading.get_ident())
        return self._future.done() if seen is None else seen

    def acquire(self) -> bool:
        self._seen[threading.get_ident()] = self._future.done()
        return True

    def release(self) -> None:
        self._seen.pop(threading.get_ident(), None)
        if self._future.done():
            self._future._waiters.tell()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_error: object) -> None:
        self.release()


class _Waiters:
    """What `wait` and `as_completed` leave with a Future, to be told once."""

    def __init__(self, future: DecidedFuture[Any]) -> None:
        self._future = future
        self._waiters: dict[Any, None] = {}

    def append(self, waiter: Any) -> None:
        if not self._future._condition.sees_decision():  # else it has been counted as done
            self._waiters[waiter] = None

    def remove(self, waiter: Any) -> None:
        self._waiters.pop(waiter, None)

    def __bool__(self) -> bool:
        return bool(self._waiters)

    def tell(self) -> None:
        future = self._future
        for waiter in list(self._waiters):
            if self._waiters.pop(waiter, waiter) is None:  # no other thread tells it
                if future.cancelled():
                    waiter.add_cancelled(future)
                elif future._open()[1] is not None:
                    waiter.add_exception(future)
                else:
                    waiter.add_result(future)
