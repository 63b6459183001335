"""Clients of drivers: what the handlers of several drivers have in common.

A client is made anew from its arguments. What a user's subclass is, and what a user has put on the
client, goes along; what the driver keeps in it stays behind.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from suitkaise.cucumber._errors import ReconnectError, RefusalError
from suitkaise.cucumber._handlers._secrets import is_secret
from suitkaise.cucumber._reconnector import Reconnector, take_broken
from suitkaise.cucumber._reducer import Reducer, ReduceValue


def own_type(obj: Any, base: type) -> type | None:
    """Return an object's type; None if it is the driver's, which is imported when it connects."""
    return None if type(obj) is base else type(obj)


def added_attributes(obj: Any, plain: Any) -> dict[str, Any]:
    """Find the attributes that a user has added, other than secrets.

    Args:
        obj: The client.
        plain: One of the driver's own type, or the names that the driver uses.
    """
    own = plain if isinstance(plain, set | frozenset) else vars(plain)
    return {
        name: value for name, value in vars(obj).items() if name not in own and not is_secret(name)
    }


def make(kind: type | None, base: type, added: dict[str, Any], /, *args: Any, **kwargs: Any) -> Any:
    """Make a client of a user's subclass, whose own `__init__` is not called; None: of `base`."""
    made: Any = kind or base
    client = made.__new__(made)
    base.__init__(client, *args, **kwargs)  # type: ignore[misc]
    vars(client).update(added)
    return client


def holding(resource: Any) -> Mapping[str, Any]:
    """Hold what a client is made from and connects itself; `reconnect_all` does not look there."""
    return MappingProxyType({"resource": resource})


def connect_held(held: Mapping[str, Any], auth: Any) -> Any:
    """Connect what a client is made from, unless that has been done and is still of use.

    Raises:
        RefusalError: With the reason why it cannot be.
    """
    resource = held["resource"]
    if not isinstance(resource, Reconnector):
        return resource
    take_broken(resource)
    try:
        return resource.reconnect(auth)
    except ReconnectError as error:
        raise RefusalError(error.reason) from error


def refusing(reason: str) -> Reducer:
    """Make the reducer of what cannot travel."""

    def refuse(pickler: object, obj: object) -> ReduceValue:
        raise RefusalError(reason)

    return refuse
