"""What every operation needs: values from things, and notes of what is changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from types import FunctionType

from suitkaise.sk._analysis import _kinds, _rules
from suitkaise.sk._analysis._callees import (
    Arguments,
    Bound,
    Known,
    OwnClass,
    Suspended,
)
from suitkaise.sk._analysis._memory import NOTHING, Memory, Thing, Value
from suitkaise.sk._analysis._unit import Effects, Unit


class Context(ABC):
    """Things and effects, on behalf of one function body at a time.

    Args:
        cls: The class that is looked at.
        memory: Where its things are kept.
        unit_of: Gives the body of a function of Python; the class is the one it stands in.
    """

    unit: Unit
    effects: Effects

    def __init__(
        self, cls: type, memory: Memory, unit_of: Callable[[FunctionType, type | None], Unit]
    ) -> None:
        self.cls = cls
        self.memory = memory
        self.unit_of = unit_of
        #: The async functions that `sk` calls instead of others, if it is given some.
        self.twins: dict[Unit, Unit] = {}
        self._rules = _rules.functions()
        self._omniscient = {id(_rules.loaded(name)) for name in _rules.OMNISCIENT}

    # Things

    @property
    def itself(self) -> Value:
        """The object whose methods are looked at."""
        return frozenset([self.memory.itself])

    def known(self, value: object) -> Value:
        """The thing for an object that exists now."""
        kind: type = type(value)
        if value is None or _kinds.is_atom(kind):
            return self.memory.atom(kind)
        if isinstance(value, type) and value in self.cls.__mro__ and _kinds.is_written(value):
            return self.class_thing(value)
        if self.cls in kind.__mro__:
            return self.itself | self.another(("known", id(value)), NOTHING)
        kind = type if isinstance(value, type) else kind
        return frozenset([self.memory.made(("known", id(value)), kind, Known(value))])

    def known_function(self, value: object) -> Value:
        """The thing for what a closure captured: a function is followed, as in a decorator."""
        if isinstance(value, FunctionType):
            unit = self.unit_of(value, None)
            if unit.body is not None:
                return self.function_thing(unit)
        return self.known(value)

    def class_thing(self, owner: type) -> Value:
        """The thing for the class, or one of its bases."""
        return frozenset([self.memory.made(("class", owner), type, OwnClass(owner))])

    def function_thing(self, unit: Unit, first: Thing | None = None) -> Value:
        """The thing for a function of Python, or for a method with what it is bound to."""
        place = ("function", unit, first)
        return frozenset([self.memory.made(place, FunctionType, Bound(unit, first))])

    def fresh(self, place: object, kind: type = object, contents: Iterable[Thing] = ()) -> Value:
        """Something new that is made here, and what it refers to."""
        thing = self.memory.made(place, kind)
        self.memory.put(contents, [thing])
        return frozenset([thing])

    def another(self, place: object, contents: Value) -> Value:
        """Another object of the class."""
        made = self.fresh(("new", place), contents=contents)
        self.memory.others.update(made)
        return made

    def contents(self, value: Value) -> Value:
        """Whatever may be found in a value."""
        found = frozenset().union(*map(self.memory.contents, value))
        self.memory.work += len(value) + len(found)
        return found

    def loose(self, value: Iterable[Thing]) -> Value:
        """What of a value may change, or may be called."""
        is_fixed = self.memory.is_fixed
        return frozenset([t for t in value if t.payload is not None or not is_fixed(t)])

    # Effects

    def change(self, things: Iterable[Thing]) -> None:
        """Note that things are changed."""
        is_fixed = self.memory.is_fixed
        self.effects.changed.update([thing for thing in things if not is_fixed(thing)])

    def suspect(self, thing: Thing) -> None:
        """Note a change of what turns out to have a type that the class never gave it."""
        if thing.sources is not None:
            self.effects.changed.add(thing)

    def star(self, *, sets: bool = True) -> None:
        """Note that anything may be read and written.

        Args:
            sets: Attributes may be set to anything, so that other methods find them changed too.
        """
        self.effects.writes_all = self.effects.reads_all = True
        # Unpickling gives back what the class put there, so it leaves no doubt behind.
        if sets and self.unit.root.function.__name__ != "__setstate__":
            self.memory.open()

    def foreign(self, value: Iterable[Thing], place: object) -> Value:
        """Hand a value to code that is not known: it may change all that it can get at.

        It calls the functions it is given, and it may keep anything of it in anything of it. That
        it gets a method of the object does not give it the object: calls are followed.
        """
        memory = self.memory
        result = memory.made(("foreign", place))
        reach: set[Thing] = set()
        value = frozenset(value)
        waiting = value
        while waiting:
            new = memory.reach(waiting, reach)
            reach |= new
            functions = [t for t in new if isinstance(t.payload, Bound | Suspended)]
            memory.grow(result.contents, self.loose(new))
            waiting = frozenset().union(
                *(
                    self.use(thing, Arguments(spread=frozenset([result])), place)
                    for thing in functions
                )
            )
        if memory.itself in reach:
            self.star()
            memory.put(value, [memory.anything])
        if memory.its_dict in reach or any(isinstance(t.payload, OwnClass) for t in reach):
            self.star()
        loose = self.loose(reach)
        self.change(loose)
        # Whatever it got may be in anything it got, so each may hold the result, which holds all.
        if loose - {result}:
            memory.put([result], loose)
        return frozenset([result])

    def use(self, thing: Thing, arguments: Arguments, place: object) -> Value:
        """Let unknown code use a thing: a function is called, a generator runs."""
        if isinstance(thing.payload, Bound):
            return self.call_one(thing, arguments, place)
        if isinstance(thing.payload, Suspended):
            self.effects.calls.add(thing.payload.unit)
            return frozenset(thing.payload.unit.result)
        return NOTHING

    @abstractmethod
    def call_one(self, thing: Thing, arguments: Arguments, place: object) -> Value:
        """Call one thing."""
