"""`_shared_meta`: computed once per class, handed out as copies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict
from weakref import WeakKeyDictionary

from suitkaise.sk._analysis._class_analysis import ClassAnalysis, Results, Use
from suitkaise.sk._analysis._memory import OpenedError
from suitkaise.sk._analysis._summary import Access, listed


class SharedMeta(TypedDict):
    """What all methods and properties of a class touch."""

    methods: dict[str, Access]
    properties: dict[str, Access]


_results: WeakKeyDictionary[type, Results] = WeakKeyDictionary()


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


def _results_of(cls: type) -> Results:
    if cls not in _results:
        try:
            _results[cls] = ClassAnalysis(cls).results()
        except OpenedError:
            _results[cls] = ClassAnalysis(cls, is_open=True).results()
    return _results[cls]


def _copied(access: Access) -> Access:
    return {"writes": list(access["writes"]), "reads": list(access["reads"])}


def _united(accesses: Iterable[Access]) -> Access:
    writes: set[str] = set()
    reads: set[str] = set()
    for access in accesses:
        writes.update(access["writes"])
        reads.update(access["reads"])
    return {"writes": listed(writes), "reads": listed(reads)}
