"""The child's end of an Skprocess: what `self.tell`, `self.listen` and `self.stop` do there."""

from __future__ import annotations

import time
from threading import current_thread, main_thread
from typing import Any, NoReturn

from suitkaise.cucumber import deserialize

from . import _backlog
from ._awaiting import Awaited, Limit, Opener, Outcome, deliver
from ._backlog import MESSAGE_BYTES, Backlog, full_error
from ._channel import ChildChannel
from ._endings import opener_of
from ._errors import ProcessError
from ._messages import Question, Stop, Timings, Told
from ._notice import Notice
from ._page import (
    ASKED,
    CHILD_HEARD,
    CHILD_TOLD,
    LISTENING,
    LIVES,
    PARENT_HEARD,
    PARENT_TOLD,
    RUN,
    STOP,
    StatusPage,
)
from ._parcels import Parcel, Payload, pack, set_out, unpack
from ._serializing import serialize
from ._timers import ProcessTimers

_LOOK_SECONDS = 0.05  # between two looks at the page, while it waits without listening


class ChildEnd:
    """Connects a running Skprocess with its parent.

    Attributes:
        page: The memory that both see.
        error: The error that `__error__` handles.
        timers: The timers of the sections.
        stop_at: The monotonic time at which `join_in` is over; None: never.
        answered: The number of the parent's last question for the timers that was answered.
        heard: How many messages have been listened to.
        news: Tells those who wait in an event loop, or in the background, to look again.
    """

    def __init__(self, page: StatusPage, channel: ChildChannel | None) -> None:
        self.page = page
        self.error: ProcessError | None = None
        self.timers: ProcessTimers | None = None
        self.stop_at: float | None = None
        self.answered = 0
        self.heard = 0
        self._incoming = Backlog(page, PARENT_TOLD, CHILD_HEARD)
        self._outgoing = Backlog(page, CHILD_TOLD, PARENT_HEARD)
        self.news = Notice()  # another thread has taken a message, there may be more; or a stop
        self._channel = channel
        if channel is not None:
            channel.on_told = self._count
        self._was_stopped = False

    @property
    def current_run(self) -> int:
        """The run that is going on."""
        return int(self.page.words[RUN])

    @property
    def lives(self) -> int:
        """The lives left, the present one included."""
        return int(self.page.words[LIVES])

    @property
    def state(self) -> str:
        """How it stands, in a word."""
        return "stopping" if self.is_stopping() else "running"

    @property
    def known_timers(self) -> ProcessTimers | None:
        """The timers, as in the parent's end."""
        return self.timers

    @property
    def is_alive(self) -> bool:
        """True: whoever asks is running in it."""
        return True

    def is_stopping(self) -> bool:
        """Whether a stop was asked for by either side, or `join_in` is over."""
        return (
            self._was_stopped
            or (self._channel is not None and self.page.words[STOP] == 1)
            or (self.stop_at is not None and time.monotonic() >= self.stop_at)
        )

    def answer(self) -> None:
        """Send the timers, for which the parent has asked; in the main thread, which keeps them."""
        self.answered = int(self.page.words[ASKED])
        if self._channel is not None and self.timers is not None:
            timeline = self.timers.timeline
            timeline.note_told()
            self._channel.send(Timings(self.answered, serialize(self.timers), timeline.told))

    def stop(self) -> None:
        """End after the present section."""
        self._was_stopped = True
        self.news.notify()

    def tell(self, data: Any) -> None:
        """Send to the parent."""
        channel, payload = self._channel or self._connected("tell"), pack(data)
        with channel.write_lock:
            outgoing = self._outgoing  # as its `enter`
            words, sent = outgoing.page.words, outgoing.sent
            told = words[sent]
            if told - words[outgoing.received] >= _backlog.MOST_BYTES:
                raise full_error("the parent", outgoing)
            words[sent] = told + len(payload) + MESSAGE_BYTES
            channel.tell(payload)
        if type(payload) is Parcel:
            set_out(payload)

    def listen(self, timeout: float | None) -> Any:
        """Wait for what the parent tells; None at the timeout, and at a stop."""
        payload = self.next_payload(None if timeout is None else time.monotonic() + timeout)
        if type(payload) is bytes:
            return deserialize(payload)
        return None if payload is None else unpack(payload)

    def next_payload(self, deadline: float | None) -> Payload | None:
        """Wait for what the parent tells, and return it unopened; None as `listen`."""
        channel = self._channel or self._connected("listen")
        words = self.page.words
        words[LISTENING] = 1  # before the look at ASKED; the parent does it the other way round
        try:
            return self._next_payload(channel, deadline)
        finally:
            words[LISTENING] = 0

    def _next_payload(self, channel: ChildChannel, deadline: float | None) -> Payload | None:
        words = self.page.words
        while True:
            if words[ASKED] != self.answered and current_thread() is main_thread():
                self.answer()
            is_stopping = self.is_stopping()
            if is_stopping:
                timeout: float | None = 0.0  # what was told before the stop can still be heard
            elif deadline is None and self.stop_at is None:
                timeout = None
            else:
                moments = [at for at in (deadline, self.stop_at) if at is not None]
                timeout = max(0.0, min(moments) - time.monotonic())
            message = channel.receive(timeout, is_over=self.is_stopping)
            if type(message) is Told:
                self.news.notify()  # there may be more for others
                return message.payload
            if message is None and (is_stopping or not self.is_stopping()):
                return None
            assert message is None or isinstance(message, Stop | Question)
            self.news.notify()  # it has been taken from others who wait

    def pause(self, seconds: float) -> None:
        """Wait, but no longer than until it is to stop; in the main thread."""
        until = time.monotonic() + seconds
        while not self.is_stopping() and (left := until - time.monotonic()) > 0:
            if self.page.words[ASKED] != self.answered:
                self.answer()
            # The message that wakes `listen` may lie behind others, which are for `listen` alone.
            time.sleep(min(left, _LOOK_SECONDS))

    def _count(self, payload: Payload) -> None:
        """Count a message that is being listened to; holding the channel's lock for reading."""
        incoming = self._incoming  # as its `leave`
        incoming.page.words[incoming.received] += len(payload) + MESSAGE_BYTES
        self.heard += 1

    def require_own(self) -> None:
        """Any process that has this end may use it, one that the user's code has forked too."""

    def kill(self) -> NoReturn:
        """Refuse: see `_refuse`."""
        self._refuse("kill")

    def wait(self, timeout: float | None) -> NoReturn:
        """Refuse: see `_refuse`."""
        self._refuse("wait")

    def result(self) -> NoReturn:
        """Refuse: see `_refuse`."""
        self._refuse("result")

    def ending(self, timeout: float | None) -> NoReturn:
        """Refuse: see `_refuse`."""
        self._refuse("wait")

    def outcome(self) -> NoReturn:
        """Refuse: see `_refuse`."""
        self._refuse("result")

    def run_outcome(self) -> NoReturn:
        """Refuse: see `_refuse`."""
        self._refuse("run")

    def next_message(self, timeout: float | None) -> Awaited[Any]:
        """Return what `listen` waits for, for the modifiers."""
        return FromParent(self, self._connected("listen"), timeout)

    def _refuse(self, method: str) -> NoReturn:
        """Say that a method makes no sense inside the process."""
        raise ProcessError(
            f"{method}() is for the parent; inside the process call stop() to end it, or raise"
        )

    def _connected(self, method: str) -> ChildChannel:
        if self._channel is None:
            raise ProcessError(
                f"{method}() has no one to talk to inside a Pool; "
                "use an Skprocess of its own, or return the data from __result__"
            )
        return self._channel

    def __reduce__(self) -> tuple[Any, ...]:
        return (rebuild_unstarted, ())


