"""One attribute of a Share in this process: how it is read and written.

Two locks guard an attribute, each a byte of the lock file (`_locks`) with a lock of the threads of
this process before it. The *log lock* is held for the microseconds in which records are read or
appended. The *turn* is held by a method of a user's object from its first step to its last; who
writes to such an attribute in another way takes it as well, who reads does not.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from fcntl import LOCK_UN, lockf
from typing import TYPE_CHECKING, Any

from ._effects import (
    ABSENT_ROOT,
    ATOMS,
    decode,
    encode_effect,
    encode_state,
    is_plain,
)
from ._locks import hold
from ._node import PLAIN_TYPES, Plan
from ._replica import SUPERSEDED, Replica, is_holding
from ._scalars import Origin, evaluate
from ._store import (
    ABSENT as ABSENT_BODY,
)
from ._store import (
    END,
    FIRST_SLOT,
    FROZEN,
    IS_OBJECT,
    ROOT_AT,
    RUNNING,
    SLOT_WORDS,
    STATE,
)

if TYPE_CHECKING:
    from ._member import Member

_LARGEST_LOG_GROWN = 4  # times the snapshot, before a writer that lags behind reads it all


class Attribute:
    """A name of a Share, as this process knows it."""

    def __init__(self, member: Member, name: str, slot: int) -> None:
        self.member = member
        self.name = name
        self.slot = slot
        self.words = member.store.words
        self.end_at = FIRST_SLOT + slot * SLOT_WORDS + END
        self.origin = Origin(self)
        self._at = FIRST_SLOT + slot * SLOT_WORDS
        self._store = member.store
        self._lock_file = member.locks.descriptor
        self._byte = member.locks.log_byte(slot)
        self.turn = member.locks.turn(slot)
        self._threads = threading.RLock()
        self._is_held = False  # while a plan runs, which may call functions of the user's
        self.replica = Replica(self, ABSENT_ROOT, -1, is_plain=True)
        self._ahead: Replica | None = None  # what writers see while the Share is stopped

    def renew_locks(self) -> None:
        """Have locks that no thread holds, after a fork."""
        self._threads = threading.RLock()
        self._is_held = False
        self.turn.renew()

    # Reading

    def read(self) -> Replica:
        """Return the replica with all that is new."""
        self.member.check()
        with self._threads:
            if self._is_held:  # a comparison, or a key function, that reads what is being changed
                return self.replica
            while True:
                try:
                    hold(self._lock_file, self._byte)
                    frozen = self.words[self._at + FROZEN]
                    replica, bodies, end = self._news(frozen - 1 if frozen else None)
                finally:
                    lockf(self._lock_file, LOCK_UN, 1, self._byte)
                try:
                    return self._advance(replica, bodies, end)
                except BufferError:
                    continue  # somebody looks into its memory: what is new comes to a new replica

    def current(self, node: Any) -> Any:
        """Return what stands now for something that was read before."""
        replica = node._replica
        if replica.is_mine():
            return node
        present = self.read()
        return node if replica is present else self._follow(node, present)

    def is_value(self, value: Any) -> bool:
        """Tell whether something was read from this attribute as its value, now or before."""
        if type(value) in PLAIN_TYPES:
            # Its replica may have been superseded: what was done by it has been done all the same.
            replica: Replica = value._replica
            return replica.attribute is self and value is replica.root
        return type(value) not in ATOMS and value is self.replica.value

    # Writing

    def assign(self, body: bytes, value: Any, *, is_object: bool, is_plain: bool) -> None:
        """Put a new state in the place of what is there."""
        words, at = self.words, self._at
        if words[STATE] != RUNNING:
            self.member.check_before_writing()
        if is_object or words[at + IS_OBJECT]:
            with self.turn:
                self._assign(body, value, is_object=is_object, is_plain=is_plain)
        else:
            self._assign(body, value, is_object=False, is_plain=is_plain)

    def remove(self) -> None:
        """Make it one that is not there, and give back its memory."""
        self.assign(ABSENT_BODY, ABSENT_ROOT, is_object=False, is_plain=False)

    def freeze(self) -> None:
        """Have readers see what is there now, until FROZEN is taken back."""
        with self._threads:
            try:
                hold(self._lock_file, self._byte)
                self.words[self._at + FROZEN] = 1 + self._store.end(self.slot)
            finally:
                lockf(self._lock_file, LOCK_UN, 1, self._byte)

    def compute(self, value: Any) -> None:
        """Write a value that was computed from this attribute: computed again from what is there.

        Raises:
            Whatever the operation raises on what is there now.
        """
        words = self.words
        if words[STATE] != RUNNING:
            self.member.check_before_writing()
        with self._threads:
            try:
                hold(self._lock_file, self._byte)
                replica = self.replica
                if replica.seen != words[self.end_at]:
                    replica = self._catch_up_to_write()
                result = evaluate(value, replica.root)
                body = encode_state(result)
                end = self._store.append(self.slot, body, is_state=True) or self._move_state(body)
            finally:
                lockf(self._lock_file, LOCK_UN, 1, self._byte)
            if is_plain(result) and not words[self._at + FROZEN]:
                self._take_plain(result, end)

    def append_effect(self, node: Any, operation: str, arguments: tuple[Any, ...]) -> None:
        """Append an effect that holds whatever is there, if nothing else became of the root."""
        replica = node._replica
        words, at = self.words, self._at
        if (
            node is replica.root
            and replica.seen >= 0
            and words[STATE] == RUNNING
            and not words[at + IS_OBJECT]
        ):
            body = encode_effect((operation, (), *arguments))
            with self._threads:
                self._check_not_held()
                is_done = False
                try:
                    hold(self._lock_file, self._byte)
                    if words[at + ROOT_AT] <= replica.seen and not words[at + FROZEN]:
                        is_current = words[self.end_at] == replica.seen
                        end = self._store.append(self.slot, body) or self._make_room(body)
                        is_done = True
                finally:
                    lockf(self._lock_file, LOCK_UN, 1, self._byte)
                if is_done:
                    if is_current and self.replica is replica and not replica.users:
                        self._replay(replica, body, end)
                    return
        self.change(node, lambda _target, *values: (None, (operation, *values)), arguments, {})

    def change(
        self, node: Any, plan: Plan, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        """Carry out a plan on something inside, as one step; returns what the plan returns.

        Raises:
            DetachedError: It is no longer part of the Share.
            SerializationError: An argument cannot be shared.
            Whatever the plan raises; nothing has changed then.
        """
        if node._replica.is_mine():
            return self._note(node, plan, arguments, named)
        if self.words[STATE] != RUNNING:
            self.member.check_before_writing()
        if self.words[self._at + IS_OBJECT]:
            with self.turn:
                return self._change(node, plan, arguments, named)
        return self._change(node, plan, arguments, named)

    # All below is called with the locks held that it needs.

    def _assign(self, body: bytes, value: Any, *, is_object: bool, is_plain: bool) -> None:
        words, at = self.words, self._at
        with self._threads:
            self._check_not_held()
            try:
                hold(self._lock_file, self._byte)
                if is_object:
                    words[at + IS_OBJECT] = 1
                end = self._store.append(self.slot, body, is_state=True) or self._move_state(body)
                if not is_object and words[at + IS_OBJECT]:
                    words[at + IS_OBJECT] = 0
            finally:
                lockf(self._lock_file, LOCK_UN, 1, self._byte)
            if is_plain and not words[at + FROZEN]:
                self._take_plain(value, end)

    def _change(
        self, node: Any, plan: Plan, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        with self._threads:
            self._check_not_held()
            try:
                hold(self._lock_file, self._byte)
                self._is_held = True
                replica = self.replica
                if replica.seen != self.words[self.end_at] or replica.users:
                    replica = self._catch_up_to_write()
                target = node if node._replica is replica else self._follow(node, replica)
                path = () if target is replica.root else replica.path_to(target)
                result, effect = plan(target, *arguments, **named)
                if effect is None:
                    return _detach(result)
                body = encode_effect((effect[0], path, *effect[1:]))
                result = _detach(result)
                end = self._store.append(self.slot, body) or self._make_room(body)
            finally:
                self._is_held = False
                lockf(self._lock_file, LOCK_UN, 1, self._byte)
            self._replay(replica, body, end)
            return result

    def _check_not_held(self) -> None:
        if self._is_held:
            raise RuntimeError(
                f"share.{self.name} was changed in the middle of a change to it, by a comparison "
                "or a key function; change it before or after"
            )

    def _news(self, until: int | None) -> tuple[Replica, list[bytes], int]:
        replica = self.replica
        seen = replica.seen if not replica.users else -1
        if until is not None and seen > until:
            return replica, [], seen
        bodies, end = self._store.read(self.slot, seen, until)
        return replica, bodies, end

    def _advance(self, replica: Replica, bodies: list[bytes], end: int) -> Replica:
        """Bring a replica to a position; returns it, or the one that takes its place."""
        if not bodies:
            return replica
        for body in bodies:
            is_state, content, plain = decode(body)
            if is_state:
                if plain and is_plain(replica.root) and not replica.users:
                    replica.set_plain(content, -1)
                else:
                    replica.seen = SUPERSEDED
                    replica = Replica(self, content, -1, is_plain=plain)
            else:
                replica.seen = -1
                replica.apply(content, is_plain=plain)
        replica.seen = end
        self.replica = replica
        return replica

    def _catch_up_to_write(self) -> Replica:
        """Return a replica of the whole truth, also while readers see less."""
        if self.words[self._at + FROZEN]:
            ahead = self._ahead or Replica(self, ABSENT_ROOT, -1, is_plain=True)
            bodies, end = self._store.read(self.slot, ahead.seen)
            shown, self.replica = self.replica, ahead
            try:
                self._ahead = self._advance(ahead, bodies, end)
            finally:
                self.replica = shown
            return self._ahead
        self._ahead = None
        try:
            return self._advance(*self._news(None))
        except BufferError:
            return self._advance(*self._news(None))  # to a new replica, as in `read`

    def _move_state(self, body: bytes) -> int:
        """Write a state for which there is no room, or far too much."""
        if self.words[self._at + FROZEN] and self.words[self.end_at]:
            self._store.grow(self.slot, len(body))
            return self._store.append(self.slot, body, is_state=True, is_kept=True)
        return self._store.replace(self.slot, body)

    def _make_room(self, body: bytes) -> int:
        """Append a record for which there is no room yet."""
        snapshot, records, _ = self._store.sizes(self.slot)
        replica = self.replica
        may_fold = not self.words[self._at + FROZEN]
        if may_fold and replica.seen != self.words[self.end_at]:
            if records < _LARGEST_LOG_GROWN * max(snapshot, 65_536):
                may_fold = False
            else:
                replica = self._catch_up_to_write()
        if may_fold:
            self._store.fold(self.slot, encode_state(replica.root), len(body) + 4)
        else:
            self._store.grow(self.slot, len(body) + 4)
        return self._store.append(self.slot, body)

    def _replay(self, replica: Replica, body: bytes, end: int) -> None:
        """Take over an effect of this process's own."""
        replica.seen, seen = -1, replica.seen
        try:
            _, effects, plain = decode(body)
        except BaseException:
            replica.seen = seen
            raise
        with suppress(BufferError):  # it is written; what is read next is a new replica
            replica.apply(effects, is_plain=plain)
            replica.seen = end

    def _take_plain(self, value: Any, end: int) -> None:
        replica = self.replica
        if is_plain(replica.root) and not replica.users:
            replica.set_plain(value, end)
        else:
            replica.seen = SUPERSEDED
            self.replica = Replica(self, value, end, is_plain=True)

    def _follow(self, node: Any, replica: Replica) -> Any:
        """Return what is now in the place of something of an older replica."""
        old = node._replica
        found = replica.walk(old.last_path_to(node))
        if type(found) is not type(node):
            raise TypeError(
                f"share.{self.name} was reassigned: what was a {type(node).__name__} is now "
                f"{type(found).__name__}; read it from the Share again"
            )
        return found

    def _note(
        self, node: Any, plan: Plan, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        """Carry out a plan in a method of the object, which notes the effect."""
        raise NotImplementedError  # _objects


def _detach(result: Any) -> Any:
    """Return what was part of a replica as something of its own."""
    if type(result) not in ATOMS and is_holding(result):
        return decode(encode_state(result))[1]
    return result
