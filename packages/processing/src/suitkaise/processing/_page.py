"""The status page: a little memory that a child and its parent both see.

What one side says all the time and the other reads now and then would be a flood of messages;
here it costs a memory write. The page is a few 64-bit words:

    word      written by   meaning
    RUN       child        an Skprocess's current run
    SECTION   child        the section that is running
    DEADLINE  child        when the section must have ended (monotonic nanoseconds; 0: never)
    ITEM      child        1 + the position in its chunk of the item a worker is running; 0: none
    STOP      both         1: the Skprocess is to stop, and so is each further life of it
    CANCELLED parent       the job whose items a worker is to skip
    LIVES     child        the lives that an Skprocess has left
    ASKED     parent       the number of its last question for the timers; 0: none yet
    LISTENING child        1: it waits in `listen`, where only a message can wake it
    ITEM_DEADLINE child    when the item must have ended (monotonic nanoseconds; 0: never)
    CHECKPOINT child       where its newest checkpoint lies (`_checkpoints`); 0: there is none
    *_TOLD    who tells    bytes told so far, see _backlog
    *_HEARD   who listens  bytes listened to so far

It outlives the child, so the parent can tell in which run, or at which item, a child died.
"""

from __future__ import annotations

import mmap
import os

from ._platform import PAGE_BYTES, anonymous_file

RUN, SECTION, DEADLINE, ITEM, STOP, CANCELLED, LIVES, ASKED, LISTENING = range(9)
ITEM_DEADLINE, CHECKPOINT = 9, 10
PARENT_TOLD, CHILD_HEARD, CHILD_TOLD, PARENT_HEARD = range(11, 15)
_WORDS = 15


class StatusPage:
    """The words, mapped. `words[RUN] = 3` writes one; a word is written and read whole."""

    __slots__ = ("words",)

    def __init__(self, memory: mmap.mmap) -> None:
        self.words: memoryview | list[int] = memoryview(memory).cast("Q")

    def keep_copy(self) -> None:
        """Keep what it says and let go of the memory, which has a descriptor of its own."""
        self.words = list(self.words[:_WORDS])

    @classmethod
    def from_descriptor(cls, descriptor: int) -> StatusPage:
        """Map the page that the parent made, and close the descriptor."""
        try:
            return cls(mmap.mmap(descriptor, PAGE_BYTES))
        finally:
            os.close(descriptor)


def create_page() -> tuple[StatusPage, int]:
    """Make a page; returns it with the descriptor to hand to the child, for the caller to close."""
    descriptor = anonymous_file(PAGE_BYTES)
    try:
        return StatusPage(mmap.mmap(descriptor, PAGE_BYTES)), descriptor
    except BaseException:
        os.close(descriptor)
        raise
