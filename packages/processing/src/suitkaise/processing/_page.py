"""The status page: a little memory that a child and its parent both see.

What one side says all the time and the other reads now and then would be a flood of messages;
here it costs a memory write. The page is a few 64-bit words:

    word      written by   meaning
    RUN       child        an Skprocess's current run
    SECTION   child        the section that is running
    DEADLINE  child        when the section must have ended (monotonic nanoseconds; 0: never)
    ITEM      child        the item that a worker is running, as `position_of` reads it; 0: none
    STOP      both         1: the Skprocess is to stop, and so is each further life of it
    CANCELLED parent       the job whose items a worker is to skip
    LIVES     child        the lives that an Skprocess has left
    ASKED     parent       the number of its last question for the timers; 0: none yet
    LISTENING child        1: it waits in `listen`, where only a message can wake it
    ITEM_DEADLINE child    when the item must have ended (monotonic nanoseconds; 0: never)
    CHECKPOINT child       where its newest checkpoint lies (`_checkpoints`); 0: there is none
    *_TOLD    who tells    bytes told so far, see _backlog
    *_HEARD   who listens  bytes listened to so far
    LEDGER_*  child        what it has finished of its chunk, see _ledger

It outlives the child, so the parent can tell in which run, or at which item, a child died.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any

from ._platform import PAGE_BYTES, anonymous_file

RUN, SECTION, DEADLINE, ITEM, STOP, CANCELLED, LIVES, ASKED, LISTENING = range(9)
ITEM_DEADLINE, CHECKPOINT = 9, 10
PARENT_TOLD, CHILD_HEARD, CHILD_TOLD, PARENT_HEARD = range(11, 15)
LEDGER_CHUNK, LEDGER_END, LEDGER_BEGUN = 15, 16, 17
_WORDS = 18
WORKER_BYTES = PAGE_BYTES + (1 << 16)  # of the page of a worker, its ledger included
MOST_TICKS = 256


class StatusPage:
    """The words, mapped. `words[RUN] = 3` writes one; a word is written and read whole.

    Attributes:
        words: The words.
        ledger: What is behind them, of a worker.
    """

    __slots__ = ("ledger", "words")

    def __init__(self, memory: mmap.mmap) -> None:
        view = memoryview(memory)
        self.words: memoryview | list[int] = view[:PAGE_BYTES].cast("Q")
        self.ledger = view[PAGE_BYTES:]

    def tick(self) -> Any:
        """Return the low byte of ITEM, as a byte: nothing writes to memory in less time."""
        assert isinstance(self.words, memoryview)
        low = 0 if sys.byteorder == "little" else 7
        return self.words.cast("B")[8 * ITEM + low : 8 * ITEM + low + 1].cast("c")

    def keep_copy(self) -> None:
        """Keep what it says and let go of the memory, which has a descriptor of its own."""
        self.ledger = memoryview(bytes(self.ledger[: self.words[LEDGER_END]]))
        self.words = list(self.words[:_WORDS])

    @classmethod
    def from_descriptor(cls, descriptor: int) -> StatusPage:
        """Map the page that the parent made, and close the descriptor."""
        is_workers = os.fstat(descriptor).st_size == WORKER_BYTES
        try:
            return cls(mmap.mmap(descriptor, WORKER_BYTES if is_workers else PAGE_BYTES))
        finally:
            os.close(descriptor)


def item_at(position: int) -> int:
    """Return what ITEM is when a part begins, whose first item is at a position; then it ticks."""
    return position + 1 << 8


def position_of(item: int) -> int | None:
    """Return the position in its chunk of the item that ITEM says is running; None: none is."""
    return (item >> 8) - 1 + (item & 0xFF) if item else None


def create_page(size: int = PAGE_BYTES) -> tuple[StatusPage, int]:
    """Make a page; returns it with the descriptor to hand to the child, for the caller to close."""
    descriptor = anonymous_file(size)
    try:
        return StatusPage(mmap.mmap(descriptor, size)), descriptor
    except BaseException:
        os.close(descriptor)
        raise
