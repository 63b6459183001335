"""Processes that do the same at the same time, for what is shared between them.

They are started once, and get an order whenever there is something to do: a statement about names
that they all know, how often, and a moment at which all begin.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from timeit import Timer
from typing import Any, NamedTuple

_HEAD_START = 0.005  # until the last of them has its order


class Order(NamedTuple):
    """What to do.

    Attributes:
        statement: Python.
        names: What it speaks of, besides what all know.
        operations: How often.
        begin: The monotonic time at which to begin.
    """

    statement: str
    names: Mapping[str, Any]
    operations: int
    begin: float


class Span(NamedTuple):
    """When a process began and ended, as monotonic times, which all processes share."""

    began: float
    ended: float


# From a statement, names for each process, and how often, to when each of them did it.
Perform = Callable[[str, list[dict[str, Any]], int], list[Span]]


def carry_out(order: Order, names: Mapping[str, Any]) -> Span:
    """Do what is ordered, at its time."""
    timer = Timer(order.statement, globals={**names, **order.names})
    time.sleep(max(0.0, order.begin - time.monotonic()))
    began = time.monotonic()
    timer.timeit(order.operations)
    return Span(began, time.monotonic())


@contextmanager
def peers(names: Mapping[str, Any], size: int) -> Iterator[Perform]:
    """Open a crew of `multiprocessing.Process`."""
    context = multiprocessing.get_context("forkserver")
    pairs = [context.Pipe() for _ in range(size)]
    processes = [context.Process(target=_serve, args=(there, names)) for _, there in pairs]
    for process in processes:
        process.start()

    def perform(statement: str, each: list[dict[str, Any]], operations: int) -> list[Span]:
        begin = time.monotonic() + _HEAD_START
        for (ours, _), own in zip(pairs, each, strict=True):
            ours.send(Order(statement, own, operations, begin))
        return [_answer(ours.recv()) for ours, _ in pairs]

    yield perform
    for ours, _ in pairs:
        ours.send(None)
    for process in processes:
        process.join()


@contextmanager
def ours(names: Mapping[str, Any], size: int) -> Iterator[Perform]:
    """Open a crew of `Skprocess`."""
    from .processes import Performer

    performers = [Performer(names) for _ in range(size)]
    for performer in performers:
        performer.start()

    def perform(statement: str, each: list[dict[str, Any]], operations: int) -> list[Span]:
        begin = time.monotonic() + _HEAD_START
        for performer, own in zip(performers, each, strict=True):
            performer.tell(Order(statement, own, operations, begin))
        return [_answer(performer.listen()) for performer in performers]

    yield perform
    for performer in performers:
        performer.stop()
    for performer in performers:
        performer.wait()


def _answer(answer: Any) -> Span:
    if isinstance(answer, BaseException):
        raise answer
    assert isinstance(answer, Span)
    return answer


def _serve(connection: Any, names: Mapping[str, Any]) -> None:
    with contextlib.suppress(EOFError):
        while (order := connection.recv()) is not None:
            try:
                connection.send(carry_out(order, names))
            except Exception as error:
                connection.send(error)
