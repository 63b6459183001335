"""`Pipe`: two ends, one here and one in another process, and nothing in between.

    anchor  --send-->  socket pair  --recv-->  point
            <--recv--               <--send--

What an end's thread sends, the other end's thread receives: no thread in between. Only what the
socket does not take at once is handed to this process's I/O thread, so that `send` never waits.

The socket keeps messages apart (SEQPACKET) and an end reads one at a time. So what has not been
received is in the kernel: it moves with the point, survives the process that held it, and is what
`select` sees.
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
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias

from ._backlog import MOST_BYTES, Backlog
from ._engine import engine
from ._errors import PipeEndpointError
from ._frames import FrameReader, FrameWriter
from ._messages import Told, decode, encode
from ._page import StatusPage, create_page
from ._parcels import Payload, attach_handles, next_handle, pack, set_out, unpack
from ._platform import PACKETS
from ._segments import LOST, Descriptor

if TYPE_CHECKING:
    from typing import Self


PACKET_BYTES = 1 << 16  # frames are smaller, but where there is no shared memory


class State(enum.Enum):
    """Where the life of an end stands."""

    OPEN = "open"  # it sends and receives
    MOVED = "moved to another process"  # this copy is of no use any more
    CLOSED = "closed"  # close() was called


class _End:
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
        self._reader = FrameReader(endpoint, PACKET_BYTES)
        self._writer = FrameWriter(endpoint, flags=socket.MSG_DONTWAIT, most_bytes=PACKET_BYTES)
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
            if not self._outgoing.enter(len(payload)):
                raise PipeEndpointError(
                    f"{self!r} is full: {self._outgoing.waiting:,} bytes wait for the other end to "
                    f"receive them, and {MOST_BYTES:,} is the most; receive there, or send less"
                )
            if type(payload) is bytes and not self._is_queued:
                try:
                    self._socket.send(payload, socket.MSG_DONTWAIT)
                    return
                except BlockingIOError:
                    pass
                except OSError as error:
                    self._break(error)
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
            payload = self._next_payload() if timeout is None else self._next_within(timeout)
        except EOFError:
            if self._state is not State.OPEN:  # closed in the meantime
                self._refuse("receive", "sends")
            raise EOFError(f"the other end of {self!r} is closed; nothing more will come") from None
        self._incoming.leave(len(payload))
        return unpack(payload)

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

    def _next_payload(self) -> Payload:
        """Wait for the next message: one system call."""
        with self._read_lock:
            payload = None
            while payload is None:
                payload = self._take(0)
            return payload

    def _next_within(self, timeout: float) -> Payload:
        """Wait for the next message for so many seconds."""
        deadline = time.monotonic() + timeout
        while self._read_lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            try:
                payload = self._take(socket.MSG_DONTWAIT)
            except BlockingIOError:
                payload = None
            finally:
                self._read_lock.release()
            if payload is not None:
                return payload
            if not self._wait(deadline):
                break
        raise TimeoutError(f"nothing came to the {self._name} within {timeout:g} s")

    def _take(self, flags: int) -> Payload | None:
        """Read if need be, and take a message; None if it is not whole yet."""
        reader = self._reader
        if not reader.has_frame:
            bare = reader.receive_bare(flags)
            if bare is not None:
                return bare
            if not reader.has_frame:
                return None
        message = decode(reader.take())
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


class Anchor(_End):
    """The end that stays in the process that made the pipe."""

    _name = "anchor of a Pipe"

    @property
    def locked(self) -> bool:
        """True: it cannot move to another process."""
        return True

    def lock(self) -> None:
        """Do nothing: it is always locked."""

    def unlock(self) -> None:
        """Refuse.

        Raises:
            PipeEndpointError: Always.
        """
        raise PipeEndpointError("an anchor is always locked; it is the point that can move")

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        raise TypeError("an anchor stays in its process: send the point, and keep the anchor")


class Point(_End):
    """The end that can move to another process: in an Skprocess, by `tell`, or as a Pool's item.

    It moves once. Where it came from it cannot be used any more.
    """

    _name = "point of a Pipe"
    _is_locked = False

    @property
    def locked(self) -> bool:
        """Whether it cannot move to another process."""
        return self._is_locked

    def lock(self) -> None:
        """Have it stay in this process; sending it raises a `SerializationError`."""
        self._is_locked = True

    def unlock(self) -> None:
        """Let it move again."""
        self._is_locked = False

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        if self._state is not State.OPEN:
            raise TypeError(f"this point is {self._state.value}")
        if self._is_locked:
            raise TypeError("this point is locked: call unlock() first")
        if not self._read_lock.acquire(blocking=False):
            raise TypeError("another thread waits in recv() of this point")
        with self._write_lock, contextlib.ExitStack() as on_exit:
            on_exit.callback(self._read_lock.release)
            if self._is_queued:
                raise TypeError(
                    "messages that were sent from this point still wait in this process: receive "
                    "them at the anchor first"
                )
            received, descriptors = self._reader.unread()
            if LOST in descriptors:
                raise TypeError(
                    "a message that has come to this point is lost, as the process had no "
                    "descriptor left: recv() it first, which says so"
                )
            numbers = (self._socket.fileno(), self._page.number, *descriptors)
            attach_handles(self, [Descriptor(os.dup(number)) for number in numbers])
        return _rebuild_point, (not self._sends, received, len(numbers))

    def on_moved(self) -> None:
        """Be of no use here any more: it is on its way."""
        with self._write_lock:
            if self._state is State.OPEN:
                self._state = State.MOVED
                self._release()


def _rebuild_point(is_one_way: bool, received: bytes, handles: int) -> Point:
    descriptor, page, *others = (next_handle() for _ in range(handles))
    point = Point(descriptor, page, is_anchor=False, is_one_way=is_one_way)
    point._reader.begin_with(received, tuple(other.take() for other in others))
    return point


_Anchor: TypeAlias = Anchor
_Point: TypeAlias = Point


class Pipe:
    """The fastest way between two processes: two ends without anything in between.

    Example:
        >>> from suitkaise.processing import Pipe
        >>> anchor, point = Pipe.pair()
        >>> anchor.send({"data": [1, 2, 3]})
        >>> point.recv()
        {'data': [1, 2, 3]}
    """

    Anchor = Anchor
    Point = Point

    @staticmethod
    def pair(one_way: bool = False) -> tuple[_Anchor, _Point]:
        """Make a pipe.

        Args:
            one_way: Whether the anchor only sends and the point only receives.

        Returns:
            The anchor, which stays in this process, and the point, which can move to another one.

        Raises:
            OSError: There is no descriptor or memory left.
        """
        ours, theirs = (Descriptor(end.detach()) for end in socket.socketpair(type=PACKETS))
        page = Descriptor(create_page()[1])
        shared = Descriptor(os.dup(page.number))
        anchor = Anchor(ours, page, is_anchor=True, is_one_way=one_way)
        return anchor, Point(theirs, shared, is_anchor=False, is_one_way=one_way)
