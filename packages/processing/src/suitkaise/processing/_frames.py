"""Frames: how messages lie in a stream of bytes, descriptors beside them.

    frame = header (eight bytes: length of the body, tag, number of descriptors) + body

Interrupts (Ctrl-C, a section's timeout) raise between any two instructions. So what is written and
read here changes in single instructions only: whatever is interrupted is done again from the state
before, and no byte is lost or doubled.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import threading
from collections import deque
from collections.abc import Container, Sequence
from typing import NamedTuple

from ._segments import LOST, Descriptor

READ_BYTES = 1 << 16
MOST_DESCRIPTORS = 253  # the kernel's limit for one message
_DESCRIPTOR = struct.calcsize("i")
_ANCILLARY_BYTES = (socket.CMSG_SPACE(MOST_DESCRIPTORS * _DESCRIPTOR),)
_TRUNCATED = int(socket.MSG_CTRUNC)
_HEADER = struct.Struct(">Q")  # so that the first byte is 0: no frame is longer than 2**40
_HEADER_BYTES = _HEADER.size
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
        endpoint: A socket whose order is kept.
        flags: For its `send`.
        most_bytes: What it takes at once; None: what it says itself.
    """

    def __init__(
        self, endpoint: socket.socket, *, flags: int = 0, most_bytes: int | None = None
    ) -> None:
        self._socket = endpoint
        self._flags = (flags,)
        self._most_bytes = most_bytes
        self._queue: deque[tuple[int, memoryview, Sequence[Descriptor]]] = (
            deque()
        )  # (where it begins in the stream, frame, its descriptors)
        self._busy = threading.Lock()  # held while sending; never waited for
        self._sent: deque[int] = deque()  # bytes that each call of send took: together, how far

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
            if descriptors and not done:
                numbers = struct.pack(f"{len(descriptors)}i", *(d.number for d in descriptors))
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)]
                part = data[: self._most_bytes]
                sent.extend(map(self._socket.sendmsg, ([part],), (rights,), self._flags))
            else:
                end = None if self._most_bytes is None else done + self._most_bytes
                sent.extend(map(self._socket.send, (data[done:end],), self._flags))

    def clear(self) -> None:
        """Drop what has not been sent."""
        self._queue.clear()


class _Parsed(NamedTuple):
    """How far a stream has been read: all that a reader knows, replaced as a whole."""

    last: int  # the number of the last piece that is in here
    chunks: tuple[bytes, ...]  # the beginning of a frame that is not whole yet
    size: int  # of the chunks together
    descriptors: tuple[int, ...]  # that came with frames not taken yet; LOST: a frame's rest
    frames: tuple[tuple[int, bytes, int], ...]  # (tag, body, number of descriptors)
    taken: int  # how many of the frames have been taken
    is_over: bool  # the other end has sent all that it will


_NOTHING = _Parsed(-1, (), 0, (), (), 0, False)


_ANY_TAG = range(256)


