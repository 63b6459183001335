"""One call of `Pool.submit`, on its way to a worker and there.

    submit   pack_call(function, args, kwargs) -> Payload
    worker   run_call, which is the function of the pool's standing job

A function that is found by its name, or travels by value, is packed by itself, and rebuilt once in
each worker. Any other callable may hold a state that the call changes: it is rebuilt for each call.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType
from typing import Any

from suitkaise.cucumber import SerializationError, deserialize

from ._caller_context import drop_context, make_context
from ._parcels import Payload, pack, pack_named

_KEPT = 64  # functions that a worker keeps, and whose bytes the caller does
_FUNCTIONS = (FunctionType, BuiltinFunctionType)

Call = tuple[Any, tuple[Any, ...], Mapping[str, Any], bytes]


def name_of(function: Callable[..., Any]) -> str:
    """Return what an error calls a function."""
    return getattr(function, "__qualname__", type(function).__qualname__)


# -- in the parent


class Functions:
    """Remembers the bytes of functions that travel by name, which the next call needs again.

    One that travels by value is packed each time: what it refers to may have changed. Any thread
    may ask; at worst two pack the same.
    """

    def __init__(self) -> None:
        self._packed: dict[int, tuple[Callable[..., Any], bytes]] = {}  # by the function's id

    def packed(self, function: Callable[..., Any]) -> Any:
        """Return the function's bytes, or the callable itself if it is no plain function."""
        if type(function) not in _FUNCTIONS or getattr(function, "__self__", None) is not None:
            return function
        known = self._packed.get(id(function))
        if known is not None and known[0] is function:
            return known[1]
        payload = pack(function)
        if type(payload) is not bytes:
            return function
        if _is_by_name(function, payload):
            if len(self._packed) >= _KEPT:
                self._packed.clear()
            self._packed[id(function)] = function, payload
        return payload


def pack_call(
    functions: Functions,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    context: bytes,
) -> Payload:
    """Pack a call.

    Raises:
        SerializationError: If it cannot travel; the message begins with what of it cannot.
    """
    try:
        return pack([(functions.packed(function), args, kwargs, context)])
    except Exception as error:
        name = name_of(function)
        pack_named(f"the function {name}, given to Pool.submit", function)
        for position, argument in enumerate(args):
            pack_named(f"argument {position} of {name}, given to Pool.submit", argument)
        for keyword, argument in kwargs.items():
            pack_named(f"argument {keyword} of {name}, given to Pool.submit", argument)
        if isinstance(error, SerializationError):
            raise
        raise SerializationError(f"{name}, given to Pool.submit: {error}") from error


def _is_by_name(function: Callable[..., Any], payload: bytes) -> bool:
    try:
        return payload.endswith(pickle.dumps(function, 5))
    except Exception:  # pickle does not find it
        return False


# -- in a worker, which has one thread for this

_rebuilt: OrderedDict[bytes, Callable[..., Any]] = OrderedDict()


def run_call(call: Call) -> Any:
    """Make the call; returns or raises what it does."""
    function, args, kwargs, context = call
    if type(function) is bytes:
        function = _rebuild(function)
    if not context:
        return function(*args, **kwargs)
    variables = make_context(context)
    try:
        return variables.run(function, *args, **kwargs)
    finally:
        drop_context(variables)


def _rebuild(payload: bytes) -> Callable[..., Any]:
    function = _rebuilt.get(payload)
    if function is None:
        function = _rebuilt[payload] = deserialize(payload)
        if len(_rebuilt) > _KEPT:
            _rebuilt.popitem(last=False)
    return function
