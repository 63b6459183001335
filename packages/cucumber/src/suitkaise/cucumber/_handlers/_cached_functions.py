"""Functions under `functools.lru_cache`: with an empty cache, where they travel by value.

`functools` itself reduces them to their name alone, which the receiver cannot import where it is
one of a script.
"""

import functools
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._importable import is_importable
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler


def reduce_cached_function(pickler: "Pickler", cached: Any) -> ReduceValue:
    """Send the name, or the function and how much of it is cached."""
    if is_importable(cached.__module__) and "<locals>" not in cached.__qualname__:
        return cached.__reduce_ex__(5)
    parameters = cached.cache_parameters()
    arguments = (cached.__wrapped__, parameters["maxsize"], parameters["typed"])
    return rebuild_cached_function, arguments


def rebuild_cached_function(function: Any, maxsize: int | None, is_typed: bool) -> Any:
    """Put the function under a cache of its own."""
    return functools.lru_cache(maxsize, is_typed)(function)


REDUCERS: dict[type, Reducer] = {functools._lru_cache_wrapper: reduce_cached_function}
