"""The analysis of one class: bodies from its members, walked until nothing is added."""

from __future__ import annotations

import ast
from enum import Enum, auto
from types import FunctionType
from typing import Any, NamedTuple, cast

from suitkaise.sk._analysis._annotations import annotated
from suitkaise.sk._analysis._callees import Arguments
from suitkaise.sk._analysis._generated import generated
from suitkaise.sk._analysis._members import Member, Role, find, names
from suitkaise.sk._analysis._memory import Memory, TooMuchWorkError, Value
from suitkaise.sk._analysis._operations import Operations
from suitkaise.sk._analysis._statements import Walk
from suitkaise.sk._analysis._summary import Access, Summary, unknown
from suitkaise.sk._analysis._unit import Body, Unit
from suitkaise.sk._source import parse, source_of

_ROUNDS = 60
_OF_CLASS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


class Use(Enum):
    """What is done with a property."""

    GET = auto()
    SET = auto()
    DELETE = auto()


_USES = {
    Use.GET: "def get(self): return self.{}",
    Use.SET: "def set(self, value): self.{} = value",
    Use.DELETE: "def delete(self): del self.{}",
}


class Results(NamedTuple):
    """What each method touches, and each property by what is done with it."""

    methods: dict[str, Access]
    properties: dict[str, dict[Use, Access]]


