"""`Pipe`: two ends, one here and one in another process, and nothing in between.

    anchor  --send-->  socket pair  --recv-->  point
            <--recv--               <--send--

The socket keeps messages apart (SEQPACKET) and an end reads one at a time. So what has not been
received is in the kernel: it moves with the point, survives the process that held it, and is what
`select` sees.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any, TypeAlias

from ._errors import PipeEndpointError
from ._page import create_page
from ._parcels import attach_handles, next_handle
from ._pipe_end import PipeEnd, State
from ._platform import PACKETS
from ._segments import LOST, Descriptor


class Anchor(PipeEnd):
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


class Point(PipeEnd):
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
