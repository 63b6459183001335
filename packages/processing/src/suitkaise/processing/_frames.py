"""Frames: how messages lie in what a socket carries, descriptors beside them.

    frame = header (eight bytes: length of the body, tag, number of descriptors) + body
    bare  = a body alone, in a packet of its own; its tag is BARE

Where the socket keeps packets apart, most of what users send each other travels bare: one call of
the kernel, no header to make and to read. The first byte tells: a header begins with 0, a bare body
with anything else (cucumber's with a letter). What is not bare is cut into packets, if need be, and
nothing bare comes between those of a frame. Where the socket is a stream, all is frames.

To receive descriptors takes a dearer call of the kernel (recvmsg), and any other drops them. So a
packet has descriptors only if it goes on with a frame: of a frame that has some, the first byte
goes ahead alone.

Interrupts (Ctrl-C, a section's timeout) raise wherever the interpreter looks for them: when a call
has returned, when a function begins, when a loop goes back. So what is written and read here
changes in single instructions only, and what a call of the kernel returns is kept before there is
an interrupt. Whatever is interrupted is done again from the state before: no byte is lost or
doubled.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from ._segments import LOST, Descriptor

READ_BYTES = 1 << 16  # at once; also the most that a packet has
BARE = 0xFF
MOST_DESCRIPTORS = 253  # the kernel's limit for one message
_DESCRIPTOR = struct.calcsize("i")
_ANCILLARY_BYTES = (socket.CMSG_SPACE(MOST_DESCRIPTORS * _DESCRIPTOR),)
_DONT_WAIT = int(socket.MSG_DONTWAIT)
_TRUNCATED = int(socket.MSG_CTRUNC)
_HEADER = struct.Struct(">Q")  # so that the first byte is 0: no frame is longer than 2**40
_HEADER_BYTES = _HEADER.size
_STREAM_BYTES = 1 << 62  # what a stream takes at once: it says so itself
_MOST_SENDS = 16  # whose lengths are kept, before they are added up


class Frame(NamedTuple):
    """A frame that is to be sent."""

    data: bytes
    descriptors: Sequence[Descriptor] = ()  # kept open until it is sent


class ReceivedFrame(NamedTuple):
    """A frame that has arrived."""

    tag: int
    body: bytes
    descriptors: tuple[int, ...]  # owned by whoever takes the frame; LOST: there was no room for it


def frame(tag: int, body: bytes, descriptors: Sequence[Descriptor] = ()) -> Frame:
    """Make a frame."""
    return Frame(_joined(tag, body, len(descriptors)), descriptors)


def _joined(tag: int, body: bytes, descriptors: int) -> bytes:
    return _HEADER.pack(len(body) << 16 | tag << 8 | descriptors) + body


class FrameWriter:
    """Sends frames in order, as far as the socket takes them. Its owner holds a lock.

    Args:
        endpoint: A socket whose order is kept: of a stream, or of packets.
        flags: For its `send`.
    """

    def __init__(self, endpoint: socket.socket, *, flags: int = 0) -> None:
        keeps_packets = _keeps_packets(endpoint)
        self._send_now = endpoint.send
        self._sendmsg_now = endpoint.sendmsg
        self._flag = flags
        self._flags = (flags,)
        self._most_bytes = READ_BYTES if keeps_packets else _STREAM_BYTES
        self._most_bare = READ_BYTES if keeps_packets else -1
        self._ahead = 1 if keeps_packets else 0  # bytes of a frame before its descriptors
        self._queue: deque[tuple[int, memoryview, Sequence[Descriptor]]] = (
            deque()
        )  # (where it begins in the stream, frame, its descriptors)
        self._busy = threading.Lock()  # held while sending; never waited for
        self._sent: deque[int] = deque()  # bytes that each call of send took: together, how far

    def send_bare(self, body: bytes) -> bool:
        """Send a body bare, if that keeps the order; else it has to go as a frame.

        Returns:
            Whether it is sent. Not if frames wait, or the socket is a stream or full, or the body
            is too large or begins like a frame.

        Raises:
            OSError: The other end is gone.
        """
        if self._queue or not 0 < len(body) <= self._most_bare or not body[0]:
            return False
        try:
            self._send_now(body, self._flag)
        except BlockingIOError:
            return False
        return True

    def put(self, frame: Frame) -> None:
        """Append a frame to what is to be sent."""
        queue = self._queue
        begins = queue[-1][0] + len(queue[-1][1]) if queue else sum(self._sent)
        queue.append((begins, memoryview(frame.data), frame.descriptors))

    def flush(self) -> None:
        """Send all that there is.

        In a signal handler that has interrupted just this, it leaves the sending to what it has
        interrupted, which would else send the same again.

        Raises:
            BlockingIOError: The socket takes no more now.
            OSError: The other end is gone.
        """
        while self._queue:
            if self._busy.locked():
                return
            with self._busy:
                self._send()

    def _send(self) -> None:
        """Send what is in the queue.

        How far it has come is never computed from what was intended: the deque takes what `send`
        returns within one instruction.
        """
        queue, sent = self._queue, self._sent
        while queue:
            begins, data, descriptors = queue[0]
            if len(sent) > _MOST_SENDS:
                self._sent = sent = deque((sum(sent),))
            done = sum(sent) - begins
            if done >= len(data):
                queue.popleft()
                continue
            end = done + self._most_bytes
            if descriptors and done == self._ahead:
                numbers = struct.pack(f"{len(descriptors)}i", *(d.number for d in descriptors))
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)]
                part = data[done:end]
                sent.extend(map(self._sendmsg_now, ([part],), (rights,), self._flags))
            else:
                part = data[done : self._ahead if descriptors and not done else end]
                sent.extend(map(self._send_now, (part,), self._flags))

    def clear(self) -> None:
        """Drop what has not been sent."""
        self._queue.clear()


# What a call has read: its size; or, where descriptors are taken, the size, what came beside it,
# flags and an address.
_Piece = int | tuple[int, list[tuple[int, int, bytes]], int, object]


class _Parsed(NamedTuple):
    """How far it has been read: all that a reader knows, replaced as a whole."""

    chunks: tuple[bytes, ...]  # the beginning of a frame that is not whole yet
    size: int  # of the chunks together
    descriptors: tuple[int, ...]  # that came with frames not taken yet; LOST: a frame's rest
    frames: tuple[tuple[int, bytes, int], ...]  # (tag, body, number of descriptors); or none left
    taken: int  # how many of the frames have been taken
    is_over: bool  # the other end has sent all that it will


_NOTHING = _Parsed((), 0, (), (), 0, False)


class FrameReader:
    """Cuts what arrives into frames. Its owner holds a lock.

    Args:
        endpoint: A socket whose order is kept: of a stream, or of packets.
        read_bytes: What to read at once.
    """

    def __init__(self, endpoint: socket.socket, read_bytes: int = READ_BYTES) -> None:
        self._keeps_packets = _keeps_packets(endpoint)
        # Always the same memory: a buffer for each call would be mapped and unmapped each time.
        self._buffer = memoryview(bytearray(read_bytes))
        self._into: tuple[tuple[memoryview], ...] = ((self._buffer,),)
        self._receive = endpoint.recvmsg_into
        # The same without descriptors, each step a call: waiting for it as the socket does, or not.
        self._steps: Iterator[int] = iter(partial(endpoint.recv_into, self._buffer), -1)
        self._steps_at_once: Iterator[int] = iter(
            partial(endpoint.recv_into, self._buffer, 0, _DONT_WAIT), -1
        )
        self._piece: _Piece | None = None  # what lies in the buffer and was not looked at
        self._parsed = _NOTHING
        self._clear = _NOTHING if self._keeps_packets else None  # then what comes may be bare

    def receive(self, *, at_once: bool = False) -> None:
        """Read once from the socket.

        Args:
            at_once: Whether not to wait, whatever the socket does.

        Raises:
            BlockingIOError: There is nothing to read, and it is not waited for.
            EOFError: All has been read, and the other end is closed.
        """
        if self._piece is None:  # else an interrupt came before it was looked at
            self._read(at_once=at_once)
        self._accept()

    def receive_bare(self, *, at_once: bool = False) -> bytes | None:
        """Return what comes next, if it is bare; reads once, if nothing is pending.

        A frame is kept, for `next_tag` and `take`.

        Returns:
            The body; None if a frame comes next, which is perhaps not whole yet.

        Raises:
            BlockingIOError, EOFError: As `receive`.
        """
        if self._parsed is not self._clear:
            if not self.is_pending:
                self.receive(at_once=at_once)
            return None
        if self._piece is None:
            try:
                # The interpreter looks for interrupts after a call, but not in a step of `for`.
                for self._piece in self._steps_at_once if at_once else self._steps:  # noqa: B020
                    break
            except BlockingIOError:
                raise
            except OSError:
                self._read(at_once=at_once)
        size = self._piece
        if type(size) is int and size and self._buffer[0]:
            bare = bytes(self._buffer[:size])
            self._piece = None
            return bare
        self._accept()
        return None

    def _read(self, *, at_once: bool) -> None:
        try:
            self._read_once(at_once=at_once)
        except BlockingIOError:
            raise
        except ConnectionResetError:
            # The other end was closed with something unread there. A socket of packets says so
            # before, a stream after what that end had sent; both say so once.
            try:
                self._read_once(at_once=at_once)
            except OSError as error:
                raise EOFError from error
        except OSError as error:
            raise EOFError from error

    def _read_once(self, *, at_once: bool) -> None:
        pieces: Iterator[_Piece]
        if not self._keeps_packets or self._parsed.chunks:
            flags = (_DONT_WAIT if at_once else 0,)
            pieces = map(self._receive, self._into, _ANCILLARY_BYTES, flags)
        else:
            pieces = self._steps_at_once if at_once else self._steps
        for self._piece in pieces:
            break

    def _accept(self) -> None:
        if self._piece is None:
            raise EOFError("this end is closed")
        self._parse()
        if self._parsed.is_over and not self._parsed.frames:
            raise EOFError

    @property
    def is_pending(self) -> bool:
        """Whether something has been read and not been taken."""
        return self._piece is not None or bool(self._parsed.frames)

    def next_tag(self) -> int | None:
        """The tag of the next frame, or None if none is whole."""
        if self._piece is not None:  # an interrupt came before it was looked at
            self._parse()
        parsed = self._parsed
        return parsed.frames[parsed.taken][0] if parsed.frames else None

    def take(self) -> ReceivedFrame:
        """Take the next frame; `next_tag` has said that there is one."""
        parsed = self._parsed
        tag, body, count = parsed.frames[parsed.taken]
        taken = parsed.taken + 1
        frames = parsed.frames
        if taken == len(frames):
            frames, taken = (), 0
        own, others = parsed.descriptors[:count], parsed.descriptors[count:]
        if LOST in own:
            arrived = own.index(LOST)
            own = own[:arrived] + (count - arrived) * (LOST,)
            others = parsed.descriptors[arrived + 1 :]
        left = parsed._replace(frames=frames, taken=taken, descriptors=others)
        self._parsed = _NOTHING if left == _NOTHING else left
        return ReceivedFrame(tag, body, own)

    def unread(self) -> tuple[bytes, tuple[int, ...]]:
        """Return what has been received and not taken, as it came; it stays here too."""
        parsed = self._parsed
        frames = [_joined(*received) for received in parsed.frames[parsed.taken :]]
        return b"".join((*frames, *parsed.chunks)), parsed.descriptors

    def begin_with(self, received: bytes, descriptors: tuple[int, ...]) -> None:
        """Begin with what another reader of the stream has not taken."""
        self._parsed = _NOTHING._replace(
            chunks=(received,) if received else (), size=len(received), descriptors=descriptors
        )
        self._parse()

    def close(self) -> None:
        """Close the descriptors of frames that nobody has taken, and give the memory back."""
        self._into = ()
        self._steps = self._steps_at_once = iter(())
        self._buffer = memoryview(b"")
        parsed, self._parsed = self._parsed, _NOTHING
        for number in parsed.descriptors:
            if number != LOST:
                os.close(number)

    def _parse(self) -> None:
        chunks, size, descriptors, frames, taken, is_over = self._parsed
        if taken:
            frames, taken = frames[taken:], 0
        found = list(frames)
        piece = self._piece
        if piece is not None:
            count, ancillary, flags = (piece, (), 0) if isinstance(piece, int) else piece[:3]
            is_over = is_over or not count
            if count and self._buffer[0] and not chunks:
                found.append((BARE, bytes(self._buffer[:count]), 0))
            elif count:
                chunks, size = (*chunks, bytes(self._buffer[:count])), size + count
            for _, _, numbers in ancillary:
                descriptors += struct.unpack(f"{len(numbers) // _DESCRIPTOR}i", numbers)
            if flags & _TRUNCATED:  # of one frame: the kernel joins no two with rights
                descriptors += (LOST,)
        if size >= _needed(chunks):
            stream = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            begin = 0
            while size - begin >= _HEADER.size:
                (header,) = _HEADER.unpack_from(stream, begin)
                body = begin + _HEADER.size
                end = body + (header >> 16)
                if end > size:
                    break
                found.append((header >> 8 & 0xFF, stream[body:end], header & 0xFF))
                begin = end
            chunks, size = ((stream[begin:],), size - begin) if begin < size else ((), 0)
        parsed = _Parsed(chunks, size, descriptors, tuple(found), taken, is_over)
        self._parsed, self._piece = (_NOTHING if parsed == _NOTHING else parsed), None


def _keeps_packets(endpoint: socket.socket) -> bool:
    return endpoint.type != socket.SOCK_STREAM


def _needed(chunks: tuple[bytes, ...]) -> int:
    """How many bytes there must be for the first frame to be whole."""
    if not chunks or len(chunks[0]) < _HEADER.size:
        return _HEADER.size
    return _HEADER.size + int(_HEADER.unpack_from(chunks[0])[0] >> 16)
