"""What becomes of an object in a Share, by its type.

ATOM        never changes and holds nothing: a number, text, None
FROZEN      never changes, but holds other objects: a tuple, a named one
CONTAINER   becomes a shared container (`_node`): its methods are known
VALUE       is handed out as it is, a copy in each process: functions, classes, modules,
            loggers, Reconnectors, dates, decimals, enum members, exceptions
OBJECT      is handed out as a proxy (`_objects`): its methods change it
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import functools
import importlib
import logging
import pathlib
import re
import sys
import types
import uuid
from typing import Any

from suitkaise.circuits import BreakingCircuit, Circuit
from suitkaise.cucumber import Reconnector
from suitkaise.timing import Sktimer

from . import _bytes, _deques, _dicts, _lists, _sets  # noqa: F401  they register themselves
from ._effects import ATOMS
from ._node import NODE_TYPES, PLAIN_TYPES

ATOM, FROZEN, CONTAINER, VALUE, OBJECT = range(5)

_FROZEN: tuple[type, ...] = (tuple, frozenset)
_VALUES: tuple[type, ...] = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.ModuleType,
    types.GenericAlias,
    type(Ellipsis),
    type(NotImplemented),
    logging.Logger,
    logging.LoggerAdapter,
    Reconnector,
    enum.Enum,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.tzinfo,
    decimal.Decimal,
    fractions.Fraction,
    uuid.UUID,
    pathlib.PurePath,
    re.Pattern,
    range,
    slice,
    BaseException,  # only a real one can be raised
    # What derives from what never changes.
    *(int, float, complex, str, bytes, tuple, frozenset),
)
# Their insides are their own: nothing in them becomes a part of a Share by itself.
_SEALED: tuple[type, ...] = (Sktimer, Circuit, BreakingCircuit)
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class made by a class statement, mostly
_known: dict[type, int] = {}


def kind_of(kind: type) -> int:
    """Return what becomes of objects of a type."""
    known = _known.get(kind)
    if known is None:
        known = _known[kind] = _kind_of(kind)
    return known


def learn(kind: type, what: int) -> None:
    """Note what becomes of objects of a type."""
    _known[kind] = what


def _kind_of(kind: type) -> int:
    if kind in ATOMS:
        return ATOM
    if kind.__module__ == "numpy" and "numpy" in sys.modules:
        importlib.import_module("._arrays", __package__)  # which knows of more
        if kind in _known:
            return _known[kind]
    if kind in NODE_TYPES or kind in PLAIN_TYPES:
        return CONTAINER
    if kind in _FROZEN or is_record(kind):
        return FROZEN
    if issubclass(kind, _VALUES) or _is_numpy_scalar(kind):
        return VALUE
    return OBJECT


def _is_numpy_scalar(kind: type) -> bool:
    return any(base.__module__ == "numpy" and base.__name__ == "generic" for base in kind.__mro__)


def is_record(kind: type) -> bool:
    """Tell whether a type is a tuple whose places have names."""
    return issubclass(kind, tuple) and hasattr(kind, "_fields") and not kind.__dictoffset__


def share_as_value(kind: type) -> None:
    """Have objects of a type handed out as they are."""
    _known[kind] = VALUE


def holds_attributes(kind: type) -> bool:
    """Tell whether what is in the attributes of an object may be made part of a Share."""
    return bool(kind.__flags__ & _HEAP_TYPE) and not issubclass(kind, _SEALED)


@functools.cache
def is_open(kind: type) -> bool:
    """Tell whether all that an object of a class holds stands in its attributes.

    What C code keeps in an object (a queue's items, the state of a generator of random numbers)
    makes it larger than its attributes take.
    """
    pointers = len(_slots_of(kind)) + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    own_size = object.__basicsize__ + pointers * tuple.__itemsize__
    return not issubclass(kind, _SEALED) and kind.__basicsize__ <= own_size


def attributes_of(thing: Any) -> dict[str, Any]:
    """Return the attributes that an object has of its own, in its `__dict__` and its slots."""
    attributes = dict(getattr(thing, "__dict__", ()))
    slots = _slots_of(type(thing))  # type: ignore[arg-type]
    if slots:
        for name in slots:
            try:
                attributes[name] = object.__getattribute__(thing, name)
            except AttributeError:
                continue
    return attributes


@functools.cache
def _slots_of(kind: type) -> tuple[str, ...]:
    """Return the names of the slots of a class and its bases, as attributes are called."""
    names = []
    for cls in kind.__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            is_private = name.startswith("__") and not name.endswith("__")
            if name not in ("__dict__", "__weakref__"):
                names.append(f"_{cls.__name__.lstrip('_')}{name}" if is_private else name)
    return tuple(names)
