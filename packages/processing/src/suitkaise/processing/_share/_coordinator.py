"""The coordinator: the child that lets members into a Share.

    owns    the connections of those who have not been let in yet
    holds   the listening socket and the Share's descriptors, with the owner
    reads   the channel, the listening socket, the connections
    writes  that the Share has ended, if its owner is gone without having asked it to stop

It runs nobody's code, and is on nobody's read or write path. It keeps nothing that the next one
would need: killed at any moment, it leaves the connections that nobody has accepted in the backlog,
and those who were being served connect again.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from typing import NoReturn, Protocol

from .._channel import ChildChannel
from .._messages import Message, Serving, Start, Stop
from .._parcels import Parcel
from .._platform import PAGE_BYTES
from .._segments import Descriptor
from ._admission import Candidate
from ._store import note_end

MOST_CANDIDATES = 64  # connections at once; others wait in the backlog
PATIENCE = 5.0  # seconds that each gets to prove itself
PATIENCE_IN_A_CROWD = 0.5  # when there are as many as may be, and others wait
_REST = 0.1  # seconds without accepting, when the kernel has nothing left for a connection
_ENDING = 0.2  # seconds from SIGTERM to end-of-file, if it is sent because the owner has ended


class Line(Protocol):
    """What leads to the owner."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when there is something to receive."""

    def receive_blocking(self) -> Message:
        """Return the next message.

        Raises:
            EOFError: The owner is gone.
        """


class Coordinator:
    """Lets members in until it is asked to stop.

    Args:
        channel: To the owner.
        listener: The owner's listening socket, which does not block.
        secret: The Share's.
        descriptors: What a member gets.
    """

    def __init__(
        self,
        channel: Line,
        listener: socket.socket,
        secret: bytes,
        descriptors: Sequence[Descriptor],
    ) -> None:
        self._channel = channel
        self._listener = listener
        self._secret = secret
        self._descriptors = descriptors
        self._candidates: dict[int, Candidate] = {}  # by descriptor, the longest waiting first
        self._rests_until = 0.0
        self._poll = select.poll()
        self._poll.register(channel.fileno(), select.POLLIN)

    def serve(self) -> None:
        """Serve until the owner asks to stop.

        Raises:
            EOFError: The owner is gone.
        """
        try:
            self._serve()
        finally:
            while self._candidates:
                self._drop(next(iter(self._candidates)))

    def _serve(self) -> None:
        channel, listener = self._channel.fileno(), self._listener.fileno()
        while True:
            self._drop_late()
            self._poll.register(listener, select.POLLIN if self._has_room() else 0)
            for number, _ in self._poll.poll(self._until_next_look()):
                if number == channel:
                    if isinstance(self._channel.receive_blocking(), Stop):
                        return
                elif number == listener:
                    self._accept()
                else:
                    self._candidates[number].decide(self._secret, self._descriptors)
                    self._drop(number)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):  # it is gone, or the one before us has it
            return
        except OSError:
            self._rests_until = time.monotonic() + _REST
            return
        candidate = Candidate(connection, time.monotonic())
        if candidate.challenge():
            self._candidates[connection.fileno()] = candidate
            self._poll.register(connection, select.POLLIN)
        else:
            candidate.close()

    def _has_room(self) -> bool:
        return len(self._candidates) < MOST_CANDIDATES and time.monotonic() >= self._rests_until

    def _patience(self) -> float:
        return PATIENCE if len(self._candidates) < MOST_CANDIDATES else PATIENCE_IN_A_CROWD

    def _drop_late(self) -> None:
        """Hang up on those who have had their time."""
        while self._candidates:
            number, oldest = next(iter(self._candidates.items()))
            if oldest.since + self._patience() > time.monotonic():
                return
            self._drop(number)

    def _drop(self, number: int) -> None:
        self._poll.unregister(number)
        self._candidates.pop(number).close()

    def _until_next_look(self) -> float | None:
        """Return the milliseconds until there is something to do unasked; None: there is not."""
        now = time.monotonic()
        looks = [self._rests_until] if self._rests_until > now else []
        if self._candidates:
            looks.append(next(iter(self._candidates.values())).since + self._patience())
        return max(0.0, min(looks) - now) * 1000 + 1 if looks else None


def coordinate(start: Start, channel: ChildChannel) -> None:
    """Be a coordinator, in a child; returns when it is asked to stop, or its owner is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides what an interrupt means
    parcel = start.payload
    assert isinstance(parcel, Parcel)
    secret = parcel.open()  # raw bytes: there is nothing to unpickle
    listener, *descriptors = parcel.handles
    try:
        try:
            signal.signal(signal.SIGTERM, _terminate)
            with socket.socket(fileno=listener.take()) as endpoint:
                channel.send(Serving(os.getpid()), ends_without_parent=False)
                Coordinator(channel, endpoint, secret, descriptors).serve()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends anyhow
        except EOFError:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            _end(descriptors[0])
    except _TerminatedError:  # also when the owner has just ended: both come at once
        if _is_owner_gone(channel):
            _end(descriptors[0])
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


class _TerminatedError(BaseException):
    """SIGTERM came: from the server, because the owner has ended, or from somebody else."""


def _terminate(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _TerminatedError


def _is_owner_gone(channel: ChildChannel) -> bool:
    poll = select.poll()
    poll.register(channel.fileno(), select.POLLIN)
    while poll.poll(_ENDING * 1000):
        try:
            channel.receive_blocking()
        except EOFError:
            return True
    return False


def _end(data: Descriptor) -> None:
    """Have all members know that there is no owner any more."""
    with mmap.mmap(data.number, PAGE_BYTES) as header, memoryview(header).cast("Q") as words:
        note_end(words)
