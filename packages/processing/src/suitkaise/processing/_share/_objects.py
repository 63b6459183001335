"""Objects of the user's classes, as they are read from a Share.

`share.account` is a proxy: it has the methods, properties, operators and the class of the object
(`isinstance` holds), and does each thing where it belongs (`_class_plans`): on the replica of this
process, as one step on it, or with itself in the place of the object.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._class_plans import AWAY, CHANGING, CLASS, DATA, Entry, plan_of
from ._kinds import OBJECT, kind_of
from ._lists import Planned, computed
from ._node import Node
from ._replica import Replica
from ._scalars import strip
from ._store import RUNNING, STATE

if TYPE_CHECKING:
    from ._attribute import Attribute

_get = object.__getattribute__

# What every object has and a proxy does for itself.
_OWN = frozenset({
    *("__class__", "__new__", "__init__", "__del__", "__getattribute__", "__setattr__"),
    *("__delattr__", "__dict__", "__weakref__", "__slots__", "__init_subclass__"),
    *("__subclasshook__", "__class_getitem__", "__reduce__", "__reduce_ex__", "__getstate__"),
    *("__setstate__", "__getnewargs__", "__getnewargs_ex__", "__copy__", "__deepcopy__"),
    *("__doc__", "__module__", "__qualname__", "__annotations__", "__dir__", "__set_name__"),
    *("__prepare__", "__instancecheck__", "__subclasscheck__", "__mro_entries__", "__getattr__"),
    *("__orig_bases__", "__parameters__", "__match_args__", "__post_init__", "__sizeof__"),
})  # fmt: skip


class SharedObject:
    """An object in a Share. Its class is that of the object, to `isinstance` and to pickling."""

    __slots__ = ("__weakref__", "_object", "_replica")
    _object: Any
    _replica: Replica

    @property
    def __class__(self) -> Any:
        return type(_get(self, "_object"))

    @__class__.setter
    def __class__(self, _cls: type) -> None:
        raise TypeError("the class of an object in a Share cannot be changed; assign a new one")

    def __getattribute__(self, name: str) -> Any:
        if name == "__class__":
            return type(_get(self, "_object"))
        thing = _get(self, "_object")
        entry = plan_of(type(thing)).to_read(name)
        if entry.kind == DATA:
            return _read(self, name)
        if name in getattr(thing, "__dict__", ()) and not entry.is_property:
            return _read(self, name)
        if entry.kind == CLASS:
            return entry.original.__get__(None, type(thing))
        if entry.is_property:
            return _run(self, entry, (), {})
        return SharedMethod(self, entry, name)

    def __setattr__(self, name: str, value: Any) -> None:
        thing = _get(self, "_object")
        entry = plan_of(type(thing)).to_set(name)
        if entry.kind == DATA:
            replica = _get(self, "_replica")
            attribute = replica.attribute
            attribute.change_inside(replica, thing, _set, (attribute, name, value), {})
        else:
            _run(self, entry, (value,), {})

    def __delattr__(self, name: str) -> None:
        thing = _get(self, "_object")
        entry = plan_of(type(thing)).to_delete(name)
        if entry.kind == DATA:
            replica = _get(self, "_replica")
            replica.attribute.change_inside(replica, thing, _delete, (name,), {})
        else:
            _run(self, entry, (), {})

    def __dir__(self) -> list[str]:
        return dir(_current(self)[1])

    def __repr__(self) -> str:
        return repr(_current(self)[1])

    def __str__(self) -> str:
        return str(_current(self)[1])

    def __format__(self, spec: str) -> str:
        return format(_current(self)[1], spec)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _current(self)[1].__reduce_ex__(protocol)


class SharedMethod:
    """A method of an object in a Share, bound to it."""

    __slots__ = ("__name__", "_entry", "_proxy")

    def __init__(self, proxy: SharedObject, entry: Entry, name: str) -> None:
        self._proxy = proxy
        self._entry = entry
        self.__name__ = name

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return _run(self._proxy, self._entry, args, kwargs)

    @property
    def __self__(self) -> SharedObject:
        return self._proxy

    @property
    def __func__(self) -> Any:
        return self._entry.original

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        doc: str | None = self._entry.original.__doc__
        return doc

    def __getattr__(self, name: str) -> Any:
        """Modifiers, such as `.timeout()`: the method then runs with the proxy as its object."""
        bound = self._entry.original.__get__(self._proxy, type(_get(self._proxy, "_object")))
        return getattr(bound, name)

    def __repr__(self) -> str:
        return f"<shared method {self.__name__} of {self._proxy!r}>"


def proxy(replica: Replica, thing: Any) -> Any:
    """Return what stands for an object of a replica."""
    shared = object.__new__(_proxy_class(type(thing)))
    object.__setattr__(shared, "_replica", replica)
    object.__setattr__(shared, "_object", thing)
    return shared


def is_proxy(value: Any) -> bool:
    """Tell whether a value stands for an object in a Share."""
    return issubclass(type(value), SharedObject)


def place(shared: Any) -> tuple[Replica, Any]:
    """Return the replica and the object that a proxy stands for, as they were last looked at."""
    return _get(shared, "_replica"), _get(shared, "_object")


def _current(shared: Any) -> tuple[Replica, Any]:
    """Return the replica and the object that a proxy stands for, with all that is new."""
    replica: Replica = _get(shared, "_replica")
    words = replica.words
    if replica.seen == words[replica.end_at] and words[STATE] == RUNNING:
        return replica, _get(shared, "_object")
    replica, thing = replica.attribute.current_in(replica, _get(shared, "_object"))
    object.__setattr__(shared, "_replica", replica)
    object.__setattr__(shared, "_object", thing)
    return replica, thing


def _read(shared: Any, name: str) -> Any:
    replica, thing = _current(shared)
    value = getattr(thing, name)
    if replica.seen == -1:
        return value
    return replica.present(value, thing, name)


def _run(
    shared: Any, entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    function = entry.function
    assert function is not None
    if entry.kind == AWAY:
        return function(shared, *args, **kwargs)
    if entry.kind == CHANGING:
        replica, thing = place(shared)
        result = replica.attribute.run(
            replica, thing, lambda target: function(target, *args, **kwargs), entry.writes
        )
        return shared if result is thing or result is _get(shared, "_object") else result
    replica, thing = _current(shared)
    if replica.seen == -1:  # a method of the object calls another
        return function(thing, *args, **kwargs)
    replica.attribute.begin_use(replica)
    try:
        result = function(thing, *args, **kwargs)
    finally:
        replica.attribute.end_use(replica)
    return _present_result(shared, replica, thing, result)


def _present_result(shared: Any, replica: Replica, thing: Any, result: Any) -> Any:
    """Return what a method returned, as one who reads the Share sees it."""
    if result is thing:
        return shared
    if kind_of(type(result)) == OBJECT and replica.has(result):
        return proxy(replica, result)
    return result


def _set(thing: Any, attribute: Attribute, name: str, value: Any) -> Planned:
    if is_proxy(value) and place(value)[1] is getattr(thing, name, None):
        return None, None
    if isinstance(value, Node) and value is getattr(thing, name, None):
        return None, None  # `share.thing.items += [1]` assigns what it has changed
    present = getattr(thing, name, None)
    if not hasattr(thing, "__dict__"):
        object.__getattribute__(type(thing), name)  # a slot, or an error that says so
    return None, ("attribute.set", name, computed(value, attribute.changing, thing, name, present))


def _delete(thing: Any, name: str) -> Planned:
    object.__getattribute__(thing, name)
    return None, ("attribute.delete", name)


@functools.cache
def _proxy_class(cls: type) -> type:
    """Make the class of the proxies for a user's class: with the special methods that it has."""
    members: dict[str, Any] = {"__slots__": (), "__module__": __name__, "__doc__": cls.__doc__}
    for name in plan_of(cls).special_names() - _OWN:
        value = getattr(cls, name, None)
        members[name] = None if value is None else _special(name)
    if "__eq__" in members and "__hash__" not in members:
        members["__hash__"] = None
    return types.new_class(
        f"Shared{cls.__name__}", (SharedObject,), exec_body=lambda body: body.update(members)
    )


def _special(name: str) -> Callable[..., Any]:
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        entry = plan_of(type(_get(self, "_object"))).to_read(name)
        return _run(self, entry, tuple(map(strip, args)), kwargs)

    call.__name__ = name
    return call
