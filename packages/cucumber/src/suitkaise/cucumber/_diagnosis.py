"""From an error that stopped the pickler to one that says what, where, why, and what to do.

pickle tells neither the path nor the object. So after a failure, and only then, the object is
walked again in Python: the same reductions, step by step, until one of them fails.
"""

import pickle
import re
from io import BytesIO
from typing import Any, NamedTuple

from suitkaise.cucumber._errors import DeserializationError, RefusalError, SerializationError
from suitkaise.cucumber._parts import ATOMS, name_of, parts_of
from suitkaise.cucumber._pickler import Pickler
from suitkaise.cucumber._walk import Place

# How pickle says that a module lacks something.
_MISSING_ATTRIBUTE = re.compile(r"Can't get attribute '(.+)' on <module '([^']+)'")

# Opcodes that number what was read: memory is taken for as many numbers as there are.
_NUMBERING = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})

# Walking is some fifty times slower than pickling: give up in time, on the path alone.
_MAX_VISITED = 200_000


class _Culprit(NamedTuple):
    """The object whose own reduction failed."""

    path: str
    type_name: str
    error: Exception


def serialization_error(obj: Any, error: Exception, failed: Pickler) -> SerializationError:
    """Say what of `obj` stopped a pickler with `error`."""
    culprit = _find_culprit(obj, failed)
    if culprit is None:
        return SerializationError(
            f"cannot serialise something in {name_of(type(obj))}: {_reason(error)}"
        )
    what = f"{culprit.path} ({culprit.type_name})" if culprit.path else culprit.type_name
    told = reason_and_remedy(culprit.type_name, culprit.error)
    return SerializationError(
        f"cannot serialise {what}: {told}", type_name=culprit.type_name, path=culprit.path
    )


def reason_and_remedy(type_name: str, error: Exception) -> str:
    """Say why an object of this type could not be reduced, and what to do."""
    if isinstance(error, RefusalError):
        return str(error)
    is_dotted = "." in type_name and "<" not in type_name
    name = repr(type_name) if is_dotted else type_name
    return (
        f"{_reason(error)}; leave it out (__getstate__), or teach it: "
        f"register({name}, reduce=..., rebuild=...)"
    )


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


def deserialization_error(error: Exception, payload: bytes | memoryview) -> Exception:
    """Say why a payload of ours could not be loaded."""
    if isinstance(error, RefusalError):  # a handler's own words
        return DeserializationError(str(error))
    if isinstance(error, ModuleNotFoundError):
        return DeserializationError(
            f"module {error.name!r} is missing here; install it, or put it on sys.path, as it is "
            "at the sender",
            type_name=error.name,
        )
    missing = _MISSING_ATTRIBUTE.match(str(error)) if isinstance(error, AttributeError) else None
    if missing is not None:
        name, module = missing.groups()
        return DeserializationError(
            f"module {module!r} has no {name!r} here; install the same release of it on both "
            "sides, or import what defines it",
            type_name=f"{module}.{name}",
        )
    if "out-of-band" in str(error) and isinstance(error, pickle.UnpicklingError):
        return DeserializationError(
            "its buffers were handed out when it was serialised, and are not here; give them to "
            f"deserialize(data, buffers=...), all and in the same order ({error})"
        )
    if isinstance(error, MemoryError) and not _claims_more_than_it_has(payload):
        return error
    if isinstance(error, EOFError | pickle.UnpicklingError | MemoryError):
        return DeserializationError(f"the payload is damaged or cut short: {error}")
    return DeserializationError(
        "the payload could not be turned into an object: "
        + f"{type(error).__name__}: {error}".removesuffix(": ")
    )


def _without_copy(payload: bytes | memoryview) -> bytes:
    owner = payload.obj if isinstance(payload, memoryview) else payload
    return owner if isinstance(owner, bytes) and len(owner) == len(payload) else bytes(payload)


def _claims_more_than_it_has(payload: bytes | memoryview) -> bool:
    """Tell whether a payload is damaged so that some length in it is none."""
    from pickletools import genops

    try:
        return any(
            opcode.name in _NUMBERING and int(argument or 0) > len(payload)
            for opcode, argument, _ in genops(_without_copy(payload))
        )
    except MemoryError:  # there is no room to look
        return False
    except Exception:
        return True


def _find_culprit(root: Any, failed: Pickler) -> _Culprit | None:
    """Walk as the pickler did until a reduction fails."""
    pickler = Pickler(BytesIO(), 5)
    pickler.taken, pickler.max_items = failed.taken, failed.max_items
    pickler.with_context_values = failed.with_context_values
    visited: dict[int, Any] = {}  # by id, and kept alive so that no id is used again
    pending = [(root, Place(None, "", None))]
    while pending and len(visited) < _MAX_VISITED:
        obj, place = pending.pop()
        if type(obj) in ATOMS or id(obj) in visited:
            continue
        visited[id(obj)] = obj
        try:
            parts = list(parts_of(pickler, obj, place))
        except Exception as error:
            return _Culprit(place.path, name_of(type(obj)), error)
        pending.extend(reversed(parts))
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, RefusalError | TypeError | pickle.PicklingError):
        return str(error)
    return f"{type(error).__name__}: {error}".removesuffix(": ")
