"""Clients of drivers: what the handlers of several drivers have in common.

A client is made anew from its arguments. What a user's subclass is, and what a user has put on the
client, goes along; what the driver keeps in it stays behind.
"""

from collections.abc import Container, Iterator, Mapping
from functools import cache
from importlib import import_module
from types import CodeType, MappingProxyType, MemberDescriptorType
from typing import Any

from suitkaise.cucumber._errors import ReconnectError, RefusalError
from suitkaise.cucumber._handlers._secrets import is_secret
from suitkaise.cucumber._reconnector import Reconnector, take_broken
from suitkaise.cucumber._reducer import Reducer, ReduceValue


def driver_type(obj: Any, reducers: Mapping[str, Reducer]) -> Any:
    """Return the nearest of an object's types that is the driver's: that has a reducer."""
    return next(base for base in type(obj).__mro__ if name_of(base) in reducers)


def name_of(cls: type) -> str:
    """Return a type's dotted name."""
    return f"{cls.__module__}.{cls.__qualname__}"


def import_type(name: str) -> Any:
    """Import a type by its dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def own_type(obj: Any, base: type) -> type | None:
    """Return an object's type; None if it is the driver's, which is imported when it connects."""
    return None if type(obj) is base else type(obj)


def added_attributes(obj: Any, base: type, own: Container[str]) -> dict[str, Any]:
    """Find the attributes and slots that a user has added, other than secrets.

    Args:
        obj: The client.
        base: The driver's type.
        own: The names of the attributes that are the driver's.
    """
    attributes = getattr(obj, "__dict__", {})
    added = {name: value for name, value in attributes.items() if name not in own}
    for name in _slots_beyond(type(obj), base):
        try:
            added[name] = object.__getattribute__(obj, name)
        except AttributeError:  # not set
            continue
    return {name: value for name, value in added.items() if not is_secret(name)}


def _slots_beyond(kind: type, base: type) -> dict[str, Any]:
    """Find the slots of a user's subclass."""
    return {
        name: slot
        for cls in kind.__mro__
        if cls not in base.__mro__
        for name, slot in vars(cls).items()
        if isinstance(slot, MemberDescriptorType)
    }


def names_in_code(base: type) -> frozenset[str]:
    """Collect the names that the code of a driver's type uses, its attributes among them."""
    return frozenset(name for code in _codes(base) for name in code.co_names)


@cache
def names_set_in_code(base: type) -> frozenset[str]:
    """Collect the names of the attributes that the code of a driver's type sets."""
    from dis import get_instructions

    return frozenset(
        each.argval
        for code in _codes(base)
        for each in get_instructions(code)
        if each.opname == "STORE_ATTR"
    )


def _codes(base: type) -> Iterator[CodeType]:
    """Find the code of a type's methods and properties."""
    from inspect import unwrap

    for cls in base.__mro__:
        for member in vars(cls).values():
            for function in (member, *(getattr(member, part, None) for part in _OF_PROPERTIES)):
                code = getattr(unwrap(function), "__code__", None) if callable(function) else None
                if code is not None:
                    yield code


_OF_PROPERTIES = ("fget", "fset")


def make(kind: type | None, base: type, added: dict[str, Any], /, *args: Any, **kwargs: Any) -> Any:
    """Make a client of a user's subclass, whose own `__init__` is not called; None: of `base`."""
    made: Any = kind or base
    client = made.__new__(made)
    base.__init__(client, *args, **kwargs)  # type: ignore[misc]
    set_added(client, base, added)
    return client


def set_added(client: Any, base: type, added: Mapping[str, Any]) -> None:
    """Set what a user had added to a client."""
    slots = _slots_beyond(type(client), base)
    for name, value in added.items():
        if name in slots:
            slots[name].__set__(client, value)
        else:
            vars(client)[name] = value


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


def has_left(descriptor: int) -> bool:
    """Tell whether the peer of a socket has closed it; does not block, and reads nothing."""
    import select

    if descriptor < 0:  # it is closed here
        return True
    gone = select.POLLRDHUP | select.POLLHUP | select.POLLERR | select.POLLNVAL
    poll = select.poll()
    poll.register(descriptor, select.POLLRDHUP)
    return any(event & gone for _, event in poll.poll(0))


# Why what is in the middle of something cannot travel.
IN_TRANSACTION = (
    "it has an open transaction: what is not committed would stay behind; commit() or rollback() "
    "before"
)
CURSOR = (
    "it stands in the middle of a result; send the rows (fetchall()) or the connection, and make "
    "another there"
)
POOL = (
    "its connections are in use in this process, and the password that it has does not travel; "
    "make a pool there"
)
