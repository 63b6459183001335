"""mysql-connector: connections arrive as Reconnectors, to the same server with the same settings.

Carried: host, port, socket, user, database, character set, SQL mode, time zone, autocommit,
timeout, how results come (buffered, raw, warnings), compression, TLS files. Not: what was SET in
the session. As auth they take the password or a dict of arguments of `mysql.connector.connect`; one
that used none connects by itself. One of a pool comes back as a connection of its own.

An open transaction is refused. A closed connection arrives closed, once it is reconnected.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    CURSOR,
    IN_TRANSACTION,
    POOL,
    has_left,
    import_type,
    name_of,
    refusing,
)
from suitkaise.cucumber._handlers._secrets import with_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "mysql.connector.MySQLConnection"

# By the argument's name: the attribute. What is not set stays with the default.
_ARGUMENTS = {
    "host": "_host",
    "port": "_port",
    "user": "_user",
    "database": "_database",
    "unix_socket": "_unix_socket",
    "connection_timeout": "_connection_timeout",
    "buffered": "_buffered",
    "raw": "_raw",
    "get_warnings": "_get_warnings",
    "raise_on_warnings": "_raise_on_warnings",
    "consume_results": "_consume_results",
    "compress": "_compress",
    "ssl_disabled": "_ssl_disabled",
    "auth_plugin": "_auth_plugin",
    "init_command": "_init_command",
    "client_flags": "_client_flags",
}
_OF_THE_SESSION = ("autocommit", "sql_mode", "time_zone")
_TLS = ("ca", "cert", "key", "cipher")  # paths, and the names of ciphers


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the arguments that it keeps, but for the password."""
    is_open = connection.is_connected()
    arguments = {
        name: value
        for name, attribute in _ARGUMENTS.items()
        if (value := getattr(connection, attribute, None)) not in (None, "")
    }
    if is_open:
        if connection.in_transaction:
            raise RefusalError(IN_TRANSACTION)
        arguments |= {name: getattr(connection, name) for name in _OF_THE_SESSION}
        arguments |= {"charset": connection.charset, "collation": connection.collation}
    tls = getattr(connection, "_ssl", None) or {}
    arguments |= {f"ssl_{name}": tls[name] for name in _TLS if tls.get(name)}
    return (bool(connection._password),), {
        "type": name_of(_driver_type(connection)),
        "is_open": is_open,
        "arguments": arguments,
    }


def _driver_type(connection: Any) -> type:
    return next(
        base for base in type(connection).__mro__ if base.__module__.startswith("mysql.connector")
    )


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_broken
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    connection = import_type(description["type"])()
    if description["is_open"]:
        connection.connect(**with_secrets(description["arguments"], auth, TYPE_KEY))
    return connection


def is_connection_broken(connection: Any) -> bool:
    """Tell whether it was closed, here or by the server; does not block where it has a socket."""
    sock = getattr(getattr(connection, "_socket", None), "sock", None)
    if sock is None:  # closed, or the connection of the C library, which is asked by a ping
        return not connection.is_connected()
    return has_left(sock.fileno())


def reduce_pooled(pooled: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the connection that a pool has lent."""
    return reduce_connection(pooled._cnx)


_cursor = refusing(CURSOR)
_connection = reducer_with_state(reduce_connection, rebuild_connection, set_description)

REDUCERS: dict[str, Reducer] = {
    "mysql.connector.connection.MySQLConnection": _connection,
    "mysql.connector.connection_cext.CMySQLConnection": _connection,
    "mysql.connector.pooling.PooledMySQLConnection": reducer_with_state(
        reduce_pooled, rebuild_connection, set_description
    ),
    "mysql.connector.pooling.MySQLConnectionPool": refusing(POOL),
    "mysql.connector.abstracts.MySQLCursorAbstract": _cursor,
}
