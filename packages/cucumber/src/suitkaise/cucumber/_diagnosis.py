"""From an error that stopped the pickler to one that says what, where, why, and what to do.

pickle tells neither the path nor the object. So after a failure, and only then, the object is
walked again in Python: the same reductions, step by step, until one of them fails.
"""

import pickle
import reprlib
from collections.abc import Iterator
from io import BytesIO
from types import MethodType
from typing import Any, NamedTuple

from cloudpickle import cloudpickle

from suitkaise.cucumber._errors import DeserializationError, RefusalError, SerializationError
from suitkaise.cucumber._handlers._exceptions import Edge, rebuild_exception
from suitkaise.cucumber._handlers._iterators import rebuild_iterator
from suitkaise.cucumber._pickler import Pickler

_LEAVES = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})

# Walking is some fifty times slower than pickling: give up in time, on the path alone.
_MAX_VISITED = 200_000

# What the arguments of a rebuild function, by its id, were in the object.
_ARGUMENT_PATHS = {
    id(cloudpickle._make_cell): (".cell_contents",),
    id(MethodType): (".__func__", ".__self__"),
    id(rebuild_exception): (".__class__", ".args"),
    id(rebuild_iterator): ("",),
}


class _Culprit(NamedTuple):
    """The object whose own reduction failed."""

    path: str
    type_name: str
    error: Exception


def serialization_error(obj: Any, error: Exception, failed: Pickler) -> SerializationError:
    """Say what of `obj` stopped a pickler with `error`."""
    if isinstance(error, RecursionError):
        return SerializationError(
            f"cannot serialise {_type_name(type(obj))}: it is nested too deeply for pickle in "
            "this interpreter; keep it flat, as a list of records instead of a chain of objects",
            type_name=_type_name(type(obj)),
        )
    culprit = _find_culprit(obj, failed)
    if culprit is None:
        return SerializationError(
            f"cannot serialise something in {_type_name(type(obj))}: {_reason(error)}"
        )
    what = f"{culprit.path} ({culprit.type_name})" if culprit.path else culprit.type_name
    message = f"cannot serialise {what}: {_reason(culprit.error)}"
    if not isinstance(culprit.error, RefusalError):
        is_dotted = "." in culprit.type_name and "<" not in culprit.type_name
        name = repr(culprit.type_name) if is_dotted else culprit.type_name
        message += (
            f"; leave it out (__getstate__), or teach it: register({name}, reduce=..., rebuild=...)"
        )
    return SerializationError(message, type_name=culprit.type_name, path=culprit.path)


def foreign_data_error(start: bytes, header: bytes) -> DeserializationError:
    """Say what bytes that begin with `start` are instead of a payload of ours."""
    magic = header[:-2]
    if start.startswith(magic) and len(start) == len(header):
        return DeserializationError(
            f"these bytes have format version {start[-2]}, this suitkaise-cucumber reads version "
            f"{header[-2]}; install the same release on both sides"
        )
    if header.startswith(start):
        return DeserializationError(
            f"these bytes end after {len(start)}: the payload was cut short; send all of it"
        )
    if start[:1] == pickle.PROTO:
        return DeserializationError(
            "these bytes are a plain pickle, not made by serialize(); use pickle.loads() if you "
            "trust them"
        )
    return DeserializationError(
        f"these bytes were not made by serialize(): they start with {start!r}, not {header!r}"
    )


def deserialization_error(error: Exception) -> DeserializationError:
    """Say why a payload of ours could not be loaded."""
    if isinstance(error, ModuleNotFoundError):
        return DeserializationError(
            f"module {error.name!r} is missing here; install it, or put it on sys.path, as it is "
            "at the sender",
            type_name=error.name,
        )
    if isinstance(error, EOFError | pickle.UnpicklingError):
        return DeserializationError(f"the payload is damaged or cut short: {error}")
    return DeserializationError(
        "the payload could not be turned into an object: "
        + f"{type(error).__name__}: {error}".removesuffix(": ")
    )


