"""Generators and iterators: consumed, they arrive as a plain iterator over what remained.

Serialising one uses it up here: a running generator cannot be copied. Two endless ones arrive as
they were, being known by what they do: `itertools.count` and `itertools.repeat`.
"""

import itertools
from collections.abc import Iterator
from operator import length_hint
from types import GeneratorType
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer

# One that gives more than this is taken for endless.
MAX_ITEMS = 10_000_000


def reduce_iterator(iterator: Iterator[Any]) -> tuple[list[Any]]:
    """Send all that remains."""
    items = list(itertools.islice(iterator, MAX_ITEMS + 1))
    if len(items) > MAX_ITEMS:
        raise RefusalError(
            f"it gives more than {MAX_ITEMS:,} items and is taken for endless; serialise a part "
            "of it, itertools.islice(iterator, count), or what it is made from"
        )
    return (items,)


def rebuild_iterator(items: list[Any]) -> Iterator[Any]:
    """Make a plain iterator."""
    return iter(items)


def reduce_groups(groups: "itertools.groupby[Any, Any]") -> tuple[list[Any]]:
    """Send each key with its group's items: a group ends when the next begins."""
    return reduce_iterator((key, iter([*group])) for key, group in groups)


def reduce_count(count: "itertools.count[Any]") -> tuple[Any, Any]:
    """Send the next number and the step."""
    start = next(count)
    return start, next(count) - start


def rebuild_count(start: Any, step: Any) -> "itertools.count[Any]":
    """Go on counting."""
    return itertools.count(start, step)


def reduce_repeat(repeat: "itertools.repeat[Any]") -> tuple[list[Any], int | None]:
    """Send the value in a list, and how often it remains; None: for ever."""
    remaining = length_hint(repeat, -1)
    value = list(itertools.islice(repeat, 1))
    return value, None if remaining < 0 else remaining


def rebuild_repeat(value: list[Any], remaining: int | None) -> Iterator[Any]:
    """Go on repeating."""
    if remaining is None:
        return itertools.repeat(value[0])
    return itertools.repeat(value[0], remaining) if value else iter(())


def refuse_cycle(pickler: object, cycle: "itertools.cycle[Any]") -> ReduceValue:
    """Say at once what exhausting it would find out late."""
    raise RefusalError("it is endless; serialise what it cycles through, and cycle at the receiver")


_exhaust = reducer(reduce_iterator, rebuild_iterator)

REDUCERS: dict[type, Reducer] = {
    GeneratorType: _exhaust,
    **dict.fromkeys((enumerate, filter, map, zip), _exhaust),
    # itertools gives up pickling (deprecated in Python 3.12, gone in 3.14).
    **{
        iterator: _exhaust
        for iterator in vars(itertools).values()
        if isinstance(iterator, type) and hasattr(iterator, "__next__")
    },
    itertools.groupby: reducer(reduce_groups, rebuild_iterator),
    itertools.count: reducer(reduce_count, rebuild_count),
    itertools.repeat: reducer(reduce_repeat, rebuild_repeat),
    itertools.cycle: refuse_cycle,
}
