"""The parts of an object as the pickler takes it apart, each with its path.

pickle tells nobody where in an object it is. So whoever wants to know takes the object apart in
Python: by the same reductions, one object at a time.
"""

import pickle
import reprlib
from collections.abc import Iterable, Iterator
from copyreg import __newobj__  # type: ignore[attr-defined]
from io import BytesIO
from types import MethodType
from typing import Any

from cloudpickle import cloudpickle

from suitkaise.cucumber._classes import rebuild_class, rebuild_enumeration
from suitkaise.cucumber._handlers._exceptions import Edge, rebuild_exception
from suitkaise.cucumber._handlers._iterators import rebuild_iterator
from suitkaise.cucumber._pickler import Pickler
from suitkaise.cucumber._reducer import ReduceValue
from suitkaise.cucumber._walk import Place

# They have no parts.
ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})

CONTAINERS = frozenset({list, tuple, dict, set, frozenset})

# What the arguments of a rebuild function, by its id, were in the object.
_ARGUMENT_PATHS = {
    id(__newobj__): (".__class__",),
    id(cloudpickle._make_cell): (".cell_contents",),
    id(cloudpickle._make_function): (
        ".__code__",
        ".__globals__",
        ".__name__",
        ".__defaults__",
        ".__closure__",
    ),
    id(MethodType): (".__func__", ".__self__"),
    id(rebuild_class): (".__class__", ".__name__", ".__bases__"),
    id(rebuild_enumeration): (".__class__", ".__name__", ".__bases__", "", ".__members__"),
    id(rebuild_exception): (".__class__", ".args"),
    id(rebuild_iterator): ("",),
}

# The same of handlers that may not have been imported, by name.
_HANDLERS = "suitkaise.cucumber._handlers."
_ARGUMENT_PATHS_BY_NAME: dict[str, tuple[str, ...]] = {
    "rebuild_text": (".__class__", ".buffer"),
    "rebuild_buffered": (".__class__", ".raw"),
    "rebuild_reference": (".__class__", "()"),
    "rebuild_method": (".__class__", "().__self__"),
}
_STATE_PATHS_BY_NAME: dict[str, tuple[str, ...]] = {
    "fill_cell": (".cell_contents",),
    "set_value": (".get()",),
}

Part = tuple[Any, Place]


def parts_of(pickler: Pickler, obj: Any, place: Place) -> Iterator[Part]:
    """Give the parts of an object, each with its place; raise what its own reduction raises."""
    if type(obj) in CONTAINERS:
        return parts_of_container(obj, place)
    return parts_of_value(reduce_value_of(pickler, obj), place)


def reduce_value_of(pickler: Pickler, obj: Any) -> ReduceValue:
    """Reduce an object as the pickler does. What goes by reference is looked up by its name."""
    if type(obj) in ATOMS or type(obj) is pickle.PickleBuffer:
        return None
    value = pickler.reducer_override(obj)
    if not isinstance(value, tuple):
        Pickler(BytesIO(), 5).dump(obj)
    return value


def parts_of_container(obj: Any, place: Place) -> Iterator[Part]:
    """Give the parts of a list, tuple, dict, set or frozenset."""
    kind = type(obj)
    if kind is list or kind is tuple:
        for index, item in enumerate(obj):
            yield item, _at(place, f"[{index}]")
    elif kind is dict:
        yield from _items(obj.items(), place)
    else:
        for item in obj:
            yield item, _at(place, f"{{{reprlib.repr(item)}}}")


def parts_of_value(value: ReduceValue, place: Place) -> Iterator[Part]:
    """Give the parts of a reduce value; none if it is a reference."""
    if not isinstance(value, tuple):
        return
    rebuild, arguments, state, items, pairs, setter = value + (None,) * (6 - len(value))
    yield rebuild, _at(place, ".__reduce__()[0]")
    names = _ARGUMENT_PATHS.get(id(rebuild)) or _by_name(_ARGUMENT_PATHS_BY_NAME, rebuild)
    for index, argument in enumerate(arguments):
        name = names[index] if index < len(names) else f".__reduce__()[1][{index}]"
        yield argument, _at(place, name)
    for index, item in enumerate(items or ()):
        yield item, _at(place, f"[{index}]")
    yield from _items(pairs or (), place)
    if rebuild is rebuild_exception and state is not None:
        fields, state, edges = state
        yield from _attributes(fields, place)
        yield from _linked(edges or [], place)
    steps = _by_name(_STATE_PATHS_BY_NAME, setter)
    if steps:
        for step, each in zip(steps, state, strict=True):
            yield each, _at(place, step)
    else:
        yield from _attributes(state, place)
    yield setter, _at(place, ".__reduce__()[5]")


def name_of(cls: type) -> str:
    """Return a class's name as one would import it."""
    module = "" if cls.__module__ == "builtins" else f"{cls.__module__}."
    return module + cls.__qualname__


def _at(place: Place, step: str) -> Place:
    return Place(place, step, None) if step else place


def _by_name(paths: dict[str, tuple[str, ...]], function: Any) -> tuple[str, ...]:
    module = getattr(function, "__module__", None) or ""
    return paths.get(function.__name__, ()) if module.startswith(_HANDLERS) else ()


def _items(pairs: Iterable[tuple[Any, Any]], place: Place) -> Iterator[Part]:
    for key, value in pairs:
        written = reprlib.repr(key)
        yield key, _at(place, f".keys(){{{written}}}")
        yield value, _at(place, f"[{written}]")


def _linked(edges: list[Edge], place: Place) -> Iterator[Part]:
    """Give causes and contexts: the edges begin with that of the exception at `place`."""
    places: dict[int, Place] = {}
    for error, cause, context, _ in edges:
        start = places.setdefault(id(error), place)
        for name, other in (("__cause__", cause), ("__context__", context)):
            if other is not None:
                yield other, places.setdefault(id(other), _at(start, f".{name}"))


def _attributes(state: Any, place: Place) -> Iterator[Part]:
    """Give the parts of a state: attributes, a pair of attributes and slots, or anything else."""
    pair = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    if all(each is None or type(each) is dict for each in pair):
        for attributes in pair:
            for name, value in (attributes or {}).items():
                yield value, _at(place, f".{name}")
    else:
        yield state, _at(place, ".__getstate__()")
