"""The one channel between a child and its parent: a Unix socket that carries frames.

        parent                                              child
    any thread --send--> [queue] --.                .--> receive --> the thread that asks
                                    socket pair ----
    I/O thread <--receive_ready----'                '--- send <----- any thread

It is of packets for a process, and what is told goes bare if it is small (`_frames`); a stream
for a worker. The parent's end never blocks: what the socket does not take waits in the queue, and
the I/O thread sends it on. The child's end blocks, which costs it no thread; the parent always
reads, so a child that sends goes on. Each end's death is end-of-file at the other, never a lock
left held.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator

from ._frames import FrameReader, FrameWriter
from ._messages import TOLD, Message, Stop, Told, decode, encode
from ._parcels import Payload
from ._segments import FLAG_BYTES, flag

_MOST_AT_ONCE = 64  # messages, before others have their turn


class ParentChannel:
    """The parent's end. `send` from any thread, and so is reading, under the `read_lock`.

    Args:
        endpoint: The parent's half of the socket pair.
        watch_writable: Called with True when what is queued needs the I/O thread, with False when
            nothing is queued any more.

    Attributes:
        reader: What has been read and not been taken.
        send_lock: Guards sending.
    """

    def __init__(self, endpoint: socket.socket, watch_writable: Callable[[bool], None]) -> None:
        endpoint.setblocking(False)
        self.socket = endpoint
        self._watch_writable = watch_writable
        self.reader = FrameReader(endpoint)
        self._writer = FrameWriter(endpoint)
        self.read_lock = threading.RLock()  # guards the reader, and keeps what it read in order
        # Guards all below and the writer. Re-entrant, as all locks that a user's call may hold: a
        # signal handler, which runs in the middle of such a call, may well call stop() or kill().
        self.send_lock = threading.RLock()
        self._is_watched = False  # the I/O thread goes on when the socket takes more
        self._is_closed = False

    def send(self, message: Message) -> bool:
        """Send or queue a message, without blocking; False if the child's end is gone."""
        frame = encode(message)
        try:
            with self.send_lock:
                if self._is_closed:
                    return False
                self._writer.put(frame)
                return self._is_watched or self._flush()
        except BaseException:
            self._watch_writable(True)  # Ctrl-C: the I/O thread sends what is in the queue
            raise

    def tell(self, payload: Payload) -> bool:
        """Send what is told, as `send` does; holding the `send_lock`."""
        if self._is_closed:
            return False
        try:
            is_sent = type(payload) is bytes and self._writer.send_bare(payload)
        except OSError:
            return False
        return is_sent or self.send(Told(payload))

    def send_queued(self) -> None:
        """Go on sending; the I/O thread calls this when the socket takes more."""
        with self.send_lock:
            if not self._is_closed:
                self._is_watched = False
                self._flush()
            if not self._is_watched:
                self._watch_writable(False)

    def _flush(self) -> bool:
        try:
            self._writer.flush()
        except BlockingIOError:
            self._is_watched = True
            self._watch_writable(True)
        except OSError:
            self._writer.clear()  # the child has ended: its sentinel tells the rest
            return False
        return True

    def receive_ready(self) -> list[Message] | None:
        """Read without blocking: a frame, or all that comes bare.

        Returns:
            The messages that are now whole (perhaps none yet), or None if nothing has arrived.

        Raises:
            EOFError: If all has been read and the child's end is closed.
        """
        reader = self.reader
        messages = list(_messages_in(reader))  # that a listener has left
        if messages:
            return messages
        try:
            while len(messages) < _MOST_AT_ONCE:
                bare = reader.receive_bare()
                if bare is not None:
                    messages.append(Told(bare))
                elif reader.is_pending:
                    break
        except BlockingIOError:
            return messages or None
        except Exception:  # the end, or no memory left: it will be met with again
            if not messages:
                raise
            return messages
        messages.extend(_messages_in(reader))
        return messages

    def read_told(self) -> Payload | None:
        """Take the next message if it has arrived and is a Told; what else comes next stays.

        Raises:
            LookupError: Something else comes next.
            BlockingIOError: Nothing has arrived.
            EOFError: If all has been read and the child's end is closed.
        """
        reader = self.reader
        bare = reader.receive_bare()
        if bare is not None:
            return bare
        tag = reader.next_tag()
        if tag is None:
            return None
        if tag not in TOLD:
            raise LookupError("it is for the I/O thread")
        message = decode(reader.take())
        assert isinstance(message, Told)
        return message.payload

    def end_sending(self) -> None:
        """Let the child see end-of-file; what it still sends can be read. From any thread."""
        with self.send_lock:
            self._is_closed = True
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close this end."""
        with self.send_lock:
            self._is_closed = True
            self._writer.clear()
            self.reader.close()
            self.socket.close()

    def abandon(self) -> None:
        """Close the descriptor alone, in a process forked from the parent: the lock may be held."""
        self.socket.close()


class ChildChannel:
    """The child's end, for any of its threads.

    Args:
        descriptor: The child's half of the socket pair.

    Attributes:
        write_lock: Guards sending.
        on_told: Called with each payload that `receive` takes, while no other is taken.
        is_sending: Whether a thread is at it, for a signal handler that had better not.
    """

    def __init__(self, descriptor: int) -> None:
        self._socket = endpoint = socket.socket(fileno=descriptor)
        endpoint.setblocking(True)
        self._reader = FrameReader(endpoint)
        self._writer = FrameWriter(endpoint)
        self._read_lock = threading.RLock()  # guards the reader, and the four below
        self.write_lock = threading.RLock()
        self.is_sending = False
        self.on_told: Callable[[Payload], None] = _take_no_note
        self._polls = threading.local()  # a poll object serves one thread at a time
        # The socket wakes nobody for what has been read from it: messages that came together with
        # another thread's, and a stop, which is for all. For these there is a flag beside it.
        self._flag, self._raiser = flag()
        self._is_raised = False
        self._is_stopped = False

    def send(self, message: Message, *, ends_without_parent: bool = True) -> None:
        """Send a message; blocks while the socket is full.

        If it is interrupted, what is left is sent with the next message.

        Args:
            message: What to send.
            ends_without_parent: Whether this process is to end if the parent is gone.
        """
        frame = encode(message)
        with self.write_lock:
            self.is_sending = True
            try:
                self._writer.put(frame)
                self._writer.flush()
            except OSError:
                self._writer.clear()
                if ends_without_parent:
                    os._exit(1)
            finally:
                self.is_sending = False

    def tell(self, payload: Payload) -> None:
        """Send what is told, as `send` does; holding the `write_lock`."""
        try:
            is_sent = type(payload) is bytes and self._writer.send_bare(payload)
        except OSError:
            os._exit(1)
        if not is_sent:
            self.send(Told(payload))

    def receive(
        self, timeout: float | None = None, *, is_over: Callable[[], bool] = lambda: False
    ) -> Message | None:
        """Return the next message; blocks up to `timeout` seconds, None: until there is one.

        Ends this process if the parent is gone.

        Args:
            timeout: The seconds.
            is_over: Whether to give up, asked when another thread has taken what came.

        Returns:
            The message, or None if the time has passed or it is over.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        reader = self._reader
        while reader.is_pending or self._wait(deadline):
            with self._read_lock:
                try:
                    payload: Payload | None = reader.receive_bare(at_once=True)
                    message = self._take() if payload is None else None
                except BlockingIOError:  # another thread was quicker
                    payload = message = None
                except EOFError:
                    os._exit(1)
                if payload is not None:
                    self.on_told(payload)
                if self._is_raised or self._is_stopped or reader.is_pending:
                    self._raise_or_lower()
            if payload is not None:
                return Told(payload)
            if message is not None or is_over():
                return message
        return None

    def is_ready(self) -> bool:
        """Whether something has come for `receive`, were it the parent's end or a part."""
        return self._reader.is_pending or self._wait(time.monotonic())

    def fileno(self) -> int:
        """Return the descriptor, which is readable when something has come."""
        return self._socket.fileno()

    def receive_blocking(self) -> Message:
        """Return the next message, for a child with one thread and no timeouts.

        Raises:
            EOFError: The parent has closed its end, or is gone.
        """
        while True:
            for message in _messages_in(self._reader):
                return message
            # Who waits in the read itself is woken whenever the parent reads, too: a socket's wait
            # for room and for data is one.
            self._wait(None)
            self._reader.receive()

    def take_ready(self) -> Message | None:
        """Return the next message if it has come; for a child with one thread. Does not block."""
        for message in _messages_in(self._reader):
            return message
        while self._wait(time.monotonic()):
            try:
                self._reader.receive(at_once=True)
            except (BlockingIOError, EOFError):  # the end will be met with again
                return None
            for message in _messages_in(self._reader):
                return message
        return None

    def close(self) -> None:
        """Close this end; the parent sees end-of-file."""
        self.on_told = _take_no_note  # else the two would hold each other, and the status page
        self._reader.close()
        self._socket.close()
        self._flag.close()
        self._raiser.close()

    def _raise_or_lower(self) -> None:
        """Have the flag show whether there is something for who waits."""
        is_wanted = self._is_stopped or self._reader.is_pending
        if is_wanted != self._is_raised:
            self._is_raised = is_wanted
            if is_wanted:
                os.write(self._raiser.number, FLAG_BYTES)
            else:
                os.read(self._flag.number, len(FLAG_BYTES))

    def _take(self) -> Message | None:
        """Take the next frame, if it is whole."""
        if self._reader.next_tag() is None:
            return None
        message = decode(self._reader.take())
        if type(message) is Told:
            self.on_told(message.payload)
        elif type(message) is Stop:
            self._is_stopped = True
        return message

    def _wait(self, deadline: float | None) -> bool:
        """Wait for something to arrive; False if the time was over first."""
        try:
            poll: select.poll = self._polls.poll
        except AttributeError:
            poll = self._polls.poll = select.poll()
            poll.register(self._socket, select.POLLIN)
            poll.register(self._flag.number, select.POLLIN)
        if deadline is None:
            return bool(poll.poll())
        return bool(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))


def _take_no_note(payload: Payload) -> None:
    """Nobody counts."""


def _messages_in(reader: FrameReader) -> Iterator[Message]:
    """Take the messages that are whole."""
    while reader.next_tag() is not None:
        yield decode(reader.take())
