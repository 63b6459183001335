"""Objects of the user's classes, as they are read from a Share.

`share.account` is a proxy: it has the methods, properties, operators and the class of the object
(`isinstance` holds), and does each thing where it belongs (`_class_plans`): on the replica of this
process, as one step on it, or with itself in the place of the object.
"""

from __future__ import annotations

import copy
import functools
import inspect
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ._class_plans import ALL, AWAY, CHANGING, CLASS, DATA, Entry, lookup, plan_of
from ._effects import ATOMS, decode, encode_state, is_encoding
from ._namespaces import Namespace
from ._node import Node, Planned, written_in
from ._replica import Replica
from ._results import Returned
from ._scalars import TRACKED, Origin, evaluate, is_computed, origin, strip, track
from ._store import RUNNING, STATE
from ._waiting import LeaveTurn, is_for_waiting, method_of

if TYPE_CHECKING:
    from ._attribute import Attribute

T = TypeVar("T")
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
_ASKED_OF_PROXY = frozenset({
    *("__reduce__", "__reduce_ex__", "__copy__", "__deepcopy__", "__dir__"),
})  # fmt: skip


class SharedClass(type):
    """The class of the classes of proxies: what one has not itself, it has of the user's class.

    So they find it who ask the type of an object and not the object, such as `dataclasses.asdict`.
    """

    _of: type

    def __getattr__(cls, name: str) -> Any:
        if name == "_of":
            raise AttributeError(name)
        return getattr(cls._of, name)


class SharedObject(metaclass=SharedClass):
    """An object in a Share. Its class is that of the object, to `isinstance` and to pickling."""

    __slots__ = ("__weakref__", "_place")
    _place: tuple[Replica, Any]  # one: threads that use the same proxy see no half of a new one

    @property
    def __class__(self) -> Any:
        return type(_get(self, "_place")[1])

    @__class__.setter
    def __class__(self, _cls: type) -> None:
        raise TypeError("the class of an object in a Share cannot be changed; assign a new one")

    def __getattribute__(self, name: str) -> Any:
        thing = _get(self, "_place")[1]
        if name == "__class__":
            return type(thing)
        if name in _ASKED_OF_PROXY:
            return _get(self, name)
        if name == "__dict__":
            return _namespace(self)
        plan = plan_of(type(thing))
        entry = plan.to_read(name)
        if entry.kind == DATA:
            if plan.has_hook:
                return _read_or_ask(self, name, plan.to_read("__getattr__"))
            return _read(self, name)
        if not (entry.is_property or entry.is_ours) and name in getattr(thing, "__dict__", ()):
            return _read(self, name)
        if entry.kind == CLASS:
            return entry.original.__get__(None, type(thing))
        if entry.is_property:
            return _run(self, entry, (), {}, name)
        if entry.is_coroutine:
            return types.MethodType(entry.original, self)
        return SharedMethod(self, entry, name)

    def __setattr__(self, name: str, value: Any) -> None:
        plan = plan_of(type(_get(self, "_place")[1]))
        entry = plan.to_set(name)
        if entry.kind == DATA:
            set_data(self, name, value)
        elif _is_read_here(self, name, value):
            reading = plan.to_read(name)
            if reading.kind == DATA:
                reading = Entry(DATA, lambda thing: getattr(thing, name))
            _compute(self, reading, entry, (), value)
        else:
            _run(self, entry, (strip(value),), {})

    def __delattr__(self, name: str) -> None:
        entry = plan_of(type(_get(self, "_place")[1])).to_delete(name)
        if entry.kind == DATA:
            delete_data(self, name)
        else:
            _run(self, entry, (), {})

    def __eq__(self, other: object) -> Any:
        if not is_proxy(other):
            return NotImplemented
        return _current(self)[1] is _current(other)[1]

    def __hash__(self) -> int:
        return hash(_get(self, "_place")[0].attribute)

    def __dir__(self) -> list[str]:
        return _with(self, lambda thing: dir(thing))

    def __repr__(self) -> str:
        return _with(self, lambda thing: repr(thing))

    def __str__(self) -> str:
        return _with(self, lambda thing: str(thing))

    def __format__(self, spec: str) -> str:
        return _with(self, lambda thing: format(thing, spec))

    def __copy__(self) -> Any:
        return copy.copy(_detached(self))

    def __deepcopy__(self, memo: Any) -> Any:
        return copy.deepcopy(_detached(self), memo)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if is_for_waiting(type(_get(self, "_place")[1])) and not is_encoding():
            return _object_there, _address_of(self)  # what waits for each other is one thing
        return _detached(self).__reduce_ex__(protocol)


