"""Weak references: alive at the receiver if something else that travels along holds the target.

The target goes along with its reference, or no reference that comes first in the payload could be
to what comes later. At the receiver it lives until all is loaded, and then only if something else
holds it: else the reference is dead, or the entry of the weak container missing, as it would be
here. Callbacks do not travel.
"""

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
    reference: weakref.ref[Any]
    reference = kind.__new__(kind, _Gone() if target is None else target)
    assign_attributes(reference, attributes)
    return reference


def reduce_method(reference: "weakref.WeakMethod[Any]") -> tuple[type, Any, Any]:
    """Send the object and the method's name; None if the object is dead."""
    method = reference()
    if method is None:
        return type(reference), None, None
    target, name = method.__self__, method.__name__
    # A function that travels by value is at the receiver another than its class's, and nobody
    # holds it. So the method is looked up in the object, where it can be.
    return type(reference), target, name if getattr(target, name, None) == method else method


def rebuild_method(kind: Any, target: Any, method: Any) -> "weakref.WeakMethod[Any]":
    """Refer to the method."""
    if target is None:
        target, method = _Gone(), "method"
    if isinstance(method, str):
        method = getattr(target, method)
    reference: weakref.WeakMethod[Any] = kind(method)
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
