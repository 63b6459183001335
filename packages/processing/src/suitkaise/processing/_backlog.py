"""How much has been sent and not been received: the bound on what a slow reader can pile up.

A sender never waits for a reader. So there has to be an end to what may wait, or a reader that does
not keep up fills the memory of the machine. Both sides count in memory that they share, each under
a lock of its own.
"""

from __future__ import annotations

from ._errors import ProcessError
from ._page import StatusPage

MOST_BYTES = 1 << 30  # waiting; one more message of any size is taken as long as it is fewer
_MESSAGE_BYTES = 256  # what a message takes beside its payload, about


def cost(size: int) -> int:
    """Return what a message with a payload of this size counts for."""
    return size + _MESSAGE_BYTES


class Backlog:
    """Counts one direction.

    Args:
        page: The memory that both sides see.
        sent: Which word the sender counts in.
        received: Which word the receiver counts in.
    """

    __slots__ = ("_page", "_received", "_sent")

    def __init__(self, page: StatusPage, sent: int, received: int) -> None:
        self._page = page
        self._sent = sent
        self._received = received

    @property
    def waiting(self) -> int:
        """Bytes that have been sent and not been received."""
        words = self._page.words
        return int(words[self._sent] - words[self._received])

    def enter(self, size: int) -> bool:
        """Count a message that is to be sent; False if no more may be sent now."""
        words, sent = self._page.words, self._sent
        told = words[sent]
        if told - words[self._received] >= MOST_BYTES:
            return False
        words[sent] = told + size + _MESSAGE_BYTES
        return True

    def count(self, size: int) -> None:
        """Count a message that is to be sent in any case."""
        self._page.words[self._sent] += cost(size)

    def leave(self, size: int) -> None:
        """Count a message that has been received."""
        self._page.words[self._received] += size + _MESSAGE_BYTES


def full_error(listener: str, backlog: Backlog) -> ProcessError:
    """Return what `tell` raises when too much waits to be listened to."""
    return ProcessError(
        f"tell() is refused: {backlog.waiting:,} bytes that were told wait for {listener} to "
        f"listen, and {MOST_BYTES:,} is the most; listen there, or tell less"
    )
