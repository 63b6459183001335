"""One attribute of a Share in this process: how it is read and written.

Two locks guard an attribute, each a byte of the lock file (`_locks`) with a lock of the threads of
this process before it. The *log lock* is held for the microseconds in which records are read or
appended. The *turn* is held by a method of a user's object from its first step to its last. The
first method marks the attribute (IS_OBJECT): who writes to it in another way takes the turn as well
from then on, and looks for the mark again once it has the log lock. Who reads takes no turn.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_UN, lockf
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from suitkaise.cucumber import DeserializationError, SerializationError

from .._platform import KEEPS_ORDER
from ._effects import (
    ABSENT_ROOT,
    ATOMS,
    Effect,
    NotSharableError,
    decode,
    encode_effect,
    encode_state,
    is_plain,
)
from ._locks import hold
from ._node import PLAIN_TYPES, Node, Plan
from ._objects import whereabouts
from ._parts import is_holding
from ._replica import SUPERSEDED, DetachedError, Replica
from ._room import Room
from ._scalars import Origin, evaluate
from ._steps import Step
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

T = TypeVar("T")
_UNSHARABLE = (SerializationError, DeserializationError, NotSharableError)
_WITHOUT_TURN = object()  # what was to be changed holds an object that others have turns to change


class Attribute:
    """A name of a Share, as this process knows it."""

    def __init__(self, member: Member, name: str, slot: int) -> None:
        self.member = member
        self.name = name
        self.slot = slot
        self.words = member.store.words
        self.end_at = FIRST_SLOT + slot * SLOT_WORDS + END
        self.origin = Origin()
        self._at = FIRST_SLOT + slot * SLOT_WORDS
        self._store = member.store
        self._room = Room(member.store, slot)
        self._lock_file = member.locks.descriptor
        self._byte = member.locks.log_byte(slot)
        self.turn = member.locks.turn(slot)
        self._threads: Any = threading.RLock()
        self._nothing = Replica(self, ABSENT_ROOT, -1, is_plain=True)  # while there is none
        self.replica = self._nothing
        self.changing = self.replica  # what a plan is given a part of
        self.local_timers: dict[Any, Any] = {}  # see _timers
        self._is_held = False  # while a plan runs, which may call functions of the user's
        self._replaying: Replica | None = None  # what is new is being applied to
        # What a signal handler or a finaliser wrote while this thread was in the middle of another
        # read or write: it comes right after that.
        self._later: deque[Callable[[], object]] = deque()
        self._ahead: Replica | None = None  # what writers see while the Share is stopped
        self._stepping: Replica | None = None  # what a method of an object is at work on
        self._beside = self._nothing  # what others read meanwhile

    def renew_locks(self) -> None:
        """Have locks that no thread holds, after a fork."""
        self._threads = threading.RLock()
        self._is_held = False
        self._later.clear()
        self.turn.renew()
        # Threads that were at work are not here; others may get their numbers.
        for replica in (self._stepping, self._ahead, self._beside, self.replica):
            if replica is not None:
                replica.supersede()
                replica.users.clear()
        self._stepping = self._ahead = None
        self.local_timers.clear()
        self.replica = self._beside = self._nothing

    # Reading

    def read(self) -> Replica:
        """Return the replica with all that is new."""
        self.member.check()
        if self._threads._is_owned():
            return self._read_in_the_middle()
        with self._threads:
            replica = self._fresh()
        if self._later:
            self._catch_up_on_writes()
        return replica

    def _read_in_the_middle(self) -> Replica:
        """Read while this thread is in the middle of a read or write: it has the locks already.

        That is a comparison or a key function that reads what is being changed, or a signal handler
        or a finaliser, which comes between any two instructions.
        """
        if self._is_held:
            return self.changing
        stepping = self._stepping
        if stepping is not None and stepping.is_in_step():
            return stepping
        frozen = self.words[self._at + FROZEN]
        bodies, end = self._store.read(self.slot, -1, frozen - 1 if frozen else None)
        shown, self.replica = self.replica, self._nothing
        try:
            return self._advance(self._nothing, bodies, end)
        finally:
            self.replica = shown

    def _put_off(self, write: Callable[[], object]) -> None:
        """Have a write come later, as this thread is in the middle of another."""
        if self._is_held:
            raise self._in_the_middle()
        self._later.append(write)

    def _catch_up_on_writes(self) -> None:
        while self._later and not self._threads._is_owned():
            self._later.popleft()()

    def _in_the_middle(self) -> RuntimeError:
        return RuntimeError(
            f"share.{self.name} was changed in the middle of a change to it, by a comparison, a "
            "key function or a signal handler; change it before or after"
        )

    def current_in(self, replica: Replica, thing: Any) -> tuple[Replica, Any]:
        """Return what stands now for an object that was read before, and its replica."""
        if self.is_at_hand(replica):
            return replica, thing
        present = self.read()
        return present, thing if replica is present else self._follow(thing, replica, present)

    def current(self, node: Any) -> Any:
        """Return what stands now for something that was read before."""
        replica = node._replica
        if self.is_at_hand(replica):
            return node
        present = self.read()
        return node if replica is present else self._follow(node, replica, present)

    def holds(self, value: Any) -> bool:
        """Tell whether a value is what this attribute is: to assign it changes nothing."""
        found = whereabouts(value)
        if found is None:
            return False
        # Its replica may have been superseded: what was done by it has been done all the same.
        replica, thing = found
        return replica.attribute is self and thing is replica.root

    @contextmanager
    def using(self, replica: Replica, thing: Any) -> Iterator[tuple[Replica, Any]]:
        """Have what stands now for an object stay; others get another replica meanwhile."""
        thread = threading.get_ident()
        is_nested = self._threads._is_owned()
        with self._threads:
            if (
                is_nested
                or self._stepping is not None
                or replica is not self.replica
                or replica.seen != self.words[self.end_at]
                or self.words[STATE] != RUNNING
            ) and not self.is_at_hand(replica):
                self.member.check()
                present = self._read_in_the_middle() if is_nested else self._fresh()
                if present is not replica:
                    replica, thing = present, self._follow(thing, replica, present)
            replica.users.append(thread)
        try:
            yield replica, thing
        finally:
            with self._threads:
                replica.users.remove(thread)

    # Writing

    def assign(
        self,
        body: bytes,
        value: Any,
        *,
        is_object: bool = False,
        is_plain: bool = False,
        is_flat: bool = False,
    ) -> None:
        """Put a new state in the place of what is there.

        Args:
            body: The record that says what it is.
            value: What it is, nobody else's if it is flat.
            is_object: Whether that is an object of a user's class.
            is_plain: Whether it never changes: a number, text, a tuple of such.
            is_flat: Whether it is an ordinary container of numbers and text.
        """
        if self._threads._is_owned():
            self._put_off(
                lambda: self.assign(
                    body, value, is_object=is_object, is_plain=is_plain, is_flat=is_flat
                )
            )
            return
        write = partial(self._assign, is_object=is_object, is_plain=is_plain, is_flat=is_flat)
        self._in_turn(write, body, value, begins_turns=is_object)

    def assign_atom(self, value: Any) -> None:
        """Put a number, text or None in the place of what is there: `assign`, on a short way."""
        if self._threads._is_owned():
            self._put_off(lambda: self.assign_atom(value))
            return
        body = encode_state(value)
        words, at = self.words, self._at
        with self._threads:
            is_done = False
            try:
                hold(self._lock_file, self._byte)
                if not words[at + IS_OBJECT] and words[STATE] == RUNNING and not words[at + FROZEN]:
                    end = self._append_state(body)
                    is_done = True
            finally:
                lockf(self._lock_file, LOCK_UN, 1, self._byte)
            if is_done:
                self._take_plain(value, end)
        if not is_done:
            self.assign(body, value, is_plain=True)
        elif self._later:
            self._catch_up_on_writes()

    def remove(self) -> None:
        """Make it one that is not there, and give back its memory."""
        self.assign(ABSENT_BODY, ABSENT_ROOT)

    def alone(self, do: Callable[[], object]) -> None:
        """Call something while nobody else reads or writes here."""
        with self._threads:
            try:
                hold(self._lock_file, self._byte)
                do()
            finally:
                lockf(self._lock_file, LOCK_UN, 1, self._byte)

    def freeze(self) -> None:
        """Have readers see what is there now, until FROZEN is taken back."""
        end = self._store.end
        self.alone(lambda: self.words.__setitem__(self._at + FROZEN, 1 + end(self.slot)))

    def compute(self, value: Any) -> None:
        """Write a value that was computed from this attribute: computed again from what is there.

        Raises:
            Whatever the operation raises on what is there now.
        """
        if self._threads._is_owned():
            self._put_off(lambda: self.compute(value))
            return
        if self._compute(False, value) is _WITHOUT_TURN:
            self._with_turn(self._compute, True, value)
        if self._later:
            self._catch_up_on_writes()

    def append_effect(self, node: Any, operation: str, arguments: tuple[Any, ...]) -> None:
        """Append an effect that holds whatever is there, if nothing else became of the root."""
        if self._threads._is_owned():
            self._put_off(lambda: self.append_effect(node, operation, arguments))
            return
        replica = node._replica
        words, at = self.words, self._at
        if node is replica.root and replica.seen >= 0:
            body, effects, plain = self._encoded((operation, (), *arguments))
            with self._threads:
                is_done = False
                try:
                    hold(self._lock_file, self._byte)
                    if (
                        words[at + ROOT_AT] <= replica.seen
                        and words[STATE] == RUNNING  # looked at in here: a stop is a step as well
                        and not words[at + FROZEN]
                        and not words[at + IS_OBJECT]
                    ):
                        is_current = words[self.end_at] == replica.seen
                        slot = self.slot
                        end = self._store.append(slot, body) or self._room.append(
                            body, self._snapshot
                        )
                        is_done = True
                finally:
                    lockf(self._lock_file, LOCK_UN, 1, self._byte)
                if is_done and is_current and self.replica is replica and not replica.users:
                    self._replay(replica, effects, plain, end)
            if is_done:
                if self._later:
                    self._catch_up_on_writes()
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
        return self.change_inside(node._replica, node, plan, arguments, named)

    def change_inside(
        self,
        replica: Replica,
        target: Any,
        plan: Plan,
        arguments: tuple[Any, ...],
        named: dict[str, Any],
    ) -> Any:
        """Carry out a plan on what is or was the target in a replica; see `change`."""
        stepping = self._stepping
        if stepping is not None and (journal := stepping.own_journal()) is not None:
            if replica is not stepping:
                target = self._follow(target, replica, stepping)
            return journal.note(target, plan, arguments, named)
        if self._threads._is_owned():
            raise self._in_the_middle()
        return self._in_turn(self._change, replica, target, plan, arguments, named)

    def run(
        self,
        replica: Replica,
        target: Any,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        writes: tuple[str, ...],
    ) -> tuple[Any, Replica, Any]:
        """Run what changes an object, as one step: all of it is recorded, or nothing if it raises.

        Others wait for their turn to change the object meanwhile; nobody waits to read it: it runs
        on the replica, of which there is another one as soon as somebody wants to read.

        Args:
            replica: What the object was last seen in.
            target: The object.
            function: What to run, with the object as its first argument.
            args: The arguments after that.
            kwargs: Those by name.
            writes: Which of its attributes that may change; "*" is all of them.

        Returns:
            What it returned, the replica that it ran on, and the object in there.
        """
        stepping = self._stepping
        if stepping is not None and stepping.is_in_step():  # a method has called another
            if replica is not stepping:
                target = self._follow(target, replica, stepping)
            return function(target, *args, **kwargs), stepping, target
        if self._threads._is_owned():
            raise self._in_the_middle()
        outcome = self._with_turn(self._run, replica, target, function, args, kwargs, writes)
        if self._later:
            self._catch_up_on_writes()
        return outcome

    def _with_turn(self, write: Callable[..., T], *args: Any) -> T:
        """Call something while it is this thread's turn to change the object."""
        turn = self.turn
        with turn.threads:
            is_first = not turn.depth  # or a signal handler in the first or last steps of another
            try:
                turn.hold_first()
                return write(*args)
            finally:
                if is_first:
                    turn.depth = 0
                    lockf(self._lock_file, LOCK_UN, 1, turn.byte)

    def _in_turn(self, write: Callable[..., Any], *args: Any, begins_turns: bool = False) -> Any:
        """Write, and take the turn for it if methods of an object write here, or are to.

        Args:
            write: Told first whether it has the turn; without one, it returns _WITHOUT_TURN and has
                done nothing if it turns out, under the log lock, that it takes one.
            args: What it is called with besides.
            begins_turns: Whether an object is written, so that there are to be turns.
        """
        result = _WITHOUT_TURN
        if not begins_turns and not self.words[self._at + IS_OBJECT]:
            result = write(False, *args)
        if result is _WITHOUT_TURN:
            result = self._with_turn(write, True, *args)
        if self._later:
            self._catch_up_on_writes()
        return result

    def is_at_hand(self, replica: Replica) -> bool:
        """Tell whether a method, a plan or a replay of this thread is at work on a replica."""
        if replica.is_in_hand():
            return True
        is_ours = (self._is_held and replica is self.changing) or replica is self._replaying
        return is_ours and bool(self._threads._is_owned())

    # All below is called with the locks held that it needs.

    def _fresh(self) -> Replica:
        """Return the replica with all that is new; while a method changes it, another one."""
        stepping = self._stepping
        if stepping is None:
            return self._read()
        if stepping.is_in_step():  # a method that looks at its object through the Share
            return stepping
        self.replica = self._beside
        try:
            self._beside = self._read()
        finally:
            self.replica = self._nothing
        return self._beside

    def _read(self) -> Replica:
        replica = self.replica
        if KEEPS_ORDER and not replica.users and not self.words[self._at + FROZEN]:
            news = self._store.look(self.slot, replica.seen)
            if news is not None and not self.words[self._at + FROZEN]:
                with suppress(BufferError):
                    return self._advance(replica, *news)
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

    def _compute(self, has_turn: bool, value: Any) -> object:
        """Append a computed value; see `_in_turn`.

        It is computed before there is the lock, and again only if somebody else wrote meanwhile: so
        others wait for the append alone.
        """
        words, at, end_at = self.words, self._at, self.end_at
        with self._threads:
            replica, computed_at = self.replica, SUPERSEDED
            if replica.seen != words[end_at] and self._stepping is None:
                replica = self._read()
            if replica.seen >= 0:
                result = evaluate(value, replica.root)
                body, computed_at = encode_state(result), replica.seen
            try:
                hold(self._lock_file, self._byte)
                if words[at + IS_OBJECT] and not has_turn:
                    return _WITHOUT_TURN
                if words[STATE] != RUNNING:
                    self.member.check_before_writing()
                is_frozen = words[at + FROZEN]
                if is_frozen or computed_at != words[end_at]:
                    result = evaluate(value, self._catch_up_to_write().root)
                    body = encode_state(result)
                end = self._append_state(body)
            finally:
                lockf(self._lock_file, LOCK_UN, 1, self._byte)
            if not is_frozen and (type(result) in ATOMS or is_plain(result)):
                self._take_plain(result, end)
            return None

    def _assign(
        self,
        has_turn: bool,
        body: bytes,
        value: Any,
        *,
        is_object: bool,
        is_plain: bool,
        is_flat: bool,
    ) -> object:
        """Append a state; see `_in_turn`."""
        words, at = self.words, self._at
        with self._threads:
            try:
                hold(self._lock_file, self._byte)
                if words[at + IS_OBJECT] and not has_turn:
                    return _WITHOUT_TURN
                if words[STATE] != RUNNING:
                    self.member.check_before_writing()
                if is_object:
                    words[at + IS_OBJECT] = 1
                end = self._append_state(body)
                if not is_object and words[at + IS_OBJECT]:
                    words[at + IS_OBJECT] = 0
            finally:
                lockf(self._lock_file, LOCK_UN, 1, self._byte)
            if words[at + FROZEN]:
                return None
            if is_plain:
                self._take_plain(value, end)
            elif is_flat:  # to copy it is quicker than to rebuild it when it is read
                self.replica.supersede()
                self.replica = Replica(self, value, end, is_flat=True)
            return None

    def _run(
        self,
        replica: Replica,
        target: Any,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        writes: tuple[str, ...],
    ) -> tuple[Any, Replica, Any]:
        """Run a method; see `run`."""
        was_running = self.words[STATE] == RUNNING
        if not was_running:
            self.member.check_before_writing()
        with self._threads:
            present = self.replica
            if (  # nobody else writes while this is its turn: what is up to date stays so
                present.seen != self.words[self.end_at]
                or present.users
                or self.words[self._at + FROZEN]
                or not self.words[self._at + IS_OBJECT]
            ):
                try:
                    hold(self._lock_file, self._byte)
                    self.words[self._at + IS_OBJECT] = 1  # from now on others take turns
                    present = self._catch_up_to_write()
                finally:
                    lockf(self._lock_file, LOCK_UN, 1, self._byte)
            if present is not replica:
                target = self._follow(target, replica, present)
            step = Step(present, target, writes)
            self._ahead = None
            self._stepping, self._beside = present, self._nothing
            self.replica = self._nothing  # nobody finds out without the lock what there is
        try:
            if not ATOMS.issuperset(map(type, args)):
                args = tuple(self._resolve(value, present) for value in args)
            if kwargs:
                kwargs = {name: self._resolve(value, present) for name, value in kwargs.items()}
            result = function(target, *args, **kwargs)
            body, is_whole = self._record(step)
            if body is None:
                end = step.began
            else:
                end = self._append_step(body, step, is_whole, was_running)
        except BaseException:
            step.is_kept = False  # what it has changed so far is thrown away
            raise
        finally:
            with self._threads:
                self._stepping = None
                if step.is_kept and not self.words[self._at + FROZEN]:
                    self._beside.supersede()
                    present.close(end)
                    self.replica = present
                else:
                    present.supersede()
                    self.replica = self._beside
        return result, present, target

    def _record(self, step: Step) -> tuple[bytes | None, bool]:
        try:
            return step.record()
        except _UNSHARABLE as error:
            raise self._cannot_share(error) from error

    def _cannot_share(self, error: Exception) -> TypeError:
        return TypeError(f"cannot share what was put into `share.{self.name}`: {error}")

    def _append_step(self, body: bytes, step: Step, is_whole: bool, was_running: bool) -> int:
        """Append what a method changed; the replica has it already."""
        with self._threads:
            try:
                hold(self._lock_file, self._byte)
                if was_running and self.words[STATE] != RUNNING:  # stopped while the method ran
                    self.member.check_before_writing()
                if self.words[self._at + ROOT_AT] > step.began:
                    step.is_kept = False  # the method has assigned another object in its place
                    return step.began
                if not is_whole:
                    end = self._store.append(self.slot, body)
                    if end:
                        return end
                    if self.words[self._at + FROZEN]:
                        return self._room.append(body, self._snapshot)
                    body = encode_state(step.replica.root)
                return self._append_state(body)
            finally:
                lockf(self._lock_file, LOCK_UN, 1, self._byte)

    def _change(
        self,
        has_turn: bool,
        old: Replica,
        target: Any,
        plan: Plan,
        arguments: tuple[Any, ...],
        named: dict[str, Any],
    ) -> Any:
        """Carry out a plan; see `_in_turn`."""
        with self._threads:
            try:
                hold(self._lock_file, self._byte)
                if self.words[self._at + IS_OBJECT] and not has_turn:
                    return _WITHOUT_TURN
                if self.words[STATE] != RUNNING and self.slot:  # names are listed without a word
                    self.member.check_before_writing()
                self._is_held = True
                replica = self.replica
                if (
                    replica.seen != self.words[self.end_at]
                    or replica.users
                    or self.words[self._at + FROZEN]
                ):
                    replica = self._catch_up_to_write()
                if replica is not old:
                    target = self._follow(target, old, replica)
                try:
                    path = () if target is replica.root else replica.path_to(target)
                except DetachedError:
                    gone, target = target, replica.stand_in(target)
                    path = replica.path_to(target)
                    if isinstance(gone, Node):  # it follows when it is read as well
                        gone._replica = replica.as_it_was()  # type: ignore[misc]
                self.changing = replica
                result, effect = plan(target, *arguments, **named)
                if effect is None:
                    return _detach(result)
                body, effects, plain = self._encoded((effect[0], path, *effect[1:]))
                result = _detach(result)
                end = self._append(body)
            finally:
                self._is_held = False
                lockf(self._lock_file, LOCK_UN, 1, self._byte)
            self._replay(replica, effects, plain, end)
            if not path and effect[0].endswith(".clear") and self._room.has_much():
                self.alone(lambda: self._room.give_back(self._snapshot))
            return result

    def _encoded(self, effect: Effect) -> tuple[bytes, Iterable[Effect], bool]:
        """Return the body that says what a change does, what to replay here, and if that is plain.

        Of what is not plain that is a copy, as everybody else gets it: so what could be written,
        but not read again, is found before it is written.
        """
        try:
            body, plain = encode_effect(effect)
            return body, (effect,) if plain else decode(body)[1], plain
        except _UNSHARABLE as error:
            raise self._cannot_share(error) from error

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
                if plain and replica.is_plain and not replica.users:
                    replica.set_plain(content, -1)
                else:
                    replica.supersede()
                    replica = Replica(self, content, -1, is_plain=plain)
            else:
                replica.seen = -1
                self._replaying = replica
                replica.apply(content, plain)
        self._replaying = None
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

    def _append(self, body: bytes) -> int:
        return self._store.append(self.slot, body) or self._room.append(body, self._snapshot)

    def _append_state(self, body: bytes) -> int:
        store = self._store
        return store.append(self.slot, body, is_state=True) or self._room.append_state(body)

    def _snapshot(self, may_take_long: bool) -> bytes | None:
        """Return the state that all records come to; None if it is not known here."""
        replica = self.replica
        is_current = replica.seen == self.words[self.end_at]
        if not is_current and not may_take_long:
            return None
        try:
            return encode_state((replica if is_current else self._catch_up_to_write()).root)
        except Exception:  # a class that this process cannot rebuild: another one will fold
            return None

    def _replay(self, replica: Replica, effects: Iterable[Effect], plain: bool, end: int) -> None:
        """Take over an effect of this process's own."""
        replica.seen = -1
        self._replaying = replica
        try:
            replica.apply(effects, plain)
            replica.seen = end
        except BufferError:
            pass  # it is written; what is read next is a new replica
        self._replaying = None

    def _take_plain(self, value: Any, end: int) -> None:
        replica = self.replica
        if replica.is_plain and not replica.users:
            replica.set_plain(value, end)
        else:
            replica.seen = SUPERSEDED
            self.replica = Replica(self, value, end, is_plain=True)

    def _resolve(self, value: Any, present: Replica) -> Any:
        """Return an argument; what is part of the same attribute as what it is in this replica."""
        found = whereabouts(value)
        if found is None or found[0].attribute is not self:
            return value
        replica, thing = found
        return thing if replica is present else self._follow(thing, replica, present)

    def _follow(self, thing: Any, old: Replica, new: Replica) -> Any:
        """Return what is now in the place of something of an older replica."""
        found = new.walk(old.last_path_to(thing))
        if found is ABSENT_ROOT:
            raise DetachedError(f"share.{self.name} was deleted: it is no longer there")
        if type(found) is not type(thing):
            raise TypeError(
                f"share.{self.name} was reassigned: what was a {_name_of(thing)} is now a "
                f"{_name_of(found)}; read it from the Share again"
            )
        return found


def _detach(result: Any) -> Any:
    """Return what was part of a replica as something of its own."""
    if type(result) not in ATOMS and is_holding(result):
        return decode(encode_state(result))[1]
    return result


def _name_of(thing: Any) -> str:
    return PLAIN_TYPES.get(type(thing), type(thing)).__name__
