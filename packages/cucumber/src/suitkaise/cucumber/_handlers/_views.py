"""Views of dicts: of the same dict, which travels along; what is changed in it shows in them.

`types.MappingProxyType` likewise; that of a class (`vars(cls)`) is the receiver's class's.
"""

import gc
import types
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, reducer

Proxy = types.MappingProxyType[Any, Any]


def reduce_proxy(proxy: Proxy) -> tuple[Any, bool]:
    """Send the mapping, or the class whose it is."""
    mapping = _mapping_of(proxy)
    if "__doc__" not in mapping:  # which every class has
        return mapping, False
    # A class's descriptors know the class; a class without any is found by who refers to its dict.
    classes = [getattr(value, "__objclass__", None) for value in proxy.values()]
    for cls in (*classes, *gc.get_referrers(mapping)):
        if isinstance(cls, type) and _mapping_of(vars(cls)) is mapping:
            return cls, True
    return mapping, False


def rebuild_proxy(mapping: Any, is_class: bool) -> Proxy:
    """Make a proxy."""
    return vars(mapping) if is_class else types.MappingProxyType(mapping)


def _mapping_of(proxy: Proxy) -> Any:
    for referent in gc.get_referents(proxy):
        return referent
    raise RefusalError("what it is a proxy of cannot be found; send a dict of it")


def reduce_view(view: Any) -> tuple[str, Any, bool]:
    """Send which view it is, and the dict, or the class whose it is."""
    return type(view).__name__.rpartition("_")[2], *reduce_proxy(view.mapping)


def rebuild_view(name: str, mapping: Any, is_class: bool) -> Any:
    """Make a view."""
    return getattr(vars(mapping) if is_class else mapping, name)()


_view = reducer(reduce_view, rebuild_view)

REDUCERS: dict[type, Reducer] = {
    types.MappingProxyType: reducer(reduce_proxy, rebuild_proxy),
    type({}.keys()): _view,
    type({}.values()): _view,
    type({}.items()): _view,
}
