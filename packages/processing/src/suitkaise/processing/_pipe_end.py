"""One end of a `Pipe`: it sends to the other end and receives from it, no thread in between.

Only what the socket does not take at once is handed to this process's I/O thread, so that `send`
never waits. What is small goes bare (`_frames`).
"""

from __future__ import annotations

import contextlib
import enum
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from suitkaise.cucumber import deserialize

from . import _backlog
from ._backlog import MESSAGE_BYTES, Backlog
from ._engine import engine
from ._errors import PipeEndpointError
from ._frames import FrameReader, FrameWriter
from ._messages import Told, decode, encode
from ._page import StatusPage
from ._parcels import Payload, pack, set_out, unpack
from ._segments import Descriptor

if TYPE_CHECKING:
    from typing import Self

_DONT_WAIT = int(socket.MSG_DONTWAIT)  # a member of the enum is slow to pass


class State(enum.Enum):
    """Where the life of an end stands."""

    OPEN = "open"  # it sends and receives
    MOVED = "moved to another process"  # this copy is of no use any more
    CLOSED = "closed"  # close() was called


class PipeEnd:
    """One end of a pipe."""

    _name: ClassVar[str]

    def __init__(
        self, descriptor: Descriptor, page: Descriptor, *, is_anchor: bool, is_one_way: bool
    ) -> None:
        counts = StatusPage.from_descriptor(os.dup(page.number))
        self._page = page
        self._socket = endpoint = socket.socket(fileno=descriptor.take())
        endpoint.setblocking(True)
        self._sends = is_anchor or not is_one_way
        self._receives = not is_anchor or not is_one_way
        self._reader = FrameReader(endpoint)
        self._writer = FrameWriter(endpoint, flags=_DONT_WAIT)
        ours, theirs = (0, 2) if is_anchor else (2, 0)
        self._outgoing = Backlog(counts, ours, ours + 1)
        self._incoming = Backlog(counts, theirs, theirs + 1)
        self._state = State.OPEN
        self._is_queued = False  # the I/O thread sends on when the socket takes more
        self._write_lock = threading.RLock()  # guards the writer, the state and the above
        self._read_lock = threading.RLock()  # guards the reader
        self._polls = threading.local()  # a poll object serves one thread at a time

    # -- messages

    def send(self, obj: Any) -> None:
        """Send an object to the other end; does not wait until it is received.

        What is large is copied once, into shared memory. What the pipe does not take at once waits
        in this process.

        Args:
            obj: Anything that cucumber can serialise, the point of another pipe too.

        Raises:
            PipeEndpointError: This end only receives, is closed or has moved; or 1 GiB has been
                sent that the other end has not received.
            BrokenPipeError: The other end is closed, or its process has ended.
            SerializationError: `obj` cannot travel.
        """
        if self._state is not State.OPEN or not self._sends:
            self._refuse("send", "receives")
        payload = pack(obj)
        with self._write_lock:
            if self._state is not State.OPEN:
                self._refuse("send", "receives")
            outgoing = self._outgoing  # as its `enter`
            words, sent = outgoing.page.words, outgoing.sent
            told = words[sent]
            if told - words[outgoing.received] >= _backlog.MOST_BYTES:
                raise PipeEndpointError(
                    f"{self!r} is full: {outgoing.waiting:,} bytes wait for the other end to "
                    f"receive them, and {_backlog.MOST_BYTES:,} is the most; receive there, or "
                    "send less"
                )
            words[sent] = told + len(payload) + MESSAGE_BYTES
            is_sent = False
            if type(payload) is bytes:
                try:
                    is_sent = self._writer.send_bare(payload)
                except OSError as error:
                    self._break(error)
            if not is_sent:
                self._send_framed(payload)

    def recv(self, timeout: float | None = None) -> Any:
        """Return the next object that the other end sent; blocks until there is one.

        Args:
            timeout: Seconds to wait at most; None: as long as it takes.

        Raises:
            EOFError: The other end is closed, or its process has ended, and all that it sent has
                been received.
            TimeoutError: The time was over first.
            PipeEndpointError: This end only sends, is closed or has moved.
            DeserializationError: What came cannot be rebuilt here.
        """
        if self._state is not State.OPEN or not self._receives:
            self._refuse("receive", "sends")
        try:
            if timeout is None:
                with self._read_lock:
                    payload: Payload | None = self._reader.receive_bare()
                    while payload is None:
                        payload = self._take_framed()
                        if payload is None:
                            payload = self._reader.receive_bare()
            else:
                payload = self._next_within(timeout)
        except EOFError:
            if self._state is not State.OPEN:  # closed in the meantime
                self._refuse("receive", "sends")
            raise EOFError(f"the other end of {self!r} is closed; nothing more will come") from None
        incoming = self._incoming  # as its `leave`
        incoming.page.words[incoming.received] += len(payload) + MESSAGE_BYTES
        return deserialize(payload) if type(payload) is bytes else unpack(payload)

    def poll(self, timeout: float | None = 0) -> bool:
        """Return whether `recv` would return at once, or raise `EOFError`.

        Args:
            timeout: Seconds to wait for that; None: as long as it takes.

        Raises:
            PipeEndpointError: This end only sends, is closed or has moved.
        """
        if self._state is not State.OPEN or not self._receives:
            self._refuse("receive", "sends")
        deadline = None if timeout is None else time.monotonic() + timeout
        return self._reader.is_pending or self._wait(deadline)

    def fileno(self) -> int:
        """Return the descriptor, for `select` and event loops: readable when `recv` would return.

        Raises:
            PipeEndpointError: This end is closed or has moved.
        """
        if self._state is not State.OPEN:
            self._refuse("wait", "")
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end; the other one can still receive what was sent. May be repeated.

        What waits in this process, because the other end did not receive, is lost.
        """
        with self._write_lock:
            if self._state is State.OPEN:
                self._state = State.CLOSED
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)  # wakes who waits here
                self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self, is_over: Callable[[], bool] = sys.is_finalizing) -> None:
        try:
            if getattr(self, "_state", None) is State.OPEN:  # else it was never whole
                self._state = State.CLOSED
                self._release()
        except (AttributeError, TypeError):  # at the end of the interpreter, the modules are empty
            if not is_over():
                raise

    def __repr__(self) -> str:
        notes = [] if self._state is State.OPEN else [self._state.value]
        if not self._receives:
            notes.append("sends only")
        if not self._sends:
            notes.append("receives only")
        if self.locked:
            notes.append("locked")
        described = f" ({', '.join(notes)})" if notes else ""
        return f"<{self._name}{described}>"

    @property
    def locked(self) -> bool:
        """Whether it cannot move to another process."""
        raise NotImplementedError

    # -- inside

    def _refuse(self, verb: str, opposite: str) -> NoReturn:
        """Say why this end cannot do what it is asked for."""
        if self._state is State.CLOSED:
            raise PipeEndpointError(f"this {self._name} is closed; Pipe.pair() makes another pipe")
        if self._state is State.MOVED:
            raise PipeEndpointError(
                f"this {self._name} has moved to another process, where alone it can be used; "
                "here use the anchor"
            )
        raise PipeEndpointError(
            f"this {self._name} is an end of a one-way pipe and only {opposite}: it cannot {verb}; "
            "Pipe.pair() without one_way makes a pipe for both directions"
        )

    def _next_within(self, timeout: float) -> Payload:
        """Wait for the next message for so many seconds."""
        deadline = time.monotonic() + timeout
        while self._read_lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            try:
                payload: Payload | None = self._reader.receive_bare(at_once=True)
                if payload is None:
                    payload = self._take_framed()
            except BlockingIOError:
                payload = None
            finally:
                self._read_lock.release()
            if payload is not None:
                return payload
            if not self._wait(deadline):
                break
        raise TimeoutError(f"nothing came to the {self._name} within {timeout:g} s")

    def _take_framed(self) -> Payload | None:
        """Take the message that has come as a frame, if it is whole."""
        if self._reader.next_tag() is None:
            return None
        message = decode(self._reader.take())
        assert isinstance(message, Told)
        return message.payload

    def _wait(self, deadline: float | None) -> bool:
        """Wait for something to arrive; False if the time was over first."""
        try:
            poll: select.poll = self._polls.poll
        except AttributeError:
            poll = self._polls.poll = select.poll()
            poll.register(self._socket, select.POLLIN)
        if deadline is None:
            return bool(poll.poll())
        return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))

    def _send_framed(self, payload: Payload) -> None:
        """Send, or leave to the I/O thread what the socket does not take."""
        self._writer.put(encode(Told(payload)))
        if not self._is_queued:
            try:
                self._writer.flush()
            except BlockingIOError:
                self._is_queued = True
                engine().supervisor.watch_writing(self._socket.fileno(), self._on_writable)
            except OSError as error:
                self._writer.clear()
                self._break(error)
        set_out(payload)

    def _break(self, error: OSError) -> NoReturn:
        raise BrokenPipeError(
            error.errno, f"the other end of {self!r} is closed, or its process has ended"
        ) from None

    def _on_writable(self, _events: int) -> None:
        """Send on; in the I/O thread."""
        with self._write_lock:
            if not self._is_queued or self._state is not State.OPEN:
                return
            try:
                self._writer.flush()
            except BlockingIOError:
                return
            except OSError:
                self._writer.clear()  # the next `send` will say so
            self._is_queued = False
            engine().supervisor.forget(self._socket.fileno(), self._on_writable, lambda: None)

    def _release(self) -> None:
        """Close what this process has of it."""
        self._writer.clear()
        self._reader.close()
        if self._is_queued:
            engine().supervisor.forget(self._socket.fileno(), self._on_writable, self._socket.close)
        else:
            self._socket.close()
        self._page.close()
