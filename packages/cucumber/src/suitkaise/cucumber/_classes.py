"""Classes: by reference where the receiver can import them, else by value.

sender      metaclass, name, bases, what it has from the start      ... attributes
receiver    the class, empty as yet, or the one that it is here     ... fill it

As the constructor of an object does not run again, neither does what made a class: the metaclass
and the `__init_subclass__` that travel by value themselves, `__set_name__`. What they did to the
class is in its attributes. Those that can be imported do run, for they may keep a list of classes;
the metaclasses of `typing` and `enum` do not, which refuse the bases that they gave the class.

A class that comes back to the process which defined it is that class, untouched. cloudpickle, whose
form this was, would overwrite its attributes and methods with the copies that went round.
"""

import abc
import builtins
import contextlib
import enum
import threading
import types
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cloudpickle import cloudpickle

from suitkaise.cucumber._handlers._attributes import assign_attributes, attributes_of
from suitkaise.cucumber._importable import travels_by_reference
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

# Types that the interpreter has under another name than they say, such as that of functions.
_INTERPRETERS_TYPES = {
    cls: name
    for cls, name in cloudpickle._BUILTIN_TYPE_NAMES.items()
    if cls.__module__ == "builtins" and getattr(builtins, cls.__qualname__, None) is not cls
}

# Classes made here from a payload, as opposed to those defined here.
_rebuilt_classes: "weakref.WeakSet[type]" = weakref.WeakSet()

# What a class must have when it is made, as it cannot be given it later or its bases look at it.
_FROM_THE_START = ("__module__", "__slots__", "__orig_bases__")

# The same of enumerations: what a combination of flags is looked up with.
_OF_FLAGS = ("_all_bits_", "_boundary_", "_flag_mask_", "_inverted_", "_singles_mask_")
_OF_MEMBERS = ("_member_type_", "_member_names_")

# Made again from the members.
_LOOK_UPS = ("__new__", "_member_map_", "_value2member_map_")

_WITHOUT_CONSTRUCTION = frozenset({"enum", "typing", "typing_extensions"})


def reduce_class(pickler: "Pickler", cls: type) -> ReduceValue:
    """Reduce a class."""
    name = _INTERPRETERS_TYPES.get(cls)
    if name is not None:
        return cloudpickle._builtin_type, (name,)
    if travels_by_reference(cls):
        return NotImplemented
    value = cloudpickle._class_reduce(cls) if cls.__module__ == "builtins" else NotImplemented
    if value is not NotImplemented and value[0] is not cloudpickle._make_skeleton_class:
        return value  # a type of the interpreter, such as that of None
    if isinstance(cls, enum.EnumMeta):
        return _reduce_enumeration(cls)
    attributes, namespace = _split(cls, _FROM_THE_START)
    return rebuild_class, _arguments(cls, namespace), attributes, None, None, fill_class