def _find_culprit(root: Any, failed: Pickler) -> _Culprit | None:
    """Walk as the pickler did until a reduction fails."""
    pickler = Pickler(BytesIO(), 5)
    pickler.taken, pickler.max_items = failed.taken, failed.max_items
    visited: dict[int, Any] = {}  # by id, and kept alive so that no id is used again
    pending = [(root, "")]
    while pending and len(visited) < _MAX_VISITED:
        obj, path = pending.pop()
        if type(obj) in _LEAVES or id(obj) in visited:
            continue
        visited[id(obj)] = obj
        try:
            children = list(_children(pickler, obj, path))
        except Exception as error:
            return _Culprit(path, _type_name(type(obj)), error)
        pending.extend(reversed(children))
    return None


def _children(pickler: Pickler, obj: Any, path: str) -> Iterator[tuple[Any, str]]:
    """Give the parts of an object, each with its path; raise what its own reduction raises."""
    kind = type(obj)
    if kind is list or kind is tuple:
        for index, item in enumerate(obj):
            yield item, f"{path}[{index}]"
    elif kind is dict:
        yield from _items(obj.items(), path)
    elif kind is set or kind is frozenset:
        for item in obj:
            yield item, f"{path}{{{reprlib.repr(item)}}}"
    elif kind is pickle.PickleBuffer:
        return
    else:
        value = pickler.reducer_override(obj)
        if isinstance(value, tuple):
            yield from _parts(value, path)
        else:  # by reference: the pickler looks it up by its name
            Pickler(BytesIO(), 5).dump(obj)


def _items(pairs: Any, path: str) -> Iterator[tuple[Any, str]]:
    for key, value in pairs:
        yield key, f"{path}.keys(){{{reprlib.repr(key)}}}"
        yield value, f"{path}[{reprlib.repr(key)}]"


def _parts(value: tuple[Any, ...], path: str) -> Iterator[tuple[Any, str]]:
    """Give the parts of a reduce value."""
    rebuild, arguments, state, items, pairs, setter = value + (None,) * (6 - len(value))
    yield rebuild, f"{path}.__reduce__()[0]"
    names = _ARGUMENT_PATHS.get(id(rebuild), ())
    for index, argument in enumerate(arguments):
        name = names[index] if index < len(names) else f".__reduce__()[1][{index}]"
        yield argument, path + name
    for index, item in enumerate(items or ()):
        yield item, f"{path}[{index}]"
    yield from _items(pairs or (), path)
    if rebuild is rebuild_exception and state is not None:
        fields, state, edges = state
        yield from _attributes(fields, path)
        yield from _linked(edges or [], path)
    yield from _attributes(state, path)
    yield setter, f"{path}.__reduce__()[5]"


def _linked(edges: list[Edge], path: str) -> Iterator[tuple[Any, str]]:
    """Give causes and contexts: the edges begin with that of the exception at `path`."""
    paths: dict[int, str] = {}
    for error, cause, context, _ in edges:
        start = paths.setdefault(id(error), path)
        for name, other in (("__cause__", cause), ("__context__", context)):
            if other is not None:
                yield other, paths.setdefault(id(other), f"{start}.{name}")


def _attributes(state: Any, path: str) -> Iterator[tuple[Any, str]]:
    """Give the parts of a state: attributes, a pair of attributes and slots, or anything else."""
    pair = state if isinstance(state, tuple) and len(state) == 2 else (state,)
    if all(each is None or type(each) is dict for each in pair):
        for attributes in pair:
            for name, value in (attributes or {}).items():
                yield value, f"{path}.{name}"
    else:
        yield state, f"{path}.__getstate__()"


def _reason(error: Exception) -> str:
    if isinstance(error, RefusalError | TypeError | pickle.PicklingError):
        return str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def _type_name(cls: type) -> str:
    module = "" if cls.__module__ == "builtins" else f"{cls.__module__}."
    return module + cls.__qualname__
