"""Carries a chain of modifiers out.

Whatever order they were written in, they happen in this one: the rate limit, then attempts, each
with its timeout, each a call.
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from suitkaise.sk._operation import Arguments, Keywords, Operation, in_thread
from suitkaise.sk._options import Mode, Options

if TYPE_CHECKING:
    from concurrent.futures import Future


def call(operation: Operation, options: Options, args: Arguments, kwargs: Keywords) -> Any:
    """Do it as the options ask."""
    if options.mode is Mode.BACKGROUND:
        return begin(operation, options, args, kwargs)
    if options.mode is Mode.ASYNCED or operation.is_async:
        return run_async(operation, options, args, kwargs)
    return run(operation, options, args, kwargs)


def run(operation: Operation, options: Options, args: Arguments, kwargs: Keywords) -> Any:
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
    operation: Operation, options: Options, args: Arguments, kwargs: Keywords
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


def begin(operation: Operation, options: Options, args: Arguments, kwargs: Keywords) -> Future[Any]:
    """Have it done; returns at once."""
    if options.per_second is None and options.retry.times == 1:
        return operation.begin(args, kwargs, options.timeout)
    return in_thread(partial(_run_in_thread, operation, options, args, kwargs))


def _run_in_thread(
    operation: Operation, options: Options, args: Arguments, kwargs: Keywords
) -> Any:
    if not operation.is_async:
        return run(operation, options, args, kwargs)
    import asyncio  # here: importing it takes longer than all of suitkaise.sk

    outcome: Coroutine[Any, Any, Any] = run_async(operation, options, args, kwargs)
    return asyncio.run(outcome)