def _split(cls: type, first: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a class's attributes into those that can wait and those that it has from the start."""
    attributes, _ = cloudpickle._class_getstate(cls)
    namespace = {name: vars(cls)[name] for name in first if name in vars(cls)}
    if isinstance(vars(cls).get("__dict__"), property):  # a user's
        namespace["__dict__"] = vars(cls)["__dict__"]
    for name in namespace:
        attributes.pop(name, None)
    return attributes, {**namespace, "__qualname__": cls.__qualname__}


def _arguments(cls: type, namespace: dict[str, Any], *more: Any) -> tuple[Any, ...]:
    tracker_id = cloudpickle._get_or_create_tracker_id(cls)
    return (type(cls), cls.__name__, cls.__bases__, namespace, *more, tracker_id)


def rebuild_class(*arguments: Any) -> type:
    """Find the class of a payload, or make it, empty as yet."""
    return _find_or_make(_make_class, arguments)


def _find_or_make(make: Callable[..., type], arguments: tuple[Any, ...]) -> type:
    *how, tracker_id = arguments
    cls: type | None = cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.get(tracker_id)
    if cls is None:
        cls = make(*how)
        _rebuilt_classes.add(cls)
        cls = cloudpickle._lookup_class_or_track(tracker_id, cls)
    return cls


def _make_class(metaclass: type, name: str, bases: tuple[type, ...], first: dict[str, Any]) -> type:
    maker: Any = _maker_of(metaclass)
    namespace = maker.__prepare__(name, bases)
    namespace.update(first)
    was_on = _Hook.is_off()
    _Hook.this_thread.is_off = True
    try:
        cls: type = maker.__new__(metaclass, name, bases, namespace)
        maker.__init__(cls, name, bases, namespace)
    finally:
        _Hook.this_thread.is_off = was_on
    return cls


def _maker_of(metaclass: type) -> type:
    """Find the nearest metaclass that is to make a class anew; `type` at the latest."""
    for each in metaclass.__mro__:
        if each.__module__ not in _WITHOUT_CONSTRUCTION and travels_by_reference(each):
            return each
    raise TypeError(metaclass)


class _Hook(classmethod):  # type: ignore[type-arg]
    """An `__init_subclass__` that came by value: it has run for the classes of payloads."""

    this_thread = threading.local()

    @classmethod
    def is_off(cls) -> bool:
        """Tell whether this thread is making a class of a payload."""
        return getattr(cls.this_thread, "is_off", False)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return _do_nothing if self.is_off() else super().__get__(instance, owner)


def _do_nothing(**options: Any) -> None:
    """Run instead of a hook."""


def fill_class(cls: type, attributes: dict[str, Any]) -> None:
    """Give a class its attributes, unless it was defined in this process."""
    if cls not in _rebuilt_classes:
        return
    virtual = attributes.pop("_abc_impl", ())
    hook = attributes.get("__init_subclass__")
    if type(hook) is classmethod:
        attributes["__init_subclass__"] = _Hook(hook.__func__)
    set_attribute: Any = _maker_of(type(cls)).__setattr__
    for name, value in attributes.items():
        set_attribute(cls, name, value)
    for each in virtual:
        abc.ABCMeta.register(cls, each)  # type: ignore[arg-type]


def _reduce_enumeration(cls: Any) -> ReduceValue:
    attributes, namespace = _split(cls, (*_FROM_THE_START, *_OF_MEMBERS, *_OF_FLAGS))
    members, states = {}, {}
    for name, member in cls._member_map_.items():
        if member._name_ != name:
            members[name] = member._name_  # another name of the same
        else:
            members[name] = (member._value_, _content_of(member))
            states[name] = attributes_of(member, except_for=("_inverted_",))
        if attributes.get(name) is member:
            del attributes[name]
    for name in _LOOK_UPS:
        attributes.pop(name, None)
    arguments = _arguments(cls, namespace, members)
    return rebuild_enumeration, arguments, (attributes, states), None, None, fill_enumeration


def _content_of(member: Any) -> tuple[Any, ...]:
    """Return what the built-in part of a member is made of; nothing if it has none."""
    kind = type(member)._member_type_
    if hasattr(kind, "__getnewargs__"):  # int, str and their like
        content: tuple[Any, ...] = kind.__getnewargs__(member)
        return content
    if kind.__reduce__ is object.__reduce__:
        return ()
    value = kind.__reduce__(member)  # date and its like
    return value[1] if value[0] is type(member) else ()


def rebuild_enumeration(*arguments: Any) -> type:
    """Find the enumeration of a payload, or make it with its members, which lack attributes yet."""
    return _find_or_make(_make_enumeration, arguments)


def _make_enumeration(
    metaclass: type,
    name: str,
    bases: tuple[type, ...],
    first: dict[str, Any],
    members: dict[str, Any],
) -> type:
    by_name: dict[str, Any] = {}
    by_value: dict[Any, Any] = {}
    look_ups = dict(zip(_LOOK_UPS, (enum.Enum.__new__, by_name, by_value), strict=True))
    cls: Any = _make_class(metaclass, name, bases, first | look_ups)
    make = _native_constructor(cls._member_type_)
    for each, data in members.items():
        if isinstance(data, str):
            member = by_name[data]
        else:
            value, content = data
            member = make(cls, *content)
            assign_attributes(member, {"_name_": each, "_value_": value})
            with contextlib.suppress(TypeError):  # it is looked up one by one then
                by_value.setdefault(value, member)
        by_name[each] = member
        type.__setattr__(cls, each, member)
    made: type = cls
    return made


def _native_constructor(kind: type) -> Any:
    """Find what makes the built-in part of a class's instances."""
    for base in kind.__mro__:
        constructor = vars(base).get("__new__")
        if isinstance(constructor, types.BuiltinFunctionType):
            return constructor
    return object.__new__


def fill_enumeration(cls: Any, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Give an enumeration and its members their attributes, unless it was defined here."""
    if cls in _rebuilt_classes:
        attributes, states = state
        fill_class(cls, attributes)
        for name, each in states.items():
            assign_attributes(cls._member_map_[name], each)


def reduce_hook(pickler: "Pickler", hook: _Hook) -> ReduceValue:
    """Reduce it to what it was."""
    return classmethod, (hook.__func__,)


REDUCERS: dict[type, Reducer] = {_Hook: reduce_hook}
