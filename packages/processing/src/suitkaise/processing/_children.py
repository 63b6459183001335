"""A child process, seen from its parent."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import TYPE_CHECKING, Protocol

from ._channel import ParentChannel
from ._logs import PendingRecords
from ._messages import Done, Finished, Logged, Message, Part, Rejected
from ._page import StatusPage
from ._parcels import Payload
from ._reading import Reading
from ._segments import Descriptor

SERVER_MODULE = "suitkaise.processing._server"  # in the command line of every server

_ENDINGS = (Finished, Part, Done, Rejected)  # what waits until the records before it are handled

if TYPE_CHECKING:
    from ._launcher import Launcher
    from ._logs import LogThread
    from ._supervisor import Supervisor


class Owner(Protocol):
    """Who started a child. Both methods are called in the I/O thread, so they must not block."""

    def on_message(self, child: Child, message: Message) -> None:
        """Take a message that the child sent."""

    def on_exit(self, child: Child) -> None:
        """Learn that the child has ended; all its messages have been handed over before."""


class Child:
    """One child process: its channel, its status page, its end.

    Attributes:
        number: What the server knows it by.
        page: The memory that both see.
        memory: A descriptor of the memory that the page is the beginning of, if it takes
            checkpoints. The owner closes it once the child has ended.
        pid: Its process id, once it has been forked.
        exitcode: As in `subprocess`, once it has ended; None before, or if it was never learnt.
        start_error: Why it could not be forked, if so.
        reading: Who reads its channel.
        receive_error: Why what it sent could not be taken, if so; it was killed for that.
        read_lock: Who holds it is alone in taking what the child sent.
        reader: Knows what has been read from the channel and not been taken.
        send_lock: Guards sending.
        tell: Sends what is told, as `send` does; holding the `send_lock`.
    """

    def __init__(
        self,
        number: int,
        owner: Owner,
        launcher: Launcher,
        supervisor: Supervisor,
        endpoint: socket.socket,
        page: StatusPage,
        logs: LogThread,
    ) -> None:
        self.number = number
        self.page = page
        self.memory: Descriptor | None = None
        self.pid: int | None = None
        self.exitcode: int | None = None
        self.start_error: OSError | None = None
        self._has_ended = False
        self._owner = owner
        self._launcher = launcher
        self._supervisor = supervisor
        self._logs = logs
        self._records: PendingRecords | None = None  # once it has logged something
        self._descriptor = endpoint.fileno()
        self.receive_error: Exception | None = None
        self.reading = Reading(supervisor, self._descriptor, self._set_watched)
        self._channel = ParentChannel(
            endpoint,
            lambda is_wanted: supervisor.watch_writable(
                self._descriptor, self._on_ready, is_wanted
            ),
        )
        self.read_lock = self._channel.read_lock
        self.reader = self._channel.reader
        self.send_lock = self._channel.send_lock
        self.tell = self._channel.tell

    def read_told(self) -> Payload | None:
        """Take what it told, if that is the next message to arrive. From any thread.

        The caller holds the `read_lock`, and has the reading, or something is pending.
        """
        try:
            return self._channel.read_told()
        except BlockingIOError:
            return None
        except LookupError:
            self._supervisor.call_soon(self._hand_over_left)
        except Exception:  # the I/O thread meets with the same, and deals with it
            self.reading.end()
        return None

    def watch(self) -> None:
        """Have the I/O thread take what it sends, from now on."""
        self._supervisor.watch(self._descriptor, self._on_ready)

    def send(self, message: Message) -> bool:
        """Send a message without blocking; False if the child is gone. From any thread."""
        return self._channel.send(message)

    def kill(self) -> None:
        """Have the child and its process group killed; returns at once. From any thread."""
        self._launcher.kill(self)

    def nudge(self) -> None:
        """Have a worker look up from its item (NUDGE); returns at once. From any thread."""
        self._launcher.nudge(self)

    def discard(self) -> None:
        """Kill it and let go of it; the owner is not told. From any thread."""
        self._launcher.discard(self)
        self.release()

    def kill_tree(self) -> None:
        """Kill the child, its process group, and its descendants that have left the group.

        Servers are spared: each ends once its parent has, and takes along what has been started
        since anybody looked.
        """
        if self._has_ended:  # its id may be another's by now
            return
        import psutil  # here: it takes a third of the server's start to import

        try:
            descendants = psutil.Process(self.pid).children(recursive=True) if self.pid else []
        except psutil.Error:
            descendants = []
        self.kill()
        for process in descendants:
            with contextlib.suppress(psutil.Error):
                if SERVER_MODULE in " ".join(process.cmdline()):
                    process.resume()
                else:
                    process.kill()

    def end_sending(self) -> None:
        """Let a child that waits for messages end in good order. From any thread."""
        self._channel.end_sending()

    def set_ended(self, exitcode: int | None) -> None:
        """Hand over what it sent before its end, then tell the owner; in the I/O thread."""
        self.exitcode = exitcode
        self._has_ended = True
        self.reading.end()
        try:
            while self.receive_error is None and self._hand_over():
                pass
        finally:
            self.release()
            self._in_turn(partial(self._owner.on_exit, self))

    def take_last_records(self) -> None:
        """Have the records handled that it sent before its end, nothing else. From any thread."""
        self._supervisor.call_soon(self._take_last_records)

    def release(self) -> None:
        """Free the channel, and the page's descriptor."""
        self._supervisor.forget(self._descriptor, self._on_ready, self._channel.close)
        self.page.keep_copy()

    def abandon(self) -> None:
        """Let go in a process forked from the parent."""
        if self.memory is not None:
            self.memory.close()
        self._channel.abandon()

    def _on_ready(self, events: int) -> None:
        if events & EVENT_WRITE:
            self._channel.send_queued()
        if events & EVENT_READ:
            while self._hand_over() and self.reader.is_pending:
                pass

    def _set_watched(self, is_wanted: bool) -> None:
        """Have the I/O thread read, or leave it; in that thread."""
        self._supervisor.watch_readable(self._descriptor, self._on_ready, is_wanted)
        if is_wanted:
            self._hand_over_left()

    def _hand_over_left(self) -> None:
        """Hand over what a listener has read and left."""
        if not self._has_ended:
            self._hand_over()

    def _hand_over(self) -> bool:
        """Read once and hand over the messages; False if there is nothing more to read now."""
        with self.read_lock:
            return self._read_and_hand_over()

    def _read_and_hand_over(self) -> bool:
        try:
            messages = self._channel.receive_ready()
        except EOFError:
            self._stop_receiving()
            return False
        except (
            Exception
        ) as error:  # above all MemoryError: what came is lost, and so the thread of it
            self.receive_error = error
            self._stop_receiving()
            self.kill()
            return False
        if messages is None:
            return False
        for message in messages:
            if isinstance(message, Logged):
                if self._records is None:
                    self._records = PendingRecords(self._logs, self._supervisor)
                self._records.add(message)
            elif isinstance(message, _ENDINGS):
                self._in_turn(partial(self._owner.on_message, self, message))
            else:
                self._owner.on_message(self, message)
        return True

    def _in_turn(self, call: Callable[[], None]) -> None:
        """Make a call once the records so far have been handled."""
        if self._records is None:
            call()
        else:
            self._records.after_records(call)

    def _take_last_records(self) -> None:
        with contextlib.suppress(Exception):  # above all the end of the file
            while (messages := self._channel.receive_ready()) is not None:
                for message in messages:
                    if isinstance(message, Logged):
                        self._logs.put(PendingRecords(self._logs, self._supervisor), message)

    def _stop_receiving(self) -> None:
        self._supervisor.forget(self._descriptor, self._on_ready, lambda: None)
