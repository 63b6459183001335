"""What a name means on a class, found without running anything: no descriptor is asked.

class ─► MRO ─► the first that has the name ─► its role: method, property, slot, value, ...
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections import namedtuple
from collections.abc import Callable, Iterator
from enum import Enum, auto
from types import FunctionType
from typing import Any, NamedTuple

from suitkaise.sk._function import Binding, SkFunction
from suitkaise.sk._skclass import AtFirstUse


class Role(Enum):
    """How a member of a class behaves."""

    METHOD = auto()  # a function, bound to the object
    STATIC = auto()
    CLASS = auto()
    PROPERTY = auto()
    CACHED = auto()  # functools.cached_property: the first look writes the attribute
    SLOT = auto()  # an attribute that the object holds outside its __dict__
    VALUE = auto()  # a plain class attribute
    BUILTIN = auto()  # a method written in C
    OPAQUE = auto()  # a descriptor that may do anything


class Member(NamedTuple):
    """A member of a class.

    Attributes:
        role: How it behaves.
        owner: The class in whose namespace it stands.
        name: Its name there.
        value: What stands there, unbound.
        get: The function that calling or reading it runs; None if that is not written in Python.
        set: The setter of a property.
        delete: The deleter of a property.
        bound: Arguments that a `functools.partialmethod` adds.
        twin: The async function that `sk` calls for ``.asynced()``, if it was given one.
    """

    role: Role
    owner: type
    name: str
    value: object
    get: Any = None  # A FunctionType or None; declared as such, mypy would bind it.
    set: Any = None
    delete: Any = None
    bound: tuple[object, ...] = ()
    twin: Any = None


_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_BUILTINS = (
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
    types.BuiltinFunctionType,
)
_LRU_CACHE = type(functools.lru_cache(lambda: None))
_CONTEXT_HELPERS = frozenset(
    helper(lambda: None).__code__  # type: ignore[arg-type, return-value]
    for helper in (contextlib.contextmanager, contextlib.asynccontextmanager)
)
_BINDINGS: dict[Binding, Callable[[Any], object]] = {
    Binding.INSTANCE: lambda function: function,
    Binding.CLASS: classmethod,
    Binding.NOTHING: staticmethod,
}
_TUPLE_GETTER: type = type(vars(namedtuple("Sample", ["field"]))["field"])  # noqa: PYI024


def find(name: str, mro: tuple[type, ...], after: type | None = None) -> Member | None:
    """Look a name up along an MRO.

    Args:
        name: As it stands in the namespace, mangled if it is private.
        mro: Where to look, in this order.
        after: Look only behind this class, as `super` does. None looks everywhere.

    Returns:
        The first member of this name; None if there is none.
    """
    if after is not None:
        mro = mro[mro.index(after) + 1 :] if after in mro else ()
    for owner in mro:
        if name in vars(owner):
            return _member(owner, name, vars(owner)[name])
    return None


def names(mro: tuple[type, ...]) -> Iterator[str]:
    """All names along an MRO but those of `object` alone."""
    seen: set[str] = set()
    for owner in mro:
        if owner is not object:
            yield from (name for name in vars(owner) if name not in seen)
            seen.update(vars(owner))


def _member(owner: type, name: str, value: Any) -> Member:
    kind = type(value)
    if isinstance(value, FunctionType):
        return Member(Role.METHOD, owner, name, value, _inside(value))
    if isinstance(value, AtFirstUse):
        return Member(Role.VALUE, owner, name, value)
    if isinstance(value, SkFunction):
        wrapped = _member(owner, name, _BINDINGS[value._binding](value.__wrapped__))
        role = wrapped.role if wrapped.get is not None else Role.OPAQUE
        return wrapped._replace(role=role, value=value, twin=value._twin)
    if kind is staticmethod or kind is classmethod:
        role = Role.STATIC if kind is staticmethod else Role.CLASS
        inner = value.__func__
        if isinstance(inner, FunctionType):
            return Member(role, owner, name, value, _inside(inner))
        is_opaque = role is Role.CLASS and inner is not types.GenericAlias
        return Member(Role.OPAQUE if is_opaque else Role.VALUE, owner, name, inner)
    if isinstance(value, property | types.DynamicClassAttribute) and kind.__module__ in (
        "builtins",
        "types",
        "abc",
        "enum",
    ):
        return Member(
            Role.PROPERTY,
            owner,
            name,
            value,
            _inside(value.fget),
            _inside(value.fset),
            _inside(value.fdel),
        )
    if kind is functools.cached_property:
        return Member(Role.CACHED, owner, name, value, _inside(value.func))
    if kind is _LRU_CACHE:
        # What it remembers is its own; what it runs is what it wraps.
        return Member(Role.METHOD, owner, name, value, _inside(value.__wrapped__))
    if kind is functools.partialmethod and isinstance(value.func, FunctionType):
        bound = (*value.args, *value.keywords.values())
        return Member(Role.METHOD, owner, name, value, _inside(value.func), bound=bound)
    if isinstance(value, _SLOTS) or kind is _TUPLE_GETTER:
        return Member(Role.SLOT, owner, name, value)
    if isinstance(value, _BUILTINS):
        return Member(Role.BUILTIN, owner, name, value)
    if hasattr(kind, "__get__") or hasattr(kind, "__set__") or hasattr(kind, "__delete__"):
        return Member(Role.OPAQUE, owner, name, value)
    return Member(Role.VALUE, owner, name, value)


def _inside(function: object) -> FunctionType | None:
    """The function whose body counts: contextlib's wrappers only run the generator they wrap."""
    if not isinstance(function, FunctionType):
        return None
    if function.__code__ in _CONTEXT_HELPERS:
        return _inside(getattr(function, "__wrapped__", None))
    return function


def is_own(member: Member | None) -> bool:
    """Whether there is a member and it is not what every object has."""
    return member is not None and member.owner is not object


def is_hook(member: Member | None) -> bool:
    """Whether a special method rules over attribute access; that of a built-in type does not."""
    if member is None or not is_own(member):
        return False
    return member.role is not Role.BUILTIN or member.owner.__module__ not in _GENERIC


_GENERIC = frozenset({"builtins", "collections"})


def is_plain(kind: type, name: str) -> bool:
    """Whether instances of exactly this type hold the attribute and run nothing for it."""
    if kind.__module__ in ("builtins", "suitkaise.sk._analysis._kinds"):
        return False
    hooks = ("__setattr__", "__delattr__", "__getattribute__", "__getattr__")
    if any(is_hook(find(hook, kind.__mro__)) for hook in hooks):
        return False
    member = find(name, kind.__mro__)
    return member is None or (member.role in (Role.VALUE, Role.SLOT) and not name.startswith("__"))
