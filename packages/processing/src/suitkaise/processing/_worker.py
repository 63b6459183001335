"""A worker: the child that serves a Pool. It runs items, one chunk after another."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context
from operator import length_hint
from types import FrameType
from typing import Any

from . import _submitted, _surroundings
from ._alarm import SectionAlarm
from ._caller_context import drop_context, make_context
from ._channel import ChildChannel
from ._child_end import ChildEnd
from ._chunk_results import ChunkResults
from ._errors import ProcessDiedError, with_remote_traceback
from ._lifecycle import Lifecycle
from ._limits import Limits, Wear
from ._log_records import without_new_handlers
from ._messages import Forget, Function, Message, Rejected, Returned, Trimmed, Work
from ._page import CANCELLED, ITEM, ITEM_DEADLINE, MOST_TICKS, StatusPage, item_at
from ._parcels import unpack
from ._platform import NUDGE
from ._reconnection import learn
from ._runner import drop_frames_of, leave_if_forked, run_life, serialize_error
from ._scheduler import CHUNK_SECONDS
from ._skprocess import Skprocess

GIVE_BACK_SECONDS = 2 * CHUNK_SECONDS  # after which a worker returns what it has not begun
PART_SECONDS = 0.0005  # as much of what is finished may be lost, and run again, with the process
_TICKS = tuple(bytes([tick]) for tick in range(MOST_TICKS))

Call = Callable[[Any], Any]


class Worker:
    """Serves a Pool until the channel ends, or it is at its limits."""

    def __init__(
        self, channel: ChildChannel, page: StatusPage, alarm: SectionAlarm, limits: Limits
    ) -> None:
        self._limits = limits
        self._wear = Wear(limits) if limits.end_workers else None
        self._channel = channel
        self._page = page
        self._tick: Any = page.tick()
        self._alarm = alarm
        self._process = os.getpid()
        self._functions: dict[int, Function] = {}  # job -> as it arrived
        self._calls: dict[int, Call] = {}  # job -> what to call with an item
        self._contexts: dict[int, Context] = {}  # job -> its caller's, if that had anything in it
        self._waiting: deque[Message] = deque()  # taken from the channel while an item ran
        self._stop = 0  # of the chunk that runs: behind the last that is to run
        self._results: ChunkResults | None = None  # of that chunk
        # While items run: those, the iterator that they are taken by, and the first one's position.
        self._running: tuple[list[Any], Iterator[Any], int] | None = None

    def serve(self) -> None:
        """Run what arrives; returns when the parent closes its end, or at its limits."""
        self._alarm.install()
        signal.signal(NUDGE, self._on_nudge)
        while self._wear is None or not self._wear.is_over:
            try:
                message = (
                    self._waiting.popleft() if self._waiting else self._channel.receive_blocking()
                )
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
                    self._limits.limit_threads()
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
        timeout = self._functions[work.job].timeout
        if timeout:  # a chunk is one item then
            words[ITEM_DEADLINE] = time.monotonic_ns() + int(timeout * 1e9)
        self._results = results = ChunkResults(self._page, self._channel, work)
        self._stop = work.stop
        wear = self._wear
        position, size = work.start, 1
        part: list[Any] = []
        began = now = results.saved
        # The clock is read after each part: often enough to note what is finished and to give back
        # what would take too long, seldom enough to cost quick items nothing.
        while (
            position < self._stop
            and words[CANCELLED] != work.job
            and now - began < GIVE_BACK_SECONDS
            and (wear is None or not wear.is_over)
        ):
            if wear is not None:
                size = min(size, wear.items)
            end = min(position + size, self._stop)
            part = items[position:end]
            self._run(call, part, position, results)
            before, now = now, time.perf_counter()
            end = min(end, self._stop)
            if wear is not None:
                wear.note(end - position, now)
            position = end
            if now - before < PART_SECONDS / 4:
                size = min(2 * size, MOST_TICKS)
            elif now - before > PART_SECONDS:
                size = max(1, size // 2)
            if now - results.saved >= PART_SECONDS and position < self._stop:
                results.save(now)
        leave_if_forked(self._process)
        items = part = []  # what is theirs is not to count as the worker's own
        results.finish(now, wear)

    def _run(self, call: Call, part: list[Any], position: int, results: ChunkResults) -> None:
        """Run consecutive items, the first of which is at a position of the chunk.

        If `_make_way` cuts the part short, the rest does not run.
        """
        append, tick = results.values.append, self._tick
        left = part
        while left:
            self._page.words[ITEM] = item_at(position)
            iterator = iter(left)
            self._running = left, iterator, position
            try:
                for tick[0], item in zip(_TICKS, iterator, strict=False):
                    append(call(item))
                self._running = None
                return
            except BaseException as error:
                begun = len(left) - length_hint(iterator)
                if results.reached < position + begun:  # else it came between two items: nobody's
                    results.failures[position + begun - 1] = self._failure(error)
                    append(None)
                self._running = None
            position += begun
            left = left[begun:]

    def _on_nudge(self, _number: int, _frame: FrameType | None) -> None:
        """Make way if an item runs: in the middle of it, which then goes on."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # all or nothing
            self._make_way()
        except Exception:
            os._exit(1)  # the parent knows best what to do with what is lost
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _make_way(self) -> None:
        """Hold up nothing behind a slow item: not what is finished, nor what has not begun."""
        running, results = self._running, self._results
        if running is None or results is None or self._channel.is_sending:
            return  # no item runs, or it logs: there will be another nudge if it takes long
        part, iterator, position = running
        begun = len(part) - length_hint(iterator)
        del part[begun:]
        self._stop = position + begun
        results.save(time.perf_counter(), only_plain=True)
        self._channel.send(Trimmed(results.chunk, self._stop))
        while (message := self._channel.take_ready()) is not None:
            if isinstance(message, Work):
                self._channel.send(Returned(message.chunk))
            else:
                self._waiting.append(message)

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
