"""A worker: the child that serves a Pool. It runs items, one chunk after another."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from contextvars import Context
from typing import Any

from suitkaise.cucumber import SerializationError
from suitkaise.cucumber._siblings import serialize_plain

from . import _submitted, _surroundings
from ._alarm import SectionAlarm
from ._caller_context import drop_context, make_context
from ._channel import ChildChannel
from ._child_end import ChildEnd
from ._errors import ProcessDiedError, ProcessError, with_remote_traceback
from ._lifecycle import Lifecycle
from ._log_records import without_new_handlers
from ._messages import Done, Forget, Function, Rejected, Work
from ._page import CANCELLED, ITEM, ITEM_DEADLINE, StatusPage
from ._parcels import Payload, carrying, pack, set_out, unpack
from ._reconnection import learn
from ._runner import drop_frames_of, flush_output, leave_if_forked, run_life, serialize_error
from ._scheduler import CHUNK_SECONDS
from ._skprocess import Skprocess

GIVE_BACK_SECONDS = 2 * CHUNK_SECONDS  # after which a worker returns what it has not begun

Call = Callable[[Any], Any]


class Worker:
    """Serves a Pool until the channel ends."""

    def __init__(self, channel: ChildChannel, page: StatusPage, alarm: SectionAlarm) -> None:
        self._channel = channel
        self._page = page
        self._alarm = alarm
        self._process = os.getpid()
        self._functions: dict[int, Function] = {}  # job -> as it arrived
        self._calls: dict[int, Call] = {}  # job -> what to call with an item
        self._contexts: dict[int, Context] = {}  # job -> its caller's, if that had anything in it

    def serve(self) -> None:
        """Run what arrives; returns when the parent closes its end."""
        self._alarm.install()
        while True:
            try:
                message = self._channel.receive_blocking()
            except EOFError:
                return
            if isinstance(message, Work):
                context = self._contexts.get(message.job)
                if context is None:
                    self._work(message)
                else:
                    context.run(self._work, message)
            elif isinstance(message, Function):
                for job in message.ended:
                    self._forget(job)
                self._functions[message.job] = message
                if message.surroundings:
                    _surroundings.apply(message.surroundings)
                if message.context:
                    self._contexts[message.job] = make_context(message.context)
            elif isinstance(message, Forget):
                self._forget(message.job)

    def _forget(self, job: int) -> None:
        self._functions.pop(job, None)
        self._calls.pop(job, None)
        context = self._contexts.pop(job, None)
        if context is not None:
            drop_context(context)

    def _work(self, work: Work) -> None:
        call = self._calls.get(work.job)
        try:
            if call is None:
                call = self._open(work.job)
            items = unpack(work.payload)
        except Exception as error:
            payload = serialize_error(with_remote_traceback(error))
            self._channel.send(Rejected(work.chunk, call is None, payload))
            return
        words = self._page.words
        values: list[Any] = []
        failures: dict[int, bytes] = {}
        position, batch, busy = work.start, 1, 0.0
        timeout = self._functions[work.job].timeout
        if timeout:  # a chunk is one item then
            words[ITEM_DEADLINE] = time.monotonic_ns() + int(timeout * 1e9)
        started = time.perf_counter()
        # The clock is read after 1, 2, 4 ... items: often enough to give back what would take too
        # long, seldom enough to cost quick items nothing.
        while position < work.stop and words[CANCELLED] != work.job and busy < GIVE_BACK_SECONDS:
            for item in items[position : min(position + batch, work.stop)]:
                position += 1
                words[ITEM] = position
                try:
                    values.append(call(item))
                except BaseException as error:
                    values.append(None)
                    failures[position - 1] = self._failure(error)
            busy = time.perf_counter() - started
            if busy < GIVE_BACK_SECONDS / 4:
                batch *= 2
        leave_if_forked(self._process)
        packed = self._pack(values, failures, work.start)
        words[ITEM_DEADLINE] = words[ITEM] = 0
        flush_output()
        self._channel.send(Done(work.chunk, len(values), busy, packed, failures))
        for value in packed if isinstance(packed, list) else ():
            set_out(value)

    def _open(self, job: int) -> Call:
        function = self._functions[job]
        learn(function.secrets)
        with without_new_handlers():
            target = unpack(function.payload)
        call: Call
        if isinstance(target, type) and issubclass(target, Skprocess):
            call = self._run_skprocess_of(target, function.star)
        elif function.star:

            def call(item: Any) -> Any:
                return target(*item) if isinstance(item, tuple) else target(item)
        else:
            call = target
        self._calls[job] = call
        return call

    def _run_skprocess_of(self, kind: type[Skprocess], star: bool) -> Call:
        """Return a call that makes an Skprocess of the item and runs its life here."""

        def call(item: Any) -> Any:
            process = kind(*item) if star and isinstance(item, tuple) else kind(item)
            config = process.process_config
            config.validate()
            process._end = end = ChildEnd(self._page, None)
            ending = run_life(
                process,
                config,
                end,
                self._alarm,
                Lifecycle(config.runs, config.lives),
                began=time.monotonic(),
            )
            if isinstance(ending.value, BaseException):
                raise ending.value
            return ending.value

        return call

    @staticmethod
    def _failure(error: BaseException) -> bytes:
        if isinstance(error, SystemExit):  # raised in the parent, it would end the parent
            code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
            error = ProcessDiedError(
                f"the task called sys.exit({error.code!r})", exitcode=code, original_error=error
            )
        else:
            drop_frames_of(error, __file__)
            drop_frames_of(error, _submitted.__file__)
        return serialize_error(with_remote_traceback(error))

    def _pack(
        self, values: list[Any], failures: dict[int, bytes], start: int
    ) -> Payload | list[Payload]:
        """Serialise the values: all at once if nothing can go wrong, else each by itself."""
        plain = serialize_plain(values)
        if plain is not None:
            with contextlib.suppress(SerializationError):  # too large together
                return carrying(plain)
        packed: list[Payload] = []
        for position, value in enumerate(values, start):
            self._page.words[ITEM] = position + 1
            try:
                packed.append(pack(value))
            except Exception as reason:
                error = ProcessError(
                    f"the task returned a {type(value).__name__} that cannot travel to the "
                    f"parent: {reason}",
                    original_error=reason,
                )
                error.__cause__ = reason
                failures[position] = serialize_error(error)
                packed.append(pack(None))
        return packed
