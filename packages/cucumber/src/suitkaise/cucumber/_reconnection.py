"""Making the resources live again that an object holds: `reconnect_all`."""

import threading
import warnings
from collections.abc import Mapping
from typing import Any, TypeVar
from weakref import ProxyTypes

from suitkaise.cucumber._errors import ReconnectError
from suitkaise.cucumber._handlers._weak_references import refer_to, target_of
from suitkaise.cucumber._reconnector import (
    Reconnector,
    connect_at,
    connection_error,
    take_broken,
)
from suitkaise.cucumber._type_keys import auth_for, check_auth
from suitkaise.cucumber._walk import Place, walk

T = TypeVar("T")


def reconnect_all(obj: T, *, start_threads: bool = False, **auth: Any) -> T:
    """Replace each Reconnector in an object by its live resource; blocks while they connect.

    The object is walked through once, cycles included: dicts, lists, tuples, sets, deques,
    attributes and slots, and so on into what these hold. It is changed in place; tuples and
    frozensets that held a Reconnector are made anew, as are weak references to one.

    Args:
        obj: What to look through; not yet used by another thread.
        start_threads: Whether to start the threads among them, except those that had ended.
        **auth: Secrets, by type and then by the name of the attribute or key that leads to the
            resource, the nearest first; "*" is for all others.

    Returns:
        The object; if it is itself a Reconnector, the live resource.

    Raises:
        ValueError: If a type is almost the name of one that is known.
        TypeError: If a type's secrets are not given by name.

    Warns:
        RuntimeWarning: For each resource that could not be connected, with its path. Its
            Reconnector stays in its place, with the reason as `reconnect_error`.

    Example:
        >>> import sqlite3
        >>> from suitkaise.cucumber import deserialize, serialize
        >>> db = sqlite3.connect(":memory:")
        >>> job = deserialize(serialize({"db": db}))
        >>> reconnect_all(job)["db"].execute("SELECT 1").fetchone()
        (1,)
        >>> db.close(), job["db"].close()
        (None, None)
    """
    resources = Resources(obj, start_threads=start_threads, auth=auth)
    for error in resources.connect():
        warnings.warn(str(error), RuntimeWarning, stacklevel=2)
    owner: T = resources.owner
    return owner


class Resources:
    """The resources of one object: connected, and connected again once they have broken.

    Attributes:
        owner: The object; `connect` may put another in its place.
    """

    def __init__(self, owner: Any, *, start_threads: bool, auth: Mapping[str, Any]) -> None:
        check_auth(auth)
        self.owner = owner
        self._start_threads = start_threads
        self._auth = auth
        self._connected: list[Reconnector] = []
        self._broken: dict[int, tuple[Any, Reconnector]] = {}  # by id: resources of no more use

    def connect(self) -> list[ReconnectError]:
        """Connect all that is not connected, or has broken since; blocks while they connect.

        Returns:
            What could not be connected. It stays as it is until the next call.
        """
        self._note_broken()
        errors = []
        replacements: dict[int, Any] = {}  # by the id of a Reconnector, or of what has broken
        threads = []
        for stand_in, reconnector, place in self._find():
            auth = auth_for(self._auth, reconnector.type_key, place.names)
            try:
                resource = connect_at(place.path, reconnector, auth)
            except ReconnectError as error:
                errors.append(error)
                continue
            replacements[id(stand_in)] = resource
            self._broken.pop(id(stand_in), None)
            if reconnector not in self._connected:
                self._connected.append(reconnector)
            if isinstance(resource, threading.Thread) and resource.ident is None:
                threads.append((resource, reconnector, place))
        if replacements:
            self.owner = walk(self.owner, lambda thing, _: _replaced(thing, replacements))
        if self._start_threads:
            # The last step: what a thread uses is live by now.
            failures = [_start(*each) for each in threads]
            errors += [failure for failure in failures if failure is not None]
        return errors

    def _note_broken(self) -> None:
        for reconnector in self._connected:
            resource = take_broken(reconnector)
            if resource is not None:
                self._broken[id(resource)] = (resource, reconnector)

    def _find(self) -> list[tuple[Any, Reconnector, Place]]:
        """Find what is to be replaced: Reconnectors, and resources that have broken."""
        found: list[tuple[Any, Reconnector, Place]] = []

        def note(thing: Any, place: Place) -> Any:
            if type(thing) in ProxyTypes:  # it passes for its target, which is held elsewhere
                return thing
            if isinstance(thing, Reconnector):
                found.append((thing, thing, place))
            elif id(thing) in self._broken:
                found.append((thing, self._broken[id(thing)][1], place))
            return thing

        walk(self.owner, note)
        return found


def _replaced(thing: Any, replacements: dict[int, Any]) -> Any:
    """Return what is to be in the place of a thing; what refers to it weakly is made anew."""
    target = target_of(thing)
    if id(target) in replacements:
        return refer_to(replacements[id(target)], thing)
    return replacements.get(id(thing), thing)


def _start(
    thread: threading.Thread, reconnector: Reconnector, place: Place
) -> ReconnectError | None:
    try:
        thread.start()
    except RuntimeError as error:  # the system has no room for another
        return connection_error(place.path, reconnector, error)
    return None
