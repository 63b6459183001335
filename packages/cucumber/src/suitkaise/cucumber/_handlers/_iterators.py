"""Generators and iterators: consumed, they arrive as a plain iterator over what remained.

Serialising one uses it up here: a running generator cannot be copied. Two endless ones arrive as
they were, being known by what they do: `itertools.count` and `itertools.repeat`.
"""

import itertools
from collections.abc import Callable, Iterator
from operator import length_hint
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

T = TypeVar("T")

_OBJECT: Any = object


class DryRunError(Exception):
    """To serialise this would use it up, and the pickler only wants to know."""


class Taken(NamedTuple):
    """What was taken from something that gives only once.

    Attributes:
        owner: It; kept alive, so that its id is not used again.
        given: What it gave.
        error: What it raised instead; None if it did not.
    """

    owner: object
    given: Any
    error: Exception | None


def reduce_iterator(pickler: "Pickler", iterator: Iterator[Any]) -> ReduceValue:
    """Send all that remains."""
    return rebuild_iterator, (exhaust(pickler, iterator, iterator),)


def exhaust(pickler: "Pickler", owner: object, items: Iterator[Any]) -> list[Any]:
    """Take all that an iterator gives, up to the payload's `max_items`.

    Args:
        pickler: Writes the payload.
        owner: The iterator that is being serialised.
        items: What to take from it.
    """
    limit = pickler.max_items
    spare_in_dry_run(pickler)
    taken = take_once(pickler, owner, lambda: list(itertools.islice(items, limit + 1)))
    if len(taken) > limit:
        raise RefusalError(
            f"it gives more than {limit:,} items and is taken for endless; serialise a part of it, "
            "itertools.islice(iterator, count), or what it is made from, or allow more, "
            "serialize(..., max_items=...)"
        )
    return taken


def take_once(pickler: "Pickler", owner: object, take: Callable[[], T]) -> T:
    """Take from what gives only once; a second attempt at the same payload gets the same again.

    Args:
        pickler: Keeps it, and hands it on to who makes that attempt.
        owner: What is being serialised.
        take: Takes it.
    """
    if id(owner) not in pickler.taken:
        try:
            pickler.taken[id(owner)] = Taken(owner, take(), None)
        except Exception as error:
            pickler.taken[id(owner)] = Taken(owner, None, error)
    taken = pickler.taken[id(owner)]
    if taken.error is not None:
        raise taken.error
    given: T = taken.given
    return given


def spare_in_dry_run(pickler: "Pickler") -> None:
    """Go no further if nothing is to be used up."""
    if pickler.is_dry:
        raise DryRunError


def rebuild_iterator(items: list[Any]) -> Iterator[Any]:
    """Make a plain iterator."""
    return iter(items)


def reduce_groups(pickler: "Pickler", groups: "itertools.groupby[Any, Any]") -> ReduceValue:
    """Send each key with its group's items: a group ends when the next begins."""
    pairs = ((key, iter([*group])) for key, group in groups)
    return rebuild_iterator, (exhaust(pickler, groups, pairs),)


def reduce_count(pickler: "Pickler", count: "itertools.count[Any]") -> ReduceValue:
    """Send the next number and the step."""
    spare_in_dry_run(pickler)
    start, second = take_once(pickler, count, lambda: (next(count), next(count)))
    return rebuild_count, (start, second - start)


def rebuild_count(start: Any, step: Any) -> "itertools.count[Any]":
    """Go on counting."""
    return itertools.count(start, step)


def reduce_repeat(pickler: "Pickler", repeat: "itertools.repeat[Any]") -> ReduceValue:
    """Send the value in a list, and how often it remains; None: for ever."""
    spare_in_dry_run(pickler)
    remaining, value = take_once(
        pickler, repeat, lambda: (length_hint(repeat, -1), list(itertools.islice(repeat, 1)))
    )
    return rebuild_repeat, (value, None if remaining < 0 else remaining)


def rebuild_repeat(value: list[Any], remaining: int | None) -> Iterator[Any]:
    """Go on repeating."""
    if remaining is None:
        return itertools.repeat(value[0])
    return itertools.repeat(value[0], remaining) if value else iter(())


def refuse_cycle(pickler: object, cycle: "itertools.cycle[Any]") -> ReduceValue:
    """Say at once what exhausting it would find out late."""
    raise RefusalError("it is endless; serialise what it cycles through, and cycle at the receiver")


def is_iterator_of_the_interpreter(cls: type) -> bool:
    """Tell whether instances are iterators of C code that say nothing of how they pickle."""
    return (
        hasattr(cls, "__next__")
        and cls.__dictoffset__ == 0
        and cls.__reduce_ex__ is _OBJECT.__reduce_ex__
        and cls.__reduce__ is _OBJECT.__reduce__
    )


def reduce_unless_it_pickles(pickler: "Pickler", iterator: Iterator[Any]) -> ReduceValue:
    """Send an iterator as pickle does; if it does not, what remains."""
    try:
        return iterator.__reduce_ex__(5)
    except TypeError:
        return reduce_iterator(pickler, iterator)


def reduce_calls(pickler: "Pickler", iterator: Iterator[Any]) -> ReduceValue:
    """Send `iter(function, sentinel)` as that; what `finditer` returned, as what remains."""
    value: Any = iterator.__reduce__()
    if len(value) == 2 and type(getattr(value[1][0], "__self__", None)).__name__ == "SRE_Scanner":
        return reduce_iterator(pickler, iterator)
    return value


REDUCERS: dict[type, Reducer] = {
    GeneratorType: reduce_iterator,
    **dict.fromkeys((enumerate, filter, map, zip), reduce_iterator),
    # itertools gives up pickling (deprecated in Python 3.12, gone in 3.14).
    **{
        iterator: reduce_iterator
        for iterator in vars(itertools).values()
        if isinstance(iterator, type) and hasattr(iterator, "__next__")
    },
    itertools.groupby: reduce_groups,
    itertools.count: reduce_count,
    itertools.repeat: reduce_repeat,
    itertools.cycle: refuse_cycle,
    type(iter(int, 1)): reduce_calls,
}
