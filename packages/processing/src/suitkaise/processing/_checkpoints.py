"""Checkpoints: an Skprocess's state at a run boundary, in memory that outlives the process.

    one memory without a name, for both processes

    | status page | slot | slot |       slot = header + timings + state
           |                  ^
           '---- CHECKPOINT --'         where the newest whole checkpoint is; 0: there is none yet

The child fills the slot that is not the newest and then writes that one word, so that its death at
any moment leaves a whole checkpoint. It sends no message; the parent looks when the child has died.

Finding pages is most of what new memory costs, so the slots are used again and again. One that is
too small, or for long far too large, is replaced by another behind all that there was; the pages of
the old one go back to the kernel, its place in the file stays empty. So there are two slots, each a
quarter larger than the largest state of late; the kernel frees all of it with its last user.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ._page import CHECKPOINT
from ._platform import PAGE_BYTES, reserve
from ._segments import Descriptor

if TYPE_CHECKING:
    from typing_extensions import Buffer

_HEADER = struct.Struct("5Q")  # run, told, heard, bytes of the timings, bytes of the state
_GRANULE = mmap.ALLOCATIONGRANULARITY  # of where a slot begins
_LARGE_BYTES = 1 << 20  # slots below are kept even if they could be smaller
_WASTE = 4  # a slot is too large for what fills less than this part of it,
_PATIENCE = 32  # so many times in a row
_MOST_LOOKS = 100  # at a checkpoint that is replaced meanwhile, before it is given up
_REMOVE: int | None = getattr(mmap, "MADV_REMOVE", None)


class Found(NamedTuple):
    """A checkpoint, as the parent finds it."""

    run: int  # the run that comes next
    told: int  # how many bytes of its timings it had sent before these
    heard: int  # how many messages that life had listened to
    timings: bytes
    offset: int  # of the state in the memory
    size: int


class Draft:
    """A checkpoint on its way into a slot: a file for a pickler. What finds no room spills over.

    Args:
        memory: The slot's; None: there is none yet.
        timings: What comes first.
    """

    __slots__ = ("_memory", "_spilt", "_timings")

    def __init__(self, memory: mmap.mmap | None, timings: bytes) -> None:
        self._memory = memory
        self._spilt: bytearray | None = None
        self._timings = timings
        self.restart()

    @property
    def timings_bytes(self) -> int:
        """How long the timings are."""
        return len(self._timings)

    def restart(self) -> None:
        """Begin anew, behind the timings."""
        if self._memory is None:
            self._spilt = bytearray()
        else:
            self._spilt = None
            self._memory.seek(_HEADER.size)
        self.write(self._timings)

    @property
    def size(self) -> int:
        """How long it is, with its header."""
        return self._end + len(self._spilt or b"")

    @property
    def has_room(self) -> bool:
        """Whether the slot takes it all."""
        return self._spilt is None

    def write(self, data: Buffer) -> None:
        """Append; for the pickler, which hands over large memory as it is."""
        if self._spilt is None:
            assert self._memory is not None
            try:
                self._memory.write(data)
                return
            except ValueError:  # it ends
                self._spilt = bytearray()
        self._spilt += data

    def state(self) -> bytes:
        """Copy out what follows the timings."""
        begin = _HEADER.size + self.timings_bytes
        kept = b"" if self._memory is None else self._memory[begin : self._end]
        spilt = self._spilt or b""
        return kept + spilt if self._end >= begin else bytes(spilt[self.timings_bytes :])

    def copy_to(self, memory: mmap.mmap) -> None:
        """Copy everything to another slot."""
        end = self._end
        if self._memory is not None:
            with memoryview(self._memory) as view:
                memory[_HEADER.size : end] = view[_HEADER.size : end]
        spilt = self._spilt or b""
        memory[end : end + len(spilt)] = spilt

    @property
    def _end(self) -> int:
        return _HEADER.size if self._memory is None else self._memory.tell()


class _Slot:
    """A place for a checkpoint."""

    __slots__ = ("_is_used_little", "memory", "offset")

    def __init__(self, memory: mmap.mmap | None = None, offset: int = 0) -> None:
        self.memory = memory
        self.offset = offset
        self._is_used_little = 0

    def is_too_large(self, size: int) -> bool:
        """Whether what was written lately, up to this size now, needs far less."""
        room = 0 if self.memory is None else len(self.memory)
        if room < _LARGE_BYTES or size * _WASTE > room:
            self._is_used_little = 0
            return False
        self._is_used_little += 1
        return self._is_used_little > _PATIENCE

    def give_back(self) -> None:
        """Free its memory; no checkpoint in it counts any more."""
        if self.memory is not None:
            if _REMOVE is not None:
                with contextlib.suppress(OSError):
                    self.memory.madvise(_REMOVE)
            self.memory.close()
            self.memory = None


class CheckpointWriter:
    """Writes the checkpoints of a process, in that process.

    Args:
        file: The memory: the status page, and nothing behind it yet.
        words: The status page's.
    """

    def __init__(self, file: Descriptor, words: memoryview | list[int]) -> None:
        self._file = file
        self._identity = _identity(file)
        self._words = words
        self._slots = [_Slot(), _Slot()]
        self._newest = 1
        self._end = -(-PAGE_BYTES // _GRANULE) * _GRANULE

    def draft(self, timings: bytes) -> Draft:
        """Begin a checkpoint; one that was begun and not committed is lost."""
        return Draft(self._slots[1 - self._newest].memory, timings)

    def commit(self, draft: Draft, run: int, told: int, heard: int) -> None:
        """Make it the newest checkpoint, once the state has been written to it.

        Raises:
            OSError: There is no memory or no descriptor left; the newest stays what it was.
        """
        which = 1 - self._newest
        slot = self._slots[which]
        size = draft.size
        if not draft.has_room or slot.is_too_large(size):
            self._slots[which] = slot = self._replace(slot, draft)
        assert slot.memory is not None
        state_bytes = size - _HEADER.size - draft.timings_bytes
        _HEADER.pack_into(slot.memory, 0, run, told, heard, draft.timings_bytes, state_bytes)
        self._words[CHECKPOINT] = slot.offset
        self._newest = which

    def _replace(self, slot: _Slot, draft: Draft) -> _Slot:
        if _identity(self._file) != self._identity:
            raise OSError(errno.EBADF, "the program has closed the descriptor of the checkpoints")
        number, offset = self._file.number, self._end
        size = draft.size + draft.size // 4
        size = -(-size // _GRANULE) * _GRANULE
        try:
            reserve(number, offset, size)
            memory = mmap.mmap(number, size, offset=offset)
        except OSError:
            os.ftruncate(number, offset)
            raise
        self._end += size
        draft.copy_to(memory)
        slot.give_back()
        return _Slot(memory, offset)


def newest(file: Descriptor, words: memoryview | list[int]) -> Found | None:
    """Look for the newest checkpoint, in the parent; None if there is none.

    The child may be writing meanwhile. If it was so quick that what was read need not belong
    together, this looks again; a child that is quicker each time looks as if it had none.

    Raises:
        OSError: The memory cannot be read.
    """
    number = file.number
    for _ in range(_MOST_LOOKS):
        offset = words[CHECKPOINT]
        if not offset:
            return None
        header = os.pread(number, _HEADER.size, offset)
        run, told, heard, timings_bytes, state_bytes = _HEADER.unpack(header)
        timings = os.pread(number, timings_bytes, offset + _HEADER.size)
        if words[CHECKPOINT] == offset and os.pread(number, _HEADER.size, offset) == header:
            state = offset + _HEADER.size + timings_bytes
            return Found(run, told, heard, timings, state, state_bytes)
    return None


@contextlib.contextmanager
def state_of(found: Found, file: Descriptor) -> Iterator[memoryview]:
    """Map the state, to be read: what was written to the draft.

    Raises:
        OSError: It cannot be mapped.
    """
    begin = found.offset // _GRANULE * _GRANULE
    end = found.offset + found.size
    with (
        mmap.mmap(file.number, end - begin, prot=mmap.PROT_READ, offset=begin) as memory,
        memoryview(memory) as view,
        view[found.offset - begin :] as state,
    ):
        yield state


def _identity(file: Descriptor) -> tuple[int, int]:
    """What the descriptor stands for: the program may close it, and the number be another's."""
    status = os.fstat(file.number)
    return status.st_dev, status.st_ino
