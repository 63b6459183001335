"""This process's copy of one attribute, and the way from its root to everything in it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

from ._effects import ABSENT_ROOT, ATOMS, ATTRIBUTE, ITEM, NTH, OPERATIONS, Effect
from ._kinds import ATOM, CONTAINER, FROZEN, OBJECT, attributes_of, kind_of
from ._node import NODE_TYPES, PLAIN_TYPES, Node
from ._scalars import Origin, track

if TYPE_CHECKING:
    from ._attribute import Attribute

Path = tuple[Any, ...]
SUPERSEDED = -2
_HOLDING = frozenset({CONTAINER, FROZEN, OBJECT})
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
        holds_objects: Whether there are objects of the user's in it, which need a proxy to be read.
    """

    __slots__ = (
        "_links",
        "_most_links",
        "attribute",
        "end_at",
        "holds_objects",
        "journal",
        "root",
        "seen",
        "thread",
        "users",
        "value",
        "words",
    )

    def __init__(self, attribute: Attribute, root: Any, seen: int, *, is_plain: bool) -> None:
        self.attribute = attribute
        self.words = attribute.words
        self.end_at = attribute.end_at
        self.holds_objects = False
        self.journal: list[Effect] | None = None
        self.thread = 0
        self.users = 0
        self._links: dict[int, tuple[Any, Any, Any]] = {}
        self._most_links = _LEAST_LINKS
        self.root = root if is_plain else self.adopt(root, None, None)
        self.value = track(root, attribute.origin) if is_plain else self._present_root()
        self.seen = seen

    def set_plain(self, value: Any, seen: int) -> None:
        """Take a new value, where there has been none but a plain one."""
        self.seen = -1
        self.root = value
        self.value = track(value, self.attribute.origin)
        self.seen = seen

    def apply(self, effects: Any, *, is_plain: bool) -> None:
        """Replay effects that came from the log."""
        for operation, path, *arguments in effects:
            target = self.walk(path) if path else self.root
            if not is_plain:
                arguments = [self.adopt(argument, target, None) for argument in arguments]
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
                target = _step(target, path[position], path[position + 1])
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
            self._link_all()
            path = self._climb_from(target)
        if path is None:
            raise DetachedError(
                f"this {type(target).__name__} is no longer part of "
                f"share.{self.attribute.name}: it was removed or replaced"
            )
        return path

    def last_path_to(self, target: Any) -> Path:
        """Return the path that led to something when it was last looked at."""
        steps: list[Any] = []
        met: set[int] = set()
        while target is not self.root and target is not None and id(target) not in met:
            met.add(id(target))
            up, key = self._link(target)
            kind, key = _place(up, key, target) or (ITEM, key)
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
        if not self.holds_objects or self.seen == -1:
            return values
        return [self.present(value, owner, None) for value in values]

    def present(self, value: Any, owner: Any, key: Any) -> Any:
        """Return what an element is to its reader."""
        kind = kind_of(type(value))
        if kind == ATOM:
            return track(value, Origin(self.attribute, owner, key))
        if kind == FROZEN:
            return track(self.present_frozen(value), Origin(self.attribute, owner, key))
        if kind == OBJECT:
            from ._objects import proxy

            return proxy(self, value)
        return value

    def present_frozen(self, value: Any) -> Any:
        """Return a tuple with its objects as their reader sees them."""
        if not self.holds_objects or not any(kind_of(type(part)) == OBJECT for part in value):
            return value
        return type(value)(self.present(part, value, None) for part in value)

    def is_mine(self) -> bool:
        """Tell whether a method that this thread runs has this replica in its hands."""
        return self.journal is not None and self.thread == threading.get_ident()

    def is_same(self, one: Any, other: Any) -> bool:
        """Tell whether two handles are for the same place."""
        if one is other:
            return True
        replica = getattr(one, "_replica", None)
        if replica is None or replica.attribute is not self.attribute:
            return False
        return bool(replica.last_path_to(one) == self.last_path_to(other))

    def _climb_from(self, target: Any) -> Path | None:
        """Return the path to something by what held it, and that; None: it leads astray."""
        steps: list[Any] = []
        met: set[int] = set()
        while target is not self.root:
            if target is None or id(target) in met:
                return None
            met.add(id(target))
            up, key = self._link(target)
            place = _place(up, key, target)
            if place is None:
                return None
            if isinstance(target, Node) and place[0] == ITEM:
                target._key = place[1]
            steps += place[1], place[0]
            target = up
        steps.reverse()
        return tuple(steps)

    def _link(self, target: Any) -> tuple[Any, Any]:
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
        return track(root, self.attribute.origin) if kind == ATOM else root

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
            found += [
                (part, thing, place)
                for place, part in _holding_parts(made[id(thing)])
                if id(part) not in made
            ]
        _make_anew(frozen, made)
        is_linked: set[int] = set()
        for thing, above, place in found:
            if id(thing) in is_linked:
                continue
            is_linked.add(id(thing))
            new = made[id(thing)]
            above = made[id(above)] if above is not up else up
            if isinstance(new, Node):
                new._replica, new._up, new._key = self, above, place  # type: ignore[misc]
            else:
                self._links[id(new)] = new, above, place
            if kind_of(type(new)) != FROZEN:
                for inner_place, part in _holding_parts(new):
                    if made.get(id(part), part) is not part:
                        _put(new, inner_place, made[id(part)])
        return made[id(value)]


