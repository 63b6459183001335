"""Where in the store's memory there is room: blocks of 2**n bytes, taken and given back.

    word TOP        everything from there on has never been used
    word MOVING     which note is being changed, while a block is taken or given back; 0: none
    word FREE(n)    the free block of 2**n bytes that was given back last; 0: there is none

    free block      word 0: the one that was given back before it
                    word 1: how many there are, with it

The memory is a sparse file much larger than what it ever holds: only pages that were written to
take memory. So blocks are never joined or moved. A block that is given back also gives back its
pages but the first, unless it is small: then it is used again soon, and finding and clearing pages
is what would cost.

A block is free, or somebody's, or noted in a word beside who it is for or from. Nothing here locks:
whoever calls holds the store's heap lock. A holder that is killed has taken or given the block or
has not, by one write to FREE or TOP. Whether its note holds is for the next holder to see, who
finds MOVING: a note of a block that is free says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

SMALLEST = 12  # 2**12 bytes, a page
_LARGEST = 47
_PAGE = 1 << SMALLEST
_WARM = 16  # free blocks up to 2**16 bytes keep their pages
_MOST_WARM = 8  # as long as there are no more of a size than these

TOP, MOVING = 8, 9
_FREE = 16
HEADER_BYTES = (_FREE + _LARGEST + 1 - SMALLEST + 7) // 8 * 64

_BEFORE, _COUNT = range(2)  # words of a free block
_ORDER_BITS = _PAGE - 1  # of a note


class StoreFullError(MemoryError):
    """There is no room left in the memory of a Share."""


class Blocks:
    """Takes blocks and gives them back.

    Args:
        words: The whole memory as 64-bit words.
        reserve: Finds memory for (offset, size), or raises OSError: writing into memory that is not
            there would end the process.
        discard: Gives back the memory of (offset, size), of which the content is lost; or raises
            OSError: then it stays.
    """

    def __init__(
        self,
        words: memoryview,
        reserve: Callable[[int, int], None],
        discard: Callable[[int, int], None],
    ) -> None:
        self._words = words
        self._capacity = len(words) * 8
        self._reserve = reserve
        self._discard = discard

    @staticmethod
    def order(size: int) -> int:
        """Return the n of the smallest block, of 2**n bytes, that holds so many."""
        return max(SMALLEST, (size - 1).bit_length())

    @staticmethod
    def noted(note: int) -> tuple[int, int]:
        """Return the offset of the block that a note is about, and its order."""
        return note & ~_ORDER_BITS, note & _ORDER_BITS

    def take(self, order: int, note_at: int) -> int:
        """Take a block of 2**order bytes; returns its offset.

        Args:
            order: From SMALLEST on.
            note_at: The word, which is 0, where block and order (in the low bits, which an offset
                has none of) are noted, so that the block is not lost if this process is killed.

        Raises:
            StoreFullError: There is no room, or the machine has no memory; all is as it was.
        """
        words = self._words
        if words[MOVING]:
            self._mend()
        size = 1 << order
        free_at = _FREE + order - SMALLEST
        block = words[free_at] if order <= _LARGEST else 0
        if block:
            following = words[(block >> 3) + _BEFORE]
            is_cold = order > _WARM or words[(block >> 3) + _COUNT] > _MOST_WARM
        else:
            free_at, block = TOP, words[TOP]
            following = block + size
            is_cold = True
            if following > self._capacity:
                raise StoreFullError(
                    f"the Share is full: no room for {size:,} bytes more, of {self._capacity:,}"
                )
        words[MOVING] = note_at
        words[note_at] = block | order
        if is_cold:
            try:
                self._reserve(block, size)
            except OSError as error:
                words[note_at] = words[MOVING] = 0
                raise StoreFullError(
                    f"no memory for {size:,} bytes more in a Share: {error.strerror}"
                ) from error
        words[free_at] = following
        words[MOVING] = 0
        return block

    def give(self, note_at: int) -> None:
        """Give back the block that a word notes, if it does, and clear the note."""
        words = self._words
        if words[MOVING]:
            self._mend()
        block, order = self.noted(words[note_at])
        if not block:
            return
        words[MOVING] = note_at
        free_at = _FREE + order - SMALLEST
        before = words[free_at]
        count = words[(before >> 3) + _COUNT] + 1 if before else 1
        if order > _WARM or count > _MOST_WARM:
            self._cool(block, order)
        words[(block >> 3) + _BEFORE], words[(block >> 3) + _COUNT] = before, count
        words[free_at] = block
        words[note_at] = words[MOVING] = 0

    def free(self, order: int) -> list[int]:
        """Return the blocks of 2**order bytes that were given back, the last one first."""
        found = []
        block = self._words[_FREE + order - SMALLEST]
        while block:
            found.append(block)
            block = self._words[(block >> 3) + _BEFORE]
        return found

    def _mend(self) -> None:
        """Have the note hold, or clear it, that a holder of the heap lock was changing."""
        words = self._words
        note_at = words[MOVING]
        block, order = self.noted(words[note_at])
        if block and (block >= words[TOP] or block in self.free(order)):
            if order > _WARM:
                self._cool(block, order)  # it may have its memory already
            words[note_at] = 0
        words[MOVING] = 0

    def _cool(self, block: int, order: int) -> None:
        if order > SMALLEST:
            with suppress(OSError):
                self._discard(block + _PAGE, (1 << order) - _PAGE)