class FromParent(Awaited[Any]):
    """The next thing that the parent tells; None at a stop, as for `listen` itself."""

    def __init__(self, end: ChildEnd, channel: ChildChannel, timeout: float | None) -> None:
        super().__init__("listen", end.news, timeout)
        self._end = end
        self._channel = channel
        moments = [at for at in (self.gives_up_at, end.stop_at) if at is not None]
        self.gives_up_at = min(moments) if moments else None

    @property
    def descriptor(self) -> int:
        return self._channel.fileno()

    def is_ready(self) -> bool:
        return self._end.is_stopping() or self._channel.is_ready()

    def claim(self) -> Opener | None:
        message = self._channel.receive(0, is_over=self._end.is_stopping)
        if isinstance(message, Told):
            self._end.news.notify()  # there may be more for others
            return opener_of(message.payload)
        if message is not None:
            self._end.news.notify()  # it has been taken from others who wait
        if message is None and self._end.is_stopping():
            return self.give_up
        return None

    def give_up(self) -> Outcome:
        return None, None

    def wait(self, timeout: float | None) -> Any:
        """Block the calling thread; it reads for itself."""
        limit = Limit(self, timeout)
        payload = self._end.next_payload(limit.moment)
        if payload is not None:
            return unpack(payload)
        return None if self._end.is_stopping() else deliver(limit.over() or self.give_up())


def rebuild_unstarted() -> None:
    """Rebuild an end that travelled with its process: a copy has not been started."""
