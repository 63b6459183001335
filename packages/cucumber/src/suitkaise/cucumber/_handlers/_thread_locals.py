"""threading.local: with the attributes of the thread that sends, for the thread that receives.

The other threads of the receiver begin as those of the sender did: with nothing, or with what a
subclass's `__init__` sets, which each calls with the arguments that the object was made with.
"""

import gc
from threading import local
from typing import Any

from suitkaise.cucumber._handlers._attributes import attributes_of
from suitkaise.cucumber._reducer import Reducer, reducer_with_state


def reduce_local(values: local) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Send this thread's attributes, and the arguments for other threads."""
    cls = type(values)
    attributes = dict(vars(values))  # the thread's; may call __init__
    state = attributes_of(values)
    slots = state[1] if isinstance(state, tuple) else None
    arguments, keywords = _arguments_of(values)
    return (cls, arguments, keywords), {"attributes": attributes, "slots": slots}


def _arguments_of(values: local) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Find what `__init__` is called with in a new thread.

    Only the garbage collector is told: it is given the type, the positional arguments, the keyword
    arguments if there are any, and then dicts and sets that have no text in them.
    """
    referents = gc.get_referents(values)
    places = [place for place, each in enumerate(referents) if each is type(values)]
    arguments, *others = referents[places[-1] + 1 :]
    keywords = others[0] if others and isinstance(others[0], dict) else {}
    return arguments, keywords if all(type(name) is str for name in keywords) else {}


def rebuild_local(cls: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> local:
    """Make one without calling `__init__` for this thread."""
    made: local = local.__new__(cls, *arguments, **keywords)
    return made


def restore_local(values: local, state: dict[str, Any]) -> None:
    """Give this thread its attributes."""
    vars(values).update(state["attributes"])
    for name, value in (state["slots"] or {}).items():
        local.__setattr__(values, name, value)


REDUCERS: dict[str, Reducer] = {
    "_thread._local": reducer_with_state(reduce_local, rebuild_local, restore_local)
}
