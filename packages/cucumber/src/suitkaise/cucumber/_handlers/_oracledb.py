"""oracledb: connections arrive as Reconnectors, for the same user and connect string.

Also carried: `autocommit`, `call_timeout`, `current_schema`, `edition`, `stmtcachesize`, the type
handlers, a subclass (`conn_class`) and its public attributes. An open transaction stays with its
connection. What a connection does not tell, such as a wallet's place, is to be given.

As auth they take the password or a dict of arguments of `oracledb.connect`. Refused: pools, whose
makers know more than they tell, connections of asyncio, and cursors. (A LOB arrives as its content:
so the driver has it.)
"""

from typing import Any

from suitkaise.cucumber._handlers._clients import refusing
from suitkaise.cucumber._handlers._secrets import is_secret, url_without_secrets, with_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "oracledb.Connection"

_SETTINGS = (
    "autocommit",
    "call_timeout",
    "current_schema",
    "inputtypehandler",
    "outputtypehandler",
    "stmtcachesize",
)


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send user and connect string, and the settings."""
    import oracledb

    base = oracledb.Connection
    description: dict[str, Any] = {
        "type": None if type(connection) is base else type(connection),
        "arguments": {},
        "settings": {},
        "added": {
            name: value
            for name, value in vars(connection).items()
            if not name.startswith("_") and not is_secret(name)
        },
    }
    if connection._impl is None:  # it is closed, and tells nothing any more
        return (True,), description
    user = connection.username
    arguments = {
        "dsn": url_without_secrets((connection.dsn or "").rpartition("@")[2]) or None,
        "user": user,
        "proxy_user": _ask(connection, "proxy_user"),
        "edition": _ask(connection, "edition"),
    }
    settings = {name: _ask(connection, name) for name in _SETTINGS}
    description["arguments"] = {name: value for name, value in arguments.items() if value}
    description["settings"] = {name: value for name, value in settings.items() if value}
    return (bool(user),), description


def _ask(connection: Any, name: str) -> Any:
    """Return an attribute; None if this version or mode of the driver has none."""
    import oracledb

    try:
        return getattr(connection, name)
    except (AttributeError, oracledb.Error):
        return None


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_broken
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect; blocks."""
    import oracledb

    arguments = with_secrets(description["arguments"], auth, TYPE_KEY)
    if description["type"] is not None:
        arguments.setdefault("conn_class", description["type"])
    connection = oracledb.connect(**arguments)
    for name, value in description["settings"].items():
        if name not in arguments:
            setattr(connection, name, value)
    vars(connection).update(description["added"])
    return connection


def is_connection_broken(connection: Any) -> bool:
    """Tell whether a connection is closed or its server has gone, as far as the driver has seen."""
    return not connection.is_healthy()


_POOL = refusing(
    "it does not tell all it was made with; send the arguments of create_pool, and make it there"
)
_ASYNC = refusing("it belongs to an event loop; send its arguments, and connect there")
_CURSOR = refusing(
    "it stands in the middle of a result; send the rows (fetchall()) or the connection, and make "
    "another there"
)

_CONNECTION = reducer_with_state(reduce_connection, rebuild_connection, set_description)

# The types gave "oracledb" for their module in older versions.
REDUCERS: dict[str, Reducer] = {
    "oracledb.connection.Connection": _CONNECTION,
    "oracledb.Connection": _CONNECTION,
    "oracledb.connection.AsyncConnection": _ASYNC,
    "oracledb.AsyncConnection": _ASYNC,
    "oracledb.pool.BaseConnectionPool": _POOL,
    "oracledb.BaseConnectionPool": _POOL,
    "oracledb.cursor.BaseCursor": _CURSOR,
}
