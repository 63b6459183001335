"""Attributes that a subclass or a user added to an object of a built-in or library type."""

from collections.abc import Container
from typing import Any


def attributes_of(obj: Any, *, except_for: Container[str] = ()) -> Any:
    """Return what is in `__dict__`, or a pair of that and the slots; None if there is nothing.

    Args:
        obj: What to look at.
        except_for: The names of those that are the type's own.
    """
    state: Any = object.__getstate__(obj)
    parts = state if isinstance(state, tuple) else (state, None)
    own, slots = (
        {name: value for name, value in (part or {}).items() if name not in except_for} or None
        for part in parts
    )
    return own if slots is None else (own, slots)


def set_attributes(obj: Any, state: Any) -> None:
    """Set what `attributes_of` returned, by the object's own `__setstate__` if it has one."""
    set_state = getattr(obj, "__setstate__", None)
    if state is None or set_state is None:
        assign_attributes(obj, state)
    else:
        set_state(state)


def assign_attributes(obj: Any, state: Any) -> None:
    """Set what `attributes_of` returned, whatever the object makes of it."""
    own, slots = state if isinstance(state, tuple) else (state, None)
    singly = {**(slots or {})}
    if hasattr(obj, "__dict__"):
        vars(obj).update(own or {})
    else:  # a future of asyncio has one, and does not show it
        singly.update(own or {})
    for name, value in singly.items():
        object.__setattr__(obj, name, value)
