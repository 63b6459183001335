"""When each section ran: what a trace shows.

    the run loop --record--> inbox --settle--> kept: the latest SLICES_KEPT, 32 bytes each
                            (a list)              |
                                                  +-- news --> the parent, through a checkpoint

The wire form and the form in memory are one: four floats for each slice of time, in the order in
which they ended. They are when it began, how long it took, its run, and its mark, which says in
which process it was and what it was: process id * 32 + code, and 16 more if it failed.

Times are seconds of `time.perf_counter`, which on Linux and macOS is the system's monotonic clock:
all processes of the machine share it, so what they note can be laid side by side.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ._lifecycle import Section

SLICES_KEPT = 100_000
FAILED = 16  # added to the mark of a section that raised or timed out

_FIELDS = 4
_CODES = {section: code for code, section in enumerate(Section)}
_SECTIONS = tuple(Section)
_FULL_RUN = _CODES[Section.END]  # nothing runs there, so its code is free
_PROCESS = 32


class Slice(NamedTuple):
    """A stretch of time in which a section, or a full run, went on."""

    began: float  # seconds of the monotonic clock
    seconds: float
    run: int
    section: Section | None  # None: a full run
    pid: int
    has_failed: bool


def mark_of(pid: int, section: Section | None) -> int:
    """Return the mark of what runs in a process: a section, or (None) a full run."""
    return pid * _PROCESS + (_FULL_RUN if section is None else _CODES[section])


def slices_in(data: array[float] | list[float]) -> Iterator[Slice]:
    """Read the four floats of each slice."""
    fields = iter(data)
    for began, seconds, run, mark in zip(fields, fields, fields, fields, strict=True):
        pid, rest = divmod(int(mark), _PROCESS)
        code = rest % FAILED
        section = None if code == _FULL_RUN else _SECTIONS[code]
        yield Slice(began, seconds, int(run), section, pid, rest >= FAILED)


class Timeline:
    """The latest slices of one Skprocess, through all its lives. Written by one thread.

    Attributes:
        record: Notes a slice, given as the tuple of its four floats; costs less than 0.1 µs.
        told: How many bytes of news the parent surely has.
    """

    __slots__ = ("_inbox", "_kept", "_known", "record", "told")

    def __init__(self, kept: bytes = b"") -> None:
        self._kept = array("d", kept)
        self._known = len(self._kept)  # how much of it the parent surely has
        self.told = 0
        self._inbox: list[float] = []
        self.record: Callable[[tuple[float, float, int, int]], None] = self._inbox.extend

    def __iter__(self) -> Iterator[Slice]:
        return slices_in(self._copied())

    def __len__(self) -> int:
        return len(self._copied()) // _FIELDS

    def __reduce__(self) -> tuple[Any, ...]:
        return Timeline, (self._copied().tobytes(),)

    def extend(self, news: bytes) -> Iterator[Slice]:
        """Take over what another timeline gave as its news; yields the new slices."""
        data = array("d", news)
        self._inbox.extend(data)
        self.settle()
        return slices_in(data)

    def news(self) -> bytes:
        """Return what the parent may not have, for `extend`; it begins at `told`."""
        self.settle()
        return self._kept[self._known :].tobytes()

    def note_told(self) -> None:
        """Learn that all that has been noted is on its way to the parent."""
        self.settle()
        self.told += (len(self._kept) - self._known) * self._kept.itemsize
        self._known = len(self._kept)

    def settle(self) -> None:
        """Pack what was noted, and drop what is too old; the run loop calls it now and then."""
        inbox = self._inbox
        self._kept.fromlist(inbox)
        inbox.clear()
        surplus = len(self._kept) - SLICES_KEPT * _FIELDS
        # Dropping from the front moves the rest: done once for an eighth of it, it costs little.
        if surplus > SLICES_KEPT * _FIELDS // 8:
            del self._kept[:surplus]
            self._known = max(0, self._known - surplus)

    def _copied(self) -> array[float]:
        """Copy the latest slices; changes nothing, so any thread may ask."""
        data = self._kept[:]
        data.fromlist(self._inbox[:])
        return data[-SLICES_KEPT * _FIELDS :]
