"""From the effects of function bodies to the names of attributes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict

from suitkaise.sk._analysis._memory import Memory, Thing
from suitkaise.sk._analysis._unit import Unit

#: All attributes.
ALL = ["*"]


class Access(TypedDict):
    """What a method or property touches: names of attributes, sorted, or ``["*"]``."""

    writes: list[str]
    reads: list[str]


def unknown() -> Access:
    """What a body touches of which nothing is known."""
    return {"writes": list(ALL), "reads": list(ALL)}


def listed(attributes: set[str]) -> list[str]:
    """Names of attributes as an `Access` has them."""
    return list(ALL) if "*" in attributes else sorted(attributes)


class Summary:
    """Tells which attributes are touched by bodies that nothing will be added to any more.

    Args:
        memory: What the walks have left behind.
        class_attributes: The attributes that the class itself holds.
    """

    def __init__(self, memory: Memory, class_attributes: Iterable[str]) -> None:
        self._memory = memory
        self._kept = {thing for name in class_attributes for thing in memory.reached(name)}
        self._attributes: dict[Thing, set[str]] = {}
        for name in list(memory.slots):
            for thing in memory.reached(name):
                self._attributes.setdefault(thing, set()).add(name)

    def access(self, units: Iterable[Unit]) -> Access:
        """What running some bodies reads and writes."""
        reads: set[str] = set()
        writes: set[str] = set()
        changed: set[Thing] = set()
        for unit in called(units):
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
            touched = self._attributes.get(thing, set())
            writes |= touched
            if touched and memory.is_open:
                writes.add("*")  # Any attribute may share it.
        return {"writes": listed(writes), "reads": listed(reads)}

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
        for unit in called([constructor]):
            writes |= unit.effects.class_writes
            changed |= unit.effects.changed
            if unit.effects.writes_all:
                writes.add("*")
            for _, others in unit.effects.makes:
                changed.update(others)
        taken = changed & (parameters - {self._memory.itself})
        return (set(given) if taken else set()) | (changed & self._kept)


def called(units: Iterable[Unit]) -> set[Unit]:
    """Some bodies and all that they run."""
    found: set[Unit] = set()
    waiting = list(units)
    while waiting:
        unit = waiting.pop()
        if unit not in found:
            found.add(unit)
            waiting.extend(unit.effects.calls)
    return found
