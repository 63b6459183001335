"""Coroutines and asynchronous generators: refused, as where one stands in its code cannot travel.

Nor can one be used up here to send what it would give, as is done with a generator: that takes an
event loop, which may be running already.
"""

from types import AsyncGeneratorType, CoroutineType
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue


def refuse_coroutine(pickler: object, coroutine: "CoroutineType[Any, Any, Any]") -> ReduceValue:
    """Say what to send instead, according to how far it has come."""
    if coroutine.cr_running or coroutine.cr_suspended:
        stands = "it has begun, and where it stands in its code cannot travel"
    elif coroutine.cr_frame is None:
        raise RefusalError("it has ended; send what it returned")
    else:
        stands = "a coroutine cannot travel, not even one that has not begun"
    raise RefusalError(
        f"{stands}; send the function {coroutine.__qualname__} and its arguments, and call it "
        "there, or await it here and send what it returns"
    )


def refuse_generator(pickler: object, generator: "AsyncGeneratorType[Any, Any]") -> ReduceValue:
    """Say what to send instead."""
    raise RefusalError(
        "where an asynchronous generator stands in its code cannot travel; send the function "
        f"{generator.__qualname__} and its arguments, and call it there, or the items: "
        "[item async for item in it]"
    )


def refuse_step(pickler: object, step: object) -> ReduceValue:
    """Say what to send instead of what `anext(generator)` or `coroutine.__await__()` returned."""
    raise RefusalError("it is one step of what runs here; await it, and send what it returns")


def _types_of_steps() -> set[type]:
    async def give() -> Any:
        yield

    async def run() -> None:
        pass

    generator, coroutine = give(), run()
    steps = (
        generator.asend(None),
        generator.athrow(GeneratorExit),
        anext(generator, None),
        coroutine.__await__(),
    )
    kinds = {type(step) for step in steps}
    for step in (*steps, coroutine):
        step.close()
    return kinds


REDUCERS: dict[type, Reducer] = {
    CoroutineType: refuse_coroutine,
    AsyncGeneratorType: refuse_generator,
    **dict.fromkeys(_types_of_steps(), refuse_step),
}
