"""This process's copy of one attribute, and the way from its root to everything in it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._effects import (
    ABSENT_ROOT,
    ATOMS,
    ATTRIBUTE,
    ITEM,
    OPERATIONS,
    Effect,
    decode,
    encode_state,
)
from ._kinds import ATOM, CONTAINER, FROZEN, OBJECT, VALUE, kind_of
from ._node import NODE_TYPES, PLAIN_TYPES, Node
from ._parts import (
    Path,
    frozen_like,
    holding_parts,
    is_holding,
    make_anew,
    place_of,
    put,
    spell,
    step_to,
)
from ._scalars import Origin, track
from ._waiting import LOCKS, is_waited_at

if TYPE_CHECKING:
    from ._attribute import Attribute
    from ._journal import Journal

SUPERSEDED = -2
_LEAST_LINKS = 1024  # of what is no longer there so many are kept, or as many as of what is


class DetachedError(LookupError):
    """Something that was read from a Share is no longer part of it."""


class Replica:
    """An attribute's value as of a position of its log.

    Attributes:
        attribute: What it is a copy of.
        root: The value: a plain one, a node, or an object of the user's.
        value: What `share.name` gives.
        seen: The position; -1 while it is being changed, SUPERSEDED when another took its place.
        words, end_at: Where the position of the truth stands.
        is_plain: Whether that is what never changes: a number, text, a tuple of such.
        is_node: Whether it is a container, whose methods look for what is new inside it.
        is_proxy: Whether it is a proxy, which always does.
        holds_objects: Whether there are objects of the user's in it, which need a proxy to be read.
        objects: How many.
        journal: What a method that changes it has done so far; None: none does.
        users: The threads in which methods read it just now: it must not change under them.
    """

    __slots__ = (
        "_links",
        "_most_links",
        "_past",
        "attribute",
        "end_at",
        "holds_objects",
        "is_node",
        "is_plain",
        "is_proxy",
        "journal",
        "objects",
        "root",
        "seen",
        "users",
        "value",
        "words",
    )

    def __init__(
        self,
        attribute: Attribute,
        root: Any,
        seen: int,
        *,
        is_plain: bool = False,
        is_flat: bool = False,
    ) -> None:
        self.attribute = attribute
        self.words = attribute.words
        self.end_at = attribute.end_at
        self.holds_objects = False
        self.journal: Journal | None = None
        self.users: list[int] = []
        self.objects = 0
        self._links: dict[int, tuple[Any, Any, Any]] = {}
        self._most_links = _LEAST_LINKS
        self._past: Replica | None = None
        if is_flat:
            root = NODE_TYPES[type(root)]._made_of(root)  # type: ignore[attr-defined]
            root._replica, root._up, root._key = self, None, None
        self.root = root if is_plain or is_flat else self.adopt(root, None, None)
        self.value = track(root, attribute.origin) if is_plain else self._present_root()
        self.is_plain = is_plain and root is not ABSENT_ROOT
        self.is_node = isinstance(self.root, Node)
        self.is_proxy = self.value is not self.root and kind_of(type(self.root)) == OBJECT
        self.seen = seen

    def set_plain(self, value: Any, seen: int) -> None:
        """Take a new value, where there has been none but a plain one."""
        self.seen = -1
        self.root = value
        self.value = track(value, self.attribute.origin)
        self.seen = seen

    def apply(self, effects: Iterable[Effect], is_plain: bool) -> None:
        """Replay effects; if they are not plain, they are this replica's own from now on."""
        for operation, path, *arguments in effects:
            target = self.walk(path) if path else self.root
            if not is_plain:
                key = arguments[0] if operation == "attribute.set" else None
                arguments = [self.adopt(argument, target, key) for argument in arguments]
            OPERATIONS[operation](target, *arguments)
        if len(self._links) > self._most_links:
            self._link_all()

    def walk(self, path: Path) -> Any:
        """Return what a path leads to.

        Raises:
            DetachedError: It leads nowhere.
        """
        target = self.root
        try:
            for position in range(0, len(path), 2):
                target = step_to(target, path[position], path[position + 1])
        except (LookupError, AttributeError, TypeError):
            raise DetachedError(
                f"share.{self.attribute.name}{spell(path)} is no longer there"
            ) from None
        return target

    def path_to(self, target: Any) -> Path:
        """Return the path that leads to something in this replica.

        Raises:
            DetachedError: It is no longer part of it.
        """
        path = self._climb_from(target)
        if path is None:  # what held it when it was last looked at is gone; it may stand elsewhere
            if self.journal is not None:  # what a method puts into it is not adopted before its end
                path = self.search(target)
            else:
                self._link_all()
                path = self._climb_from(target)
        if path is None:
            raise self._detached(target)
        return path

    def stand_in(self, target: Any) -> Any:
        """Return what stands under the name of something that another has taken the place of.

        `share.tree["a"]["x"] = 1` means what "a" is when the change is made, also if somebody has
        just replaced it. Places in a list are no names: what stands there now is something else.

        Raises:
            DetachedError: There is no such thing.
        """
        steps: list[Any] = []
        thing, met = target, set[int]()
        while thing is not self.root and id(thing) not in met:
            met.add(id(thing))
            up, key = self.link(thing)
            place = place_of(up, key, thing)
            if place is None:
                if isinstance(up, dict) and key is not None:
                    place = ITEM, key
                elif up is not None and kind_of(type(up)) == OBJECT:
                    place = ATTRIBUTE, key
                else:
                    raise self._detached(target)
            steps[:0] = place
            thing = up
        found = self.walk(tuple(steps))
        if type(found) is not type(target):
            raise self._detached(target)
        return found

    def as_it_was(self) -> Replica:
        """Return what stands for this replica to something that is no longer part of it."""
        if self._past is None:
            self._past = past = object.__new__(Replica)
            past.attribute, past.words, past.end_at = self.attribute, self.words, self.end_at
            past.root, past._links, past._past = self.root, self._links, None
            past.journal, past.users, past.holds_objects = None, [], self.holds_objects
            past.is_plain = self.is_plain
            past.is_node, past.is_proxy = self.is_node, self.is_proxy
            past.seen = SUPERSEDED
        return self._past

    def _detached(self, target: Any) -> DetachedError:
        kind = type(target)
        return DetachedError(
            f"this {PLAIN_TYPES.get(kind, kind).__name__} is no longer part of "
            f"share.{self.attribute.name}: it was removed or replaced"
        )

    def search(self, target: Any) -> Path | None:
        """Return the path to something, found by looking everywhere; None: it is not here."""
        if target is self.root:
            return ()
        found: list[tuple[Any, Path]] = [(self.root, ())]
        met = {id(self.root)}
        for thing, path in found:
            if not isinstance(thing, Node) and kind_of(type(thing)) == CONTAINER:
                continue  # a method has put it there just now: it is in the record as a whole
            for key, part in holding_parts(thing):
                if id(part) in met:
                    continue
                met.add(id(part))
                step = place_of(thing, key, part)
                if step is None:
                    continue
                inner = (*path, *step)
                if part is target:
                    return inner
                found.append((part, inner))
        return None

    def last_path_to(self, target: Any) -> Path:
        """Return the path that led to something when it was last looked at."""
        steps: list[Any] = []
        met: set[int] = set()
        while target is not self.root and target is not None and id(target) not in met:
            met.add(id(target))
            up, key = self.link(target)
            kind, key = place_of(up, key, target) or (ITEM, key)
            steps += key, kind
            target = up
        steps.reverse()
        return tuple(steps)

    def adopt(self, value: Any, up: Any, key: Any) -> Any:
        """Make what was unpickled part of this replica: its containers become shared ones."""
        if type(value) in ATOMS or value is ABSENT_ROOT or not is_holding(value):
            return value
        return self._adopt(value, up, key)

    def present_all(self, values: list[Any], owner: Any) -> list[Any]:
        """Return what elements are to their reader, as a list of its own."""
        if not self.holds_objects or (self.seen == -1 and self.attribute.is_at_hand(self)):
            return values
        return [self.present(value, owner, None) for value in values]

    def present(self, value: Any, owner: Any, key: Any) -> Any:
        """Return what an element is to its reader."""
        kind = kind_of(type(value))
        if kind == ATOM:
            return track(value, Origin(self, owner, key))
        if kind == FROZEN:
            return track(self.present_frozen(value), Origin(self, owner, key))
        if kind == OBJECT and id(value) in self._links:
            from ._objects import proxy

            return proxy(self, value)
        return track(value, Origin(self, owner, key)) if kind == VALUE else value

    def present_frozen(self, value: Any) -> Any:
        """Return a tuple with its objects as their reader sees them."""
        if not self.holds_objects or not any(kind_of(type(part)) == OBJECT for part in value):
            return value
        return frozen_like(value, [self.present(part, value, None) for part in value])

    def supersede(self) -> None:
        """Stand for nothing any more: another replica takes its place."""
        self.seen = SUPERSEDED
        self.journal = None

    def close(self, seen: int) -> None:
        """End the step in which it was changed."""
        self.journal = None
        self.seen = seen

    def detached(self, thing: Any) -> Any:
        """Return a copy, of its own, of what is or was part of this replica, as it is here."""
        thread = threading.get_ident()
        self.users.append(thread)  # so that its containers look for nothing newer
        try:
            return decode(encode_state(thing))[1]
        finally:
            self.users.remove(thread)

    def has(self, thing: Any) -> bool:
        """Tell whether an object of the user's is part of this replica."""
        return id(thing) in self._links

    def own_journal(self) -> Journal | None:
        """Return the journal of the method that changes this replica, if this thread runs it."""
        journal = self.journal
        return journal if journal is not None and journal.thread == threading.get_ident() else None

    def is_in_step(self) -> bool:
        """Tell whether a method that this thread runs is changing this replica."""
        return self.own_journal() is not None

    def is_in_hand(self) -> bool:
        """Tell whether a method that this thread runs changes or reads this replica."""
        return self.is_in_step() or (bool(self.users) and threading.get_ident() in self.users)

    def is_same_place(self, where: Origin, owner: Any, key: Any) -> bool:
        """Tell whether a value was read from where it is to be written, in this replica or another.

        Args:
            where: Where it was read.
            owner: Where it is to be written, a part of this replica.
            key: And where in there.
        """
        old: Replica | None = where.replica
        if old is None or where.key != key:
            return False
        if where.owner is owner:
            return True
        if old.attribute is not self.attribute:
            return False
        try:
            if old is self:  # another place, unless that one has just been replaced by this one
                return self._climb_from(where.owner) is None and self.stand_in(where.owner) is owner
            return old.last_path_to(where.owner) == self.path_to(owner)
        except DetachedError:
            return False

    def is_standing(self, value: Any, present: Any) -> bool:
        """Tell whether a value that was read from the Share is what stands somewhere in here.

        `share.d["k"] += [1]` changes what stands there, and then assigns it.
        """
        from ._objects import whereabouts

        found = whereabouts(value)
        if found is None:
            return False
        old, thing = found
        if thing is present:
            return True
        if type(thing) is not type(present) or old.attribute is not self.attribute or old is self:
            return False
        try:
            return old.last_path_to(thing) == self.path_to(present)
        except DetachedError:
            return False

    def _climb_from(self, target: Any) -> Path | None:
        """Return the path to something by what held it, and what held that; None: it is gone."""
        steps: list[Any] = []
        met: set[int] = set()
        while target is not self.root:
            if target is None or id(target) in met:
                return None
            met.add(id(target))
            up, key = self.link(target)
            place = place_of(up, key, target)
            if place is None:
                return None
            if isinstance(target, Node) and place[0] == ITEM:
                target._key = place[1]
            steps += place[1], place[0]
            target = up
        steps.reverse()
        return tuple(steps)

    def _note_waiting(self, up: Any, place: Any) -> None:
        """Have the methods of what holds an object that threads wait at run accordingly."""
        from ._class_plans import plan_of

        met: set[int] = set()
        while up is not None and id(up) not in met:
            met.add(id(up))
            if kind_of(type(up)) == OBJECT:
                plan_of(type(up)).note_waiting(place)
            up, place = self.link(up)

    def link(self, target: Any) -> tuple[Any, Any]:
        """Return what holds something, and where it was last seen in there.

        Raises:
            DetachedError: It is not known here.
        """
        if isinstance(target, Node):
            return target._up, target._key
        found = self._links.get(id(target))
        if found is None:
            raise DetachedError(
                f"this {type(target).__name__} is no longer part of share.{self.attribute.name}"
            )
        return found[1], found[2]

    def _link_all(self) -> None:
        """Note anew of everything where it stands, and forget what is no longer here."""
        self._links = {}
        self.objects = 0
        self.adopt(self.root, None, None)
        self._most_links = max(_LEAST_LINKS, 2 * len(self._links))

    def _present_root(self) -> Any:
        root = self.root
        kind = kind_of(type(root)) if root is not ABSENT_ROOT else ATOM
        if kind == OBJECT:
            from ._objects import proxy

            return proxy(self, root)
        if kind == FROZEN:
            return track(self.present_frozen(root), self.attribute.origin)
        return track(root, self.attribute.origin) if kind in (ATOM, VALUE) else root

    def _adopt(self, value: Any, up: Any, key: Any) -> Any:
        """Adopt what holds other things, and all that it holds, however deep and in circles.

        First a node is made for each container, then the tuples are made anew that hold one, then
        all are put in the places of what they were made of.
        """
        made: dict[int, Any] = {}  # by the id of what it was made of
        found = [(value, up, key)]  # the first place of each, what holds before what is held
        frozen: list[Any] = []
        for thing, _, _ in found:
            if id(thing) in made:
                continue
            cls = type(thing)
            kind = kind_of(cls)
            if kind == CONTAINER and cls not in PLAIN_TYPES:
                made[id(thing)] = NODE_TYPES[cls]._made_of(thing)  # type: ignore[attr-defined]
            else:
                made[id(thing)] = thing
                if kind == FROZEN:
                    frozen.append(thing)
                elif kind == OBJECT:
                    self.holds_objects = True
                    self.objects += cls not in LOCKS  # which hold nothing
            found += [
                (part, thing, place)
                for place, part in holding_parts(made[id(thing)])
                if id(part) not in made
            ]
        make_anew(frozen, made)
        is_linked: set[int] = set()
        for thing, above, place in found:
            if id(thing) in is_linked:
                continue
            is_linked.add(id(thing))
            new = made[id(thing)]
            above = made[id(above)] if above is not up else up
            if isinstance(new, Node):
                node: Any = new
                node._replica, node._up, node._key = self, above, place
            else:
                self._links[id(new)] = new, above, place
                kind_of_new: Any = type(new)
                if kind_of(kind_of_new) == OBJECT and is_waited_at(kind_of_new):
                    self._note_waiting(above, place)
            if kind_of(type(new)) != FROZEN:
                for inner_place, part in holding_parts(new):
                    if made.get(id(part), part) is not part:
                        put(new, inner_place, made[id(part)])
        return made[id(value)]
