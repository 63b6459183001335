"""What a process was told and is kept for its next life, which has to be told again.

That is what it had not listened to at its last checkpoint. A process that makes no further one, as
its run goes on and on, would have everything kept for ever: so there is an end to it, the same as
for what waits to be listened to.
"""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from . import _backlog
from ._backlog import cost
from ._parcels import Payload


class _Told(NamedTuple):
    """A message that is kept."""

    number: int  # in the present life, from 0
    end: int  # where it ends, if all messages of this life lay one after the other
    payload: Payload


class Kept:
    """Messages, the oldest first. Its owner holds a lock.

    Each step is one instruction, so that Ctrl-C leaves nothing counted and not there.
    """

    def __init__(self) -> None:
        self._told: deque[_Told] = deque()
        self._following = (0, 0)  # number and place of the next message, if none is kept

    def __len__(self) -> int:
        return len(self._told)

    def add(self, payload: Payload, waiting: int) -> bool:
        """Keep a message that is being told.

        Args:
            payload: The message.
            waiting: Bytes that wait to be listened to, with this message: those are always kept.

        Returns:
            Whether all that came before is kept too; else there was too much.
        """
        told = self._told
        number, begin = (told[-1].number + 1, told[-1].end) if told else self._following
        end = begin + cost(len(payload))
        told.append(_Told(number, end, payload))
        is_all_kept = True
        while self._size() > _backlog.MOST_BYTES and end - told[0].end >= waiting:
            self._let_one_go()
            is_all_kept = False
        return is_all_kept

    def let_go_of(self, heard: int) -> None:
        """Keep no longer the first so many messages of the present life."""
        while self._told and self._told[0].number < heard:
            self._let_one_go()

    def begin_life(self) -> Iterator[Payload]:
        """Return what the next life is to be told first."""
        kept, self._told, self._following = self._told, deque(), (0, 0)
        for told in kept:
            self.add(told.payload, waiting=told.end)
        return (told.payload for told in self._told)

    def clear(self) -> None:
        """Keep nothing: there is no further life."""
        self._told.clear()

    def _size(self) -> int:
        told = self._told
        return told[-1].end - told[0].end + cost(len(told[0].payload))

    def _let_one_go(self) -> None:
        oldest = self._told[0]
        self._following = (oldest.number + 1, oldest.end)
        self._told.popleft()


def warn_of_loss(name: str) -> None:
    """Warn the caller of `tell` that not all is kept any more."""
    warnings.warn(
        f"{name} has been told more than {_backlog.MOST_BYTES:,} bytes since its last run "
        "boundary: should it die, its next life is not told the first of them again",
        RuntimeWarning,
        stacklevel=4,
    )