class SharedMethod:
    """A method of an object in a Share, bound to it."""

    __slots__ = ("__name__", "_entry", "_proxy")

    def __init__(self, proxy: SharedObject, entry: Entry, name: str) -> None:
        self._proxy = proxy
        self._entry = entry
        self.__name__ = name

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return _run(self._proxy, self._entry, tuple(map(strip, args)), kwargs)

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

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._bound())

    def __getattr__(self, name: str) -> Any:
        """Modifiers, such as `.timeout()`: the method then runs with the proxy as its object."""
        return getattr(self._bound(), name)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SharedMethod)
            and self.__name__ == other.__name__
            and _current(self._proxy)[1] is _current(other._proxy)[1]
        )

    def __hash__(self) -> int:
        return hash((SharedObject.__hash__(self._proxy), self.__name__))

    def __repr__(self) -> str:
        return f"<shared method {self.__name__} of {self._proxy!r}>"

    def __reduce__(self) -> Any:
        return _method_there, (*_address_of(self._proxy), self.__name__)

    def _bound(self) -> Any:
        return self._entry.original.__get__(self._proxy, type(_get(self._proxy, "_place")[1]))


def _address_of(shared: Any) -> tuple[Any, str, Any]:
    """Return where an object in a Share is found in another process."""
    replica, thing = place(shared)
    attribute = replica.attribute
    return attribute.member.share(), attribute.name, replica.last_path_to(thing)


def _object_there(share: Any, name: str, path: Any) -> Any:
    """Return the proxy of an object in a Share, in the process that it was sent to."""
    replica = share._member.find(name).read()
    return proxy(replica, replica.walk(path))


def _method_there(share: Any, name: str, path: Any, method: str) -> Any:
    """Return the method of an object in a Share, in the process that it was sent to."""
    return getattr(_object_there(share, name, path), method)


def proxy(replica: Replica, thing: Any) -> Any:
    """Return what stands for an object of a replica."""
    cls: Any = _proxy_class(type(thing))  # type: ignore[arg-type]
    shared: Any = object.__new__(cls)
    object.__setattr__(shared, "_place", (replica, thing))
    return shared


def is_proxy(value: Any) -> bool:
    """Tell whether a value stands for an object in a Share."""
    return type(type(value)) is SharedClass


def place(shared: Any) -> tuple[Replica, Any]:
    """Return the replica and the object that a proxy stands for, as they were last looked at."""
    where: tuple[Replica, Any] = _get(shared, "_place")
    return where


def whereabouts(value: Any) -> tuple[Replica, Any] | None:
    """Return what a container or a proxy of a Share stands for, and the replica that it is in.

    None: it was not read from a Share, or is a value of its own.
    """
    if isinstance(value, Node):
        return value._replica, value
    return place(value) if is_proxy(value) else None


def set_data(shared: Any, name: str, value: Any) -> None:
    """Set an attribute of a shared object itself, whatever hooks its class has."""
    replica, thing = place(shared)
    attribute = replica.attribute
    attribute.change_inside(replica, thing, _set, (attribute, name, value), {})


def delete_data(shared: Any, name: str) -> None:
    """Delete an attribute of a shared object itself."""
    replica, thing = place(shared)
    replica.attribute.change_inside(replica, thing, _delete, (name,), {})


def _current(shared: Any) -> tuple[Replica, Any]:
    """Return the replica and the object that a proxy stands for, with all that is new."""
    where: tuple[Replica, Any] = _get(shared, "_place")
    replica, thing = where
    words = replica.words
    if replica.seen == words[replica.end_at] and words[STATE] == RUNNING:
        return where
    where = replica.attribute.current_in(replica, thing)
    object.__setattr__(shared, "_place", where)
    return where


def _read(shared: Any, name: str) -> Any:
    while True:
        replica, thing = _current(shared)
        seen = replica.seen
        if seen < 0 and replica.is_in_hand():
            return getattr(thing, name)
        value = getattr(thing, name)
        if seen >= 0 and replica.seen == seen:  # no other thread's method has begun on it meanwhile
            return replica.present(value, thing, name)


def _read_or_ask(shared: Any, name: str, hook: Entry) -> Any:
    """Read an attribute; if there is none, ask the class's `__getattr__`."""
    _, thing = _current(shared)
    try:
        _get(thing, name)
    except AttributeError:
        return _run(shared, hook, (name,), {}, name)
    return _read(shared, name)


def _namespace(shared: Any) -> Namespace:
    _, thing = _current(shared)
    if not hasattr(thing, "__dict__"):
        raise AttributeError(f"{type(thing).__name__!r} object has no attribute '__dict__'")
    names = _with(shared, lambda thing: list(thing.__dict__))
    return Namespace(shared, {name: _read(shared, name) for name in names})


def _with(shared: Any, function: Callable[[Any], T]) -> T:
    """Return what a function finds out about the object, which stays as it is meanwhile."""
    replica, thing = place(shared)
    attribute = replica.attribute
    with attribute.using(replica, thing) as (_, present):
        return function(present)


def _detached(shared: Any) -> Any:
    """Return a plain object like a shared one, of its own."""
    return decode(_with(shared, encode_state))[1]


