"""A walk through everything that an object holds, in which parts can be replaced.

It goes breadth first, so that a thing is known by its shortest path, and into each thing once.
What is changed is changed in place; tuples and frozensets are made anew around what has changed.
Nothing of the user's is called: no property, no `__getattr__`, no `__setattr__`.
"""

import reprlib
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from enum import Enum
from logging import Logger
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, ModuleType
from typing import Any, NamedTuple
from weakref import ProxyTypes

from suitkaise.cucumber._reconnector import Reconnector

_LEAVES = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})

# They belong to the whole process, and were not sent.
_CLOSED = (type, ModuleType, FunctionType, BuiltinFunctionType, Logger, Enum)


class Place(NamedTuple):
    """Where something is.

    Attributes:
        around: The place of what holds it; None for the object itself.
        step: How Python reaches it from there, such as `.db` or `['main']`.
        name: The attribute, or the key if that is a text; None for any other step.
    """

    around: "Place | None"
    step: str
    name: str | None

    @property
    def path(self) -> str:
        """The steps from the object to here, as Python writes them."""
        return "".join(place.step for place in self._way())

    @property
    def names(self) -> list[str]:
        """The names on the way, the nearest last."""
        return [place.name for place in self._way() if place.name is not None]

    def _way(self) -> "list[Place]":
        way = []
        place: Place | None = self
        while place is not None:
            way.append(place)
            place = place.around
        return way[::-1]


Visit = Callable[[Any, Place], Any]
_PlaceOf = Callable[[Place, Any], Place]


def _item(around: Place, key: Any) -> Place:
    return Place(around, f"[{reprlib.repr(key)}]", key if isinstance(key, str) else None)


def _attribute(around: Place, name: str) -> Place:
    return Place(around, f".{name}", name)


def _member(around: Place, member: Any) -> Place:
    """Make the place of a key or of a set's member, which no expression reaches."""
    return Place(around, "{...}", None)


def walk(root: Any, visit: Visit) -> Any:
    """Visit all that an object holds: items, keys, attributes and slots.

    Args:
        root: The object.
        visit: Called once with each thing and its place; returns what is to be there: the thing
            itself, or another. The walk goes on into what it returns.

    Returns:
        The object, or what takes its place.
    """
    return _Walk(visit).run(root)


class _Walk:
    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._outcomes: dict[int, Any] = {}  # by id: what is to be in the place of a thing
        self._seen: list[Any] = []  # kept alive, so that no id is used again
        self._pending: deque[tuple[Any, Place]] = deque()
        self._slots: dict[type, dict[str, Any]] = {}

    def run(self, root: Any) -> Any:
        """Walk to the end."""
        outcome = self._resolve(root, Place(None, "", None))
        while self._pending:
            self._enter(*self._pending.popleft())
        return outcome

    def _resolve(self, thing: Any, place: Place) -> Any:
        """Tell what is to be in the place of a thing, and note that it is to be entered."""
        if id(thing) in self._outcomes:
            return self._outcomes[id(thing)]
        outcome = self._visit(thing, place)
        if type(outcome) in ProxyTypes:  # it passes for its target, which is held elsewhere
            pass
        elif isinstance(outcome, tuple | frozenset):
            outcome = self._resolve_members(outcome, place)
        elif not isinstance(outcome, _CLOSED):
            self._pending.append((outcome, place))
        self._seen += (thing, outcome)
        self._outcomes[id(thing)] = self._outcomes[id(outcome)] = outcome
        return outcome

    def _resolve_all(
        self, things: Iterable[tuple[Any, Any]], place: Place, place_of: _PlaceOf
    ) -> dict[Any, Any]:
        """Resolve things, given with their keys; returns those that are to be others, by key."""
        changed = {}
        for key, thing in things:
            if type(thing) not in _LEAVES:
                outcome = self._resolve(thing, place_of(place, key))
                if outcome is not thing:
                    changed[key] = outcome
        return changed

    def _resolve_members(self, members: Any, place: Place) -> Any:
        """Make a tuple or frozenset anew, if something in it is to be another."""
        kind = type(members)
        made: Any = members
        old = list(members)
        place_of = _item if isinstance(members, tuple) else _member
        changed = self._resolve_all(enumerate(old), place, place_of)
        if changed:
            new = [changed.get(index, member) for index, member in enumerate(old)]
            maker: Any = tuple if isinstance(members, tuple) else frozenset
            made = maker.__new__(kind, new)
            if hasattr(members, "__dict__"):
                vars(made).update(vars(members))
        if hasattr(made, "__dict__"):
            self._pending.append((_Attributes(made), place))
        return made

    def _enter(self, thing: Any, place: Place) -> None:
        """Resolve what a mutable thing holds."""
        if isinstance(thing, Reconnector):
            description = (("", thing._description),)
            for changed in self._resolve_all(description, place, lambda around, _: around).values():
                thing._description = changed
            return
        if isinstance(thing, _Attributes):
            thing = thing.owner
        elif isinstance(thing, dict):
            self._enter_dict(thing, place)
        elif isinstance(thing, list):
            for index, outcome in self._resolve_all(enumerate(thing), place, _item).items():
                list.__setitem__(thing, index, outcome)
        elif isinstance(thing, deque):
            for index, outcome in self._resolve_all(enumerate(thing), place, _item).items():
                deque.__setitem__(thing, index, outcome)
        elif isinstance(thing, set):
            old = list(thing)
            for index, outcome in self._resolve_all(enumerate(old), place, _member).items():
                set.discard(thing, old[index])
                set.add(thing, outcome)
        self._enter_attributes(thing, place)

    def _enter_dict(self, thing: dict[Any, Any], place: Place) -> None:
        for key, outcome in self._resolve_all(list(dict.items(thing)), place, _item).items():
            dict.__setitem__(thing, key, outcome)
        keys = [(key, key) for key in dict.keys(thing)]
        new_keys = self._resolve_all(keys, place, _member)
        if new_keys:
            items = [(new_keys.get(key, key), value) for key, value in dict.items(thing)]
            kind: Any = OrderedDict if isinstance(thing, OrderedDict) else dict
            kind.clear(thing)
            kind.update(thing, items)  # in the order that it had

    def _enter_attributes(self, thing: Any, place: Place) -> None:
        try:
            own = object.__getattribute__(thing, "__dict__")
        except AttributeError:
            own = None
        if type(own) is dict:
            changed = self._resolve_all(list(own.items()), place, _attribute)
            own.update(changed)
        slots = self._slots_of(type(thing))
        held = []
        for name, slot in slots.items():
            try:
                held.append((name, slot.__get__(thing)))
            except AttributeError:  # not set
                continue
        for name, outcome in self._resolve_all(held, place, _attribute).items():
            slots[name].__set__(thing, outcome)

    def _slots_of(self, cls: type) -> dict[str, Any]:
        """Find the slots that classes written in Python define, by name."""
        if cls not in self._slots:
            self._slots[cls] = {
                name: slot
                for base in reversed(cls.__mro__)
                if "__slots__" in vars(base)
                for name, slot in vars(base).items()
                if isinstance(slot, MemberDescriptorType)
            }
        return self._slots[cls]


class _Attributes(NamedTuple):
    """Pending: the attributes of a tuple or frozenset whose members are resolved."""

    owner: Any
