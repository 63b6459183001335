"""What records say: a new state, or what a change did.

A record holds the effect of a change, never the call: what depends on a random number, a clock, the
hash seed of a process or a function of the user is found out by who makes the change, and what came
out is what the others replay.

    body  =  kind, then   state:    the value
                          effect:   (operation, path, *arguments)
                          effects:  a list of such, all or nothing

A path leads from the root to what is changed, as pairs: (ITEM, key), (ATTRIBUTE, name), or (NTH, n)
for the n-th value of a dict whose key would not be found again. What is plain is written by
`marshal`, which is several times faster than the pickler; all else by cucumber.
"""

from __future__ import annotations

import marshal
import threading
from collections.abc import Callable
from typing import Any

from suitkaise.cucumber import deserialize, serialize
from suitkaise.cucumber._siblings import walk

_ABSENT, _STATE, _RICH_STATE, _EFFECT, _RICH_EFFECT, _EFFECTS, _RICH_EFFECTS = range(7)
_KIND = [bytes([kind]) for kind in range(7)]

ITEM, ATTRIBUTE, NTH = 0, 1, 2
_ROOT = ()  # the path that leads to the root: the interpreter has one empty tuple only

# Marshal also takes what has a buffer, and gives back bytes: only these exact types are plain.
ATOMS: frozenset[type] = frozenset({int, float, complex, bool, str, bytes, type(None)})

Effect = tuple[Any, ...]


class NotSharableError(TypeError):
    """Something that could be serialised, and would not be what it was to who gets it."""


class Absent:
    """The root of an attribute that is not there."""

    def __repr__(self) -> str:
        return "<absent>"


ABSENT_ROOT = Absent()


def is_plain(value: Any) -> bool:
    """Tell whether a value is one that never changes and that marshal writes as it is."""
    kind = type(value)
    return kind in ATOMS or (kind is tuple and all(map(is_plain, value)))


def is_found_again(key: Any) -> bool:
    """Tell whether a key equals its copies: an object that equals only itself does not."""
    kind = type(key)
    if kind in ATOMS:
        return bool(key == key)
    return kind in (tuple, frozenset) and all(map(is_found_again, key))


def encode_state(value: Any) -> bytes:
    """Return the body of a record that says what a value is.

    Raises:
        SerializationError: It cannot be serialised.
        NotSharableError: It holds what belongs to certain processes.
    """
    if type(value) in ATOMS or is_plain(value):
        return _KIND[_STATE] + marshal.dumps(value)
    return _KIND[_RICH_STATE] + _serialized(value)


def encode_effect(effect: Effect) -> tuple[bytes, bool]:
    """Return the body of a record that says what one change did, and whether that is plain.

    Raises:
        SerializationError: An argument cannot be serialised.
    """
    for part in effect:
        if type(part) not in ATOMS and part is not _ROOT and not is_plain(part):
            return _KIND[_RICH_EFFECT] + _serialized(effect), False
    return _KIND[_EFFECT] + marshal.dumps(effect), True


def encode_effects(effects: list[Effect]) -> tuple[bytes, bool]:
    """Return the body of a record of several changes, all or nothing, and whether it is plain.

    Raises:
        SerializationError: An argument cannot be serialised.
    """
    for effect in effects:
        for part in effect:
            if type(part) not in ATOMS and part is not _ROOT and not is_plain(part):
                return _KIND[_RICH_EFFECTS] + _serialized(effects), False
    return _KIND[_EFFECTS] + marshal.dumps(effects), True


def refusal(value: Any) -> str | None:
    """Say why a value cannot be shared, and what to do instead; None if it can."""
    if isinstance(value, type):
        return None
    for cls in type(value).__mro__:
        if cls.__module__.split(".")[0] in ("multiprocessing", "_multiprocessing"):
            return (
                "it is bound to the processes that multiprocessing made it for; use a list, a dict "
                "or a number of the Share instead, `share.lock()`, or Pipe.pair()"
            )
    return None


class _Now(threading.local):
    is_encoding = False


_now = _Now()


def is_encoding() -> bool:
    """Tell whether this thread writes what is to be in a Share, and not what is sent elsewhere."""
    return _now.is_encoding


def _serialized(value: Any) -> bytes:
    before, _now.is_encoding = _now.is_encoding, True
    try:
        body = serialize(value)
    finally:
        _now.is_encoding = before
    if b"multiprocessing" in body:  # rarely: then look closer
        walk(value, _refuse)
    return body


def _refuse(thing: Any, _place: Any) -> Any:
    reason = refusal(thing)
    if reason is not None:
        cls = type(thing)
        raise NotSharableError(f"{cls.__module__}.{cls.__qualname__} in it: {reason}")
    return thing


def is_plain_state(body: bytes) -> bool:
    """Tell whether a body says that something is a value that never changes."""
    return body[0] in (_ABSENT, _STATE)


def decode(body: bytes) -> tuple[bool, Any, bool]:
    """Return what a body says: (whether it is a state, the state or a list of effects, is plain).

    Raises:
        DeserializationError: Something of it cannot be rebuilt in this process.
    """
    kind = body[0]
    if kind == _EFFECT:
        return False, (marshal.loads(body[1:]),), True
    if kind == _STATE:
        return True, marshal.loads(body[1:]), True
    if kind == _RICH_EFFECT:
        return False, (deserialize(memoryview(body)[1:]),), False
    if kind == _RICH_STATE:
        return True, deserialize(memoryview(body)[1:]), False
    if kind == _EFFECTS:
        return False, marshal.loads(body[1:]), True
    if kind == _RICH_EFFECTS:
        return False, deserialize(memoryview(body)[1:]), False
    return True, ABSENT_ROOT, True


# What the effects of containers do is beside their methods: `_node.shared_container`.
OPERATIONS: dict[str, Callable[..., object]] = {
    "attribute.set": object.__setattr__,
    "attribute.delete": object.__delattr__,
}
