"""The coordinator: the child that lets members into a Share.

    owns    the connections of those who have not been let in yet
    holds   the listening socket and the Share's descriptors, with the owner
    reads   the channel (its end: to stop), the listening socket, the connections

It runs nobody's code, and is on nobody's read or write path. It keeps nothing that the next one
would need: killed at any moment, it leaves the connections that nobody has accepted in the backlog,
and those who were being served connect again.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Sequence

from .._channel import ChildChannel
from .._messages import Serving, Start, Stop
from .._parcels import Parcel
from .._segments import Descriptor
from ._admission import Candidate

MOST_CANDIDATES = 64  # connections at once; others wait in the backlog
PATIENCE = 5.0  # seconds that each gets to prove itself
PATIENCE_IN_A_CROWD = 0.5  # when there are as many as may be, and others wait
_REST = 0.1  # seconds without accepting, when the kernel has nothing left for a connection


class Coordinator:
    """Lets members in until its channel ends.

    Args:
        channel: To the owner.
        listener: The owner's listening socket, which does not block.
        secret: The Share's.
        descriptors: What a member gets.
    """

    def __init__(
        self,
        channel: ChildChannel,
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
        """Serve until the owner asks to stop or is gone."""
        channel, listener = self._channel.fileno(), self._listener.fileno()
        self._channel.send(Serving(os.getpid()))
        while True:
            self._drop_late()
            self._poll.register(listener, select.POLLIN if self._has_room() else 0)
            for number, _ in self._poll.poll(self._until_next_look()):
                if number == channel:
                    if self._is_asked_to_stop():
                        return
                elif number == listener:
                    self._accept()
                else:
                    self._candidates[number].decide(self._secret, self._descriptors)
                    self._drop(number)

    def _is_asked_to_stop(self) -> bool:
        try:
            return isinstance(self._channel.receive_blocking(), Stop)
        except EOFError:
            return True

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
    with socket.socket(fileno=listener.take()) as endpoint:
        Coordinator(channel, endpoint, secret, descriptors).serve()