class FrameReader:
    """Cuts what arrives into frames. Its owner holds a lock.

    Args:
        endpoint: A socket whose order is kept.
        read_bytes: What to read at once.
    """

    def __init__(self, endpoint: socket.socket, read_bytes: int = READ_BYTES) -> None:
        self._socket = endpoint
        # Always the same memory: a buffer for each call would be mapped and unmapped each time.
        self._buffer = memoryview(bytearray(read_bytes))
        self._into: tuple[tuple[memoryview], ...] = ((self._buffer,),)
        self._numbers = itertools.count()
        # What lies in the buffer: its number, size, descriptors and flags. At most one.
        self._pieces: deque[tuple[int, tuple[int, list[tuple[int, int, bytes]], int, object]]]
        self._pieces = deque()
        self._parsed = _NOTHING

    def receive(self, flags: int) -> None:
        """Read once from the socket.

        Raises:
            BlockingIOError: There is nothing to read, and `flags` says not to wait.
            EOFError: All has been read, and the other end is closed.
        """
        self._read(flags)
        self._accept()

    def receive_next(self, flags: int, tags: Container[int] = _ANY_TAG) -> ReceivedFrame | None:
        """Read once, when nothing is pending, and take the first frame.

        Mostly one frame comes alone, and need not go through all that a torn one does.

        Args:
            flags: For the socket's `recvmsg`.
            tags: The tags of frames to take.

        Returns:
            The frame; None if it is not whole, or has another tag and stays.

        Raises:
            BlockingIOError, EOFError: As `receive`.
        """
        self._read(flags)
        size, ancillary, _, _ = self._pieces[0][1]
        if not ancillary and size >= _HEADER_BYTES and not self._parsed.chunks:
            (header,) = _HEADER.unpack_from(self._buffer)
            tag = header >> 8 & 0xFF
            if header >> 16 == size - _HEADER_BYTES and tag in tags:
                body = bytes(self._buffer[_HEADER_BYTES:size])
                self._pieces.popleft()
                return ReceivedFrame(tag, body, ())
        self._accept()
        return self.take() if self.next_tag() in tags else None

    def receive_bare(self, flags: int) -> bytes | None:
        """Read a packet, and return it if it is no frame: its sender has sent it bare.

        That is one that begins with another byte than 0, unless it goes on with a frame. A frame is
        kept, for `has_frame` and `take`.

        Raises:
            BlockingIOError, EOFError: As `receive`.
        """
        self._read(flags)
        size = self._pieces[0][1][0]
        if size and self._buffer[0] and not self._parsed.chunks:
            bare = bytes(self._buffer[:size])
            self._pieces.popleft()
            return bare
        self._accept()
        return None

    def _read(self, flags: int) -> None:
        if self._pieces:  # an interrupt came before it was looked at
            return
        if not self._into:
            raise EOFError("this end is closed")
        try:
            self._pieces.extend(
                zip(
                    self._numbers,
                    map(self._socket.recvmsg_into, self._into, _ANCILLARY_BYTES, (flags,)),
                    strict=False,
                )
            )
        except BlockingIOError:
            raise
        except OSError as error:
            raise EOFError from error

    def _accept(self) -> None:
        self._parse()
        if self._parsed.is_over and not self.has_frame:
            raise EOFError

    @property
    def is_pending(self) -> bool:
        """Whether something has been read and not been taken."""
        return bool(self._pieces) or self.has_frame

    @property
    def has_frame(self) -> bool:
        """Whether there is a frame to take, among what has been looked at."""
        parsed = self._parsed
        return parsed.taken < len(parsed.frames)

    def next_tag(self) -> int | None:
        """The tag of the next frame, or None if none is whole."""
        if self._pieces:  # an interrupt came before they were looked at
            self._parse()
        parsed = self._parsed
        return parsed.frames[parsed.taken][0] if parsed.taken < len(parsed.frames) else None

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
        self._parsed = parsed._replace(frames=frames, taken=taken, descriptors=others)
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
        self._buffer = memoryview(b"")
        parsed, self._parsed = self._parsed, _NOTHING
        for number in parsed.descriptors:
            if number != LOST:
                os.close(number)

    def _parse(self) -> None:
        last, chunks, size, descriptors, frames, taken, is_over = self._parsed
        if taken:
            frames, taken = frames[taken:], 0
        found = list(frames)
        for number, (count, ancillary, flags, _) in self._pieces:
            if number > last:  # else it is in there already
                last = number
                is_over = is_over or not count
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
        self._parsed = _Parsed(last, chunks, size, descriptors, tuple(found), taken, is_over)
        while self._pieces and self._pieces[0][0] <= last:
            self._pieces.popleft()


def _needed(chunks: tuple[bytes, ...]) -> int:
    """How many bytes there must be for the first frame to be whole."""
    if not chunks or len(chunks[0]) < _HEADER.size:
        return _HEADER.size
    return _HEADER.size + int(_HEADER.unpack_from(chunks[0])[0] >> 16)
