"""Serialise anything: a pickler for what pickle refuses.

`serialize` turns an object into bytes, `deserialize` turns the bytes into the object again, in the
same process or in another one that runs the same Python version. Like every pickle, the bytes are
code to whoever loads them: deserialise only what you trust. What is live, such as a database
connection, arrives as a `Reconnector`; `reconnect_all` makes all of them live again.

Example:
    >>> import threading
    >>> from suitkaise.cucumber import deserialize, serialize
    >>> job = {"lock": threading.Lock(), "double": lambda number: number * 2}
    >>> copy = deserialize(serialize(job))
    >>> copy["double"](21)
    42
    >>> copy["lock"].locked()
    False
"""

import importlib as _importlib
import typing as _typing

from suitkaise.cucumber._errors import (
    DeserializationError,
    ReconnectError,
    SerializationError,
)
from suitkaise.cucumber._payload import deserialize, serialize
from suitkaise.cucumber._reconnector import Reconnector
from suitkaise.cucumber._registry import register

if _typing.TYPE_CHECKING:
    from suitkaise.cucumber._explanation import explain
    from suitkaise.cucumber._inspection import inspect
    from suitkaise.cucumber._reconnection import reconnect_all

__all__ = [
    "DeserializationError",
    "ReconnectError",
    "Reconnector",
    "SerializationError",
    "deserialize",
    "explain",
    "inspect",
    "reconnect_all",
    "register",
    "serialize",
]

__version__ = "0.1.0"

# What few programs need is imported when it is first asked for, so that all others start sooner.
_LATER = {
    "explain": "suitkaise.cucumber._explanation",
    "inspect": "suitkaise.cucumber._inspection",
    "reconnect_all": "suitkaise.cucumber._reconnection",
}


def __getattr__(name: str) -> _typing.Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(_importlib.import_module(_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
