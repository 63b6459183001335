"""Calls of methods by their name, on what the types of the receiver tell."""

from __future__ import annotations

import types

from suitkaise.sk._analysis import _kinds, _rules
from suitkaise.sk._analysis._callees import (
    Arguments,
    Bound,
    Known,
    OwnClass,
    Super,
    Suspended,
    Taken,
)
from suitkaise.sk._analysis._calls import Calls
from suitkaise.sk._analysis._memory import NOTHING, Thing, Value
from suitkaise.sk._analysis._rules import METHODS, TEXT, Result, Rule
from suitkaise.sk._analysis._unit import SENT


class Methods(Calls):
    """Calls of methods; see `Context` for the arguments."""

    def call_method(self, value: Value, name: str, arguments: Arguments, place: object) -> Value:
        """Call a method of a value by its name."""
        results: list[Value] = []
        unknown: set[Thing] = set()
        for thing in value:
            if thing is self.memory.its_dict:
                results.append(self._call_on_dict(name, arguments, place))
            elif (
                thing is self.memory.itself
                or isinstance(thing.payload, OwnClass | Super | Bound)
                or self._is_namespace(thing)
            ):
                found = self.load_attribute(frozenset([thing]), name, place)
                results.append(self.call(found, arguments, place))
            elif (found_here := self._call_method_of(thing, name, arguments, place)) is not None:
                results.append(found_here)
            else:
                self.suspect(thing)
                unknown.add(thing)
        if unknown or not value:
            results.append(self.foreign(unknown | arguments.all, place))
        return frozenset().union(*results)

    def _is_namespace(self, thing: Thing) -> bool:
        return isinstance(thing.payload, Known) and isinstance(
            thing.payload.value, types.ModuleType | type
        )

    def _call_method_of(
        self, thing: Thing, name: str, arguments: Arguments, place: object
    ) -> Value | None:
        """Call a method of a thing of a known type; None if it may do anything."""
        kinds = self.memory.kinds(thing)
        receiver = frozenset([thing])
        if isinstance(thing.payload, Suspended):
            variables = thing.payload.unit.variables
            self.memory.grow(variables.setdefault(SENT, set()), arguments.all)
        if all(_kinds.is_atom(kind) and hasattr(kind, name) for kind in kinds):
            if name in _rules.ITERATING_METHODS:
                self.iterate(arguments.all, place)
            else:
                self.convert(arguments.all)
            return self._from_atom(thing, name, place)
        if all(kind in METHODS for kind in kinds):
            results = [
                self._container_call(
                    receiver, METHODS[kind].get(name), kind, name, arguments, place
                )
                for kind in kinds
            ]
            return frozenset().union(*results)
        if all(_kinds.is_logger(kind) and name in _rules.LOGGING for kind in kinds):
            if self.memory.itself in self.memory.reach(arguments.all):
                self.special(self.itself, TEXT)
            return NOTHING
        return None

    def _from_atom(self, thing: Thing, name: str, place: object) -> Value:
        kinds = self.memory.kinds(thing)
        if not all(kind in (str, bytes, int, float, complex, bool) for kind in kinds):
            return self.fresh(place)
        atoms = frozenset(atom for kind in kinds for atom in self.memory.atom(kind))
        if name in ("split", "rsplit", "splitlines"):
            return self.fresh(place, list, atoms)
        if name in ("partition", "rpartition"):
            return self.fresh(place, tuple, atoms)
        other = {"encode": bytes, "decode": str, "hex": str}.get(name)
        return self.memory.atom(other) if other else atoms

    def _container_call(
        self,
        receiver: Value,
        rule: Rule | None,
        kind: type,
        name: str,
        arguments: Arguments,
        place: object,
    ) -> Value:
        given = arguments.all
        contents = self.contents(receiver)
        self.convert(receiver | given)
        if rule is not None:
            if rule.iterates:
                contents |= self.iterate(given, place)
            if rule.calls is not None and self.memory.itself in self.memory.reach(given | receiver):
                self.special(self.itself, rule.calls)
            if rule.result is Result.ITEMS and rule.kind is object:
                rule = rule._replace(kind=kind)
            if rule.result is Result.ITEM:
                return contents | given
            return self.result(rule, receiver, contents, (place, kind))
        self.change(receiver)
        if name in _rules.ITERATING_METHODS and kind in _kinds.MAPPINGS:
            given |= self.pairs(given, place)
        elif name in _rules.ITERATING_METHODS:
            given |= self.iterate(given, place)
        if name == "sort":
            self.special(given, ("__call__",), Arguments(spread=contents))
        for callee in given:
            if name == "sort" and isinstance(callee.payload, Bound | Taken | Known):
                self.call_one(callee, Arguments(spread=contents), place)
        if kind is not bytearray:
            self.memory.put(self._puts(given), receiver)
        return contents | given

    def _puts(self, given: Value) -> Value:
        return frozenset(thing for thing in given if thing is not self.memory.none) or given

    def _call_on_dict(self, name: str, arguments: Arguments, place: object) -> Value:
        """Call a method of the object's ``__dict__``."""
        self.effects.reads_all = True
        its_dict = frozenset([self.memory.its_dict])
        rule = METHODS[dict].get(name)
        if rule is None:
            self.star()
            given = arguments.all
            self.memory.put(given | self.contents(given), [self.memory.anything])
            return self.contents(its_dict) | given
        contents = self.contents(its_dict)
        if rule.result is Result.ITEM:
            return contents | arguments.all
        return self.result(
            rule._replace(kind=dict if rule.kind is object else rule.kind),
            NOTHING,
            contents,
            place,
        )
