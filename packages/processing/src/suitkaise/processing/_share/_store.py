"""The source of truth: what all attributes of a Share are, as words and bytes in one memory.

    header      state words, free blocks (`_blocks`)
    slots       eight words for each attribute; slot 0 is the list of their names
    blocks      each attribute has one:

        +------+------+--------+----------+-----------------------------+-----------+
        | size | base | length | snapshot | record | record | record    | room      |
        +------+------+--------+----------+-----------------------------+-----------+
                              position:  base                          END

A slot's END is the position behind its last record. Positions count on for ever, across all blocks,
so that END alone tells a reader whether anything is new. A record becomes part of the truth with
one write of one word, END: a writer that is killed before leaves bytes that the next one
overwrites. A new block becomes the attribute's with one write of BLOCK. If it holds a new value
instead of a record, END follows, and who comes between the two finds a base beyond END, and
completes it.

What a record or a snapshot says is its reader's business (`_effects`), except that a *state* says
all there is to know: what came before it need not be read.

All is pure: no locks, no processes, only a buffer. Who reads or writes a slot holds its lock
(`_locks`), or only looks (`look`); blocks are moved under the heap's lock besides, which is the
`heap_lock` given here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ._blocks import HEADER_BYTES, TOP, Blocks, StoreFullError

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAGIC, STATE, COORDINATOR = 0, 1, 2  # words of the header
RUNNING, STOPPED, ENDED, FAILED = range(1, 5)  # what STATE can be
_MAGIC = int.from_bytes(b"skshare1", "little")

MOST_SLOTS = 65_536
FIRST_SLOT = HEADER_BYTES // 8  # its first word
SLOT_WORDS = 8
END, BLOCK, STATE_AT, ROOT_AT, FROZEN, IS_OBJECT, TAKEN, LEFT = range(8)  # words of a slot
# STATE_AT    1 + the position of the newest state among the records; 0: none
# ROOT_AT     a position from which on the newest state is known: effects can follow blindly
# FROZEN      1 + the position up to which readers see, while the Share is stopped; 0: all
# IS_OBJECT   1: methods of its own write to it, so writers take the slot's other lock first
# TAKEN, LEFT notes (`_blocks`) of the blocks that are being moved to and from; 0: none

_ORDER, _BASE, _LENGTH = range(3)  # words of a block
_BLOCK_HEADER = 24
_LENGTH_OF_RECORD = struct.Struct("<Q")
_RECORD_HEADER = 8
_LEAST_ROOM = 2048
_ROOM_OF_BUSY = 12_288  # of a slot whose records have filled its room once
_LARGE = 65_536  # a block that is worth giving back once its content is small

HEAP = (HEADER_BYTES + MOST_SLOTS * SLOT_WORDS * 8 + 4095) & ~4095
ABSENT = b"\0"  # the state of an attribute that is not there


def note_end(words: memoryview) -> None:
    """Note that the owner of a store is gone, which is all that a member then needs to know."""
    if words[MAGIC] == _MAGIC and words[STATE] in (RUNNING, STOPPED):
        words[STATE] = ENDED


class Store:
    """Slots, records and snapshots over a buffer.

    Args:
        buffer: The memory. All zeros is an empty store.
        heap_lock: Held while blocks are taken and given back.
        reserve, discard: See `Blocks`.
    """

    def __init__(
        self,
        buffer: Buffer,
        heap_lock: AbstractContextManager[object],
        reserve: Callable[[int, int], None] = lambda offset, size: None,
        discard: Callable[[int, int], None] = lambda offset, size: None,
    ) -> None:
        self.bytes = memoryview(buffer)
        self.words = self.bytes.cast("Q")
        self._heap_lock = heap_lock
        self._blocks = Blocks(self.words, reserve, discard)

    def format(self) -> None:
        """Make the memory an empty store."""
        self.words[TOP] = HEAP
        self.words[MAGIC] = _MAGIC

    @property
    def is_formatted(self) -> bool:
        """Whether this version of the code can read the memory."""
        return self.words[MAGIC] == _MAGIC

    def read(self, slot: int, position: int, until: int | None = None) -> tuple[list[bytes], int]:
        """Return what is new since a position, and the position that this leads to.

        Args:
            slot: Its number.
            position: Where the reader is; -1 if it knows nothing: it gets a state first. It may
                also get a state although it knows something.
            until: Where to stop, a position between two records, or 0; None: at the end. A reader
                that is beyond it stays where it is.
        """
        words = self.words
        at = FIRST_SLOT + slot * SLOT_WORDS
        block = words[at + BLOCK]
        if not block:
            return [ABSENT] if position < 0 else [], 0
        word = block >> 3
        base = words[word + _BASE]
        end = words[at + END]
        if base > end:
            words[at + END] = end = base
        if until is not None and until < end:
            if position >= until:
                return [], position
            if until < base:
                return [ABSENT], until  # there was nothing yet
            end = until
        start = block + _BLOCK_HEADER + words[word + _LENGTH]
        bodies: list[bytes] = []
        state_at = words[at + STATE_AT] - 1
        if base <= state_at < end and position <= state_at:
            position = state_at
        elif position < base:
            bodies.append(bytes(self.bytes[block + _BLOCK_HEADER : start]))
            position = base
        if position < end:
            bodies += _bodies(bytes(self.bytes[start + position - base : start + end - base]))
        return bodies, end

    def look(self, slot: int, position: int) -> tuple[list[bytes], int] | None:
        """Return what `read` would, without the slot's lock; None if that cannot be told.

        What has been recorded stays as it is for as long as its block is the slot's, and a block
        never comes back to a slot with the base that it had. So if both are the same before and
        after, what was read in between is right.

        Args:
            slot: Its number.
            position: Where the reader is. If it knows nothing yet, it has to `read`.
        """
        words = self.words
        at = FIRST_SLOT + slot * SLOT_WORDS
        block = words[at + BLOCK]
        word = block >> 3
        end = words[at + END]
        state_at = words[at + STATE_AT] - 1
        base = words[word + _BASE]
        start = block + _BLOCK_HEADER + words[word + _LENGTH] - base
        if not block or not base <= position <= end or words[at + BLOCK] != block:
            return None
        if position <= state_at < end:
            position = state_at
        data = bytes(self.bytes[start + position : start + end])
        if words[at + BLOCK] != block or words[word + _BASE] != base:
            return None
        return _bodies(data), end

    def append(
        self, slot: int, body: bytes, *, is_state: bool = False, is_kept: bool = False
    ) -> int:
        """Append a record; returns the new end, or 0 if it is not written: `replace` or move.

        Args:
            slot: Its number.
            body: What the record says.
            is_state: Whether that is all there is to know.
            is_kept: Whether to write a state also to a block that is much too large for it.
        """
        words = self.words
        at = FIRST_SLOT + slot * SLOT_WORDS
        block = words[at + BLOCK]
        if not block:
            return 0
        end = words[at + END]
        word = block >> 3
        base = words[word + _BASE]
        if base > end:
            words[at + END] = end = base
        start = block + _BLOCK_HEADER + words[word + _LENGTH] + end - base
        stop = start + _RECORD_HEADER + len(body)
        size = 1 << words[word + _ORDER]
        if stop > block + size or (
            is_state and size > _LARGE and len(body) << 3 < size and not is_kept
        ):
            return 0
        self.bytes[start:stop] = _LENGTH_OF_RECORD.pack(len(body)) + body
        if is_state:
            words[at + STATE_AT] = words[at + ROOT_AT] = end + 1
        elif words[at + STATE_AT] > end:
            words[at + STATE_AT] = 0  # left by a writer that was killed before it wrote END
        end += stop - start
        words[at + END] = end
        return end

    def replace(self, slot: int, body: bytes, *, has_records: bool = True) -> int:
        """Make a state the whole content of a slot, in a block of its own; returns the new end.

        Where there is no room for another block, it goes behind the records after all.

        Args:
            slot: Its number.
            body: The state.
            has_records: Whether records are to follow that come to less than the state.

        Raises:
            StoreFullError: There is no room; all is as it was. So it is after `fold` and `grow`.
        """
        end = self.end(slot) + 1
        try:
            is_much = len(body) > _LARGE and not has_records
            self._move(slot, body, b"", end, 0 if is_much else _room_beside(len(body)))
        except StoreFullError:
            end = self.append(slot, body, is_state=True, is_kept=True)
            if not end:
                raise
        return end

    def fold(self, slot: int, snapshot: bytes, body_bytes: int = 0) -> None:
        """Put a snapshot in the place of the records so far, which it sums up.

        Args:
            slot: Its number.
            snapshot: What the records come to.
            body_bytes: How large the body of a record is that must have room beside it.
        """
        room = max(_ROOM_OF_BUSY, _room_beside(len(snapshot), body_bytes))
        self._move(slot, snapshot, b"", self.end(slot), room)

    def grow(self, slot: int, body_bytes: int) -> None:
        """Move a slot as it is to a block with room for a record whose body has so many bytes."""
        at = FIRST_SLOT + slot * SLOT_WORDS
        end = self.end(slot)
        block = self.words[at + BLOCK]
        base, length = self.words[(block >> 3) + _BASE], self.words[(block >> 3) + _LENGTH]
        start = block + _BLOCK_HEADER
        snapshot = bytes(self.bytes[start : start + length])
        log = bytes(self.bytes[start + length : start + length + end - base])
        self._move(slot, snapshot, log, base, _room_beside(length + len(log), body_bytes))

    def sizes(self, slot: int) -> tuple[int, int, int]:
        """Return the bytes of a slot's snapshot, of its records, and of its block."""
        at = FIRST_SLOT + slot * SLOT_WORDS
        block = self.words[at + BLOCK]
        if not block:
            return 0, 0, 0
        word = block >> 3
        return (
            self.words[word + _LENGTH],
            max(0, self.words[at + END] - self.words[word + _BASE]),
            1 << self.words[word + _ORDER],
        )

    def end(self, slot: int) -> int:
        """Return a slot's end, after completing what a killed writer left half done."""
        at = FIRST_SLOT + slot * SLOT_WORDS
        block = self.words[at + BLOCK]
        if block and (base := self.words[(block >> 3) + _BASE]) > self.words[at + END]:
            self.words[at + END] = base
        return self.words[at + END]

    def _move(self, slot: int, snapshot: bytes, log: bytes, base: int, room: int) -> None:
        words = self.words
        at = FIRST_SLOT + slot * SLOT_WORDS
        if words[at + TAKEN] or words[at + LEFT]:
            self._tidy(at)
        start = _BLOCK_HEADER + len(snapshot)
        order = Blocks.order(start + len(log) + room)
        with self._heap_lock:
            block = self._blocks.take(order, at + TAKEN)
        word = block >> 3
        words[word + _ORDER] = order
        words[word + _BASE] = base
        words[word + _LENGTH] = len(snapshot)
        self.bytes[block + _BLOCK_HEADER : block + start] = snapshot
        self.bytes[block + start : block + start + len(log)] = log
        if not log:
            words[at + STATE_AT] = 0  # the snapshot says as much
        is_new = base > words[at + END]
        if is_new:
            words[at + ROOT_AT] = base
        old = words[at + BLOCK]
        if old:
            words[at + LEFT] = old | words[(old >> 3) + _ORDER]
        words[at + BLOCK] = block
        if is_new:
            words[at + END] = base
        words[at + TAKEN] = 0
        if old:
            with self._heap_lock:
                self._blocks.give(at + LEFT)

    def _tidy(self, at: int) -> None:
        """Give back the block that a killed writer was moving to or from."""
        words = self.words
        with self._heap_lock:
            for note_at in (at + TAKEN, at + LEFT):
                if Blocks.noted(words[note_at])[0] == words[at + BLOCK]:
                    words[note_at] = 0
                else:
                    self._blocks.give(note_at)


def _bodies(records: bytes) -> list[bytes]:
    """Cut records into what they say."""
    unpack, offset, size = _LENGTH_OF_RECORD.unpack_from, 0, len(records)
    bodies = []
    while offset < size:
        following = offset + _RECORD_HEADER + unpack(records, offset)[0]
        bodies.append(records[offset + _RECORD_HEADER : following])
        offset = following
    return bodies


def _room_beside(size: int, body_bytes: int = 0) -> int:
    """Return how many bytes of records are let grow beside a state: to fold costs its size."""
    return max(_LEAST_ROOM, size, _RECORD_HEADER + body_bytes)
