"""Managers of multiprocessing and their proxies: Reconnectors that connect to the same server.

The secret is the manager's authkey. Without it that of the receiving process is tried, which is the
same in processes that multiprocessing has started. An object that a proxy stands for lives as long
as a proxy does: the sender must keep its own until the receiver has connected.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._attributes import attributes_of, set_attributes
from suitkaise.cucumber._reconnector import Reconnector, reconnecting
from suitkaise.cucumber._reducer import Reducer

if TYPE_CHECKING:
    from multiprocessing.managers import BaseManager, BaseProxy

TYPE_KEY = "multiprocessing.Manager"

CONNECT_SECONDS = 30.0


def describe_proxy(proxy: "BaseProxy") -> dict[str, Any]:
    """Describe which object of which manager it stands for."""
    make: Callable[..., Any]
    _, (make, token, serializer, keywords) = proxy.__reduce__()
    return {"make": make, "token": token, "serializer": serializer, "keywords": keywords}


def rebuild_proxy() -> Reconnector:
    """Make what stands for a proxy."""
    return Reconnector(TYPE_KEY, connect_proxy)


def connect_proxy(description: dict[str, Any], auth: Any) -> "BaseProxy":
    """Make a proxy of the same object."""
    from multiprocessing.managers import RebuildProxy  # type: ignore[attr-defined]

    token, keywords = description["token"], dict(description["keywords"])
    if auth is not None:
        keywords["authkey"] = _authkey(auth)
    with _errors_explained(token.address):
        proxy: BaseProxy = RebuildProxy(
            description["make"], token, description["serializer"], keywords
        )
    return proxy


def describe_manager(manager: "BaseManager") -> dict[str, Any]:
    """Describe where its server is."""
    from multiprocessing.managers import State  # type: ignore[attr-defined]

    internal: Any = manager
    if internal._state.value != State.STARTED:
        raise RefusalError(
            "it has no server to connect to: it was not started yet, or was shut down; start() it "
            "first, or send what it is made from"
        )
    return {
        "type": type(manager),
        "address": manager.address,
        "serializer": internal._serializer,
        "attributes": attributes_of(manager, except_for=_own_names()),
    }


def rebuild_manager() -> Reconnector:
    """Make what stands for a manager."""
    return Reconnector(TYPE_KEY, connect_manager)


def connect_manager(description: dict[str, Any], auth: Any) -> "BaseManager":
    """Make a manager of the same server, which this one does not shut down."""
    from multiprocessing.managers import BaseManager

    cls, address = description["type"], description["address"]
    manager: BaseManager = cls.__new__(cls)
    authkey = None if auth is None else _authkey(auth)
    BaseManager.__init__(manager, address, authkey, description["serializer"])
    with _errors_explained(address):
        manager.connect()
    set_attributes(manager, description["attributes"])
    return manager


def _authkey(auth: Any) -> bytes:
    if isinstance(auth, str):
        return auth.encode()
    if not isinstance(auth, bytes):
        raise RefusalError(f"{TYPE_KEY} takes its authkey, not a {type(auth).__name__}")
    return auth


@cache
def _own_names() -> frozenset[str]:
    from multiprocessing.managers import BaseManager

    return frozenset(vars(BaseManager())) | {"_process", "shutdown"}


@contextmanager
def _errors_explained(address: Any) -> Iterator[None]:
    """Connect to a manager's server; say what to do if that fails."""
    from multiprocessing import AuthenticationError
    from multiprocessing.managers import RemoteError

    try:
        if isinstance(address, tuple):
            _knock(address)
        yield
    except AuthenticationError as error:
        raise RefusalError(
            f"the manager at {address!r} has another authkey than it was asked with; give its "
            f'own to reconnect_all or @autoreconnect: **{{"{TYPE_KEY}": {{"*": authkey}}}}'
        ) from error
    except RemoteError as error:
        raise RefusalError(
            f"the manager at {address!r} has no such object any more: who sent the proxy must "
            "keep it until it is connected here"
        ) from error
    except (OSError, EOFError) as error:
        raise RefusalError(
            f"{type(error).__name__}: {error}; does the manager at {address!r} still run?"
        ) from error


def _knock(address: tuple[str, int]) -> None:
    """Find out whether a host answers: multiprocessing itself would wait for minutes."""
    import socket

    socket.create_connection(address, CONNECT_SECONDS).close()


# Without "multiprocessing.", as in `_multiprocessing`.
REDUCERS: dict[str, Reducer] = {
    "managers.BaseManager": reconnecting(describe_manager, rebuild_manager),
    "managers.BaseProxy": reconnecting(describe_proxy, rebuild_proxy),
}