class ClassAnalysis:
    """The analysis of one class."""

    def __init__(self, cls: type, *, is_open: bool = False) -> None:
        self._cls = cls
        self._memory = Memory(is_open=is_open)
        self._do = Operations(cls, self._memory, self._unit_of)
        self._walk = Walk(self._do, self._nested)
        self._units: list[Unit] = []
        self._by_function: dict[FunctionType, Unit] = {}
        self._by_node: dict[tuple[ast.AST, Unit], Unit] = {}

    def results(self) -> Results:
        """What each method and property touches."""
        methods: dict[str, list[Unit]] = {}
        properties: dict[str, dict[Use, list[Unit]]] = {}
        for name in names(self._cls.__mro__):
            member = find(name, self._cls.__mro__)
            assert member is not None
            if member.role in (Role.METHOD, Role.STATIC, Role.CLASS, Role.BUILTIN):
                methods[name] = self._entries(member)
            elif member.role in (Role.PROPERTY, Role.CACHED):
                properties[name] = {use: [self._made(_USES[use], name)] for use in Use}
            elif member.role is Role.OPAQUE and callable(member.value):
                methods[name] = [self._made(_USES[Use.GET], name)]
            elif member.role is Role.OPAQUE:
                properties[name] = {use: [self._made(_USES[use], name)] for use in Use}
        try:
            is_done = self._settle()
        except (RecursionError, TooMuchWorkError):  # Nested too deep, or entangled.
            is_done = False
        summary = Summary(self._memory, self._class_attributes()) if is_done else None

        def access(units: list[Unit]) -> Access:
            return unknown() if summary is None else summary.access(units)

        return Results(
            {name: access(units) for name, units in methods.items()},
            {
                name: {use: access(units) for use, units in uses.items()}
                for name, uses in properties.items()
            },
        )

    # Function bodies

    def _unit_of(self, function: FunctionType, owner: type | None) -> Unit:
        unit = self._by_function.get(function)
        if unit is None:
            written = generated(owner, function) if owner is not None else None
            source = None if written is not None else source_of(function)
            if written is not None:
                unit = Unit(
                    _parsed(written.text),
                    None,
                    function,
                    names=written.names,
                    annotations=written.annotations,
                )
            elif source is not None:
                unit = Unit(source.definition, source.class_name, function)
            else:
                unit = Unit(None, None, function)
            self._by_function[function] = unit
            self._add(unit)
        return unit

    def _nested(self, node: Any, parent: Unit) -> Unit:
        unit = self._by_node.get((node, parent))
        if unit is None:
            unit = Unit(node, parent.class_name, parent.function, parent=parent)
            self._by_node[node, parent] = unit
            self._add(unit)
        return unit

    def _made(self, text: str, name: str) -> Unit:
        """A body of our own, which does with the object what others may do."""
        unit = Unit(_parsed(text.format(name)), None, _stranger)
        self._add(unit)
        self._enter(unit, self._do.itself)
        return unit

    def _add(self, unit: Unit) -> None:
        self._units.append(unit)
        self._memory.has_grown = True

    def _entries(self, member: Member) -> list[Unit]:
        """The bodies that a call from outside runs, their parameters bound to what is not known."""
        if member.get is None or member.bound:
            if member.get is not None or member.name.isidentifier():
                text = "def call(self, *others): return self.{}(*others)"
                return [self._made(text, member.name)]
            return [Unit(None, None, _stranger)]
        first: Value | None = self._do.itself
        if member.role is Role.CLASS or member.name in _OF_CLASS:
            first = self._do.class_thing(self._cls)
        elif member.role is Role.STATIC:
            first = None
        functions = [member.get] if member.twin is None else [member.get, member.twin]
        units = [self._unit_of(function, member.owner) for function in functions]
        for unit in units:
            self._enter(unit, first)
        return units

    def _enter(self, unit: Unit, first: Value | None) -> None:
        if unit.body is None or isinstance(unit.body, ast.GeneratorExp):
            return
        if first is not None:
            self._do.bind(unit, Arguments((first,), (None,)))
        given = unit.body.args
        for parameter in unit.parameters:
            if first is not None and [parameter.arg] == unit.positional[:1]:
                continue
            annotation = unit.annotations.get(parameter.arg, parameter.annotation)
            place = ("parameter", unit, parameter.arg)
            value = (
                self._do.fresh(place)
                if annotation is None
                else annotated(self._do, annotation, unit, place)
            )
            self._memory.grow(unit.variables.setdefault(parameter.arg, set()), value)
        for star, kind in ((given.vararg, tuple), (given.kwarg, dict)):
            if star is not None:
                others = self._do.fresh(("parameter", unit, star.arg))
                made = self._do.fresh((unit, star.arg), kind, others)
                self._memory.grow(unit.variables.setdefault(star.arg, set()), made)
        function = unit.function
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        if unit.body is not None and function is not _stranger and not unit.annotations:
            count = len(function.__defaults__ or ())
            named = dict(
                zip(unit.positional[len(unit.positional) - count :], defaults, strict=False)
            )
            named.update(function.__kwdefaults__ or {})
            for name, default in named.items():
                value = self._do.known(default)
                self._memory.grow(unit.variables.setdefault(name, set()), value)

    # Until nothing is added

    def _settle(self) -> bool:
        """Walk over all bodies until nothing is added; give up after very many times."""
        for _ in range(_ROUNDS):
            self._memory.has_grown = False
            for unit in self._units:  # It grows on the way.
                self._walk.walk(unit)
            self._meet_others()
            if not self._memory.has_grown:
                if self._memory.is_settled:
                    self._memory.is_limited = False
                    return True
                self._memory.settle()
        return False

    def _meet_others(self) -> None:
        """Another object that the class or a global keeps may be the object itself."""
        memory = self._memory
        if memory.is_open and memory.others:
            memory.put([memory.itself], [memory.anything])
        kept = [memory.slot(name).sources or set() for name in self._class_attributes()]
        for values in [*kept, *self._walk.global_values]:
            for thing in memory.reach(values):
                if thing in memory.others:
                    memory.grow(values, [memory.itself])
                elif thing.contents & memory.others:
                    memory.put([memory.itself], [thing])

    def _class_attributes(self) -> set[str]:
        found = {name for unit in self._units for name in unit.effects.class_writes}
        for name in list(self._memory.slots):
            member = find(name, self._cls.__mro__)
            if member is not None and member.role is Role.VALUE:
                found.add(name)
        return found


def _parsed(text: str) -> Body:
    [definition] = parse(text).body
    assert isinstance(definition, ast.FunctionDef)
    return definition


def _outside() -> None:
    """Stands for code outside the class."""


_stranger = cast(FunctionType, _outside)
