"""What methods written in C do to the object, and to what else they are called on."""

from __future__ import annotations

import types

from suitkaise.sk._analysis import _kinds, _rules
from suitkaise.sk._analysis._callees import Arguments, Known
from suitkaise.sk._analysis._members import Member
from suitkaise.sk._analysis._memory import NOTHING, Value
from suitkaise.sk._analysis._methods import Methods
from suitkaise.sk._analysis._rules import METHODS, TEXT, Result


class Native(Methods):
    """Calls of methods written in C; see `Context` for the arguments."""

    def base_call(self, member: Member, first: Value, arguments: Arguments, place: object) -> Value:
        """Call a method written in C."""
        if self.memory.itself not in first:
            return self._unbound_call(member, first, arguments, place)
        name = member.name
        if member.owner is object:
            return self._object_call(name, arguments, place)
        if member.owner in METHODS:
            self.effects.reads_all = True
            base = frozenset([self.memory.base])
            rule = METHODS[member.owner].get(name)
            if rule is None and name in _rules.READING:
                return self.fresh(place, list, base | self.contents(base) | arguments.all)
            if rule is None:
                self.change(base)
                given = arguments.all | self.iterate(arguments.all, place)
                self.memory.put(given, base)
                return base | self.contents(base) | self.itself
            found = NOTHING
            if rule.calls is not None:
                found = self.special(self.itself, rule.calls, arguments)
            if rule.iterates:
                self.iterate(arguments.all, place)
            if rule.result is Result.ITEM:
                return base | self.contents(base) | arguments.all | found
            rule = rule._replace(kind=list if rule.kind is object else rule.kind)
            return self.result(rule, NOTHING, base | self.contents(base), place)
        if _kinds.is_atom(member.owner):
            self.effects.reads_all = True
            return self.fresh(place)
        if issubclass(member.owner, BaseException):
            if name in ("__str__", "__repr__"):
                self.effects.reads.add("args")
                return self.memory.atom(str)
            if name == "__init__":
                self.effects.writes.add("args")
                self.memory.hold("args", self.fresh(place, tuple, arguments.all))
                return NOTHING
        # C code keeps what it is given with its own state, which its descriptors show.
        self.star(sets=name == "__setattr__")
        for other, value in vars(member.owner).items():
            if isinstance(value, types.MemberDescriptorType | types.GetSetDescriptorType):
                self.memory.hold(other, arguments.all)
        return self.itself | arguments.all

    def _unbound_call(
        self, member: Member, first: Value, arguments: Arguments, place: object
    ) -> Value:
        if member.name == "__new__":
            kinds = [t.payload.value for t in first if isinstance(t.payload, Known)]
            plain = [k for k in kinds if type(k) is type and _kinds.is_written(k)]
            if member.owner is object and len(plain) == len(first):  # Empty ones of other classes.
                return frozenset().union(*(self.fresh(place, kind) for kind in plain))
            return self.another(place, self.loose(arguments.all))
        if member.owner is object and member.name in ("__setattr__", "__delattr__"):
            name = arguments.name(0)
            if name is not None and arguments.positional[1:]:
                self.store_attribute(first, name, arguments.positional[1], place)
                return NOTHING
        if member.owner is object and member.name in ("__init_subclass__", "__subclasshook__"):
            return NOTHING
        if member.owner in METHODS or _kinds.is_atom(member.owner):
            return self.call_method(first, member.name, arguments, place)
        return self.foreign(first | arguments.all, place)

    def _object_call(self, name: str, arguments: Arguments, place: object) -> Value:
        attribute = arguments.name(0)
        if name == "__setattr__" and attribute and len(arguments.positional) == 2:
            self.effects.writes.add(attribute)
            self.memory.hold(attribute, arguments.positional[1])
            return NOTHING
        if name == "__delattr__" and attribute:
            self.effects.writes.add(attribute)
            return NOTHING
        if name == "__getattribute__" and attribute:
            return self.load_attribute(self.itself, attribute, place)
        if name in ("__setattr__", "__delattr__", "__getattribute__"):
            self.star()
            self.memory.put(arguments.all, [self.memory.anything])
            return self.itself | self.contents(frozenset([self.memory.its_dict]))
        if name in ("__getstate__", "__reduce__", "__reduce_ex__"):
            self.effects.reads_all = True
            self.special(self.itself, ("__getstate__", "__getnewargs__", "__getnewargs_ex__"))
            return frozenset([self.memory.its_dict])
        self.special(self.itself, {"__str__": ("__repr__",), "__ne__": ("__eq__",)}.get(name, ()))
        if name == "__format__":
            self.special(self.itself, TEXT)
        return self.memory.atom(str)
