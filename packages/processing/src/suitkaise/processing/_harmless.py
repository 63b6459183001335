"""Whether serialising a value does it no harm.

cucumber sends what remains of a generator, which uses it up. That is right for what a user hands
over, and wrong for what goes along unasked: a context variable, an argument of a log record.
"""

from __future__ import annotations

import io
import pickle
from contextvars import ContextVar
from types import FunctionType, ModuleType
from typing import Any

PLAIN = frozenset({int, float, str, bytes, bool, type(None)})
_NO_MATTER_OF_PICKLES = (type, FunctionType, ModuleType, ContextVar)  # cucumber's, and harmless


class _Probe(pickle.Pickler):
    """Pickles to no purpose, and raises where that is impossible or uses something up."""

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, _NO_MATTER_OF_PICKLES):
            return len, ()  # anything that pickle writes; nobody reads it
        if hasattr(type(thing), "__next__"):
            raise TypeError(f"a {type(thing).__name__} would be used up")
        return NotImplemented


def require_harmless(value: Any) -> None:
    """Raise if a value cannot be serialised, or not without harm."""
    if type(value) not in PLAIN:
        _Probe(io.BytesIO(), 5).dump(value)
