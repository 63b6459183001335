"""How much has been sent and not been received: the bound on what a slow reader can pile up.

A sender never waits for a reader. So there has to be an end to what may wait, or a reader that does
not keep up fills the memory of the machine. Both sides count in memory that they share, each under
a lock of its own.
"""

from __future__ import annotations

from ._errors import ProcessError
from ._page import StatusPage

MOST_BYTES = 1 << 30  # waiting; one more message of any size is taken as long as it is fewer
MESSAGE_BYTES = 256  # what a message takes beside its payload, about


def cost(size: int) -> int:
    """Return what a message with a payload of this size counts for."""
    return size + MESSAGE_BYTES


class Backlog:
    """Counts one direction.

    Args:
        page: The memory that both sides see.
        sent: Which word the sender counts in.
        received: Which word the receiver counts in.

    Where each message counts, `enter` and `leave` are written out: a call takes longer than those.
    """

    __slots__ = ("page", "received", "sent")

    def __init__(self, page: StatusPage, sent: int, received: int) -> None:
        self.page = page
        self.sent = sent
        self.received = received

    @property
    def waiting(self) -> int:
        """Bytes that have been sent and not been received."""
        words = self.page.words
        return int(words[self.sent] - words[self.received])

    def enter(self, size: int) -> bool:
        """Count a message that is to be sent; False if no more may be sent now."""
        words, sent = self.page.words, self.sent
        told = words[sent]
        if told - words[self.received] >= MOST_BYTES:
            return False
        words[sent] = told + size + MESSAGE_BYTES
        return True

    def count(self, size: int) -> None:
        """Count a message that is to be sent in any case."""
        self.page.words[self.sent] += cost(size)

    def leave(self, size: int) -> None:
        """Count a message that has been received."""
        self.page.words[self.received] += size + MESSAGE_BYTES


def full_error(listener: str, backlog: Backlog) -> ProcessError:
    """Return what `tell` raises when too much waits to be listened to."""
    return ProcessError(
        f"tell() is refused: {backlog.waiting:,} bytes that were told wait for {listener} to "
        f"listen, and {MOST_BYTES:,} is the most; listen there, or tell less"
    )
