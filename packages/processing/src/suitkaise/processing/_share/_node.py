"""What all shared containers have in common: a place in a replica, and two kinds of methods.

A container in a Share comes back as one of a class derived from its own: `share.items` is a list,
of class `SharedList`, and is itself the replica of this process. Its reading methods first look
whether there is anything new; its changing methods become effects (`_effects`).

A changing method is written as a *plan*: a function of what is there and the arguments, which runs
while nobody else may change it, and returns what the method returns and the effect; it changes
nothing itself. So whatever it raises, all stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ._effects import ITEM, OPERATIONS
from ._scalars import TRACKED, Origin, evaluate, is_computed, origin, strip, track
from ._store import RUNNING, STATE

if TYPE_CHECKING:
    from ._replica import Replica

Planned = tuple[Any, "tuple[Any, ...] | None"]  # what a method returns, and the effect
Plan = Callable[..., Planned]
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
        """Return an ordinary container: `type(share.items)(values)` is a list."""
        return PLAIN_TYPES[cls](*args, **named)

    @classmethod
    def _made_of(cls, plain: Any) -> Any:
        """Return a new node that holds what an ordinary container does."""
        node: Any = PLAIN_TYPES[cls].__new__(cls)  # type: ignore[call-overload]
        PLAIN_TYPES[cls].__init__(node, plain)  # type: ignore[misc]
        return node

    def __init__(self, *_args: Any, **_named: Any) -> None:
        # Of ordinary containers this fills them anew, which would be recorded nowhere.
        raise TypeError(
            f"a {type(self).__name__} of a Share is not filled anew by __init__: "
            "change it by its methods, or assign another"
        )

    def _parts(self) -> Iterable[tuple[Any, Any]]:
        """Return all keys with what is there, of a container that can hold other containers."""
        return ()

    def _held(self) -> Iterable[Any]:
        """Return the same parts, without the keys: how most containers tell that they hold none."""
        return (part for _, part in self._parts())

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
        if args and type(args[0]) in PLAIN_TYPES:
            args = (current(args[0]), *args[1:])
        return method(self, *args, **kwargs)

    read.__name__ = name
    read.__doc__ = method.__doc__
    return read


def with_plain(base: type, names: Iterable[str]) -> dict[str, Any]:
    """Make methods that give something of the container's own type work on an ordinary copy."""
    return {name: _with_plain(getattr(base, name), name) for name in names if hasattr(base, name)}


def _with_plain(method: Callable[..., Any], name: str) -> Any:
    def compute(self: Any, /, *args: Any) -> Any:
        return method(self.__copy__(), *map(as_plain, args))

    compute.__name__ = name
    compute.__doc__ = method.__doc__
    return compute


def as_plain(value: Any) -> Any:
    """Return an ordinary copy of a container of a Share; anything else as it is."""
    return value.__copy__() if type(value) in PLAIN_TYPES else value


def changing(plan: Plan) -> Any:
    """Make a method of a plan."""

    def change(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        for value in args:
            if type(value) in PLAIN_TYPES:
                current(value)  # what is written is what it holds now
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
    if replica.seen < 0:
        if replica.attribute.is_at_hand(replica):  # a method of the object runs: as it is
            return value
        # A method in another thread has begun on it meanwhile: as it was before that.
        node = current(node)
        replica = node._replica
        with suppress(LookupError):
            value = node._part(key)
    if replica.holds_objects:
        return replica.present(value, node, key)
    if type(value) in PLAIN_TYPES:
        if isinstance(node, dict):
            value._key = key  # should something else take its place: see `Replica.stand_in`
        return value
    return track(value, Origin(replica, node, key))


def written(value: Any, owner: Any, key: Any, present: Any) -> Any:
    """Return what is to be written into a container where something stands; see `written_in`."""
    return written_in(owner._replica, value, owner, key, present)


def written_in(replica: Replica, value: Any, owner: Any, key: Any, present: Any) -> Any:
    """Return what is to be written where something stands; that itself if nothing is to change.

    A value that was computed from what stood there is computed again; a container that stands
    there, and comes back after `share.d["k"] += [1]`, has been changed already.

    Args:
        replica: What the owner is part of.
        value: What was assigned.
        owner: Where to.
        key: And where in there.
        present: What stands there.
    """
    if type(value) in TRACKED:
        if is_computed(value) and replica.is_same_place(origin(value), owner, key):
            return strip(evaluate(value, present))
        return strip(value)
    return present if replica.is_standing(value, present) else value
