"""What a parent knows of the timers of a process that has not reached its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from suitkaise.cucumber import deserialize

from ._serializing import serialize
from ._timers import ProcessTimers

_FOLD_BYTES = 1 << 16


class _Known(NamedTuple):
    whole: bytes  # the timers as they were last sent or folded
    later: tuple[bytes, ...]  # the news since then
    told: int  # how many bytes of news the present life has sent that are in both

    def with_news(self, news: bytes, told: int) -> _Known:
        unknown = news[max(0, self.told - told) :]
        if not unknown:
            return self
        return self._replace(later=(*self.later, unknown), told=told + len(news))


class KnownTimers:
    """The timers as they were last sent whole, and the news since then.

    The I/O thread alone adds to it; any thread may `open()` it.

    Args:
        empty: Makes the timers of a process of which nothing is known yet.
    """

    def __init__(self, empty: Callable[[], ProcessTimers]) -> None:
        self._empty = empty
        self._known = _Known(b"", (), 0)  # replaced as a whole

    def begin_life(self) -> None:
        """Learn that the news will come from another process, whose count begins anew."""
        self._known = self._known._replace(told=0)

    def replace(self, whole: bytes, told: int) -> None:
        """Take the timers as cucumber bytes: all that was known before is in them.

        Args:
            whole: The timers.
            told: How many bytes of news the present life has sent, the ones in there included.
        """
        self._known = _Known(whole, (), told)

    def add(self, news: bytes, told: int) -> None:
        """Take the news of a timeline, or what of them is not here yet.

        Args:
            news: The news.
            told: How many bytes of news the same life had sent before these.
        """
        self._known = known = self._known.with_news(news, told)
        if sum(map(len, known.later)) > max(_FOLD_BYTES, len(known.whole)):
            self.fold()  # so that each is folded a few times

    def fold(self) -> bytes:
        """Return everything as cucumber bytes; empty if nothing is known."""
        if self._known.later:
            self.replace(serialize(self.open()), self._known.told)
        return self._known.whole

    def open(self, news: bytes = b"", told: int = 0) -> ProcessTimers:
        """Return everything as timers, made anew; with news that are not added here."""
        known = self._known.with_news(news, told)
        timers: ProcessTimers = deserialize(known.whole) if known.whole else self._empty()
        timers.absorb(b"".join(known.later))
        return timers
