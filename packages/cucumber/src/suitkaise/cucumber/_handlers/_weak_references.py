"""Weak references: alive at the receiver if something else that travels along holds the target.

The target goes along with its reference, or no reference that comes first in the payload could be
to what comes later. At the receiver it lives until all is loaded, and then only if something else
holds it: else the reference is dead, or the entry of the weak container missing, as it would be
here. Callbacks do not travel.
"""

import types
import weakref
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._attributes import assign_attributes, attributes_of
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer, reducer_with_state


class _Gone:
    """What a dead reference was to."""

    def method(self) -> None:
        """Be what a dead reference to a method was to."""


def reduce_reference(reference: "weakref.ref[Any]") -> tuple[type, Any, Any]:
    """Send the target; None if it is dead."""
    return type(reference), reference(), attributes_of(reference)


def rebuild_reference(kind: Any, target: Any, attributes: Any) -> "weakref.ref[Any]":
    """Refer to the target."""
    return _make_reference(kind, _Gone() if target is None else target, None, attributes)


def _make_reference(kind: Any, target: Any, callback: Any, attributes: Any) -> "weakref.ref[Any]":
    reference: weakref.ref[Any]
    reference = weakref.ref.__new__(kind, target, callback)  # a subclass's may want more
    assign_attributes(reference, attributes)
    return reference


def reduce_method(reference: "weakref.WeakMethod[Any]") -> tuple[type, Any, Any, Any]:
    """Send the object and where its method is; None if the object is dead."""
    attributes = attributes_of(reference, except_for=weakref.WeakMethod.__slots__)
    method = reference()
    if method is None:
        return type(reference), None, None, attributes
    return type(reference), method.__self__, _place_of(method), attributes


def _place_of(method: types.MethodType) -> Any:
    """Tell the class that has a method, and its name there; else return the method.

    A function that travels by value is at the receiver another than its class's, and nobody holds
    it. So it is looked up in the class, where it can be.
    """
    target, function = method.__self__, method.__func__
    classes = target.__mro__ if isinstance(target, type) else type(target).__mro__
    for cls in classes:
        for name, value in vars(cls).items():
            if value is function or getattr(value, "__func__", None) is function:
                return cls, name
    return method


def rebuild_method(kind: Any, target: Any, place: Any, attributes: Any) -> Any:
    """Refer to the method."""
    if target is None:
        target, place = _Gone(), (_Gone, "method")
    if isinstance(place, tuple):
        cls, name = place
        function = vars(cls)[name]
        place = types.MethodType(getattr(function, "__func__", function), target)
    reference = weakref.WeakMethod.__new__(kind, place)
    assign_attributes(reference, attributes)
    return reference


def target_of(reference: Any) -> Any:
    """Return what a reference or proxy refers to; None if it is dead, or is neither."""
    if type(reference) in weakref.ProxyTypes:
        return reduce_proxy(reference)[0]
    return weakref.ref.__call__(reference) if isinstance(reference, weakref.ref) else None


def refer_to(target: Any, reference: Any) -> Any:
    """Make such a reference or proxy to another target; the same one if it cannot have any."""
    kind = type(reference)
    try:
        if kind in weakref.ProxyTypes:
            return weakref.proxy(target)
        if isinstance(reference, weakref.WeakMethod):
            method = types.MethodType(reference().__func__, target)  # type: ignore[union-attr]
            return rebuild_method(kind, target, method, reduce_method(reference)[-1])
        callback = reference.__callback__  # by which a weak container forgets
        return _make_reference(kind, target, callback, attributes_of(reference))
    except TypeError:  # of a type without weak references
        return reference


def reduce_proxy(proxy: Any) -> tuple[Any]:
    """Send the target; None if it is dead."""
    try:
        return (proxy.__reduce_ex__.__self__,)  # an attribute of a proxy is one of its target
    except ReferenceError:
        return (None,)


def rebuild_proxy(target: Any) -> Any:
    """Make a proxy of the target."""
    return weakref.proxy(_Gone() if target is None else target)


def reduce_container(container: Any) -> tuple[tuple[type], tuple[list[Any], Any]]:
    """Send what is alive in it, and what a user has added."""
    items = list(container) if isinstance(container, weakref.WeakSet) else list(container.items())
    own = vars(_base_of(container)())
    return (type(container),), (items, attributes_of(container, except_for=own))


def rebuild_container(kind: Any) -> Any:
    """Make one that is yet to be filled."""
    return kind.__new__(kind)


def restore_container(container: Any, state: tuple[list[Any], Any]) -> None:
    """Fill it."""
    items, added = state
    base = _base_of(container)
    base.__init__(container)
    for item in items:
        if base is weakref.WeakSet:
            base.add(container, item)
        else:
            base.__setitem__(container, *item)
    assign_attributes(container, added)


def _base_of(container: Any) -> Any:
    for base in (weakref.WeakSet, weakref.WeakValueDictionary, weakref.WeakKeyDictionary):
        if isinstance(container, base):
            return base
    raise TypeError(type(container))


def refuse_finalizer(pickler: object, finalizer: object) -> ReduceValue:
    """Say why it stays."""
    raise RefusalError(
        "what it is to do when its object ends is to be done in this process; leave it out "
        "(__getstate__), and make another at the receiver"
    )


_container = reducer_with_state(reduce_container, rebuild_container, restore_container)

REDUCERS: dict[str, Reducer] = {
    **{
        f"{kind.__module__}.{kind.__qualname__}": reducer(reduce_reference, rebuild_reference)
        for kind in (weakref.ReferenceType,)
    },
    "weakref.WeakMethod": reducer(reduce_method, rebuild_method),
    **{
        f"{kind.__module__}.{kind.__qualname__}": reducer(reduce_proxy, rebuild_proxy)
        for kind in (weakref.ProxyType, weakref.CallableProxyType)
    },
    "weakref.WeakValueDictionary": _container,
    "weakref.WeakKeyDictionary": _container,
    "_weakrefset.WeakSet": _container,
    "weakref.finalize": refuse_finalizer,
}
