"""How long an item took, by what was called with it: what the next map of the same begins with."""

from __future__ import annotations

import functools
import types
from collections.abc import Hashable
from typing import Any

_MOST = 256  # how many are remembered


class Paces:
    """Seconds per item of what has been called, as they were last."""

    def __init__(self) -> None:
        self._seconds: dict[Hashable, float] = {}

    def of(self, callee: Hashable) -> float | None:
        """Return what an item of it takes; None if that is not known."""
        return self._seconds.get(callee)

    def note(self, callee: Hashable, seconds: float) -> None:
        """Remember what an item of it has taken."""
        self._seconds.pop(callee, None)
        self._seconds[callee] = seconds
        if len(self._seconds) > _MOST:
            del self._seconds[next(iter(self._seconds))]


def callee(function: Any) -> Hashable:
    """Return what tells a function from others, without keeping it or what it refers to alive.

    A lambda is the same each time its line is run; a partial and a method are what they call.
    """
    while type(function) in (functools.partial, types.MethodType):
        is_partial = type(function) is functools.partial
        function = function.func if is_partial else function.__func__
    if type(function) is types.FunctionType:
        code = function.__code__
        return code.co_filename, code.co_firstlineno, code.co_qualname
    if isinstance(function, type):
        return function.__module__, function.__qualname__
    if type(function) is types.BuiltinFunctionType:
        return function.__module__, function.__qualname__
    return type(function).__module__, type(function).__qualname__