def _run(
    shared: Any,
    entry: Entry,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    key: Any = None,
) -> Any:
    """Use what an entry says.

    Args:
        shared: The proxy.
        entry: How.
        args: What the function is called with, after the object.
        kwargs: The same by name.
        key: Where what it gives stands, if it can be assigned there: a property, an element.
    """
    function = entry.function
    assert function is not None
    if entry.kind == AWAY:
        return function(shared, *args, **kwargs)
    replica, thing = place(shared)
    if replica.is_in_step():  # a method of the object calls another
        return function(thing, *args, **kwargs)
    if entry.kind == CHANGING:
        result, replica, thing = replica.attribute.run(
            replica, thing, function, args, kwargs, entry.writes
        )
    else:
        with replica.attribute.using(replica, thing) as (replica, thing):
            result = function(thing, *args, **kwargs)
    if type(result) in ATOMS:
        return result if key is None else track(result, Origin(replica, thing, key))
    result = Returned(replica, {id(thing): shared}, proxy).present(result)
    return result if key is None else track(result, Origin(replica, thing, key))


def _is_read_here(shared: Any, key: Any, value: Any) -> bool:
    """Tell whether a value was computed from what stands at a key of this object."""
    if type(value) not in TRACKED or not is_computed(value):
        return False
    replica, thing = place(shared)
    where = origin(value)
    if where.replica is None or type(where.key) is not type(key) or where.key != key:
        return False
    return where.owner is thing or (
        where.replica.attribute is replica.attribute
        and where.replica.last_path_to(where.owner) == replica.last_path_to(thing)
    )


def _compute(
    shared: Any,
    reading: Entry,
    writing: Entry,
    key: tuple[Any, ...],
    value: Any,
) -> None:
    """Write a value that was computed from what stood there: again from what stands there now."""
    read, write = reading.function, writing.function
    assert read is not None
    assert write is not None

    def compute(thing: Any) -> None:
        write(thing, *key, strip(evaluate(value, strip(read(thing, *key)))))

    writes = tuple({*writing.writes, *reading.writes})
    writes = ALL if ALL[0] in writes else writes
    _run(shared, writing._replace(function=compute, writes=writes), (), {})


def _set(thing: Any, attribute: Attribute, name: str, value: Any) -> Planned:
    found = lookup(type(thing), name)
    if not hasattr(thing, "__dict__") and not isinstance(found, types.MemberDescriptorType):
        raise AttributeError(f"{type(thing).__name__!r} object has no attribute {name!r}")
    try:
        present = _get(thing, name)
    except AttributeError:
        present = None
    new = written_in(attribute.changing, value, thing, name, present)
    if new is present and type(new) not in ATOMS:
        return None, None  # `share.thing.items += [1]` assigns what it has changed
    return None, ("attribute.set", name, new)


def _delete(thing: Any, name: str) -> Planned:
    is_slot = isinstance(lookup(type(thing), name), types.MemberDescriptorType)
    if name not in getattr(thing, "__dict__", ()) and not (is_slot and hasattr(thing, name)):
        raise AttributeError(f"{type(thing).__name__!r} object has no attribute {name!r}")
    return None, ("attribute.delete", name)


@functools.cache
def _proxy_class(cls: type) -> type:
    """Make the class of the proxies for a user's class: with the special methods that it has."""
    members: dict[str, Any] = {
        "__slots__": (),
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__,
        "_of": cls,
    }
    for name in plan_of(cls).special_names() - _OWN:
        value = getattr(cls, name, None)
        members[name] = None if value is None else _special(name)
    if method_of(cls, "__exit__") is not None:
        members["__exit__"] = LeaveTurn()
    if "__eq__" in members and "__hash__" not in members:
        members["__hash__"] = None
    return types.new_class(
        cls.__name__, (SharedObject,), exec_body=lambda body: body.update(members)
    )


def _special(name: str) -> Callable[..., Any]:
    def call(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        entry = plan_of(type(_get(self, "_place")[1])).to_read(name)
        return _run(self, entry, tuple(map(strip, args)), kwargs)

    special: Any = {"__getitem__": _get_item, "__setitem__": _set_item}.get(name, call)
    special.__name__ = name
    made: Callable[..., Any] = special
    return made


class _Key(NamedTuple):
    """The key of an element, of what has `__getitem__`; that of an attribute is its name alone."""

    key: Any


def _get_item(self: Any, key: Any, /) -> Any:
    key = strip(key)
    entry = plan_of(type(_get(self, "_place")[1])).to_read("__getitem__")
    return _run(self, entry, (key,), {}, _Key(key))


def _set_item(self: Any, key: Any, value: Any, /) -> None:
    key = strip(key)
    plan = plan_of(type(_get(self, "_place")[1]))
    entry = plan.to_read("__setitem__")
    if entry.kind != AWAY and _is_read_here(self, _Key(key), value):
        _compute(self, plan.to_read("__getitem__"), entry, (key,), value)
    else:
        _run(self, entry, (key, strip(value)), {})
