"""This process's copy of one attribute, and the way from its root to everything in it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from ._effects import ABSENT_ROOT, ATTRIBUTE, ITEM, OPERATIONS, Effect
from ._kinds import ATOM, CONTAINER, FROZEN, OBJECT, attributes_of, is_open, kind_of
from ._node import NODE_TYPES, PLAIN_TYPES, Node, Plan
from ._scalars import Origin, track

if TYPE_CHECKING:
    from ._attribute import Attribute

Path = tuple[Any, ...]
SUPERSEDED = -2


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
        objects: How many.
        journal, thread: The effects so far of a method that runs on it, and the thread it runs in.
        users: How many methods read it just now: it must not change under them.
    """

    __slots__ = (
        "_links",
        "attribute",
        "end_at",
        "holds_objects",
        "journal",
        "objects",
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
        self.objects = 0
        self._links: dict[int, tuple[Any, Any, Any]] = {}
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

    def walk(self, path: Path) -> Any:
        """Return what a path leads to.

        Raises:
            DetachedError: It leads nowhere.
        """
        target = self.root
        try:
            for position in range(0, len(path), 2):
                key = path[position + 1]
                if path[position] == ATTRIBUTE:
                    target = object.__getattribute__(target, key)
                else:
                    target = PLAIN_TYPES.get(type(target), type(target)).__getitem__(target, key)
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
        steps: list[Any] = []
        while target is not self.root:
            up, key = self._link(target)
            place = _place(up, key, target)
            if place is None:
                raise DetachedError(
                    f"this {type(target).__name__} is no longer part of "
                    f"share.{self.attribute.name}: it was removed or replaced"
                )
            if isinstance(target, Node):
                target._key = place[1]
            steps[:0] = place
            target = up
        return tuple(steps)

    def last_path_to(self, target: Any) -> Path:
        """Return the path that led to something when it was last looked at."""
        steps: list[Any] = []
        while target is not self.root and target is not None:
            up, key = self._link(target)
            place = _place(up, key, target) or (ITEM, key)
            steps[:0] = place
            target = up
        return tuple(steps)

    def adopt(self, value: Any, up: Any, key: Any) -> Any:
        """Make what was unpickled part of this replica: its containers become shared ones."""
        return self._adopt(value, up, key, {})

    def present_all(self, values: list[Any], owner: Any) -> list[Any]:
        """Return what elements are to their reader, as a list of its own."""
        if not self.holds_objects or self.seen == -1:
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
        return value

    def present_frozen(self, value: Any) -> Any:
        """Return a tuple with its objects as their reader sees them."""
        if not self.holds_objects or not any(kind_of(type(part)) == OBJECT for part in value):
            return value
        return type(value)(self.present(part, value, None) for part in value)

    def note(
        self, target: Any, plan: Plan, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        """Carry out a plan in a method of the object, which records all its effects at its end."""
        self.attribute.changing = self
        result, effect = plan(target, *arguments, **named)
        if effect is not None:
            journal = self.journal
            assert journal is not None
            operation, *values = effect
            try:
                journal.append((operation, self.path_to(target), *values))
            except DetachedError:
                pass  # it has been taken out: nobody else has it
            OPERATIONS[operation](target, *values)
        return result

    def supersede(self) -> None:
        """Stand for nothing any more: another replica takes its place."""
        self.seen = SUPERSEDED
        self.journal = None

    def close(self, seen: int) -> None:
        """End the step in which it was changed."""
        self.journal = None
        self.value = self._present_root()
        self.seen = seen

    def has(self, thing: Any) -> bool:
        """Tell whether an object of the user's is part of this replica."""
        return id(thing) in self._links

    def is_mine(self) -> bool:
        """Tell whether a method that this thread runs has this replica in its hands."""
        return self.journal is not None and self.thread == threading.get_ident()

    def is_same_place(self, where: Origin, owner: Any, key: Any) -> bool:
        """Tell whether a value was read from where it is to be written, in this replica or another.

        Args:
            where: Where it was read.
            owner, key: Where it is to be written; the owner is part of this replica.
        """
        old: Replica | None = where.replica
        if old is None or where.key != key:
            return False
        if where.owner is owner:
            return True
        if old is self or old.attribute is not self.attribute:
            return False
        try:
            return old.last_path_to(where.owner) == self.path_to(owner)
        except DetachedError:
            return False

    def _link(self, target: Any) -> tuple[Any, Any]:
        if isinstance(target, Node):
            return target._up, target._key
        found = self._links.get(id(target))
        if found is None:
            raise DetachedError(
                f"this {type(target).__name__} is no longer part of share.{self.attribute.name}"
            )
        return found[1], found[2]

    def _present_root(self) -> Any:
        root = self.root
        kind = kind_of(type(root)) if root is not ABSENT_ROOT else ATOM
        if kind == OBJECT:
            from ._objects import proxy

            return proxy(self, root)
        if kind == FROZEN:
            return track(self.present_frozen(root), self.attribute.origin)
        return root

    def _adopt(self, value: Any, up: Any, key: Any, memo: dict[int, Any]) -> Any:
        cls = type(value)
        kind = kind_of(cls)
        if kind == ATOM or value is ABSENT_ROOT:
            return value
        known = memo.get(id(value))
        if known is not None:
            return known[0]
        if kind == CONTAINER:
            node = value if cls in PLAIN_TYPES else NODE_TYPES[cls](value)
            node._replica, node._up, node._key = self, up, key
            memo[id(value)] = node, value
            for place, part in _parts(node):
                if kind_of(type(part)) != ATOM:
                    adopted = self._adopt(part, node, place, memo)
                    if adopted is not part:
                        PLAIN_TYPES[type(node)].__setitem__(node, place, adopted)
            return node
        if kind == FROZEN:
            return self._adopt_frozen(value, up, key, memo)
        if kind == OBJECT:
            memo[id(value)] = value, value
            self.holds_objects = True
            self.objects += 1
            self._links[id(value)] = value, up, key
            for name, part in attributes_of(value).items() if is_open(cls) else ():
                if kind_of(type(part)) != ATOM:
                    adopted = self._adopt(part, value, name, memo)
                    if adopted is not part:
                        object.__setattr__(value, name, adopted)
        return value

    def _adopt_frozen(self, value: Any, up: Any, key: Any, memo: dict[int, Any]) -> Any:
        if all(kind_of(type(part)) == ATOM for part in value):
            return value
        parts = [self._adopt(part, None, place, memo) for place, part in enumerate(value)]
        if any(new is not old for new, old in zip(parts, value, strict=False)):
            value = type(value)(parts)
        self._links[id(value)] = value, up, key
        memo[id(value)] = value, value
        for part in parts:
            if isinstance(part, Node) and part._up is None:
                part._up = value
            elif id(part) in self._links and self._links[id(part)][1] is None:
                self._links[id(part)] = part, value, self._links[id(part)][2]
        return value


def _parts(node: Any) -> list[tuple[Any, Any]]:
    """Return places and what is there, of a container."""
    if isinstance(node, dict):
        return list(dict.items(node))
    if isinstance(node, list):
        return list(enumerate(list.copy(node)))
    return []


def _place(up: Any, key: Any, target: Any) -> tuple[int, Any] | None:
    """Return where in something that holds it a target is, looking first where it was."""
    if isinstance(up, dict):
        if dict.get(up, key) is target:
            return ITEM, key
        return next(((ITEM, k) for k, v in dict.items(up) if v is target), None)
    if kind_of(type(up)) == OBJECT:
        attributes = attributes_of(up)
        if attributes.get(key) is target:
            return ATTRIBUTE, key
        return next(((ATTRIBUTE, k) for k, v in attributes.items() if v is target), None)
    parts = list.copy(up) if isinstance(up, list) else list(up)
    if isinstance(key, int) and 0 <= key < len(parts) and parts[key] is target:
        return ITEM, key
    return next(((ITEM, k) for k, v in enumerate(parts) if v is target), None)


def spell(path: Path) -> str:
    """Return a path as one would write it."""
    return "".join(
        f".{key}" if kind == ATTRIBUTE else f"[{key!r}]"
        for kind, key in zip(path[::2], path[1::2], strict=True)
    )
