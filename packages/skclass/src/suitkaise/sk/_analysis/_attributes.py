"""What reading, setting and deleting an attribute does."""

from __future__ import annotations

import types
from collections.abc import Callable
from types import FunctionType

from suitkaise.sk._analysis import _kinds
from suitkaise.sk._analysis._callees import (
    Arguments,
    BaseMethod,
    Bound,
    Known,
    OwnClass,
    Super,
    Taken,
)
from suitkaise.sk._analysis._members import Member, Role, find, is_hook, is_plain
from suitkaise.sk._analysis._memory import NOTHING, Memory, Thing, Value
from suitkaise.sk._analysis._native import Native
from suitkaise.sk._analysis._rules import METHODS
from suitkaise.sk._analysis._unit import Unit

_CLASS_TEXTS = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})


def _mro_of(meta: type) -> tuple[type, ...]:
    return meta.__mro__


class Attributes(Native):
    """Attributes of values; see `Context` for the arguments."""

    def __init__(
        self, cls: type, memory: Memory, unit_of: Callable[[FunctionType, type | None], Unit]
    ) -> None:
        super().__init__(cls, memory, unit_of)
        hooks = ("__setattr__", "__delattr__", "__getattribute__", "__getattr__")
        found = {name: self.find(name) for name in hooks}
        self._hooks = {name: member for name, member in found.items() if member and is_hook(member)}
        meta = _mro_of(type(cls))
        self._has_meta_hooks = type(cls).__module__ not in ("builtins", "abc", "enum") and any(
            find(name, meta[: meta.index(type)]) for name in hooks
        )

    def find(self, name: str) -> Member | None:
        """What a name means on the class."""
        return find(name, self.cls.__mro__)

    # Attributes

    def load_attribute(self, value: Value, name: str, place: object) -> Value:
        """Read an attribute."""
        found: set[Thing] = set()
        unknown: set[Thing] = set()
        for thing in value:
            payload = thing.payload
            if thing is self.memory.itself:
                found |= self._load_own(name, place)
            elif isinstance(payload, OwnClass):
                found |= self._load_class(payload.owner, name, place)
            elif isinstance(payload, Super):
                member = find(name, self.cls.__mro__, payload.after)
                if member is None:
                    self.star()
                    found |= self.itself
                else:
                    found |= self.member_value(member, payload.first, place)
            elif isinstance(payload, Known) and isinstance(payload.value, types.ModuleType):
                inside = vars(payload.value)
                found |= self.memory.elsewhere
                found |= self.known(inside[name]) if name in inside else self.fresh(place)
            elif isinstance(payload, Known) and isinstance(payload.value, type):
                found |= self.memory.elsewhere
                found |= self._load_foreign_class(payload.value, name, place)
            elif isinstance(payload, Bound):
                found |= self._load_function(thing, payload, name)
            elif (loaded := self._load_plain(thing, name, place)) is not None:
                found |= loaded
            else:
                self.suspect(thing)
                unknown.add(thing)
        return frozenset(found | self.foreign(unknown, place)) if unknown else frozenset(found)

    def _load_own(self, name: str, place: object) -> Value:
        if name == "__dict__":
            self.effects.reads_all = True
            return frozenset([self.memory.its_dict])
        if name == "__class__":
            return self.class_thing(self.cls)
        if "__getattribute__" in self._hooks:
            self.star(sets=self._hooks["__getattribute__"].role is not Role.BUILTIN)
            return self.itself | self.member_call("__getattribute__", (self.memory.atom(str),))
        member = self.find(name)
        if member is None:
            self.effects.reads.add(name)
            found = self.memory.held(name)
            if "__getattr__" in self._hooks:
                found |= self.member_call("__getattr__", (self.memory.atom(str),))
            return found
        found = self.member_value(member, self.itself, place)
        is_function = member.role in (Role.METHOD, Role.STATIC, Role.CLASS)
        if is_function and name in self.memory.slots:
            self.effects.reads.add(name)  # The object may have one of its own.
            found |= self.memory.held(name)
        return found

    def member_call(self, name: str, arguments: tuple[Value, ...]) -> Value:
        """Call one of the hooks that the class defines for attributes."""
        member = self._hooks[name]
        if member.get is None:
            self.star()
            return self.itself
        return self.run(
            self.unit_of(member.get, member.owner), Arguments((self.itself, *arguments))
        )

    def member_value(self, member: Member, first: Value, place: object) -> Value:
        """What reading a member gives, from the object (or class) in `first`."""
        name, role = member.name, member.role
        if role is Role.BUILTIN:
            bound = None if name == "__new__" else first
            made = self.memory.made(("builtin", member.owner, name, bound), payload=None)
            made.payload = BaseMethod(member, bound)
            return frozenset([made])
        if role in (Role.SLOT, Role.VALUE):
            self.effects.reads.add(name)
            if role is Role.VALUE:
                self.memory.hold(name, self.known(member.value))
            return self.memory.held(name)
        if member.get is None:
            if role is Role.PROPERTY and getattr(member.value, "fget", None) is None:
                if type(member.value).__module__ == "enum":
                    self.effects.reads.add(name)  # It finds the member of this name.
                    return self.memory.held(name)
                return NOTHING
            self.star()
            return self.itself
        unit = self.unit_of(member.get, member.owner)
        if member.twin is not None:
            self.twins[unit] = self.unit_of(member.twin, member.owner)
        if role is Role.PROPERTY:
            return self.run(unit, Arguments((first,)))
        if role is Role.CACHED:
            self.effects.reads.add(name)
            self.effects.writes.add(name)
            self.memory.hold(name, self.run(unit, Arguments((first,))))
            return self.memory.held(name)
        if role is Role.STATIC:
            return self.function_thing(unit)
        if role is Role.CLASS:
            owners = {t for t in first if isinstance(t.payload, OwnClass)}
            return self.function_thing(unit, next(iter(owners or self.class_thing(self.cls))))
        if member.bound:
            # What partialmethod adds may stand in any place.
            extra = frozenset().union(*map(self.known, member.bound))
            for parameter in unit.parameters[1:]:
                self.memory.grow(unit.variables.setdefault(parameter.arg, set()), extra)
        mine = {t for t in first if t is self.memory.itself or isinstance(t.payload, OwnClass)}
        if first - mine:  # Some other object, of which `super()` was asked.
            self.bind(unit, Arguments((first - mine,), (None,)))
        return frozenset().union(
            *(self.function_thing(unit, thing) for thing in mine or self.itself)
        )

    def _load_class(self, owner: type, name: str, place: object) -> Value:
        if name in _CLASS_TEXTS:
            return self.memory.atom(str)
        if name == "__dict__":
            self.effects.reads_all = True
            inside = self.contents(frozenset([self.memory.its_dict]))
            return self.fresh(place, types.MappingProxyType, inside)
        if name == "__class__":
            return self.fresh(place)
        member = find(name, owner.__mro__)
        if self._has_meta_hooks:
            self.star()
        if member is None:
            if find(name, _mro_of(type(owner))) is not None:
                if type(owner).__module__ not in ("builtins", "abc", "enum"):
                    self.star()
                return self.fresh(place)
            self.effects.reads.add(name)
            return self.memory.held(name)
        if member.role in (Role.METHOD, Role.STATIC) and member.get is not None:
            return self.function_thing(self.unit_of(member.get, member.owner))
        if member.role is Role.BUILTIN:
            is_class_method = isinstance(member.value, types.ClassMethodDescriptorType)
            made = self.memory.made(("builtin", member.owner, name))
            made.payload = BaseMethod(member, self.class_thing(owner) if is_class_method else None)
            return frozenset([made])
        if member.role in (Role.CLASS, Role.VALUE):
            return self.member_value(member, self.class_thing(owner), place)
        return self.known(member.value)

    def _load_foreign_class(self, owner: type, name: str, place: object) -> Value:
        if name in _CLASS_TEXTS:
            return self.memory.atom(str)
        member = find(name, owner.__mro__)
        if member is None:
            return self.fresh(place)
        if member.role is Role.BUILTIN and not isinstance(
            member.value, types.ClassMethodDescriptorType
        ):
            made = self.memory.made(("builtin", member.owner, name))
            made.payload = BaseMethod(member, None)
            return frozenset([made])
        if member.role in (Role.METHOD, Role.STATIC, Role.VALUE):
            return self.known(getattr(member.value, "__func__", member.value))
        return self.fresh((place, name))

    def _load_function(self, thing: Thing, function: Bound, name: str) -> Value:
        """Read an attribute of a function: a modifier, say, which will call it."""
        if name == "__self__":
            return frozenset([function.first] if function.first else [])
        if name == "__call__":
            return frozenset([thing])
        found = self.fresh(("attribute", thing, name))
        if not name.startswith("__"):
            twin = self.twins.get(function.unit)
            callees = self.function_thing(twin, function.first) if twin else NOTHING
            self.memory.put(callees | {thing}, found)
        return found | self.memory.elsewhere

    def _load_plain(self, thing: Thing, name: str, place: object) -> Value | None:
        """Read an attribute of a thing of a known type; None if that may run anything."""
        kinds = self.memory.kinds(thing)
        if all(_kinds.is_atom(kind) and hasattr(kind, name) for kind in kinds):
            taken = self.memory.made(("taken", thing, name), object, Taken(thing, name))
            return frozenset([taken]) | frozenset().union(*map(self.memory.atom, kinds))
        if all(kind in METHODS and hasattr(kind, name) for kind in kinds):
            taken = self.memory.made(("taken", thing, name), object, Taken(thing, name))
            taken.holds.add(thing)
            return frozenset([taken])
        if all(_kinds.is_fixed(kind) and not _kinds.is_atom(kind) for kind in kinds):
            return self.fresh(("attribute", thing, name)) | self.memory.elsewhere
        if all(kind is not object and is_plain(kind, name) for kind in kinds):
            return frozenset(self.memory.contents(thing))
        return None

    def store_attribute(self, value: Value, name: str, new: Value, place: object) -> None:
        """Set an attribute."""
        unknown: set[Thing] = set()
        for thing in value:
            if thing is self.memory.itself:
                self._store_own(name, new)
            elif isinstance(thing.payload, OwnClass):
                if self._has_meta_hooks:
                    self.star()
                self.effects.writes.add(name)
                self.effects.class_writes.add(name)
                self.memory.hold(name, new)
            else:
                if self.memory.is_fixed(thing) and thing.sources is None:
                    self.memory.grow(self.memory.elsewhere, new)
                if name in self.memory.slots:
                    # It may be another object of this class, of which this one is to be told.
                    self.memory.hold(name, new)
                if all(
                    kind is not object and is_plain(kind, name) for kind in self.memory.kinds(thing)
                ):
                    self.change([thing])
                    self.memory.put(new, [thing])
                else:
                    self.suspect(thing)
                    unknown.add(thing)
        if unknown:
            self.foreign(new | unknown, place)

    def _store_own(self, name: str, new: Value) -> None:
        if "__setattr__" in self._hooks or name in ("__dict__", "__class__"):
            self.star()
            self.memory.put(new | self.contents(new), [self.memory.anything])
            if "__setattr__" in self._hooks:
                self.member_call("__setattr__", (self.memory.atom(str), new))
        member = self.find(name)
        if member is not None and member.role is Role.PROPERTY:
            if member.set is not None:
                self.run(self.unit_of(member.set, member.owner), Arguments((self.itself, new)))
            elif getattr(member.value, "fset", None) is not None:
                self.star()
            return
        if member is not None and member.role is Role.OPAQUE:
            self.star()
        self.effects.writes.add(name)
        self.memory.hold(name, new)

    def delete_attribute(self, value: Value, name: str, place: object) -> None:
        """Delete an attribute."""
        for thing in value:
            if thing is self.memory.itself:
                member = self.find(name)
                if "__delattr__" in self._hooks or name == "__dict__":
                    self.star()
                if member is not None and member.role is Role.PROPERTY:
                    if member.delete is not None:
                        unit = self.unit_of(member.delete, member.owner)
                        self.run(unit, Arguments((self.itself,)))
                    elif getattr(member.value, "fdel", None) is not None:
                        self.star()
                elif member is not None and member.role is Role.OPAQUE:
                    self.star()
                else:
                    self.effects.writes.add(name)
            elif isinstance(thing.payload, OwnClass):
                self.effects.writes.add(name)
                self.effects.class_writes.add(name)
            else:
                self.foreign(frozenset([thing]), place)
