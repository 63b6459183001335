"""Coroutines, asynchronous generators: refused, where they stand in their code cannot travel."""

import types
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue


def refuse_coroutine(
    pickler: object, coroutine: "types.CoroutineType[Any, Any, Any]"
) -> ReduceValue:
    """Say what to send instead."""
    name = coroutine.__qualname__
    raise RefusalError(
        f"where {name}() stands in its code cannot travel; send the function and its arguments, "
        "and call it at the receiver, or await it here and send the result"
    )


def refuse_generator(
    pickler: object, generator: "types.AsyncGeneratorType[Any, Any]"
) -> ReduceValue:
    """Say what to send instead."""
    name = generator.__qualname__
    raise RefusalError(
        f"{name}() needs an event loop to give its items; send the function and its arguments, "
        f"or the items: [item async for item in {name}()]"
    )


REDUCERS: dict[type, Reducer] = {
    types.CoroutineType: refuse_coroutine,
    types.AsyncGeneratorType: refuse_generator,
}
