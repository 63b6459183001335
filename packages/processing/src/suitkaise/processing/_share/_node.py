"""What all shared containers have in common: a place in a replica, and two kinds of methods.

A container in a Share comes back as one of a class derived from its own: `share.items` is a list, of
class `SharedList`, and is itself the replica of this process. Its reading methods first look whether
there is anything new; its changing methods become effects (`_effects`).

A changing method is written as a *plan*: a function of what is there and the arguments, which runs
while nobody else may change it, and returns what the method returns and the effect; it changes
nothing itself. So whatever it raises, all stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._effects import ITEM, OPERATIONS
from ._scalars import Origin, strip, track
from ._store import RUNNING, STATE

if TYPE_CHECKING:
    from ._replica import Replica

Plan = Callable[..., "tuple[Any, tuple[Any, ...] | None]"]
SLOTS = ("_key", "_replica", "_up")


class Node:
    """A container in a replica.

    What is defined here is how a replica goes about its parts; none of it is recorded.

    Attributes:
        _replica: What it is part of.
        _up: What holds it; None for the root.
        _key: Where it was last seen in there.
    """

    __slots__ = ()
    _replica: Replica
    _up: Any
    _key: Any

    def __new__(cls, *args: Any, **named: Any) -> Any:
        """Return an ordinary container: `type(share.items)(values)` is what it would be of a list."""
        return PLAIN_TYPES[cls](*args, **named)

    @classmethod
    def _made_of(cls, plain: Any) -> Any:
        """Return a new node that holds what an ordinary container does."""
        node: Any = PLAIN_TYPES[cls].__new__(cls)  # type: ignore[call-overload]
        PLAIN_TYPES[cls].__init__(node, plain)  # type: ignore[misc]
        return node

    def _parts(self) -> Iterable[tuple[Any, Any]]:
        """Return all keys with what is there, of a container that can hold other containers."""
        return ()

    def _part(self, key: Any) -> Any:
        """Return what is at a key.

        Raises:
            LookupError: Nothing is.
        """
        raise LookupError(key)

    def _put(self, key: Any, part: Any) -> None:
        """Put something in the place of what is at a key."""
        raise LookupError(key)

    def _place(self, part: Any, _key: Any) -> tuple[int, Any] | None:
        """Return the step of a path from here to a part, if it is here; looks at a key first."""
        return next(((ITEM, key) for key, present in self._parts() if present is part), None)


def shared_container(
    base: type, operations: Mapping[str, Callable[..., object]]
) -> Callable[[type], type]:
    """Register a class as what containers of a type become in a Share.

    Args:
        base: The type.
        operations: What the effects of its changing methods do, without its name before them: they
            take the node and the arguments. Their names are what is written to the log.
    """

    def register(cls: type) -> type:
        cls.__name__ = base.__name__  # in error messages, and where a type spells itself
        NODE_TYPES[base] = cls
        PLAIN_TYPES[cls] = base
        for name, operation in operations.items():
            OPERATIONS[f"{base.__name__.lower()}.{name}"] = operation
        return cls

    return register


NODE_TYPES: dict[type, type] = {}
PLAIN_TYPES: dict[type, type] = {}


def current(node: Any) -> Any:
    """Return the node that stands for this one now, with all that is new."""
    replica: Replica = node._replica
    words = replica.words
    if replica.seen == words[replica.end_at] and words[STATE] == RUNNING:
        return node
    return replica.attribute.current(node)


def reading(base: type, names: Iterable[str]) -> dict[str, Any]:
    """Make methods of a base type look for what is new before they read."""
    return {name: _reading(getattr(base, name), name) for name in names if hasattr(base, name)}


def _reading(method: Callable[..., Any], name: str) -> Any:
    def read(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        replica = self._replica
        words = replica.words
        if replica.seen != words[replica.end_at] or words[STATE] != RUNNING:
            self = replica.attribute.current(self)
        return method(self, *args, **kwargs)

    read.__name__ = name
    read.__doc__ = method.__doc__
    return read


def changing(plan: Plan) -> Any:
    """Make a method of a plan."""

    def change(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return self._replica.attribute.change(self, plan, args, kwargs)

    change.__name__ = plan.__name__.lstrip("_")
    change.__doc__ = plan.__doc__
    return change


def blindly(operation: str, check: Callable[..., object] | None = None) -> Any:
    """Make a method whose effect is its arguments, whatever is there: it need not look first."""

    def change(self: Any, /, *args: Any) -> None:
        if check is not None:
            check(*args)
        self._replica.attribute.append_effect(self, operation, tuple(map(strip, args)))

    return change


def item(node: Any, key: Any, value: Any) -> Any:
    """Return what a container's element is to its reader."""
    replica = node._replica
    if replica.seen < 0:  # a method of the object runs: as it is
        return value
    if replica.holds_objects:
        return replica.present(value, node, key)
    return track(value, Origin(replica, node, key))
