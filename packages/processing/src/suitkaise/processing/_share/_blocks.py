"""Where in the store's memory there is room: blocks of 2**n bytes, taken and given back.

    word TOP        everything from there on has never been used
    FREE(n)         how many blocks of 2**n bytes are free here, then where they are

The memory is a sparse file much larger than what it ever holds: only pages that were written to
take memory. So blocks are never joined or moved. A block that is given back also gives back its
pages, unless it is small: then it is used again soon, and finding and clearing pages is what would
cost.

Nothing here locks: whoever calls holds the store's heap lock. A holder that is killed leaves the
lists whole, for a count is written last; a block that it had in hand is found by `_store`, which
notes it beside the attribute that it was for.
"""

from __future__ import annotations

from collections.abc import Callable

SMALLEST = 12  # 2**12 bytes, a page
_LARGEST = 47
_WARM = 16  # free blocks up to 2**16 bytes keep their pages
_MOST_WARM = 8  # as long as there are fewer of a size than these
_MOST_FREE = 62  # what a list holds; room beyond it is never used again: it costs no memory

TOP = 8
_FREE = 64
_LIST_WORDS = 64
HEADER_BYTES = (_FREE + (_LARGEST + 1 - SMALLEST) * _LIST_WORDS) * 8


class StoreFullError(MemoryError):
    """There is no room left in the memory of a Share."""


class Blocks:
    """Takes blocks and gives them back.

    Args:
        words: The whole memory as 64-bit words.
        reserve: Finds memory for (offset, size), or raises OSError: writing into memory that is not
            there would end the process.
        discard: Gives back the memory of (offset, size); its content is lost.
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

    def take(self, order: int, note_at: int) -> int:
        """Take a block of 2**order bytes; returns its offset.

        Args:
            order: From SMALLEST on.
            note_at: The word where block and order (in the low bits, which an offset has none of)
                are noted before the block is nobody's, so that it is not lost if this process is
                killed.

        Raises:
            StoreFullError: There is no room, or the machine has no memory.
        """
        words = self._words
        size = 1 << order
        at = _list(order) if order <= _LARGEST else 0
        if at and (count := words[at]):
            block = words[at + count]
            if order > _WARM or count > _MOST_WARM:
                self._find_memory(block, size)
            words[note_at] = block | order
            words[at] = count - 1
            return block
        block = words[TOP]
        if block + size > self._capacity:
            raise StoreFullError(
                f"the Share is full: no room for {size:,} bytes more, of {self._capacity:,}"
            )
        self._find_memory(block, size)
        words[note_at] = block | order
        words[TOP] = block + size
        return block

    def give(self, block: int, order: int) -> None:
        """Give a block back that nothing refers to any more. One that is free already stays so."""
        words = self._words
        at = _list(order)
        count = words[at]
        if self.is_free(block, order):
            return
        if order > _WARM or count >= _MOST_WARM:
            self._discard(block, 1 << order)
        if count < _MOST_FREE:
            words[at + count + 1] = block
            words[at] = count + 1

    def is_free(self, block: int, order: int) -> bool:
        """Tell whether a block is not in use."""
        at = _list(order)
        return block >= self._words[TOP] or block in self._words[at + 1 : at + 1 + self._words[at]]

    def _find_memory(self, block: int, size: int) -> None:
        try:
            self._reserve(block, size)
        except OSError as error:
            raise StoreFullError(
                f"no memory for {size:,} bytes more in a Share: {error.strerror}"
            ) from error


def _list(order: int) -> int:
    return _FREE + (order - SMALLEST) * _LIST_WORDS
