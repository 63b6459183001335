"""Builtins that do to an object what syntax does: getattr, setattr, super, next, ..."""

from __future__ import annotations

from collections.abc import Callable

from suitkaise.sk._analysis import _kinds
from suitkaise.sk._analysis._callees import (
    Arguments,
    OwnClass,
    Super,
)
from suitkaise.sk._analysis._calls import Calls
from suitkaise.sk._analysis._memory import NOTHING, Value


def _getattr(calls: Calls, arguments: Arguments, place: object) -> Value | None:
    name = arguments.name(1)
    if not arguments.positional:
        return None
    value = arguments.positional[0]
    default = frozenset().union(*arguments.positional[2:])
    if name is not None:
        return calls.load_attribute(value, name, place) | default
    if calls.memory.itself in value:
        calls.star()
        inside = calls.contents(frozenset([calls.memory.its_dict]))
        return calls.itself | inside | default
    return calls.foreign(value, place) | default


def _setattr(calls: Calls, arguments: Arguments, place: object) -> Value | None:
    name = arguments.name(1)
    if name is not None and len(arguments.positional) == 3:
        calls.store_attribute(arguments.positional[0], name, arguments.positional[2], place)
        return NOTHING
    return None


def _delattr(calls: Calls, arguments: Arguments, place: object) -> Value | None:
    name = arguments.name(1)
    if name is not None and len(arguments.positional) == 2:
        calls.delete_attribute(arguments.positional[0], name, place)
        return NOTHING
    return None


def _vars(calls: Calls, arguments: Arguments, place: object) -> Value | None:
    if len(arguments.positional) == 1 and not arguments.spread:
        return calls.load_attribute(arguments.positional[0], "__dict__", place)
    calls.star()
    return None


def _type(calls: Calls, arguments: Arguments, place: object) -> Value | None:
    if len(arguments.positional) != 1 or arguments.spread:
        return None
    classes: Value = NOTHING
    if calls.memory.itself in arguments.positional[0]:
        classes = calls.class_thing(calls.cls)
    if arguments.positional[0] - calls.itself:
        classes |= calls.fresh(place)
    return classes


def _iter(calls: Calls, arguments: Arguments, place: object) -> Value | None:
    if len(arguments.positional) != 1 or arguments.spread:
        return None
    value = arguments.positional[0]
    given = calls.special(value, ("__iter__",))
    items = calls.iterate(value - calls.itself, place)
    iterator = calls.fresh((place, "iterator"), _kinds.Iterator, items)
    calls.memory.grow(next(iter(iterator)).holds, calls.loose(value))
    known = {t for t in value if calls.memory.is_known(t, _kinds.REITERABLE)}
    return given | iterator | (value - known - calls.itself)


def _next(calls: Calls, arguments: Arguments, place: object) -> Value | None:
    if not arguments.positional or arguments.spread:
        return None
    value = arguments.positional[0]
    calls.change(value - calls.itself)
    found = calls.special(value, ("__next__",))
    for thing in value - calls.itself:
        found |= calls.iterate(frozenset([thing]), place)
    return found.union(*arguments.positional[1:])


def _isinstance(calls: Calls, arguments: Arguments, place: object) -> Value | None:
    names = ("__instancecheck__", "__subclasscheck__")
    calls.special(frozenset().union(*arguments.positional[1:]), names, arguments)
    return calls.memory.atom(bool)


def _super(calls: Calls, arguments: Arguments, place: object) -> Value | None:
    after: object = None
    if not arguments.positional:
        root = calls.unit.root
        cells = dict(
            zip(root.function.__code__.co_freevars, root.function.__closure__ or (), strict=False)
        )
        if "__class__" in cells:
            try:
                after = cells["__class__"].cell_contents
            except ValueError:
                after = None
        first = frozenset(
            thing
            for unit in {root, calls.unit}
            for name in unit.positional[:1]
            for thing in unit.variables.get(name, ())
        )
    else:
        owners = {
            t.payload.owner for t in arguments.positional[0] if isinstance(t.payload, OwnClass)
        }
        after = owners.pop() if len(owners) == 1 and len(arguments.positional[0]) == 1 else None
        first = arguments.positional[1] if len(arguments.positional) > 1 else NOTHING
    if not isinstance(after, type) or after not in calls.cls.__mro__:
        return None if arguments.positional else _lost(calls)
    made = calls.memory.made(("super", after, calls.unit))
    before = made.payload.first if isinstance(made.payload, Super) else NOTHING
    made.payload = Super(after, first | before)
    return frozenset([made])


def _lost(calls: Calls) -> Value:
    calls.star()
    return calls.itself


SPECIALS: dict[object, Callable[[Calls, Arguments, object], Value | None]] = {
    getattr: _getattr,
    hasattr: _getattr,
    setattr: _setattr,
    delattr: _delattr,
    vars: _vars,
    type: _type,
    iter: _iter,
    next: _next,
    super: _super,
    isinstance: _isinstance,
    issubclass: _isinstance,
}
