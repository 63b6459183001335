"""pymysql: connections arrive as Reconnectors, to the same server with the same settings.

Carried: host, port, socket, user, database, charset, collation, autocommit, timeouts, cursor class,
init command, SQL mode, whether it uses TLS, a subclass. Not: what was SET in the session, and a TLS
context (give it as auth). As auth they take the password or a dict of arguments of
`pymysql.connect`; one that used none connects by itself.

An open transaction is refused. A closed connection arrives closed, once it is reconnected.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    CURSOR,
    IN_TRANSACTION,
    has_left,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._secrets import with_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "pymysql.Connection"
_IN_TRANSACTION = 1  # a bit of what the server says of itself with each answer

# By the argument's name: the attribute.
_ARGUMENTS = {
    "host": "host",
    "port": "port",
    "user": "user",
    "database": "db",
    "unix_socket": "unix_socket",
    "bind_address": "bind_address",
    "charset": "charset",
    "collation": "collation",
    "use_unicode": "use_unicode",
    "connect_timeout": "connect_timeout",
    "read_timeout": "_read_timeout",
    "write_timeout": "_write_timeout",
    "cursorclass": "cursorclass",
    "sql_mode": "sql_mode",
    "init_command": "init_command",
    "max_allowed_packet": "max_allowed_packet",
    "client_flag": "client_flag",
    "local_infile": "_local_infile",
}


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the arguments that it keeps, but for the password."""
    from pymysql.connections import Connection

    is_open = bool(connection.open)
    if is_open and connection.server_status & _IN_TRANSACTION:
        raise RefusalError(IN_TRANSACTION)
    arguments: dict[str, Any] = {
        name: getattr(connection, attribute, None) for name, attribute in _ARGUMENTS.items()
    }
    for name in ("user", "database"):
        if isinstance(arguments[name], bytes):
            arguments[name] = arguments[name].decode(connection.encoding)
    arguments["autocommit"] = connection.get_autocommit() if is_open else None
    return (bool(connection.password),), {
        "type": own_type(connection, Connection),
        "is_open": is_open,
        "arguments": arguments,
        # Newer versions try TLS unless told otherwise; some ask for it.
        "wants_tls": bool(getattr(connection, "_ssl_required", connection.ssl)),
    }


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_broken
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    from pymysql.connections import Connection

    arguments = with_secrets(description["arguments"], auth, TYPE_KEY)
    if description["wants_tls"] and not any(name.startswith("ssl") for name in arguments):
        arguments["ssl"] = {"check_hostname": False}
    kind = description["type"] or Connection
    connection = kind.__new__(kind)
    Connection.__init__(connection, **arguments, defer_connect=not description["is_open"])
    return connection


def is_connection_broken(connection: Any) -> bool:
    """Tell whether it was closed, here or by the server; does not block."""
    return not connection.open or has_left(connection._sock.fileno())


REDUCERS: dict[str, Reducer] = {
    "pymysql.connections.Connection": reducer_with_state(
        reduce_connection, rebuild_connection, set_description
    ),
    "pymysql.cursors.Cursor": refusing(CURSOR),
}
