"""What a method of a shared object has changed, found out at its end.

containers inside the object   noted their own effects while it ran (`_journal`)
attributes that were rebound   are found by comparing them with what they were
anything that could have       ... or both at once: the whole object is recorded as it is now
changed unseen
"""

from __future__ import annotations

from typing import Any

from ._class_plans import ALL
from ._effects import ATOMS, Effect, encode_effects, encode_state, is_plain
from ._journal import Journal
from ._kinds import ATOM, CONTAINER, FROZEN, VALUE, attributes_of, is_open, kind_of
from ._replica import Replica
from ._waiting import LOCKS

_NOTHING = object()


class Step:
    """One method at work on a replica, from its first instruction to its last.

    Attributes:
        replica: The replica.
        began: The position that the replica was at.
        is_kept: Whether the replica is, after `record`, what everybody else's will be.
    """

    __slots__ = (
        "_before",
        "_has_others",
        "_journal",
        "_target",
        "_writes",
        "began",
        "is_kept",
        "replica",
    )

    def __init__(self, replica: Replica, target: Any, writes: tuple[str, ...]) -> None:
        self.replica = replica
        self._target = target
        self._writes = writes
        self._before = _attributes(target, writes)
        self._has_others = replica.objects > 1
        self.began = replica.seen
        self.is_kept = True
        self._journal = replica.journal = Journal(replica)
        replica.seen = -1

    def record(self) -> tuple[bytes | None, bool]:
        """Return the body of a record of all that has changed, and whether that is a state.

        None if nothing has changed.

        Raises:
            SerializationError: Something that the method put into the object cannot be shared.
        """
        effects = self._rebound()
        noted = self._journal.effects
        if effects is None or self._journal.is_moved_changed or (noted and not _are_plain(effects)):
            self.is_kept = False
            return encode_state(self.replica.root), True
        if noted:
            effects = noted + effects
        if not effects:
            return None, False
        # What is not plain holds what the caller can still change.
        body, self.is_kept = encode_effects(effects)
        return body, False

    def _rebound(self) -> list[Effect] | None:
        """Return effects for what was rebound; None if there may be changes besides."""
        if self._writes == ALL and not is_open(type(self._target)):  # type: ignore[arg-type]
            return None
        path = self.replica.path_to(self._target)
        before, after = self._before, _attributes(self._target, self._writes)
        effects: list[Effect] = []
        for name, new in after.items():
            if before.get(name, _NOTHING) is not new:
                effects.append(("attribute.set", path, name, new))
            elif type(new) not in ATOMS and not self._is_seen(new):
                return None
        if len(before) > len(after) or not before.keys() <= after.keys():
            effects += [("attribute.delete", path, name) for name in before if name not in after]
        return effects

    def _is_seen(self, value: Any) -> bool:
        """Tell whether a change inside a value would have been noted."""
        kind = kind_of(type(value))
        if kind in (ATOM, VALUE) or type(value) in LOCKS:
            return True
        if kind in (CONTAINER, FROZEN):
            return not self._has_others
        return False


def _attributes(thing: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Return those attributes that a method may write, as they are now."""
    attributes = attributes_of(thing)
    if names == ALL:
        return attributes
    return {name: attributes[name] for name in names if name in attributes}


def _are_plain(effects: list[Effect]) -> bool:
    return all(is_plain(part) for effect in effects for part in effect)
