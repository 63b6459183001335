"""How an attribute's log gets room when its block is full, and gives back what it no longer needs.

    a record that does not fit     the records so far are folded into a snapshot, if the writer
                                   knows what they come to; else they move to a larger block as
                                   they are, and are folded once they are many times the snapshot
    a state that does not fit,     replaces them, in a block of its own size
    or leaves most of a block bare

While the Share is stopped nothing is folded or replaced: readers see what was there before.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ._blocks import StoreFullError
from ._effects import is_plain_state
from ._store import END, FIRST_SLOT, FROZEN, SLOT_WORDS, Store

_MUCH = 65_536  # bytes of a block that are worth giving back once what they hold is cleared
_MOST_UNFOLDED = 4  # times the snapshot, before a writer that lags behind has to read it all
_FEW = 65_536  # bytes of a snapshot that are few

# Given whether it may take long, returns the state that all records come to; None: not known.
Snapshot = Callable[[bool], bytes | None]


class Room:
    """The room of one slot. Who calls holds the lock of its log."""

    def __init__(self, store: Store, slot: int) -> None:
        self._store = store
        self._slot = slot
        self._at = FIRST_SLOT + slot * SLOT_WORDS

    def append(self, body: bytes, snapshot: Snapshot) -> int:
        """Append a record for which there is no room yet; returns the new end."""
        size, records, _ = self._store.sizes(self._slot)
        state = None
        if not self._is_frozen():
            state = snapshot(records >= _MOST_UNFOLDED * max(size, _FEW))
        if state is None:
            self._store.grow(self._slot, len(body))
        else:
            self._store.fold(self._slot, state, len(body))
        return self._store.append(self._slot, body)

    def append_state(self, body: bytes) -> int:
        """Write a state for which there is no room, or far too much; returns the new end."""
        if self._is_frozen() and self._store.words[self._at + END]:
            self._store.grow(self._slot, len(body))
            return self._store.append(self._slot, body, is_state=True, is_kept=True)
        # Nothing is recorded behind a plain value but the next one.
        return self._store.replace(self._slot, body, has_records=not is_plain_state(body))

    def has_much(self) -> bool:
        """Tell whether it is worth while to give room back, should most of it be bare."""
        return self._store.sizes(self._slot)[2] > _MUCH

    def give_back(self, snapshot: Snapshot) -> None:
        """Let go of the room that a snapshot does not take, if that is known."""
        state = None if self._is_frozen() else snapshot(False)
        if state is not None:
            with suppress(StoreFullError):
                self._store.fold(self._slot, state)

    def _is_frozen(self) -> bool:
        return bool(self._store.words[self._at + FROZEN])
