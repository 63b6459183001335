"""What going through a value, its elements and operators do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import FunctionType

from suitkaise.sk._analysis import _kinds, _rules
from suitkaise.sk._analysis._attributes import Attributes
from suitkaise.sk._analysis._builtins import SPECIALS
from suitkaise.sk._analysis._callees import Arguments, Bound, Known, OwnClass, Suspended, Taken
from suitkaise.sk._analysis._members import is_own
from suitkaise.sk._analysis._memory import NOTHING, Memory, Thing, Value
from suitkaise.sk._analysis._rules import ITER, METHODS
from suitkaise.sk._analysis._unit import Unit

#: With a text on the left, or a sequence on either side, these look into the other operand.
_CONVERTING = frozenset({"__mod__", "__mul__"})


class Operations(Attributes):
    """All operations on values, on behalf of one function body at a time.

    See `Context` for the arguments.
    """

    def __init__(
        self, cls: type, memory: Memory, unit_of: Callable[[FunctionType, type | None], Unit]
    ) -> None:
        super().__init__(cls, memory, unit_of)
        self.specials = SPECIALS
        self.conversions = tuple(n for n in _rules.CONVERTING if is_own(self.find(n)))
        self._advancing: set[Thing] = set()

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
            elif _kinds.Iterator in self.memory.kinds(thing):
                self._advance(thing, place)
                found |= thing.contents
            elif self.memory.is_known(thing, _kinds.REITERABLE):
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
        self.convert(value - self.itself | key)
        found: set[Thing] = set()
        unknown: set[Thing] = set()
        for thing in value:
            if thing is self.memory.itself:
                arguments = Arguments((key,))
                found |= self.special(self.itself, ("__getitem__", "__missing__"), arguments)
            elif thing is self.memory.its_dict or self.memory.is_known(thing, _kinds.SUBSCRIPTED):
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
        self.convert(value - self.itself | key)
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
            else:
                self.suspect(thing)
                unknown.add(thing)
        if unknown:
            self.foreign(unknown | new | key, place)

    def delete_item(self, value: Value, key: Value, place: object) -> None:
        """Delete an element."""
        self.convert(value - self.itself | key)
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

    def operate(self, left: Value, right: Value, names: Iterable[str], place: object) -> Value:
        """Apply an operator; operands stay as they are, but for those of the object's own class."""
        mine = self.special(left, names, Arguments((right,)))
        mine |= self.special(right, names, Arguments((left,)))
        if not _CONVERTING.isdisjoint(names):
            self.convert(left | right)
        others = (left | right) - self.itself
        return mine | self.number(place, others)

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
            and not all(kind in _kinds.CLOSED for kind in self.memory.kinds(thing))
        ]
        if open_left:
            self.change(open_left)
            # A container changes at the top; what an object of a class does goes as deep as it is.
            self.change(
                self.memory.reach(t for t in open_left if not self.memory.is_known(t, METHODS))
            )
            items = NOTHING
            if name == "or" and any(self.memory.kinds(t) & _kinds.MAPPINGS for t in open_left):
                items = self.pairs(right - self.itself, place)
            elif name in _rules.TAKING:
                items = self.iterate(right - self.itself, place)
            self.memory.put(self.loose(right) | items, open_left)
        return left | result

    def compare(self, left: Value, right: Value, *, is_search: bool, place: object) -> Value:
        """Compare two values, or search one for the other, which uses up an iterator."""
        for value, other in ((left, right), (right, left)):
            if self.memory.itself in self.memory.reach(value):
                self.special(self.itself, _rules.COMPARE, Arguments((other,)))
        if is_search:
            self.special(right, ("__contains__",), Arguments((left,)))
            if not (self.memory.itself in right and self.find("__contains__")):
                self.special(right, ITER)
            unknown = right - self.itself - frozenset([self.memory.its_dict])
            self.iterate(unknown, place)
        return self.memory.atom(bool)
