"""`autoreconnect`: the decorator that has an Skprocess connect its resources by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from suitkaise.cucumber._siblings import check_auth

from ._reconnection import Plan, keep_secrets
from ._skprocess import Skprocess

Decorated = TypeVar("Decorated", bound=type[Skprocess])


def autoreconnect(
    *, start_threads: bool = False, **auth: Mapping[str, Any]
) -> Callable[[Decorated], Decorated]:
    """Decorate an Skprocess class so that its resources are live in the child.

    Before the first section of each life, in the child's main thread, every Reconnector that the
    object holds is replaced by a live resource, as `cucumber.reconnect_all` does it. After a failed
    section those that have broken are connected again. What cannot be connected is a
    `ReconnectError` and spends a life; the next attempt comes after a pause of 0.5, 1, 2, 4, then
    8 seconds, which a stop cuts short. In a `Pool` it is the same in the worker.

    Subclasses reconnect likewise; one that is decorated itself goes by its own arguments alone.

    Args:
        start_threads: Whether to start the threads among the resources.
        **auth: Secrets, by type and then by the name of the attribute or key that leads to the
            resource; "*" is for all others. They are never in the serialised object.

    Raises:
        ValueError: If a type is almost the name of one that is known; the message says which.
        TypeError: If a type's secrets are not given by name, or no Skprocess class is decorated.

    Example:
        >>> import sqlite3
        >>> @autoreconnect(**{"sqlite3.Connection": {"*": {"timeout": 60.0}}})
        ... class Counter(Skprocess):
        ...     def __init__(self, db):
        ...         self.db = db
        ...         self.process_config.runs = 1
        ...     def __run__(self):
        ...         self.count = self.db.execute("SELECT count(*) FROM numbers").fetchone()[0]
        ...     def __result__(self):
        ...         return self.count
        >>> db = sqlite3.connect(":memory:")
        >>> _ = db.execute("CREATE TABLE numbers AS SELECT 1 AS n")
        >>> Counter(db).run()
        1
        >>> db.close()
    """
    check_auth(auth)

    def decorate(cls: Decorated) -> Decorated:
        if not (isinstance(cls, type) and issubclass(cls, Skprocess)):
            raise TypeError(f"@autoreconnect(...) decorates an Skprocess class, not {cls!r}")
        plan = Plan(os.urandom(8).hex(), start_threads, has_secrets=bool(auth))
        if auth:
            keep_secrets(plan, auth)
        cls._reconnect_plan = plan
        return cls

    return decorate
