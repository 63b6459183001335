"""What a process and its parent tell each other, seen from the parent, through all its lives.

any thread --tell--> [kept for the next life] --> channel
any thread <--listen-- inbox <--on_told-- I/O thread <-- channel
a thread that listens alone (`_reading`)             <-- channel
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from suitkaise.cucumber import deserialize

from . import _backlog
from ._backlog import MESSAGE_BYTES, Backlog, full_error
from ._children import Child
from ._errors import ProcessError
from ._keeping import Kept, warn_of_loss
from ._notice import Notice
from ._own_process import own
from ._page import CHILD_HEARD, CHILD_TOLD, PARENT_HEARD, PARENT_TOLD
from ._parcels import Parcel, Payload, pack, set_out, unpack
from ._reading import waker_of_this_thread

_KEPT_BEFORE_A_LOOK = 256  # small messages kept for the next life, before a look at the checkpoint


class Conversation:
    """Messages both ways.

    Args:
        name: The process's, for errors.
        lives: How many it has.
        look_at_checkpoint: Has what was dealt with at the newest checkpoint let go of
            (`let_go_of`).

    Attributes:
        inbox: What the process has told and nobody has listened to yet, in order.
        is_over: Whether it has ended: nothing more comes into the inbox.
        news: Tells of the two above.
        telling: Guards what is kept; what is counted is guarded by the channel's lock for sending.
    """

    def __init__(self, name: str, lives: int, look_at_checkpoint: Callable[[], None]) -> None:
        self.inbox: deque[Payload] = deque()
        self.is_over = False
        self.news = Notice(self._take_reading_back)
        self.telling = threading.RLock()
        self._process = own.mark
        self._process_id = os.getpid()
        self._name = name
        self._look_at_checkpoint = look_at_checkpoint
        # What was told and not yet listened to at the last checkpoint: the next life gets it again.
        self._kept = Kept()
        self._keeps = lives > 1  # there may be a next life; once there is none, there never is
        self._keeps_all = True  # it has been so until now
        self._child: Child  # of the present life, and so are both counts
        self._incoming: Backlog
        self._outgoing: Backlog

    # -- asked by any thread

    def tell(self, data: Any) -> None:
        """Send to the process."""
        if self._process is not own.mark:
            self.require_own()
        payload = pack(data)
        if self.is_over:
            raise ProcessError(f"{self._name} has ended: tell() reaches nobody")
        if self._keeps:
            self._keep_and_tell(payload)
            return
        child = self._child
        with child.send_lock:
            outgoing = self._outgoing  # as its `enter`
            words, sent = outgoing.page.words, outgoing.sent
            told = words[sent]
            if told - words[outgoing.received] >= _backlog.MOST_BYTES:
                raise full_error(self._name, outgoing)
            words[sent] = told + len(payload) + MESSAGE_BYTES
            child.tell(payload)
        if type(payload) is Parcel:
            set_out(payload)

    def _keep_and_tell(self, payload: Payload) -> None:
        """Send to a process that may have a next life."""
        is_large = type(payload) is Parcel
        if self._kept and (is_large or not len(self._kept) % _KEPT_BEFORE_A_LOOK):
            self._look_at_checkpoint()
        is_all_kept = True
        with self.telling, self._child.send_lock:
            outgoing = self._outgoing
            if not outgoing.enter(len(payload)):
                raise full_error(self._name, outgoing)
            if self._keeps:
                is_all_kept = self._kept.add(payload, outgoing.waiting)
            self._child.tell(payload)
        set_out(payload)
        if not is_all_kept and self._keeps_all:
            self._keeps_all = False
            warn_of_loss(self._name)

    def listen(self, timeout: float | None) -> Any:
        """Wait for what the process tells; None if the time is over."""
        payload = self.next_payload(None if timeout is None else time.monotonic() + timeout)
        if payload is not None:
            return deserialize(payload) if type(payload) is bytes else unpack(payload)
        if timeout is None:
            raise self.nothing_more()
        return None

    def nothing_more(self) -> ProcessError:
        """Return what `listen` raises once all has been listened to."""
        return ProcessError(f"{self._name} has ended; nothing more will come")

    def next_payload(self, deadline: float | None) -> Payload | None:
        """Wait for what the process tells; None if the time is over, or it has ended."""
        if self._process is not own.mark:
            self.require_own()
        news = self.news
        while True:
            is_readable = False
            if not self.inbox:
                timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
                # Who waits alone waits for the channel itself.
                waker = None if news.is_awaited else waker_of_this_thread()
                if waker is None or not self._child.reading.is_for_listeners:
                    news.wait_for(self.has_news, timeout)
                else:
                    is_readable = self._child.reading.wait(waker, timeout, self._has_arrived)
            is_over = self.is_over  # asked first: nothing comes after the end
            payload = self.read_told(is_readable=is_readable)
            if payload is not None:
                return payload
            if is_over or (deadline is not None and time.monotonic() >= deadline):
                return None

    def read_told(self, *, is_readable: bool) -> Payload | None:
        """Take the next thing that it told, if it has arrived.

        Args:
            is_readable: Whether to read from the channel, if the reading is lent.
        """
        child = self._child
        with child.read_lock:
            if self.inbox:
                payload: Payload | None = self.inbox.popleft()
            elif (is_readable and child.reading.is_lent) or child.reader.is_pending:
                payload = child.read_told()
            else:
                payload = None
            if payload is not None:
                incoming = self._incoming  # as its `leave`
                incoming.page.words[incoming.received] += len(payload) + MESSAGE_BYTES
                if self.news.wakers and child.reader.is_pending:
                    self.news.wake()  # they wait for a socket that has nothing left
            return payload

    def has_news(self) -> bool:
        """Whether there is something to listen to, or never will be."""
        return bool(self.inbox) or self.is_over

    def _has_arrived(self) -> bool:
        """The same, for who reads the channel; what came before may have woken nobody."""
        return bool(self.inbox) or self.is_over or self._child.reader.is_pending

    def require_own(self) -> None:
        """Refuse to work for a process that was forked from the one that started it.

        Raises:
            ProcessError: If this is such a process: nobody there feeds this.
        """
        if self._process is not own.mark:
            raise ProcessError(
                f"{self._name} was started by another process (id {self._process_id}), of which "
                "this one is a fork; ask it there"
            )

    def _take_reading_back(self) -> None:
        self._child.reading.take_back()

    # -- called by the I/O thread, and by who starts a life

    def on_told(self, payload: Payload) -> None:
        """Take a message from the process."""
        self.inbox.append(payload)
        self.news.notify()

    def let_go_of(self, heard: int) -> None:
        """Keep no longer what the present life had listened to when a checkpoint was taken."""
        with self.telling:
            self._kept.let_go_of(heard)

    def begin_life(self, child: Child) -> None:
        """Speak with this child from now on."""
        page = child.page
        self._incoming = Backlog(page, CHILD_TOLD, PARENT_HEARD)
        self._outgoing = Backlog(page, PARENT_TOLD, CHILD_HEARD)
        self._child = child
        child.reading.listeners = self.news.wakers

    def tell_again(self, lives: int) -> None:
        """Tell the present life what the last one had not dealt with; holding `telling`.

        Args:
            lives: The lives left, the present one included.
        """
        with self._child.send_lock:
            for payload in self._kept.begin_life():
                self._outgoing.count(len(payload))
                self._child.tell(payload)
        if lives == 1:
            self._keeps = False  # not before: what is told now comes behind
            self._kept.clear()

    def end(self) -> None:
        """Have nothing more be told, and all that wait look again."""
        self.is_over = True
        self.news.notify()
