"""What things hold, whatever they are, and the steps that lead from a thing to its parts.

A thing is a container, a tuple, or an object of the user's; a path is a list of steps, each a kind
and a key (`_effects`). Nothing of the user's classes is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from ._effects import ATOMS, ATTRIBUTE, ITEM, NTH, is_found_again
from ._kinds import CONTAINER, FROZEN, OBJECT, attributes_of, holds_attributes, kind_of
from ._node import Node

Path = tuple[Any, ...]
HOLDING = frozenset({CONTAINER, FROZEN, OBJECT})


def holding_parts(thing: Any) -> list[tuple[Any, Any]]:
    """Return those parts of something that hold other things themselves, and where they are."""
    if isinstance(thing, Node) and ATOMS.issuperset(map(type, thing._held())):
        return []  # as most do, and long ones above all
    return [
        (place, part)
        for place, part in parts_of(thing)
        if type(part) not in ATOMS and is_holding(part)
    ]


def flat_copy(thing: Any) -> Any:
    """Return a copy of an ordinary container of numbers and text alone; None if it is none."""
    if type(thing) not in (list, dict, set):
        return None
    copy = thing.copy()  # before it is looked at: other threads may be changing it
    is_flat = ATOMS.issuperset(map(type, copy))
    if type(copy) is dict:
        is_flat = is_flat and ATOMS.issuperset(map(type, copy.values()))
    return copy if is_flat else None


def is_holding(thing: Any) -> bool:
    """Tell whether something holds, or may come to hold, what can change."""
    kind = kind_of(type(thing))
    if kind == FROZEN:
        return any(kind_of(type(part)) in HOLDING for part in thing)
    return kind in HOLDING


def attribute_of(thing: Any, name: str) -> Any:
    """Return an attribute that an object has of its own; None: it has none."""
    try:
        return object.__getattribute__(thing, name)
    except AttributeError:
        return None


class _Element:
    """The place of an element of an object, if its class derives from list or dict."""

    def __init__(self, key: Any) -> None:
        self.key = key


def parts_of(thing: Any) -> Iterable[tuple[Any, Any]]:
    """Return what a thing holds, and where."""
    if isinstance(thing, Node):
        return thing._parts()
    if kind_of(type(thing)) == OBJECT:
        if not holds_attributes(type(thing)):
            return ()
        return [*attributes_of(thing).items(), *_elements(thing)]
    return enumerate(thing)


def _elements(thing: Any) -> list[tuple[_Element, Any]]:
    if issubclass(type(thing), list):
        return [(_Element(key), part) for key, part in enumerate(list.__iter__(thing))]
    if issubclass(type(thing), dict):
        return [(_Element(key), part) for key, part in dict.items(thing) if is_found_again(key)]
    return []


def put(thing: Any, place: Any, part: Any) -> None:
    """Put a part in the place of another, without a record of it."""
    if isinstance(thing, Node):
        thing._put(place, part)
    elif type(place) is _Element:
        (list if issubclass(type(thing), list) else dict).__setitem__(thing, place.key, part)
    else:
        object.__setattr__(thing, place, part)


def frozen_like(old: Any, parts: list[Any]) -> Any:
    """Return a tuple or a frozenset of another's type."""
    kind: Any = type(old)
    return tuple.__new__(kind, parts) if isinstance(old, tuple) else kind(parts)


def step_to(thing: Any, kind: int, key: Any) -> Any:
    """Return what one step of a path leads to."""
    if kind == ATTRIBUTE:
        return object.__getattribute__(thing, key)
    if kind == NTH:
        return next(islice(thing._parts(), key, None))[1]
    if isinstance(thing, Node):
        return thing._part(key)
    cls = type(thing)
    for base in (list, dict, tuple):  # without what the user's class makes of it
        if issubclass(cls, base):
            return base.__getitem__(thing, key)
    raise LookupError(key)


def place_of(up: Any, key: Any, target: Any) -> tuple[int, Any] | None:
    """Return the step from something to what it holds, looking first where it was."""
    if isinstance(up, Node):
        return up._place(target, key)
    if up is None:
        return None
    for place, part in parts_of(up):
        if part is target:
            if type(place) is _Element:
                return ITEM, place.key
            return ATTRIBUTE if kind_of(type(up)) == OBJECT else ITEM, place
    return None


def make_anew(frozen: list[Any], made: dict[int, Any]) -> None:
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
                    made[id(thing)] = frozen_like(thing, parts)


def spell(path: Path) -> str:
    """Return a path as one would write it."""
    spelled = {ATTRIBUTE: ".{}", ITEM: "[{!r}]", NTH: "[<key {}>]"}
    return "".join(
        spelled[kind].format(key) for kind, key in zip(path[::2], path[1::2], strict=True)
    )
