"""A handler: how objects of one type become arguments, and arguments an object again.

    sender      reduce(obj) -> arguments                rebuild, arguments
    receiver    rebuild(*arguments) -> obj              ... and restore(obj, state), where given

An object that can contain itself has a state: `reduce` then returns (arguments, state), and the
state is read only when the object is already known to the pickler, so that cycles close.

The import path of `rebuild` and `restore` is the wire format: the receiver needs no registry.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

# What pickle's reduction protocol calls a reduce value; NotImplemented: by reference.
ReduceValue: TypeAlias = Any

# How the pickler calls for a reduction. It gives itself along, for what is kept per payload.
Reducer: TypeAlias = "Callable[[Pickler, Any], ReduceValue]"


def reducer(reduce: Callable[[Any], tuple[Any, ...]], rebuild: Callable[..., Any]) -> Reducer:
    """Make a reducer of a reduce/rebuild pair."""

    def reduce_by_pair(pickler: "Pickler", obj: Any) -> ReduceValue:
        return rebuild, reduce(obj)

    return reduce_by_pair


def reducer_with_state(
    reduce: Callable[[Any], tuple[tuple[Any, ...], Any]],
    rebuild: Callable[..., Any],
    restore: Callable[[Any, Any], None],
) -> Reducer:
    """Make a reducer of a reduce/rebuild pair whose state is restored in a second step."""

    def reduce_with_state(pickler: "Pickler", obj: Any) -> ReduceValue:
        arguments, state = reduce(obj)
        return rebuild, arguments, state, None, None, restore

    return reduce_with_state
