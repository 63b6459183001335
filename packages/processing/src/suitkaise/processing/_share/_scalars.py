"""What never changes and can be computed with, as it is read from a Share: numbers, text, tuples.

A value that was read remembers where it stood, and what was computed from it remembers how: so that
`share.n += 1` and `share.n = 2 * share.n + 1` can be computed again, with what is there when they
are written. They are real numbers, real text: `isinstance` holds, `json.dumps` and `range` take
them. What is compared or converted with them is plain.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import numbers
import operator
from collections.abc import Callable
from typing import Any


class Origin:
    """Where a value stood when it was read: in an attribute itself, or in something inside it."""

    __slots__ = ("key", "owner", "replica")

    def __init__(self, replica: Any = None, owner: Any = None, key: Any = None) -> None:
        self.replica = replica
        self.owner = owner
        self.key = key


class Vacancy(Origin):
    """Where nothing stood when it was read, and a default was taken instead."""

    __slots__ = ()


# What a value was computed by: a step, which is a list of the operation and what is on its left and
# right; a value itself if it is plain, which no list is; and for what stood there, _READ.
Expression = Any


class _Nothing:
    """Stands for what was read, and for the right side of an operation that has none."""


_READ = _Nothing()
_NONE = _Nothing()


def evaluate(value: Any, present: Any) -> Any:
    """Compute a tracked value again, from what stands there now."""
    step = value._expression
    if type(step) is list and step[1] is _READ:  # `share.n += 1`, as most are
        operation, _, right = step
        if type(right) is not list and type(right) is not _Nothing:
            return operation(present, right)
    return _evaluate(step, present)


def _evaluate(expression: Expression, present: Any) -> Any:
    if expression is _READ:
        return present
    if type(expression) is list:
        operation, left, right = expression
        left = _evaluate(left, present)
        if right is _NONE:
            return operation(left)
        return operation(left, _evaluate(right, present))
    return expression


def is_computed(value: Any) -> bool:
    """Tell whether a tracked value was computed, not just read."""
    return value._expression is not _READ


def origin(value: Any) -> Origin:
    """Return where a tracked value stood."""
    where: Origin = value._origin
    return where


def strip(value: Any) -> Any:
    """Return a value as an ordinary one, that remembers nothing."""
    return value._plain if type(value) in TRACKED else value


def track(value: Any, where: Origin, expression: Expression = _READ) -> Any:
    """Return a value that remembers where it came from, if its type can be computed with."""
    kind = type(value)
    make = TRACKING.get(kind, _UNKNOWN)
    if make is _UNKNOWN:
        make = TRACKING[kind] = _maker_of(kind)
    if make is None:
        return value
    tracked = make(value)
    tracked._origin = where
    tracked._plain = value
    if expression is not _READ:
        tracked._expression = expression
    return tracked


def _binary(operation: Callable[..., Any], name: str, *, is_reflected: bool) -> Any:
    def compute(self: Any, other: Any, *modulus: Any) -> Any:
        if modulus:
            return operation(self._plain, strip(other), *map(strip, modulus))
        plain = other_expression = other
        if type(other) in TRACKED:
            plain = other._plain
            other_expression = other._expression if other._origin is self._origin else plain
        elif type(other) is set and isinstance(self, frozenset):
            plain = other_expression = frozenset(other)
        elif not isinstance(other, _CONSTANT):
            # `"%s" % [1]`: what may change is not remembered.
            return operation(other, self._plain) if is_reflected else operation(self._plain, other)
        if is_reflected:
            result = operation(plain, self._plain)
            step = [operation, other_expression, self._expression]
        else:
            result = operation(self._plain, plain)
            step = [operation, self._expression, other_expression]
        return track(result, self._origin, step)

    def compute_quickly(self: Any, other: Any) -> Any:
        if type(other) not in _CONSTANTS:
            return compute(self, other)
        plain = self._plain
        result = operation(plain, other)
        kind = type(result)
        if kind is not type(plain):
            return track(result, self._origin, [operation, self._expression, other])
        tracked = TRACKING[kind](result)
        tracked._origin = self._origin
        tracked._plain = result
        tracked._expression = [operation, self._expression, other]
        return tracked

    chosen = compute if is_reflected or operation is pow else compute_quickly
    chosen.__name__ = name
    return chosen


def _unary(operation: Callable[[Any], Any], name: str) -> Any:
    def compute(self: Any) -> Any:
        step = [operation, self._expression, _NONE]
        return track(operation(self._plain), self._origin, step)

    compute.__name__ = name
    return compute


_BINARY: dict[str, Any] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": pow,
    "lshift": operator.lshift,
    "rshift": operator.rshift,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
}
_UNARY: dict[str, Callable[[Any], Any]] = {
    "__neg__": operator.neg,
    "__pos__": operator.pos,
    "__invert__": operator.invert,
    "__abs__": operator.abs,
}


def _tracked_class(base: type) -> type:
    """Make the class of a plain type's tracked values."""

    def reduce(self: Any, protocol: Any) -> Any:
        return (base, (self._plain,)) if base in _BUILT_IN else self._plain.__reduce_ex__(protocol)

    def represent(self: Any) -> str:
        return repr(self._plain)

    members: dict[str, Any] = {
        "__reduce_ex__": reduce,
        "__repr__": represent,
        "__doc__": f"A value of type {base.__name__} that was read from a Share.",
        "__module__": __name__,
        "_expression": _READ,
    }
    for name, operation in _BINARY.items():
        if hasattr(base, f"__{name}__"):
            members[f"__{name}__"] = _binary(operation, f"__{name}__", is_reflected=False)
            members[f"__r{name}__"] = _binary(operation, f"__r{name}__", is_reflected=True)
    for name, unary in _UNARY.items():
        if hasattr(base, name):
            members[name] = _unary(unary, name)
    return type(base.__name__, (base,), members)


def _maker_of(kind: type) -> Callable[[Any], Any] | None:
    """Return what makes tracked values of a type's values; None if it cannot be computed with."""
    if kind.__module__ != "numpy" or not hasattr(kind, "dtype") or hasattr(kind, "__len__"):
        return None
    try:
        return _register(kind)  # a number of NumPy's, such as numpy.float64
    except TypeError:
        return None


def _register(base: type, make: Callable[[Any, Any], Any] | None = None) -> Callable[[Any], Any]:
    cls: Any = _tracked_class(base)
    TRACKED.add(cls)
    return cls if make is None else lambda value: make(cls, value)


_CONSTANT = (
    *(numbers.Number, str, bytes, tuple, frozenset),  # and what is derived from them
    *(datetime.date, datetime.timedelta),
)
_CONSTANTS = frozenset({int, float, complex, bool, str, bytes})  # the most frequent of them
_BUILT_IN = (int, float, complex, str, bytes, tuple, frozenset)
TRACKED: set[type] = set()
TRACKING: dict[type, Any] = {  # what makes one of a value; None: nothing does
    **{base: _register(base) for base in (*_BUILT_IN, decimal.Decimal, fractions.Fraction)},
    datetime.timedelta: _register(
        datetime.timedelta, lambda cls, value: cls(value.days, value.seconds, value.microseconds)
    ),
    datetime.date: _register(
        datetime.date, lambda cls, value: cls(value.year, value.month, value.day)
    ),
    datetime.datetime: _register(
        datetime.datetime, lambda cls, value: cls.combine(value.date(), value.timetz())
    ),
}
_UNKNOWN = object()


def learn_to_track(base: type) -> None:
    """Have the values of a type remember where they were read."""
    TRACKING[base] = _register(base)
