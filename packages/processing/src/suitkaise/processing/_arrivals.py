"""What comes of a job, unopened, on its way from the I/O thread to who called a map."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from suitkaise.cucumber import deserialize

from ._errors import ProcessError
from ._notice import Notice
from ._parcels import Payload

if TYPE_CHECKING:
    from ._scheduler import Chunk


class Delivered(NamedTuple):
    """Arrival: a chunk's results. The chunk is gone, so that the memory of its items is free."""

    origin: int  # the index of the item at position 0 of the chunk
    start: int  # the position of the first item
    items: int  # how many have run
    counts: list[int]  # as in Done
    values: list[Payload]
    failures: dict[int, bytes]  # by position
    known: int = 0  # of the values, how many have been delivered before: the first


class Died(NamedTuple):
    """Arrival: the worker died of the item at this position."""

    chunk: Chunk
    position: int
    pid: int | None
    exitcode: int | None
    receive_error: Exception | None  # why it was killed, if what it sent could not be taken
    is_overdue: bool  # whether it was killed because the item ran over its time


class Unreadable(NamedTuple):
    """Arrival: the chunk's only item could not be rebuilt in the worker."""

    chunk: Chunk
    error: bytes


class Unpackable(NamedTuple):
    """Arrival: the chunk is to be packed again, item by item."""

    chunk: Chunk


class GivenBack(NamedTuple):
    """Arrival: items of the chunk have not run, and are to be cut anew."""

    chunk: Chunk
    start: int  # the position of the first
    stop: int  # and behind the last


class Broken(NamedTuple):
    """Arrival: nothing more will come of this job."""

    error: BaseException | bytes


Arrival = Delivered | Died | Unreadable | Unpackable | GivenBack | Broken


class Arrivals:
    """What has come of a job, unopened.

    Attributes:
        notice: Tells of more.
    """

    def __init__(self) -> None:
        self.notice = Notice()
        self._arrivals: deque[Arrival] = deque()

    def put(self, arrival: Arrival) -> None:
        """Add one. From any thread; does not block."""
        self._arrivals.append(arrival)
        self.notice.notify()

    def is_ready(self) -> bool:
        """Whether there is one."""
        return bool(self._arrivals)

    def wait(self, timeout: float | None = None) -> None:
        """Block until there is one, or the time is over."""
        self.notice.wait_for(self.is_ready, timeout)

    def take(self) -> Arrival:
        """Return the next; there must be one."""
        return self._arrivals.popleft()


def open_error(error: BaseException | bytes) -> BaseException:
    """Rebuild an error, or return one that says why that cannot be."""
    if isinstance(error, BaseException):
        return error
    try:
        opened: object = deserialize(error)
        if not isinstance(opened, BaseException):
            raise TypeError(f"it arrives as {opened!r:.100}")
    except (Exception, SystemExit) as reason:
        opened = ProcessError(
            f"the task failed, and its exception cannot be rebuilt here: {reason}",
            original_error=reason,
        )
        opened.__cause__ = reason
    return opened
