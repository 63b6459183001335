"""What calling does: own methods are followed, known functions looked up, all else is foreign.

call of a value ─► for each thing in it ─┬─ a function of the class, a nested one ─► followed
                                         ├─ a builtin with a rule in `_rules` ─────► the rule
                                         ├─ a method written in C ─────────────────► the tables
                                         └─ anything else ─► foreign: it may change whatever
                                                             it can get at
"""

from __future__ import annotations

import ast
import types
from abc import abstractmethod
from collections.abc import Callable, Iterable

from suitkaise.sk._analysis import _kinds, _rules
from suitkaise.sk._analysis._callees import (
    Arguments,
    BaseMethod,
    Bound,
    Known,
    OwnClass,
    Suspended,
    Taken,
)
from suitkaise.sk._analysis._context import Context
from suitkaise.sk._analysis._generated import is_plain_init
from suitkaise.sk._analysis._members import Member, Role, find, is_own
from suitkaise.sk._analysis._memory import NOTHING, Thing, Value
from suitkaise.sk._analysis._rules import Result, Rule
from suitkaise.sk._analysis._unit import Unit


class Calls(Context):
    """Calls of values; see `Context` for the arguments."""

    #: Builtins that do to an object what syntax does.
    specials: dict[object, Callable[[Calls, Arguments, object], Value | None]]
    #: The special methods of the class by which numbers, text and hashes are made of an object.
    conversions: tuple[str, ...]

    @abstractmethod
    def iterate(self, value: Value, place: object) -> Value:
        """Go through a value."""

    @abstractmethod
    def load_attribute(self, value: Value, name: str, place: object) -> Value:
        """Read an attribute."""

    @abstractmethod
    def store_attribute(self, value: Value, name: str, new: Value, place: object) -> None:
        """Set an attribute."""

    @abstractmethod
    def delete_attribute(self, value: Value, name: str, place: object) -> None:
        """Delete an attribute."""

    @abstractmethod
    def base_call(self, member: Member, first: Value, arguments: Arguments, place: object) -> Value:
        """Call a method written in C."""

    @abstractmethod
    def call_method(self, value: Value, name: str, arguments: Arguments, place: object) -> Value:
        """Call a method of a value by its name."""

    @abstractmethod
    def member_value(self, member: Member, first: Value, place: object) -> Value:
        """What reading a member gives."""

    # Calls

    def call(self, callee: Value, arguments: Arguments, place: object) -> Value:
        """Call a value."""
        known = {thing for thing in callee if thing.payload is not None}
        results = [self.call_one(thing, arguments, place) for thing in known]
        if self.memory.itself in callee:
            results.append(self.special(self.itself, ("__call__",), arguments))
        if unknown := callee - known - self.itself:
            results.append(self.foreign(unknown | arguments.all, place))
        # Where nothing is known of what is called, what it is given is lost all the same.
        return frozenset().union(*results) if results else self.foreign(arguments.all, place)

    def call_one(self, thing: Thing, arguments: Arguments, place: object) -> Value:
        """Call one thing."""
        payload = thing.payload
        if isinstance(payload, Bound):
            first = (
                arguments if payload.first is None else arguments.after(frozenset([payload.first]))
            )
            return self.run(payload.unit, first)
        if isinstance(payload, OwnClass):
            return self.construct(payload.owner, arguments, place)
        if isinstance(payload, BaseMethod):
            if payload.first is not None:
                return self.base_call(payload.member, payload.first, arguments, place)
            if arguments.positional:
                first_argument, *others = arguments.positional
                rest = arguments._replace(positional=tuple(others), names=arguments.names[1:])
                return self.base_call(payload.member, first_argument, rest, place)
        if isinstance(payload, Taken):
            return self.call_method(frozenset([payload.receiver]), payload.name, arguments, place)
        if isinstance(payload, Known):
            return self._call_known(thing, payload.value, arguments, place)
        return self.foreign(frozenset([thing]) | arguments.all, place)

    def run(self, unit: Unit, arguments: Arguments) -> Value:
        """Run a function body, or get the generator that will."""
        self.effects.calls.add(unit)
        if unit.body is None:
            if self.loose(arguments.all):
                self.star()
            self.change(self.memory.reach(arguments.all))
            return arguments.all | self.itself
        self.bind(unit, arguments)
        if not unit.is_suspended:
            return frozenset(unit.result)
        thing = self.memory.made(("suspended", unit), types.GeneratorType, Suspended(unit))
        self.memory.put(unit.result, [thing])
        # Until it has ended it keeps its variables, and those of what is around it. The object is
        # left out: it is got at only by running the body, which is followed.
        around: Unit | None = unit
        while around is not None:
            for values in around.variables.values():
                self.memory.grow(thing.holds, self.loose(values) - self.itself)
            around = around.parent
        return frozenset([thing])

    def bind(self, unit: Unit, arguments: Arguments) -> None:
        """Bind the parameters of a body to the arguments of a call."""
        if unit.body is None or isinstance(unit.body, ast.GeneratorExp):
            return
        given = unit.body.args
        bound: dict[str, Value] = dict(zip(unit.positional, arguments.positional, strict=False))
        rest = [*arguments.positional[len(unit.positional) :], arguments.spread]
        named: list[Value] = [arguments.spread]
        known = {parameter.arg for parameter in unit.parameters}
        for name, value in arguments.keywords:
            if name in known:
                bound[name] = bound.get(name, NOTHING) | value
            else:
                named.append(value)
        for name in known:
            sure = name in unit.positional[: len(arguments.positional)]
            value = bound.get(name, NOTHING) | (NOTHING if sure else arguments.spread)
            self.memory.grow(unit.variables.setdefault(name, set()), value)
        for star, kind, values in ((given.vararg, tuple, rest), (given.kwarg, dict, named)):
            if star:
                made = self.fresh((unit, star.arg), kind, frozenset().union(*values))
                self.memory.grow(unit.variables.setdefault(star.arg, set()), made)

    def construct(self, owner: type, arguments: Arguments, place: object) -> Value:
        """Make another object of the class: its own attributes are no concern of this one."""
        reach = self.memory.reach(arguments.all)
        if self.memory.itself in reach or self.memory.its_dict in reach:
            self.star()
        if type(owner).__module__ not in ("builtins", "abc", "enum", "typing", "types"):
            self.star()  # A metaclass of someone else's makes it.
        for name in ("__new__", "__init__"):
            member = find(name, owner.__mro__)
            if member is not None and member.get is not None:
                self.effects.makes.append(
                    (self.unit_of(member.get, member.owner), self.loose(reach))
                )
            elif member is not None and member.role is not Role.BUILTIN:
                self.star()
        return self.another(place, self.loose(reach))

    def _call_known(
        self, thing: Thing, function: object, arguments: Arguments, place: object
    ) -> Value:
        special = (
            self.specials.get(function)
            if isinstance(function, type | types.BuiltinFunctionType)
            else None
        )
        if special is not None:
            result = special(self, arguments, place)
            if result is not None:
                return result
        if id(function) in self._omniscient:
            self.star()
        rule = self._rules.get(id(function))
        if rule is not None:
            return self._by_rule(rule, function, arguments, place)
        if isinstance(function, type) and issubclass(function, BaseException):
            init = find("__init__", function.__mro__)
            if init is not None and init.role is Role.BUILTIN:
                return self.fresh(place, function, self.loose(arguments.all))
        if (
            isinstance(function, types.BuiltinFunctionType)
            and function.__name__ == "__new__"
            and arguments.positional
            and isinstance(function.__self__, type)
        ):
            rest = arguments._replace(positional=arguments.positional[1:])
            return self.another(place, self.loose(rest.all | self.iterate(rest.all, place)))
        if isinstance(function, type):
            if _kinds.is_lock(function) and not arguments.all:
                return self.fresh(place, _kinds.Lock)
            if is_plain_init(function):
                return self.fresh(place, function, self.loose(arguments.all))
            result = self.foreign(arguments.all, place)
            if type(function) is type and not is_own(find("__new__", function.__mro__)):
                return self.fresh((place, "new"), function, self.loose(result))
            return result
        return self.foreign(frozenset([thing]) | arguments.all, place)

    def _by_rule(self, rule: Rule, function: object, arguments: Arguments, place: object) -> Value:
        given = arguments.all
        itself = self.memory.itself
        if itself in self.memory.reach(given):
            if rule.calls is None:
                self.star()
            else:
                self.special(self.itself, rule.calls)
        callees = NOTHING
        named = NOTHING.union(*(value for _, value in arguments.keywords))
        if function in _rules.CALLING and arguments.positional:
            callees = arguments.positional[0]
        for name, value in arguments.keywords:
            if name == "file":
                self.foreign(value, (place, name))
            elif name in ("key", "default"):
                callees |= value if name == "key" else self._functions(value)
        given -= callees
        if rule.kind in _kinds.MAPPINGS:
            items = self.pairs(given - named, place) | named
        elif rule.iterates:
            items = self.iterate(given, place)
        else:
            items = self.contents(given - {itself})
        if itself in given and rule.result is Result.ITEMS and not rule.iterates:
            self.effects.reads_all = True
            items |= self.contents(frozenset([self.memory.its_dict]))
        for callee in callees - {self.memory.none}:
            items |= self.call_one(callee, Arguments(spread=items), place)
        result = self.result(rule, given - {itself}, items, place)
        for thing in result if rule.kind is _kinds.Iterator else ():
            self.memory.grow(thing.holds, callees)
        return result

    def pairs(self, value: Value, place: object) -> Value:
        """Go through what a dict is made from: a mapping, or pairs."""
        mappings = frozenset(t for t in value if self.memory.is_known(t, _kinds.MAPPINGS))
        found = self.iterate(value - mappings, place)
        return self.contents(mappings) | found | self.iterate(found, place)

    def _functions(self, value: Value) -> Value:
        return frozenset(thing for thing in value if isinstance(thing.payload, Bound | Taken))

    def result(self, rule: Rule, given: Value, items: Value, place: object) -> Value:
        """What a call gives that follows a rule."""
        match rule.result:
            case Result.ATOM:
                return self.memory.atom(rule.kind)
            case Result.FRESH:
                return self.fresh(place, rule.kind)
            case Result.ITEM:
                return items | given
            case Result.NUMBER:
                return self.number(place, items if rule.iterates else given)
            case Result.PAIRS:
                pair = self.fresh((place, "pair"), tuple, items)
                rows = self.fresh(place, list if rule.kind is object else rule.kind, pair)
                self.memory.grow(next(iter(rows)).holds, self.loose(given))
                return rows
            case Result.ITEMS:
                kinds = {rule.kind} if rule.kind is not object else set()
                for thing in given if not kinds else ():
                    kinds |= self.memory.kinds(thing)
                made: set[Thing] = set()
                for kind in kinds or {object}:
                    made |= self.fresh(place, kind, items)
                for thing in made:
                    self.memory.grow(thing.holds, self.loose(given))
                return frozenset(made)

    def number(self, place: object, operands: Value) -> Value:
        """What an operator gives: something new, which may share parts with the operands."""
        made: set[Thing] = set()
        for thing in operands:
            kinds = self.memory.kinds(thing)
            for kind in kinds:
                if _kinds.is_atom(kind):
                    made |= self.memory.atom(kind)
                else:
                    made |= self.fresh((place, "operator"), kind, self.loose(operands))
                    self.memory.put(self.contents(operands), made)
        return frozenset(made)

    # Methods of the object that Python calls by itself

    def special(
        self, value: Value, names: Iterable[str], arguments: Arguments | None = None
    ) -> Value:
        """Call special methods of the object, those that it has, if the object is in a value."""
        results: set[Thing] = set()
        if self.memory.itself in value:
            for name in names:
                member = find(name, self.cls.__mro__)
                if member is None or not is_own(member) or member.value is None:
                    continue
                found = self.member_value(member, self.itself, ("special", name))
                results |= self.call(found, arguments or Arguments(), (self.unit, name))
        return frozenset(results)

    def convert(self, value: Value) -> None:
        """Let built-in code make numbers, text and hashes of the object, if it can get at it."""
        if self.conversions and self.memory.itself in self.memory.reach(value):
            others = Arguments(spread=value | self.contents(value - self.itself))
            self.special(self.itself, self.conversions, others)
