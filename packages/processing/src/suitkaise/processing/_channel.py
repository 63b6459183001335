"""The one channel between a child and its parent: a Unix stream socket that carries frames.

        parent                                              child
    any thread --send--> [queue] --.                .--> receive --> the thread that asks
                                    socket pair ----
    I/O thread <--receive_ready----'                '--- send <----- any thread

The parent's end never blocks: what the socket does not take waits in the queue, and the I/O thread
sends it on. The child's end blocks, which costs it no thread; the parent always reads, so a child
that sends goes on. Each end's death is end-of-file at the other, never a lock left held.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from ._messages import LENGTH, Message, decode, encode

_READ_BYTES = 1 << 18
_MOST_SENDS = 16  # whose lengths are kept, before they are added up


class FrameReader:
    """Cuts a stream of bytes into messages."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take what arrived, and yield each message that is now whole."""
        pending = self._bytes
        pending += data
        while len(pending) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(pending)[0]
            if len(pending) < end:
                return
            with memoryview(pending) as view, view[LENGTH.size : end] as body:
                message = decode(body)
            del pending[:end]
            yield message


class ParentChannel:
    """The parent's end. `send` from any thread; the rest belongs to the I/O thread.

    Args:
        endpoint: The parent's half of the socket pair.
        watch_writable: Called with True when the queue needs the I/O thread, with False when the
            queue is empty again.
    """

    def __init__(self, endpoint: socket.socket, watch_writable: Callable[[bool], None]) -> None:
        endpoint.setblocking(False)
        self.socket = endpoint
        self._watch_writable = watch_writable
        self._reader = FrameReader()
        # Guards all below. Re-entrant, as all locks that a user's call may hold: a signal handler,
        # which runs in the middle of such a call, may well call stop() or kill().
        self._lock = threading.RLock()
        self._queue: deque[tuple[int, memoryview]] = (
            deque()
        )  # (where it begins in the stream, frame)
        self._sent: deque[int] = deque()  # bytes that each call of send took; their sum is how far
        self._is_watched = False  # the I/O thread goes on when the socket takes more
        self._is_closed = False

    def send(self, message: Message) -> bool:
        """Send or queue a message, without blocking; False if the child's end is gone."""
        frame = memoryview(encode(message))
        try:
            with self._lock:
                if self._is_closed:
                    return False
                queue = self._queue
                begins = queue[-1][0] + len(queue[-1][1]) if queue else sum(self._sent)
                queue.append((begins, frame))
                return self._is_watched or self._flush()
        except BaseException:
            self._watch_writable(True)  # Ctrl-C: the I/O thread sends what is in the queue
            raise

    def send_queued(self) -> None:
        """Go on sending; the I/O thread calls this when the socket takes more."""
        with self._lock:
            if not self._is_closed:
                self._is_watched = False
                self._flush()
            if not self._is_watched:
                self._watch_writable(False)

    def _flush(self) -> bool:
        """Send what the socket takes.

        An interrupt may hit between any two lines. So how far it has come is never computed from
        what was intended: the deque takes what `send` returns within one instruction.
        """
        queue, sent = self._queue, self._sent
        while queue:
            begins, frame = queue[0]
            if len(sent) > _MOST_SENDS:
                self._sent = sent = deque((sum(sent),))
            done = sum(sent) - begins
            if done >= len(frame):
                queue.popleft()
                continue
            try:
                sent.extend(map(self.socket.send, (frame[done:],)))
            except BlockingIOError:
                self._is_watched = True
                self._watch_writable(True)
                return True
            except OSError:
                queue.clear()  # the child has ended: its sentinel tells the rest
                return False
        self._sent = deque()
        return True

    def receive_ready(self) -> list[Message] | None:
        """Read once, without blocking.

        Returns:
            The messages that are now whole (perhaps none yet), or None if nothing has arrived.

        Raises:
            EOFError: If all has been read and the child's end is closed.
        """
        try:
            data = self.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        return list(self._reader.feed(data))

    def end_sending(self) -> None:
        """Let the child see end-of-file; what it still sends can be read. From any thread."""
        with self._lock:
            self._is_closed = True
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close this end."""
        with self._lock:
            self._is_closed = True
            self._queue.clear()
            self.socket.close()

    def abandon(self) -> None:
        """Close the descriptor alone, in a process forked from the parent: the lock may be held."""
        self.socket.close()


class ChildChannel:
    """The child's end, for any of its threads.

    Args:
        descriptor: The child's half of the socket pair.
        uninterrupted: The context in which bytes are moved: it keeps a section's timeout from
            cutting a frame in two.
    """

    def __init__(self, descriptor: int, uninterrupted: AbstractContextManager[None]) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        self._uninterrupted = uninterrupted
        self._reader = FrameReader()
        self._arrived: deque[Message] = deque()
        self._read_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)

    def send(self, message: Message) -> None:
        """Send a message; blocks while the socket is full.

        Ends this process if the parent is gone.
        """
        frame = encode(message)
        with self._write_lock, self._uninterrupted:
            try:
                self._socket.sendall(frame)
            except OSError:
                os._exit(1)

    def receive(self, timeout: float | None = None) -> Message | None:
        """Return the next message; blocks up to `timeout` seconds, None: until there is one.

        Ends this process if the parent is gone.

        Returns:
            The message, or None if the time has passed.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self._read_lock.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            return None
        try:
            while not self._arrived:
                if deadline is None:
                    self._poll.poll()
                elif not self._poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                    return None
                self._read(block=False)
            return self._arrived.popleft()
        except EOFError:
            os._exit(1)
        finally:
            self._read_lock.release()

    def receive_blocking(self) -> Message:
        """Return the next message: one system call, for a child with one thread and no timeouts."""
        while not self._arrived:
            self._read(block=True)
        return self._arrived.popleft()

    def close(self) -> None:
        """Close this end; the parent sees end-of-file."""
        self._socket.close()

    def _read(self, *, block: bool) -> None:
        with self._uninterrupted:
            try:
                data = self._socket.recv(_READ_BYTES, 0 if block else socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                raise EOFError
            self._arrived.extend(self._reader.feed(data))
