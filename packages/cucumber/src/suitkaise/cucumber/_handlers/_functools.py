"""functools: functions under a cache, and keys to sort by.

A function under `lru_cache` has an empty cache, where it travels by value. `functools` itself
reduces it to its name alone, which the receiver cannot import where it is one of a script.

What `cmp_to_key` returns makes a key of whatever it is called with; both have the same type.
"""

import functools
import gc
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._handlers._attributes import assign_attributes, attributes_of
from suitkaise.cucumber._importable import is_importable
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler


def reduce_cached_function(pickler: "Pickler", cached: Any) -> ReduceValue:
    """Send the name, or the function and how much of it is cached."""
    if is_importable(cached.__module__) and "<locals>" not in cached.__qualname__:
        return cached.__reduce_ex__(5)
    parameters = cached.cache_parameters()
    arguments = (cached.__wrapped__, parameters["maxsize"], parameters["typed"])
    attributes = attributes_of(cached, except_for=vars(rebuild_cached_function(*arguments)))
    return rebuild_cached_function, arguments, attributes, None, None, assign_attributes


def rebuild_cached_function(function: Any, maxsize: int | None, is_typed: bool) -> Any:
    """Put the function under a cache of its own."""
    return functools.lru_cache(maxsize, is_typed)(function)


def reduce_key(key: Any) -> tuple[Any, ...]:
    """Send the comparison, and what is to be compared, if anything."""
    # Which no attribute tells; the collector is told of both, in this order.
    return tuple(each for each in gc.get_referents(key) if each is not _Key)


def rebuild_key(compare: Any, *compared: Any) -> Any:
    """Make it again."""
    key = functools.cmp_to_key(compare)
    return key(*compared) if compared else key


_Key: type = type(functools.cmp_to_key(lambda _one, _other: 0))

REDUCERS: dict[type, Reducer] = {
    functools._lru_cache_wrapper: reduce_cached_function,
    _Key: reducer(reduce_key, rebuild_key),
}
