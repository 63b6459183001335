"""An abstract memory: which objects may a method of one class meet, and what may they hold.

    value   a set of things that an expression may refer to
    thing   stands for all objects made at one place: a literal, a call, a parameter, ...
    slot    the thing that stands for whatever an attribute holds
    inner   the thing that stands for whatever was put into a container from outside

Sets only ever grow, so evaluating a class again and again comes to an end (a points-to analysis
after L. O. Andersen, 1994, insensitive to the order of statements).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from suitkaise.sk._analysis._kinds import CLOSED, REITERABLE, is_fixed

Value: TypeAlias = "frozenset[Thing]"

NOTHING: Value = frozenset()

_ENOUGH = 100_000


class OpenedError(Exception):
    """Code that cannot be followed may have set attributes: look again, with an open memory."""


class TooMuchWorkError(Exception):
    """The class is so entangled that it is not worth knowing which attributes are written."""


class Thing:
    """One abstract object.

    Attributes:
        label: What it is called in messages.
        kinds: The types it may have; `object` if that is unknown. Not used if it has `sources`.
        sources: The things that its kinds come from: for a slot what the class stores there, for
            an inner thing what the class puts in.
        contents: What may be found in it: elements, keys, values, attributes.
        inner: What is in an instance of a class, where nothing more is known: all its parts.
        holds: What it refers to without giving it away: a view its dictionary, say.
        payload: What a call of it does, if known.
        is_fixed: It cannot change, or is no part of an object's state. False if it has `sources`.
    """

    __slots__ = ("contents", "holds", "inner", "is_fixed", "kinds", "label", "payload", "sources")

    def __init__(
        self,
        label: str,
        kinds: Iterable[type] = (object,),
        *,
        sources: set[Thing] | None = None,
        payload: object = None,
    ) -> None:
        self.label = label
        self.kinds = frozenset(kinds)
        self.sources = sources
        self.contents: set[Thing] = set()
        self.holds: set[Thing] = set()
        self.inner: Thing | None = None
        self.payload = payload
        self.is_fixed = sources is None and all(map(is_fixed, self.kinds))
        if sources is not None or self.is_fixed or self.kinds <= CLOSED:
            return
        if object in self.kinds:
            # Whatever is in an unknown thing is as unknown, so it stands for that as well.
            self.contents.add(self)
        else:
            # From outside, a container is given what the class gives it; an instance of a class
            # may hold anything.
            is_container = self.kinds <= REITERABLE
            inner = Thing(f"{label}[]", sources=self.contents if is_container else None)
            self.contents.add(inner)
            self.inner = None if is_container else inner

    def __repr__(self) -> str:
        return f"<{self.label}>"


class Memory:
    """All things that the methods of one class may meet.

    Attributes:
        itself: The object whose methods are looked at.
        its_class: Its class, and the bases of that.
        its_dict: Its ``__dict__``.
        base: What it holds where a type written in C keeps it: the elements of a list subclass.
        anything: What all its attributes hold, if `is_open`: then they are not told apart.
        none: None.
        elsewhere: What is stored on functions, modules and classes of others.
        raised: What is raised anywhere, and so may be caught.
        others: Other objects of the same class, as far as they are made here.
        is_open: Code that cannot be followed may have set attributes.
        is_settled: What has no source by now has none at all: it is unknown, no longer empty.
        work: How many things have been looked at, to know when a class is too entangled.
        is_limited: It gives up when that is too much.
        has_grown: Something was added since this was last set to False.
    """

    def __init__(self, *, is_open: bool = False) -> None:
        self.itself = Thing("self")
        self.its_class = Thing("class")
        self.its_dict = Thing("__dict__", [dict])
        self.base = Thing("base")
        self.anything = Thing("anything")
        self.none = Thing("None", [])
        self.others: set[Thing] = set()
        self.elsewhere: set[Thing] = set()
        self.work = 0
        self.is_limited = True
        self.raised: set[Thing] = set()
        self.is_open = is_open
        self.is_settled = False
        self.has_grown = False
        self.slots: dict[str, Thing] = {}
        self._atoms: dict[type, Value] = {}
        self._made: dict[object, Thing] = {}
        self._kinds: dict[Thing, frozenset[type]] = {}

    def atom(self, kind: type) -> Value:
        """An immutable value of this type. A str gives a str when it is iterated."""
        if kind is type(None):
            return frozenset([self.none])
        if kind not in self._atoms:
            thing = Thing(kind.__name__, [kind])
            thing.contents.add(thing)
            self._atoms[kind] = frozenset([thing])
        return self._atoms[kind]

    def made(self, place: object, kind: type = object, payload: object = None) -> Thing:
        """The thing that stands for what is made at a place: the same whenever it is asked for."""
        thing = self._made.get((place, kind))
        if thing is None:
            label = getattr(place, "lineno", place)
            thing = self._made[place, kind] = Thing(f"{kind.__name__} of {label}", [kind])
            thing.payload = payload
        return thing

    def slot(self, name: str) -> Thing:
        """The thing that stands for what the attribute holds."""
        slot = self.slots.get(name)
        if slot is None:
            slot = self.slots[name] = Thing(f".{name}", sources=set())
            self.has_grown = True
            self._kinds.clear()
        return slot

    def held(self, name: str) -> Value:
        """What an attribute of the object may refer to."""
        slot = self.slot(name)
        if self.is_open:
            return frozenset([self.anything])
        return frozenset([slot, *(slot.sources or ())])

    def hold(self, name: str, value: Iterable[Thing]) -> None:
        """Store in an attribute of the object."""
        sources = self.slot(name).sources
        assert sources is not None
        if self.is_open:
            self.grow(self.anything.holds, value)
        elif self.grow(sources, value):
            self._kinds.clear()

    def open(self) -> None:
        """Note that code that cannot be followed may have set attributes."""
        if not self.is_open:
            raise OpenedError

    def settle(self) -> None:
        """Note that what has no source by now has none at all."""
        self.is_settled = True
        self._kinds.clear()
        for slot in list(self.slots.values()):
            self.kinds(slot)

    def grow(self, into: set[Thing], value: Iterable[Thing]) -> bool:
        """Add to a set of this memory. Whether that was new."""
        size = len(into)
        into.update(value)
        if len(into) != size:
            self.has_grown = True
            return True
        return False

    def put(self, value: Iterable[Thing], containers: Iterable[Thing]) -> None:
        """Put a value into containers."""
        for container in containers:
            if container is self.anything:
                self.grow(container.holds, value)
            elif not self.is_fixed(container) and self.grow(container.contents, value):
                if container.inner is not None:
                    self.grow(container.inner.contents, container.contents)
                if object not in container.kinds:
                    self._kinds.clear()

    def kinds(self, thing: Thing) -> frozenset[type]:
        """The types that a thing may have; `object` among them means that it is unknown."""
        if thing.sources is None:
            return thing.kinds
        kinds = self._kinds.get(thing)
        if kinds is None:
            kinds = self._kinds[thing] = self._kinds_of(thing)
        return kinds

    def _kinds_of(self, thing: Thing) -> frozenset[type]:
        found: set[type] = set()
        seen = {thing}
        waiting = [thing]
        while waiting:
            current = waiting.pop()
            if current.sources is None:
                found.update(current.kinds)
                continue
            if self.is_settled and not current.sources - {self.none, current}:
                self._reveal(current)
            new = current.sources - seen
            seen |= new
            waiting.extend(new)
        if self.is_settled and not found:
            self._reveal(thing)
            found.add(object)
        return frozenset(found)

    def _reveal(self, thing: Thing) -> None:
        """Note that what a thing stands for comes from outside: nothing is known of it."""
        if thing.sources is not None:
            thing.sources.add(Thing(f"unknown {thing.label}"))
            self.has_grown = True

    def is_known(self, thing: Thing, among: Iterable[type] | dict[type, object]) -> bool:
        """Whether all types that a thing may have are among these."""
        return all(kind in among for kind in self.kinds(thing))

    def is_fixed(self, thing: Thing) -> bool:
        """Whether a thing cannot change, or is no part of an object's state."""
        if thing.sources is None:
            return thing.is_fixed
        return all(map(is_fixed, self.kinds(thing)))

    def contents(self, thing: Thing) -> set[Thing]:
        """What may be found in a thing."""
        if thing is self.its_dict:
            return {other for name in list(self.slots) for other in self.held(name)}
        if thing.sources is not None and object in self.kinds(thing):
            thing.contents.add(thing)
        return thing.contents

    def reach(self, value: Iterable[Thing], known: Iterable[Thing] = ()) -> set[Thing]:
        """All that can be got at from a value, itself included; nothing beyond the object.

        Args:
            value: Where to begin.
            known: What has been got at already, and is left out.
        """
        seen = set(known)
        found = set(value) - seen
        waiting = list(found)
        while waiting:
            thing = waiting.pop()
            if thing is self.itself:
                continue
            new = (self.contents(thing) | thing.holds) - found - seen
            found |= new
            waiting.extend(new)
        self.work += 1 + len(found)
        if self.is_limited and self.work > _ENOUGH:
            raise TooMuchWorkError
        return found

    def reached(self, name: str) -> set[Thing]:
        """All that an attribute's value consists of."""
        return self.reach(self.held(name))
