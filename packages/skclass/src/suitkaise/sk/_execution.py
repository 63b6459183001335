"""Carries a chain of modifiers out.

Whatever order they were written in, they happen in this one: the rate limit, then attempts, each
with its timeout, each a call.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any, cast

from suitkaise.sk._operation import Arguments, Keywords, Operation, Repeatable, in_thread
from suitkaise.sk._options import Mode, Options


def call(operation: Operation, options: Options, args: Arguments, kwargs: Keywords) -> Any:
    """Do it as the options ask."""
    if options.is_single:
        if options.mode is Mode.BACKGROUND:
            return operation.begin(args, kwargs, options.timeout)
        if options.mode is Mode.ASYNCED or operation.is_async:
            return operation.run_async(args, kwargs, options.timeout)
        return operation.run(args, kwargs, options.timeout)
    repeatable = cast("Repeatable", operation)  # no other has the modifiers that ask for it
    if options.mode is Mode.BACKGROUND:
        return in_thread(partial(_run_in_thread, repeatable, options, args, kwargs))
    if options.mode is Mode.ASYNCED or operation.is_async:
        return run_async(repeatable, options, args, kwargs)
    return run(repeatable, options, args, kwargs)


def run(operation: Repeatable, options: Options, args: Arguments, kwargs: Keywords) -> Any:
    """Do it in the calling thread; blocks until it is done."""
    clock = operation.clock
    if options.per_second is not None:
        clock.sleep(operation.limiters.get(options.per_second).reserve(clock.now()))
    for delay in options.retry.delays():
        try:
            return operation.run(args, kwargs, options.timeout)
        except options.retry.exceptions:
            pass
        clock.sleep(delay)
    return operation.run(args, kwargs, options.timeout)


async def run_async(
    operation: Repeatable, options: Options, args: Arguments, kwargs: Keywords
) -> Any:
    """Do it in the event loop; cancelling gives up the delay or the call that is going on."""
    clock = operation.clock
    if options.per_second is not None:
        await clock.sleep_async(operation.limiters.get(options.per_second).reserve(clock.now()))
    for delay in options.retry.delays():
        try:
            return await operation.run_async(args, kwargs, options.timeout)
        except options.retry.exceptions:
            pass
        await clock.sleep_async(delay)
    return await operation.run_async(args, kwargs, options.timeout)


def _run_in_thread(
    operation: Repeatable, options: Options, args: Arguments, kwargs: Keywords
) -> Any:
    if not operation.is_async:
        return run(operation, options, args, kwargs)
    import asyncio  # here: importing it takes longer than all of suitkaise.sk

    outcome: Coroutine[Any, Any, Any] = run_async(operation, options, args, kwargs)
    return asyncio.run(outcome)
