"""What `Pool.submit` has been given: a job of calls that never ends, each with a Future of its own.

    any thread   --submit-->  [waiting]  --chunk of one call-->  scheduler  --Work-->  a worker
    I/O thread   <--arrival-------------------------------------  dispatcher <--Done--  a worker
                 `--decides-->  SubmittedFuture  --result()-->  whoever asks opens what came

A chunk is one call, and no call waits in a worker behind another: the one may need what the other
does. All below happens under the dispatcher's lock, except packing and opening: users' code.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import TYPE_CHECKING, Any, TypeVar

from . import _caller_context
from ._arrivals import (
    Arrival,
    Arrivals,
    Broken,
    Delivered,
    Died,
    GivenBack,
    Unpackable,
    Unreadable,
    open_error,
)
from ._awaiting import Opener, Outcome
from ._errors import ProcessDiedError, ProcessError, describe_exit, in_short
from ._future import DecidedFuture
from ._jobs import Cargo, Job
from ._parcels import Payload, pack, set_out, unpack
from ._skprocess import Skprocess
from ._submitted import Functions, name_of, pack_call, run_call

if TYPE_CHECKING:
    from ._dispatcher import Dispatcher

R = TypeVar("R")


class SubmittedFuture(DecidedFuture[R]):
    """What `Pool.submit` returns.

    Args:
        name: The function's, for errors.
        number: Unique among the calls of the pool.
        submissions: Who decides it.
        pool: What must not be dropped before that.
    """

    def __init__(self, name: str, number: int, submissions: Submissions, pool: object) -> None:
        super().__init__(name)
        self.name = name
        self.number = number
        self._submissions = submissions
        self._pool: object = pool

    def cancel(self) -> bool:
        """Have the call not made, if no worker has it yet. Does not block on the call.

        Returns:
            Whether it is cancelled; False if it runs, or was done before.
        """
        if not self.done() and self._is_served() and self._submissions.withdraw(self):
            self._tell()
        return self.cancelled()

    def running(self) -> bool:
        """Whether a worker has it."""
        return not self.done() and self._is_served() and self._submissions.has_begun(self)

    def decide(self, opener: Opener, *, is_cancelled: bool = False) -> None:
        """Have it be done, unless it is. Under the dispatcher's lock; does not block."""
        if not self.done():
            self._is_cancelled = is_cancelled
            self._decide(opener)
            self._pool = None


