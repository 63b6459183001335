"""The reception: a thread of the owner that lets members in while there is no coordinator.

A Share that is stopped, or whose coordinator could not be replaced, can still be joined: what it
holds can be read, and who joins a failed one is told so. The thread does what a coordinator does.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Sequence

from .._messages import Message, Stop
from .._segments import FLAG_BYTES, Descriptor, flag
from ._coordinator import Coordinator


class Reception:
    """Lets members in until `end`.

    Args:
        listener: The owner's listening socket, which does not block.
        secret: The Share's.
        descriptors: What a member gets.

    Raises:
        OSError: There are no descriptors left.
        RuntimeError: There are no threads left.
    """

    def __init__(
        self, listener: Descriptor, secret: bytes, descriptors: Sequence[Descriptor]
    ) -> None:
        self._line = _Line()
        # A descriptor of its own: the owner may close its one, whose number is soon another's.
        self._endpoint = socket.socket(fileno=os.dup(listener.number))
        thread = threading.Thread(
            target=_receive,
            args=(self._line, self._endpoint, secret, descriptors),
            name="suitkaise-reception",
            daemon=True,
        )
        try:
            thread.start()
        except BaseException:
            self._endpoint.close()
            raise

    def end(self) -> None:
        """Have the thread end; returns at once, and waits for no lock. May be repeated."""
        self._line.ask_to_stop()

    def abandon(self) -> None:
        """Close what is the owner's, in a process forked from it: the thread is not here."""
        self._endpoint.close()
        self._line.close()


class _Line:
    """Leads from the owner to its reception."""

    def __init__(self) -> None:
        self._flag, self._raiser = flag()

    def fileno(self) -> int:
        return self._flag.number

    def receive_blocking(self) -> Message:
        return Stop()

    def ask_to_stop(self) -> None:
        with contextlib.suppress(OSError):  # it has ended
            os.write(self._raiser.number, FLAG_BYTES)

    def close(self) -> None:
        self._flag.close()
        self._raiser.close()


def _receive(
    line: _Line, endpoint: socket.socket, secret: bytes, descriptors: Sequence[Descriptor]
) -> None:
    with endpoint:
        Coordinator(line, endpoint, secret, descriptors).serve()
