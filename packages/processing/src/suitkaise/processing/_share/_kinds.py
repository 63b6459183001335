"""What becomes of an object in a Share, by its type.

ATOM        never changes and holds nothing: a number, text, None
FROZEN      never changes, but holds other objects: a tuple
CONTAINER   becomes a shared container (`_node`): its methods are known
VALUE       is handed out as it is, a copy in each process: functions, classes, modules,
loggers, Reconnectors, dates, decimals, enum members
OBJECT      is handed out as a proxy (`_objects`): its methods change it
"""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import importlib
import logging
import pathlib
import re
import sys
import types
import uuid
from typing import Any

from suitkaise.cucumber import Reconnector

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
)
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
    if kind in _FROZEN:
        return FROZEN
    if issubclass(kind, _VALUES):
        return VALUE
    return OBJECT


def attributes_of(thing: Any) -> dict[str, Any]:
    """Return the attributes that an object has of its own, in its `__dict__` and its slots."""
    attributes = dict(getattr(thing, "__dict__", {}))
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in ("__dict__", "__weakref__"):
                continue
            if name.startswith("__") and not name.endswith("__"):
                name = f"_{cls.__name__.lstrip('_')}{name}"
            try:
                attributes[name] = object.__getattribute__(thing, name)
            except AttributeError:
                continue
    return attributes