class Submissions(Job):
    """The calls that a pool has been given by `submit`.

    Args:
        dispatcher: Runs them.
    """

    in_advance = False
    has_input = False

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__(
            dispatcher,
            (),
            function=pack(run_call),
            secrets=b"",
            name="Pool.submit",
            star=False,
            is_lazy=True,  # when the pool is closed, the calls are waited for, not the job
        )
        self.context = b""  # each call has its own
        self.arrivals = _Arriving(self)
        self._functions = Functions()
        self._count = 0
        self._waiting: OrderedDict[int, tuple[SubmittedFuture[Any], Payload]] = OrderedDict()
        self._handed_in: dict[int, SubmittedFuture[Any]] = {}

    def submit(
        self,
        function: Callable[..., R],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        pool: object,
    ) -> SubmittedFuture[R]:
        """Take a call; does not block.

        Raises:
            PoolClosedError: If the pool is closed.
            ProcessError: If it belongs to another process.
            TypeError: If the function is none.
        """
        dispatcher = self._dispatcher
        dispatcher.require_own()
        dispatcher.require_open()
        if not callable(function):
            raise TypeError(f"submit takes a callable first, not {function!r}")
        if isinstance(function, type) and issubclass(function, Skprocess):
            raise TypeError(
                f"submit takes a function, and {function.__qualname__} is an Skprocess class: "
                f"use pool.map({function.__qualname__}, [item]), or start an instance"
            )
        payload: Payload | None = None
        failure: Exception | None = None
        try:
            context = _caller_context.capture()
            payload = pack_call(self._functions, function, args, kwargs, context)
        except Exception as error:
            failure = error
        with dispatcher.lock:
            dispatcher.require_open()
            self._count += 1
            future: SubmittedFuture[R] = SubmittedFuture(name_of(function), self._count, self, pool)
            if payload is None:
                future.decide(lambda: (None, failure))
                return future
            if not self.number:
                self.begin()
            self._waiting[future.number] = future, payload
            self._hand_in()
        set_out(payload)
        return future

    def withdraw(self, future: SubmittedFuture[Any]) -> bool:
        """Cancel a call if no worker has it; returns whether it is so. Does not block."""
        with self._dispatcher.lock:
            if future.done():
                return False
            if self._waiting.pop(future.number, None) is None:
                if not self._dispatcher.withdraw(self, future.number):
                    return False
                self._handed_in.pop(future.number, None)
                self._hand_in()
            future.decide(_cancelled, is_cancelled=True)
            return True

    def cancel_all(self) -> None:
        """Cancel the calls that no worker has."""
        with self._dispatcher.lock:
            waiting = [future for future, _ in self._waiting.values()]
            waiting += self._handed_in.values()
        for future in reversed(waiting):
            future.cancel()

    def has_begun(self, future: SubmittedFuture[Any]) -> bool:
        """Whether a worker has the call."""
        with self._dispatcher.lock:
            is_ready = self._dispatcher.scheduler.is_ready(self.number, future.number)
            return future.number in self._handed_in and not is_ready

    def take(self, arrival: Arrival) -> None:
        """Decide the Future that something has come for."""
        with self._dispatcher.lock:
            if isinstance(arrival, Broken):
                self._fail_all(arrival.error)
                return
            number = arrival.origin if isinstance(arrival, Delivered) else arrival.chunk.first
            future = self._handed_in.pop(number, None)
            if future is not None:
                if isinstance(arrival, GivenBack | Unpackable):
                    self._waiting[number] = future, arrival.chunk.cargo.payload
                    self._waiting.move_to_end(number, last=False)
                else:
                    future.decide(_Opening(future.name, arrival))
            self._hand_in()

    def _hand_in(self) -> None:
        """Give the scheduler what it wants."""
        dispatcher = self._dispatcher
        while self._waiting and dispatcher.scheduler.wants_chunk(self.number):
            number, (future, payload) = self._waiting.popitem(last=False)
            self._handed_in[number] = future
            dispatcher.submit(self, number, Cargo([future], payload))

    def _fail_all(self, error: BaseException | bytes) -> None:
        lost = [*self._handed_in.values(), *(future for future, _ in self._waiting.values())]
        self._waiting.clear()
        self._handed_in.clear()
        for future in lost:
            self._dispatcher.withdraw(self, future.number)
            future.decide(lambda: (None, open_error(error)))


class _Arriving(Arrivals):
    """Hands each arrival over at once, instead of keeping it for the thread that called a map."""

    def __init__(self, submissions: Submissions) -> None:
        super().__init__()
        self._submissions = submissions

    def put(self, arrival: Arrival) -> None:
        self._submissions.take(arrival)


class _Opening:
    """Opens what came of a call, once, and then lets go of it."""

    def __init__(self, name: str, arrival: Arrival) -> None:
        self._name = name
        self._arrival: Arrival | None = arrival

    def __call__(self) -> Outcome:
        arrival, self._arrival = self._arrival, None
        if isinstance(arrival, Delivered):
            return self._open_delivered(arrival)
        if isinstance(arrival, Died):
            return None, self._open_death(arrival)
        assert isinstance(arrival, Unreadable)
        return None, open_error(arrival.error)

    def _open_delivered(self, arrival: Delivered) -> Outcome:
        for failure in arrival.failures.values():
            return None, open_error(failure)
        try:
            value = unpack(arrival.values[0])
            return value[0] if arrival.counts[0] else value, None
        except (Exception, SystemExit) as reason:
            error = ProcessError(
                f"the result of {self._name} arrived but cannot be rebuilt here: "
                f"{in_short(reason)}",
                original_error=reason,
            )
            error.__cause__ = reason
            return None, error

    def _open_death(self, arrival: Died) -> ProcessError:
        received = arrival.receive_error
        if received is not None:
            unreceived = ProcessError(
                f"the result of {self._name} could not be received here: {in_short(received)}",
                original_error=received,
            )
            unreceived.__cause__ = received
            return unreceived
        return ProcessDiedError(
            f"the worker that ran {self._name} (process {arrival.pid}) "
            f"{describe_exit(arrival.exitcode)}",
            exitcode=arrival.exitcode,
        )


def _cancelled() -> Outcome:
    return None, futures.CancelledError()
