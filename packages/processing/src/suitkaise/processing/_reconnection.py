"""Reconnection: the resources of an Skprocess are live before its first section.

    decoration    the class gets a plan; its secrets are kept here, in this process alone
    start, map    the plan travels in the class, the secrets beside the payload: a field of their
                  own in the message, over the socket pair that only parent and child have
    each life     Section.RECONNECT: all resources are connected; after a failure, those that broke

So neither a payload nor a checkpoint, nor the bytes of a class by value, ever has a secret in it.
A class that the child imports is decorated there anew, and nothing needs to travel.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber import ReconnectError, deserialize
from suitkaise.cucumber._siblings import Resources

from ._parcels import Payload, pack_named
from ._serializing import serialize

if TYPE_CHECKING:
    from ._child_end import ChildEnd
    from ._skprocess import Skprocess

FIRST_PAUSE = 0.5  # seconds before the second attempt in a row; doubled before each further one
LONGEST_PAUSE = 8.0

# By the plan's key: what was given here to @autoreconnect, or came beside a payload. Entries are
# only added, each by a single instruction.
_secrets: dict[str, Mapping[str, Any]] = {}


class Plan:
    """How the instances of a class reconnect. It travels in the class, and has no secret.

    Attributes:
        key: What its secrets are found by, in each process that has them.
        start_threads: Whether threads are started.
        has_secrets: Whether there are any.
    """

    __slots__ = ("has_secrets", "key", "start_threads")

    def __init__(self, key: str, start_threads: bool, has_secrets: bool) -> None:
        self.key = key
        self.start_threads = start_threads
        self.has_secrets = has_secrets

    def auth(self) -> Mapping[str, Any]:
        """Find the secrets.

        Raises:
            ReconnectError: If they are not known in this process.
        """
        if not self.has_secrets:
            return {}
        try:
            return _secrets[self.key]
        except KeyError:
            raise ReconnectError(
                "the secrets given to @autoreconnect are not known in this process: they come "
                "along with an Skprocess that is started, or with the function or class of a map, "
                "and not with other objects; start it where the class is defined"
            ) from None

    def __reduce__(self) -> tuple[Any, ...]:
        if self.has_secrets and _packing.keys is not None:
            _packing.keys.add(self.key)
        return Plan, (self.key, self.start_threads, self.has_secrets)


def keep_secrets(plan: Plan, auth: Mapping[str, Any]) -> None:
    """Keep the secrets of a plan in this process."""
    _secrets[plan.key] = {type_key: dict(by_name) for type_key, by_name in auth.items()}


class _Packing(threading.local):
    """The keys of the plans with secrets that this thread is packing; None: it is not."""

    keys: set[str] | None = None


_packing = _Packing()


def pack_with_secrets(name: str, thing: Any) -> tuple[Payload, bytes]:
    """Pack a thing, and beside it the secrets of the decorated classes in it that travel by value.

    Returns:
        The payload, and what `learn` takes; empty if there are none.

    Raises:
        SerializationError: If one of both cannot travel; the message begins with the name.
    """
    outer, _packing.keys = _packing.keys, set()
    try:
        payload = pack_named(name, thing)
        keys = _packing.keys
    finally:
        _packing.keys = outer
    known = {key: _secrets[key] for key in keys if key in _secrets}
    return payload, serialize(known) if known else b""


def learn(secrets: bytes) -> None:
    """Take over the secrets that came beside a payload."""
    if secrets:
        _secrets.update(deserialize(secrets))


class Reconnection:
    """What runs in Section.RECONNECT, for one process."""

    def __init__(self, process: Skprocess, plan: Plan, end: ChildEnd) -> None:
        self._process = process
        self._plan = plan
        self._end = end
        self._resources: Resources | None = None
        self._failures = 0  # in a row

    def __call__(self) -> None:
        """Connect what is not connected, or has broken; blocks until that is done.

        Raises:
            ReconnectError: If something could not be connected; the others are its notes.
        """
        if self._failures:
            self._end.pause(min(FIRST_PAUSE * 2 ** (self._failures - 1), LONGEST_PAUSE))
        self._failures += 1
        if self._resources is None:
            auth, start_threads = self._plan.auth(), self._plan.start_threads
            self._resources = Resources(self._process, start_threads=start_threads, auth=auth)
        errors = self._resources.connect()
        if errors:
            first, *others = errors
            for other in others:
                first.add_note(f"also: {other}")
            raise first
        self._failures = 0


def reconnection_of(process: Skprocess, end: ChildEnd) -> Reconnection | None:
    """Return what is to run in Section.RECONNECT; None: nothing, the class is not decorated."""
    plan = type(process)._reconnect_plan
    return None if plan is None else Reconnection(process, plan, end)
