"""What reading, storing, iterating and operators do, on behalf of one function body at a time."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable
from types import FunctionType

from suitkaise.sk import _known
from suitkaise.sk._builtins import SPECIALS
from suitkaise.sk._callees import (
    Arguments,
    BaseMethod,
    Bound,
    Known,
    OwnClass,
    Super,
    Suspended,
    Taken,
)
from suitkaise.sk._known import ITER, METHODS
from suitkaise.sk._members import Member, Role, find, is_hook, is_plain
from suitkaise.sk._native import Native
from suitkaise.sk._things import NOTHING, Memory, Thing, Value
from suitkaise.sk._unit import Unit

_CLASS_TEXTS = frozenset({"__name__", "__qualname__", "__module__", "__doc__"})


def _mro_of(meta: type) -> tuple[type, ...]:
    return meta.__mro__


class Operations(Native):
    """Operations on values; see `Context` for the arguments."""

    def __init__(
        self, cls: type, memory: Memory, unit_of: Callable[[FunctionType, type | None], Unit]
    ) -> None:
        super().__init__(cls, memory, unit_of)
        self.specials = SPECIALS
        self._advancing: set[Thing] = set()
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
            elif isinstance(payload, Bound) and name == "__self__":
                found |= {payload.first} if payload.first else set()
            elif isinstance(payload, Bound):
                found |= self.fresh(("attribute", thing, name)) | self.memory.elsewhere
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

    def _load_plain(self, thing: Thing, name: str, place: object) -> Value | None:
        """Read an attribute of a thing of a known type; None if that may run anything."""
        kinds = self.memory.kinds(thing)
        if all(_known.is_atom(kind) and hasattr(kind, name) for kind in kinds):
            taken = self.memory.made(("taken", thing, name), object, Taken(thing, name))
            return frozenset([taken]) | frozenset().union(*map(self.memory.atom, kinds))
        if all(kind in METHODS and hasattr(kind, name) for kind in kinds):
            taken = self.memory.made(("taken", thing, name), object, Taken(thing, name))
            taken.holds.add(thing)
            return frozenset([taken])
        if all(_known.is_fixed(kind) and not _known.is_atom(kind) for kind in kinds):
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

    # Elements

    def iterate(self, value: Value, place: object) -> Value:
        """Go through a value; an iterator is used up, and one of an unknown type may be one."""
        found: set[Thing] = set()
        unknown: set[Thing] = set()
        for thing in value:
            if thing is self.memory.itself:
                found |= self._iterate_own(place)
            elif thing is self.memory.its_dict:
                found |= self.memory.atom(str)
            elif isinstance(thing.payload, OwnClass):
                found.add(thing)
                if type(self.cls).__module__ == "enum":
                    found.add(self.memory.itself)
            elif isinstance(thing.payload, Suspended):
                self.change([thing])
                found |= self.use(thing, Arguments(), place) | thing.contents
            elif _known.Iterator in self.memory.kinds(thing):
                self._advance(thing, place)
                found |= thing.contents
            elif self.memory.is_known(thing, _known.REITERABLE):
                found |= self.memory.contents(thing)
            elif isinstance(thing.payload, Known) and isinstance(thing.payload.value, type):
                found.add(thing)
            else:
                self.suspect(thing)
                unknown.add(thing)
        return frozenset(found | self.foreign(unknown, place)) if unknown else frozenset(found)

    def _advance(self, thing: Thing, place: object) -> None:
        """Let a lazy iterator work: it uses up what it goes through, and calls its function."""
        if thing in self._advancing:
            return  # One iterator goes through another that goes through it.
        self.change([thing])
        self._advancing.add(thing)
        functions = {inner for inner in thing.holds if isinstance(inner.payload, Bound | Taken)}
        for function in functions:
            self.call_one(function, Arguments(spread=frozenset(thing.contents)), place)
        self.iterate(frozenset(thing.holds - functions), place)
        self._advancing.discard(thing)

    def _iterate_own(self, place: object) -> Value:
        found = self.special(self.itself, ("__iter__", "__aiter__"))
        if not found:
            return self.special(self.itself, ("__getitem__",), Arguments((self.memory.atom(int),)))
        following = self.special(found, ("__next__", "__anext__"))
        return following | self.iterate(found - self.itself, place)

    def load_item(self, value: Value, key: Value, place: object) -> Value:
        """Read an element."""
        found: set[Thing] = set()
        unknown: set[Thing] = set()
        for thing in value:
            if thing is self.memory.itself:
                arguments = Arguments((key,))
                found |= self.special(self.itself, ("__getitem__", "__missing__"), arguments)
            elif thing is self.memory.its_dict or self.memory.is_known(thing, _known.SUBSCRIPTED):
                found |= self.memory.contents(thing)
            elif isinstance(thing.payload, OwnClass):
                found |= self.special_of_class("__class_getitem__", key, thing)
            elif isinstance(thing.payload, Known) and isinstance(thing.payload.value, type):
                found.add(thing)
            else:
                self.suspect(thing)
                unknown.add(thing)
        if unknown:
            found |= self.foreign(unknown | self.loose(key), place)
        return frozenset(found)

    def special_of_class(self, name: str, key: Value, thing: Thing) -> Value:
        """Subscript the class: an alias of it, unless it says otherwise."""
        member = self.find(name)
        if member is None or member.get is None:
            return frozenset([thing])
        unit = self.unit_of(member.get, member.owner)
        return self.run(unit, Arguments((frozenset([thing]), key)))

    def store_item(self, value: Value, key: Value, new: Value, place: object) -> None:
        """Set an element."""
        unknown: set[Thing] = set()
        for thing in value:
            if thing is self.memory.itself:
                self.special(self.itself, ("__setitem__",), Arguments((key, new)))
            elif thing is self.memory.its_dict:
                self.star()
                self.memory.put(new, [self.memory.anything])
            elif self.memory.is_known(thing, METHODS):
                self.change([thing])
                self.memory.put(new | self.loose(key), [thing])
                if self.memory.itself in self.memory.reach(key):
                    self.special(self.itself, _known.COMPARE)
            else:
                self.suspect(thing)
                unknown.add(thing)
        if unknown:
            self.foreign(unknown | new | key, place)

    def delete_item(self, value: Value, key: Value, place: object) -> None:
        """Delete an element."""
        unknown: set[Thing] = set()
        for thing in value:
            if thing is self.memory.itself:
                self.special(self.itself, ("__delitem__",), Arguments((key,)))
            elif thing is self.memory.its_dict:
                self.star()
            elif self.memory.is_known(thing, METHODS):
                self.change([thing])
            else:
                self.suspect(thing)
                unknown.add(thing)
        if unknown:
            self.foreign(unknown | key, place)

    # Operators

    def operate(
        self, left: Value, right: Value, names: Iterable[str], place: object, *, shares: bool = True
    ) -> Value:
        """Apply an operator; operands stay as they are, but for those of the object's own class."""
        mine = self.special(left, names, Arguments((right,)))
        mine |= self.special(right, names, Arguments((left,)))
        others = (left | right) - self.itself
        return mine | self.number(place, others, shares=shares)

    def operate_in_place(self, left: Value, right: Value, name: str, place: object) -> Value:
        """Apply an operator with assignment: whatever can change is changed."""
        names = (f"__i{name}__", f"__{name}__", f"__r{name}__")
        result = self.operate(left, right, names, place)
        if self.memory.its_dict in left:
            self.star()
        open_left = [
            thing
            for thing in left - self.itself
            if not self.memory.is_fixed(thing)
            and not all(kind in _known.CLOSED for kind in self.memory.kinds(thing))
        ]
        if open_left:
            self.change(open_left)
            # A container changes at the top; what an object of a class does goes as deep as it is.
            self.change(
                self.memory.reach(t for t in open_left if not self.memory.is_known(t, METHODS))
            )
            items = NOTHING
            if name == "or" and any(self.memory.kinds(t) & _known.MAPPINGS for t in open_left):
                items = self.pairs(right - self.itself, place)
            elif name in _known.TAKING:
                items = self.iterate(right - self.itself, place)
            self.memory.put(self.loose(right) | items, open_left)
        return left | result

    def compare(self, left: Value, right: Value, *, is_search: bool, place: object) -> Value:
        """Compare two values, or search one for the other, which uses up an iterator."""
        for value, other in ((left, right), (right, left)):
            if self.memory.itself in self.memory.reach(value):
                self.special(self.itself, _known.COMPARE, Arguments((other,)))
        if is_search:
            self.special(right, ("__contains__",), Arguments((left,)))
            if not (self.memory.itself in right and self.find("__contains__")):
                self.special(right, ITER)
            unknown = right - self.itself - frozenset([self.memory.its_dict])
            self.iterate(unknown, place)
        return self.memory.atom(bool)
