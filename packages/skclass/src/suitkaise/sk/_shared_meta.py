"""Which attributes the methods and properties of a class read and write, from its source.

    class ─► members (_members) ─► sources (_source) ─► function bodies (_unit)
                                                             │  walked again and again until
                                                             │  nothing is added (_effects,
                                                             │  _operations, _calls, _known)
                                                             ▼
    _shared_meta ◄─ over all calls ◄─ effects of each body, on an abstract memory (_things)

The rule: **what is not known to leave an object alone counts as a write; where even the attribute
is not known, the list is ``["*"]``: all of them.** A write is any change of what an attribute
holds, however deep. A superfluous write costs time; a missing one loses updates.

What is known: the methods of the containers, and the functions of the standard library, that are
listed in `_known`. What is assumed, and cannot be seen in the source of a class:

1. *Reading is reading.* Operators without assignment (but for ``<<`` and ``>>``), comparisons,
   ``len``, ``bool``, ``hash``, ``str``, ``repr``, ``format``, ``copy``, and putting a value into
   text do not change it. Not so assumed, and counted as writes where the type is unknown: going
   through it (it may be an iterator), ``in``, reading an element (it may be a defaultdict),
   reading one of its attributes (it may be a property), calling it or any method of it, ``with``,
   ``await``. Special methods of the class itself are followed.
2. *Types stay.* Code outside the class may set an attribute, or fill a container, only with what
   has the types that the class itself puts there. None tells nothing, and no more does an argument
   without annotation. Annotations of built-in types and of plain classes are true.
3. *Arguments are strangers.* No argument is an attribute's value, or the object itself; no two are
   the same mutable object, neither in one call nor in two. Another object of the class shares
   nothing with this one.
4. *No one else has a hand in it.* Foreign code may change all that it is handed, for as long as the
   call takes, and calls the functions it is handed; it changes nothing that it was handed earlier,
   unless it is handed what holds that.
5. *Names stay.* Globals that name functions, classes and modules, and captured variables that name
   functions, keep naming them; classes keep their members. Nobody looks into frames or closures.
6. *Locks are no state.* ``with`` on a lock of `threading` or `asyncio` is a read: afterwards it is
   as it was before. Taking or giving back one by hand is a write.

An attribute that holds the object itself, or refers back to it, does not change with it; nor does
one that holds a function or a bound method with what that captured.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from enum import Enum, auto
from types import FunctionType
from typing import Any, NamedTuple, TypedDict, cast
from weakref import WeakKeyDictionary

from suitkaise.sk._annotations import annotated
from suitkaise.sk._callees import Arguments
from suitkaise.sk._effects import Walk
from suitkaise.sk._members import Member, Role, find, generated, names
from suitkaise.sk._operations import Operations
from suitkaise.sk._source import source_of
from suitkaise.sk._things import Memory, OpenedError, Thing, TooMuchWorkError, Value
from suitkaise.sk._unit import Body, Unit

ALL = ["*"]
_ROUNDS = 60
_OF_CLASS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


class Access(TypedDict):
    """What a method or property touches: names of attributes, sorted, or ``["*"]``."""

    writes: list[str]
    reads: list[str]


class SharedMeta(TypedDict):
    """What all methods and properties of a class touch."""

    methods: dict[str, Access]
    properties: dict[str, Access]


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


class _Results(NamedTuple):
    methods: dict[str, Access]
    properties: dict[str, dict[Use, Access]]


_results: WeakKeyDictionary[type, _Results] = WeakKeyDictionary()


def shared_meta(cls: type) -> SharedMeta:
    """Find out what each method and property of a class touches.

    Blocks only for the class's own source files. Nothing is imported, nothing of the class runs.

    Args:
        cls: Any class.

    Returns:
        For each method of the class and its bases, but those of `object` alone, and for each
        property, what it reads and writes. The writes of a property are those of reading, setting
        and deleting it together; `property_access` tells them apart.
    """
    results = _results_of(cls)
    return {
        "methods": {name: _copied(access) for name, access in sorted(results.methods.items())},
        "properties": {
            name: _united(uses.values()) for name, uses in sorted(results.properties.items())
        },
    }


def property_access(cls: type, name: str, use: Use) -> Access:
    """Find out what reading, setting or deleting one property touches.

    Args:
        cls: Any class.
        name: One of its properties.
        use: What is done with it.

    Returns:
        What that reads and writes.

    Raises:
        KeyError: The class has no such property.
    """
    return _copied(_results_of(cls).properties[name][use])


def _results_of(cls: type) -> _Results:
    if cls not in _results:
        try:
            _results[cls] = _Analysis(cls).results()
        except OpenedError:
            _results[cls] = _Analysis(cls, is_open=True).results()
    return _results[cls]


def _copied(access: Access) -> Access:
    return {"writes": list(access["writes"]), "reads": list(access["reads"])}


def _united(accesses: Iterable[Access]) -> Access:
    writes: set[str] = set()
    reads: set[str] = set()
    for access in accesses:
        writes.update(access["writes"])
        reads.update(access["reads"])
    return {"writes": _listed(writes), "reads": _listed(reads)}


def _listed(attributes: set[str]) -> list[str]:
    return list(ALL) if "*" in attributes else sorted(attributes)


class _Analysis:
    """The analysis of one class."""

    def __init__(self, cls: type, *, is_open: bool = False) -> None:
        self._cls = cls
        self._memory = Memory(is_open=is_open)
        self._do = Operations(cls, self._memory, self._unit_of)
        self._walk = Walk(self._do, self._nested)
        self._units: list[Unit] = []
        self._by_function: dict[FunctionType, Unit] = {}
        self._by_node: dict[tuple[ast.AST, Unit], Unit] = {}

    def results(self) -> _Results:
        """What each method and property touches."""
        methods: dict[str, list[Unit]] = {}
        properties: dict[str, dict[Use, list[Unit]]] = {}
        for name in names(self._cls.__mro__):
            member = find(name, self._cls.__mro__)
            assert member is not None
            if member.role in (Role.METHOD, Role.STATIC, Role.CLASS, Role.BUILTIN):
                methods[name] = [self._entry(member)]
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
        attributes = self._attributes_by_thing() if is_done else None
        return _Results(
            {name: self._access(units, attributes) for name, units in methods.items()},
            {
                name: {use: self._access(units, attributes) for use, units in uses.items()}
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

    def _entry(self, member: Member) -> Unit:
        """The body that a call from outside runs, its parameters bound to what is not known."""
        if member.role is Role.BUILTIN or (member.get is None and member.name.isidentifier()):
            return self._made("def call(self, *others): return self.{}(*others)", member.name)
        assert member.get is not None
        if member.bound:
            return self._made("def call(self, *others): return self.{}(*others)", member.name)
        unit = self._unit_of(member.get, member.owner)
        first: Value | None = self._do.itself
        if member.role is Role.CLASS or member.name in _OF_CLASS:
            first = self._do.class_thing(self._cls)
        elif member.role is Role.STATIC:
            first = None
        self._enter(unit, first)
        return unit

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

    # From effects to names

    def _attributes_by_thing(self) -> dict[Thing, set[str]]:
        attributes: dict[Thing, set[str]] = {}
        for name in list(self._memory.slots):
            for thing in self._memory.reached(name):
                attributes.setdefault(thing, set()).add(name)
        return attributes

    def _access(self, units: list[Unit], attributes: dict[Thing, set[str]] | None) -> Access:
        if attributes is None:
            return {"writes": list(ALL), "reads": list(ALL)}
        reads: set[str] = set()
        writes: set[str] = set()
        changed: set[Thing] = set()
        for unit in _called(units):
            effects = unit.effects
            reads |= effects.reads
            writes |= effects.writes
            changed |= effects.changed
            if effects.reads_all:
                reads.add("*")
            if effects.writes_all:
                writes.add("*")
            for constructor, given in effects.makes:
                changed |= self._changed_by(constructor, given, writes)
        memory = self._memory
        if changed & {memory.itself, memory.its_dict, memory.base, memory.anything}:
            writes.add("*")
        for thing in changed:
            touched = attributes.get(thing, set())
            writes |= touched
            if touched and memory.is_open:
                writes.add("*")  # Any attribute may share it.
        return {"writes": _listed(writes), "reads": _listed(reads)}

    def _changed_by(
        self, constructor: Unit, given: Iterable[Thing], writes: set[str]
    ) -> set[Thing]:
        """What making another object changes: the class, and what the constructor is given."""
        parameters = {
            thing
            for name, values in constructor.variables.items()
            if name in {parameter.arg for parameter in constructor.parameters}
            for thing in self._memory.reach(values)
        }
        changed: set[Thing] = set()
        for unit in _called([constructor]):
            writes |= unit.effects.class_writes
            changed |= unit.effects.changed
            if unit.effects.writes_all:
                writes.add("*")
            for _, others in unit.effects.makes:
                changed.update(others)
        taken = changed & (parameters - {self._memory.itself})
        kept = {t for name in self._class_attributes() for t in self._memory.reached(name)}
        return (set(given) if taken else set()) | (changed & kept)


def _called(units: Iterable[Unit]) -> set[Unit]:
    """Some bodies and all that they run."""
    found: set[Unit] = set()
    waiting = list(units)
    while waiting:
        unit = waiting.pop()
        if unit not in found:
            found.add(unit)
            waiting.extend(unit.effects.calls)
    return found


def _parsed(text: str) -> Body:
    [definition] = ast.parse(text).body
    assert isinstance(definition, ast.FunctionDef)
    return definition


def _outside() -> None:
    """Stands for code outside the class."""


_stranger = cast(FunctionType, _outside)
