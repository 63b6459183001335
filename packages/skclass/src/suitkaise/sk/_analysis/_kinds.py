"""What is known of types by themselves: which never change, which can be read without a change.

Types outside the builtins are named by module and name: nothing is imported for a table. `object`
as a kind means: unknown.
"""

from __future__ import annotations

import collections
import types
from functools import lru_cache


class AnnotatedDict:
    """The kind of what is annotated as a dict: it may be a defaultdict, which reading changes."""


class Iterator:
    """The kind of what works through other things when it is asked for the next: zip, map, iter."""


class Logger:
    """The kind of a logger."""


class Lock:
    """The kind of every lock: entering and leaving it changes nothing that lasts."""


_ATOMS = frozenset(
    [
        "decimal.Decimal",
        "fractions.Fraction",
        "uuid.UUID",
        "re.Pattern",
        "datetime.date",
        "datetime.time",
        "datetime.datetime",
        "datetime.timedelta",
        "datetime.timezone",
        "zoneinfo.ZoneInfo",
        "ipaddress.IPv4Address",
        "pathlib.PurePath",
        "pathlib.PurePosixPath",
        "pathlib.Path",
        "pathlib.PosixPath",
        "pathlib._local.PurePath",
        "pathlib._local.PurePosixPath",
        "pathlib._local.Path",
        "pathlib._local.PosixPath",
    ]
)
_BUILTIN_ATOMS = frozenset(
    {int, float, complex, bool, str, bytes, range, slice, type(...), type(NotImplemented)}
)
_PLAIN = frozenset(
    {types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type, types.GenericAlias}
)
_LOCKS = frozenset(
    [
        "_thread.lock",
        "_thread.RLock",
        "threading.Condition",
        "threading.Semaphore",
        "threading.BoundedSemaphore",
        "asyncio.locks.Lock",
        "asyncio.locks.Condition",
        "asyncio.locks.Semaphore",
    ]
)


@lru_cache(maxsize=4096)
def is_atom(kind: type) -> bool:
    """Whether values of exactly this type never change."""
    return kind in _BUILTIN_ATOMS or f"{kind.__module__}.{kind.__qualname__}" in _ATOMS


@lru_cache(maxsize=4096)
def is_fixed(kind: type) -> bool:
    """Whether a value is no state of an object: an atom, a function, a class, a module."""
    return is_atom(kind) or kind in _PLAIN


@lru_cache(maxsize=4096)
def is_lock(kind: type) -> bool:
    """Whether values of this type are locks."""
    return kind is Lock or f"{kind.__module__}.{kind.__qualname__}" in _LOCKS


@lru_cache(maxsize=4096)
def is_logger(kind: type) -> bool:
    """Whether values of this type are loggers."""
    return kind is Logger or f"{kind.__module__}.{kind.__qualname__}" == "logging.Logger"


#: Made from pairs, or from another of them.
MAPPINGS = frozenset(
    {dict, collections.OrderedDict, collections.Counter, collections.defaultdict, AnnotatedDict}
)

_MAPPINGS = (dict, collections.OrderedDict, collections.Counter, types.MappingProxyType)
_SEQUENCES = (list, tuple, collections.deque, str, bytes, bytearray, range)

#: Going through one of these changes nothing, however often.
REITERABLE = frozenset(
    {*_MAPPINGS, *_SEQUENCES, set, frozenset, collections.defaultdict, AnnotatedDict}
)
#: Reading an element changes nothing.
SUBSCRIPTED = frozenset({*_MAPPINGS, *_SEQUENCES})
#: Nothing can be put in.
CLOSED = frozenset({tuple, frozenset})


def is_written(kind: type) -> bool:
    """Whether a class is made by a ``class`` statement."""
    return bool(kind.__flags__ & 1 << 9)  # Py_TPFLAGS_HEAPTYPE
