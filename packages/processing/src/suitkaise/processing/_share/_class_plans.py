"""How each name of a user's class is to be used through a Share; found out once per class.

    DATA        an attribute of the object: read from the replica, written as an effect
    READING     changes nothing: runs on the replica
    CHANGING    runs on the replica as one step, and what it changed becomes a record
    AWAY        waits, or goes on later (sleeping, locks, async, generators): runs with the proxy
                in the place of the object, so that each access is a step of its own
    CLASS       does not touch the object: static and class methods

What a method changes is told by `Skclass` from its source. What cannot be told counts as changing
everything. The analysis is imported with the first class that is shared: a process that shares none
starts without it.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from suitkaise.timing import Sktimer

from ._timers import LOCAL_METHODS
from ._waiting import method_of

_METHOD_LIKE = (functools.partialmethod, functools.singledispatchmethod)

DATA, READING, CHANGING, AWAY, CLASS = range(5)
ALL = ("*",)


class Entry(NamedTuple):
    """How a name is used."""

    kind: int
    function: Callable[..., Any] | None = None  # called with the object first
    writes: tuple[str, ...] = ()  # the attributes that it may change
    is_property: bool = False
    original: Any = None  # what stands in the class
    is_coroutine: bool = False
    is_ours: bool = False  # not the class's: found before what the object itself has of that name


class ClassPlan:
    """How the names of one class are used."""

    def __init__(self, cls: type) -> None:
        self.cls = cls
        self._entries: dict[str, Entry] = {}
        self._setters: dict[str, Entry] = {}
        self._deleters: dict[str, Entry] = {}
        self._meta = _meta_of(cls)
        self.has_hook = lookup(cls, "__getattr__") is not _MISSING
        self._waited_at: set[str] = set()  # attributes that hold what threads wait at

    def note_waiting(self, name: Any) -> None:
        """Have methods that use an attribute run away: threads wait at what it holds."""
        if isinstance(name, str) and name not in self._waited_at:
            self._waited_at.add(name)
            self._entries = {}

    def to_read(self, name: str) -> Entry:
        """Return how a name is read, or what it is if it is a method."""
        entry = self._entries.get(name)
        if entry is None:
            entry = self._entries[name] = self._entry(name)
        return entry

    def to_set(self, name: str) -> Entry:
        """Return how a name is assigned to."""
        entry = self._setters.get(name)
        if entry is None:
            entry = self._setters[name] = self._accessor(name, "__setattr__", "__set__", "SET")
        return entry

    def to_delete(self, name: str) -> Entry:
        """Return how a name is deleted."""
        entry = self._deleters.get(name)
        if entry is None:
            entry = self._deleters[name] = self._accessor(
                name, "__delattr__", "__delete__", "DELETE"
            )
        return entry

    def special_names(self) -> set[str]:
        """Return the names of the special methods that the class has beyond those of `object`."""
        return {
            name
            for base in self.cls.__mro__
            if base is not object
            for name, value in base.__dict__.items()
            if name.startswith("__") and name.endswith("__")
            if callable(value) or value is None
        }

    def _entry(self, name: str) -> Entry:
        if issubclass(self.cls, Sktimer) and (local := LOCAL_METHODS.get(name)):
            return Entry(AWAY, local, original=lookup(self.cls, name))
        found = lookup(self.cls, name)
        ours = method_of(self.cls, name)
        if ours is not None:
            return Entry(AWAY, ours, original=ours if found is _MISSING else found, is_ours=True)
        if found is _MISSING:
            return Entry(DATA)
        if isinstance(found, staticmethod | classmethod):
            return Entry(CLASS, original=found)
        if isinstance(found, property):
            writes = self._property_writes(name, "GET")
            kind = CHANGING if writes else READING
            return Entry(kind, found.__get__, writes, is_property=True, original=found)
        if isinstance(found, types.FunctionType):
            return self._method(name, found, found)
        get = getattr(type(found), "__get__", None)
        if get is None or isinstance(found, types.MemberDescriptorType):
            return Entry(DATA)
        if callable(found) or isinstance(found, _METHOD_LIKE):  # a decorated function, or one in C
            return self._method(name, found, functools.partial(_call_bound, found))
        return Entry(CHANGING, found.__get__, ALL, is_property=True, original=found)

    def _method(self, name: str, found: Any, function: Callable[..., Any]) -> Entry:
        plain = inspect.unwrap(found)
        if (
            inspect.iscoroutinefunction(plain)
            or inspect.isgeneratorfunction(plain)
            or inspect.isasyncgenfunction(plain)
        ):
            is_coroutine = inspect.iscoroutinefunction(found)
            return Entry(AWAY, function, original=found, is_coroutine=is_coroutine)
        uses = self._meta["methods"].get(name, {"writes": ALL, "reads": ALL})
        writes = tuple(uses["writes"])
        if isinstance(plain, types.FunctionType) and (
            not self._waited_at.isdisjoint(uses["reads"]) or _blocks(found, plain, self.cls)
        ):
            return Entry(AWAY, function, writes, original=found)
        return Entry(CHANGING if writes else READING, function, writes, original=found)

    def _accessor(self, name: str, hook: str, method: str, use: str) -> Entry:
        custom = lookup(self.cls, hook)
        if isinstance(custom, types.FunctionType):
            return Entry(CHANGING, lambda thing, *value: custom(thing, name, *value), ALL)
        found = lookup(self.cls, name)
        accessor = getattr(type(found), method, None)
        if found is _MISSING or accessor is None or isinstance(found, types.MemberDescriptorType):
            return Entry(DATA)
        writes = self._property_writes(name, use) if isinstance(found, property) else ALL
        return Entry(CHANGING, lambda thing, *value: accessor(found, thing, *value), writes or ALL)

    def _property_writes(self, name: str, use: str) -> tuple[str, ...]:
        if isinstance(self.cls.__dict__.get("_shared_meta"), dict):  # written by hand
            return tuple(self._meta["properties"].get(name, {"writes": ALL})["writes"])
        from suitkaise.sk._siblings import Use, property_access

        try:
            return tuple(property_access(self.cls, name, Use[use])["writes"])
        except KeyError:
            return ALL


_MISSING = object()
_plans: dict[type, ClassPlan] = {}


def plan_of(cls: type) -> ClassPlan:
    """Return the plan of a class."""
    plan = _plans.get(cls)
    if plan is None:
        plan = _plans[cls] = ClassPlan(cls)
    return plan


def lookup(cls: type, name: str) -> Any:
    """Return what stands under a name in a class or its bases, unbound."""
    for base in cls.__mro__:
        if name in base.__dict__ and (base is not object or name == "__class__"):
            return base.__dict__[name]
    return _MISSING


def _meta_of(cls: type) -> Any:
    if "_shared_meta" in cls.__dict__:
        return cls._shared_meta  # type: ignore[attr-defined]
    from suitkaise.sk import Skclass

    try:
        return Skclass(cls)._shared_meta  # type: ignore[attr-defined]
    except TypeError:  # a built-in class: nothing can be told
        return {"methods": {}, "properties": {}}


def _blocks(found: Any, plain: types.FunctionType, cls: type) -> bool:
    from suitkaise.sk._siblings import find_blocking_calls

    return getattr(found, "__sk_blocking__", False) is True or bool(find_blocking_calls(plain, cls))


def _call_bound(found: Any, thing: Any, /, *args: Any, **kwargs: Any) -> Any:
    return found.__get__(thing, type(thing))(*args, **kwargs)
