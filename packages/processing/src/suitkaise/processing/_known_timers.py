"""What a parent knows of the timers of a process that has not reached its end."""

from __future__ import annotations

from collections.abc import Callable

from suitkaise.cucumber import deserialize

from ._serializing import serialize
from ._timers import ProcessTimers

_FOLD_BYTES = 1 << 16


class KnownTimers:
    """The timers as they were last sent whole, and the news since then.

    The I/O thread alone adds to it; any thread may `open()` it.

    Args:
        empty: Makes the timers of a process of which nothing is known yet.
    """

    def __init__(self, empty: Callable[[], ProcessTimers]) -> None:
        self._empty = empty
        self._known: tuple[bytes, list[bytes]] = (b"", [])
        self._news_bytes = 0

    def replace(self, whole: bytes) -> None:
        """Take the timers as cucumber bytes: all that was known before is in them."""
        self._known = (whole, [])
        self._news_bytes = 0

    def add(self, news: bytes) -> None:
        """Take the news of a timeline."""
        whole, later = self._known
        later.append(news)
        self._news_bytes += len(news)
        if self._news_bytes > max(_FOLD_BYTES, len(whole)):  # so that each is folded a few times
            self.fold()

    def fold(self) -> bytes:
        """Return everything as cucumber bytes; empty if nothing is known."""
        if self._known[1]:
            self.replace(serialize(self.open()))
        return self._known[0]

    def open(self) -> ProcessTimers:
        """Return everything as timers, made anew."""
        whole, later = self._known
        timers: ProcessTimers = deserialize(whole) if whole else self._empty()
        timers.absorb(b"".join(list(later)))
        return timers
