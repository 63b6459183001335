"""What a process and its parent tell each other, seen from the parent, through all its lives.

any thread --tell--> [kept for the next life] --> channel
any thread <--listen-- inbox <--on_told-- I/O thread <-- channel
a thread that listens alone (`_reading`)             <-- channel
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ._backlog import Backlog, full_error
from ._children import Child
from ._errors import ProcessError
from ._keeping import Kept, warn_of_loss
from ._notice import Notice
from ._page import CHILD_HEARD, CHILD_TOLD, PARENT_HEARD, PARENT_TOLD
from ._parcels import Parcel, Payload, pack, set_out, unpack
from ._reading import waker_of_this_thread

_KEPT_BEFORE_A_LOOK = 256  # small messages kept for the next life, before a look at the checkpoint


class Conversation:
    """Messages both ways.

    Args:
        name: The process's, for errors.
        look_at_checkpoint: Has what was dealt with at the newest checkpoint let go of
            (`let_go_of`).

    Attributes:
        inbox: What the process has told and nobody has listened to yet, in order.
        is_over: Whether it has ended: nothing more comes into the inbox.
        news: Tells of the two above.
        telling: Guards what is told: its count, and what is kept.
    """

    def __init__(self, name: str, look_at_checkpoint: Callable[[], None]) -> None:
        self.inbox: deque[Payload] = deque()
        self.is_over = False
        self.news = Notice(self._take_reading_back)
        self.telling = threading.RLock()
        self._name = name
        self._look_at_checkpoint = look_at_checkpoint
        # What was told and not yet listened to at the last checkpoint: the next life gets it again.
        self._kept = Kept()
        self._keeps = False  # there may be a next life
        self._keeps_all = True  # it has been so until now
        self._child: Child  # of the present life, and so are both counts
        self._incoming: Backlog
        self._outgoing: Backlog

    # -- asked by any thread

    def tell(self, data: Any) -> None:
        """Send to the process."""
        payload = pack(data)
        if self.is_over:
            raise ProcessError(f"{self._name} has ended: tell() reaches nobody")
        is_all_kept = True
        if self._keeps:
            is_large = type(payload) is Parcel
            if self._kept and (is_large or not len(self._kept) % _KEPT_BEFORE_A_LOOK):
                self._look_at_checkpoint()
        with self.telling:
            outgoing = self._outgoing
            if not outgoing.enter(len(payload)):
                raise full_error(self._name, outgoing)
            if self._keeps:
                is_all_kept = self._kept.add(payload, outgoing.waiting)
            self._child.tell(payload)
        if type(payload) is Parcel:
            set_out(payload)
        if not is_all_kept and self._keeps_all:
            self._keeps_all = False
            warn_of_loss(self._name)

    def listen(self, timeout: float | None) -> Any:
        """Wait for what the process tells; None if the time is over."""
        payload = self.next_payload(None if timeout is None else time.monotonic() + timeout)
        if payload is not None:
            return unpack(payload)
        if timeout is None:
            raise self.nothing_more()
        return None

    def nothing_more(self) -> ProcessError:
        """Return what `listen` raises once all has been listened to."""
        return ProcessError(f"{self._name} has ended; nothing more will come")

    def next_payload(self, deadline: float | None) -> Payload | None:
        """Wait for what the process tells; None if the time is over, or it has ended."""
        while True:
            is_readable = not self.inbox and self._await_told(deadline)
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
            else:
                payload = child.read_told(is_readable=is_readable and child.reading.is_lent)
            if payload is not None:
                self._incoming.leave(len(payload))
                if self.news.wakers and child.has_pending:
                    self.news.wake()  # they wait for a socket that has nothing left
            return payload

    def has_news(self) -> bool:
        """Whether there is something to listen to, or never will be."""
        return bool(self.inbox) or self.is_over

    def _await_told(self, deadline: float | None) -> bool:
        """Wait for more to arrive: for the channel itself, if this thread alone waits.

        Returns:
            Whether the channel may have something to read.
        """
        news, child = self.news, self._child
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        waker = None if news.is_awaited else waker_of_this_thread()
        if waker is None or not child.reading.borrow(waker):
            news.wait_for(self.has_news, timeout)
            return False
        news.wakers[waker] = None
        try:
            # What has come until now woke nobody.
            if self.inbox or self.is_over:
                return False
            return child.has_pending or waker.wait(child.reading, timeout)
        finally:
            news.wakers.pop(waker, None)
            child.reading.back(waker)

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

    def begin_life(self, child: Child, lives: int) -> None:
        """Speak with this child from now on.

        Args:
            child: The child.
            lives: The lives left, this one included.
        """
        page = child.page
        self._incoming = Backlog(page, CHILD_TOLD, PARENT_HEARD)
        self._outgoing = Backlog(page, PARENT_TOLD, CHILD_HEARD)
        self._child = child
        self._keeps = lives > 1

    def tell_again(self) -> None:
        """Tell the present life what the last one had not dealt with; holding `telling`."""
        for payload in self._kept.begin_life():
            self._outgoing.count(len(payload))
            self._child.tell(payload)
        if not self._keeps:
            self._kept.clear()

    def end(self) -> None:
        """Have nothing more be told, and all that wait look again."""
        self.is_over = True
        self.news.notify()