def _holding_parts(thing: Any) -> list[tuple[Any, Any]]:
    """Return those parts of something that hold other things themselves, and where they are."""
    return [
        (place, part)
        for place, part in _parts(thing)
        if type(part) not in ATOMS and is_holding(part)
    ]


def is_holding(thing: Any) -> bool:
    """Tell whether something holds, or may come to hold, what can change."""
    kind = kind_of(type(thing))
    if kind == FROZEN:
        return any(kind_of(type(part)) in _HOLDING for part in thing)
    return kind in _HOLDING


def _parts(thing: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(thing, Node):
        return thing._parts()
    if kind_of(type(thing)) == OBJECT:
        return attributes_of(thing).items()
    return enumerate(thing)


def _put(thing: Any, place: Any, part: Any) -> None:
    if isinstance(thing, Node):
        thing._put(place, part)
    else:
        object.__setattr__(thing, place, part)


def _step(thing: Any, kind: int, key: Any) -> Any:
    """Return what one step of a path leads to."""
    if kind == ATTRIBUTE:
        return object.__getattribute__(thing, key)
    if kind == NTH:
        return next(islice(thing._parts(), key, None))[1]
    return thing._part(key) if isinstance(thing, Node) else thing[key]


def _place(up: Any, key: Any, target: Any) -> tuple[int, Any] | None:
    """Return the step from something to what it holds, looking first where it was."""
    if isinstance(up, Node):
        return up._place(target, key)
    if up is None:
        return None
    kind = ATTRIBUTE if kind_of(type(up)) == OBJECT else ITEM
    return next(((kind, place) for place, part in _parts(up) if part is target), None)


def _make_anew(frozen: list[Any], made: dict[int, Any]) -> None:
    """Make those tuples anew in which something has been: first the ones inside others."""
    done: set[int] = set()
    for outermost in frozen:
        waiting = [outermost]
        while waiting:
            thing = waiting[-1]
            inside = [
                part
                for part in thing
                if kind_of(type(part)) == FROZEN and id(part) in made and id(part) not in done
            ]
            if inside:
                waiting += inside
                continue
            waiting.pop()
            if id(thing) not in done:
                done.add(id(thing))
                parts = [made.get(id(part), part) for part in thing]
                if any(new is not old for new, old in zip(parts, thing, strict=True)):
                    made[id(thing)] = type(thing)(parts)


def spell(path: Path) -> str:
    """Return a path as one would write it."""
    spelled = {ATTRIBUTE: ".{}", ITEM: "[{!r}]", NTH: "[<key {}>]"}
    return "".join(
        spelled[kind].format(key) for kind, key in zip(path[::2], path[1::2], strict=True)
    )
