"""mysql-connector: connections arrive as Reconnectors, to the same server with the same settings.

Carried: host, port, socket, user, database, character set, SQL mode, time zone, autocommit,
timeouts, how results come (buffered, raw, warnings, converter), compression, local files, the files
and rules of TLS, attributes that the server is told, a subclass and its attributes. Not: what was
SET in the session. As auth they take the password or a dict of arguments of
`mysql.connector.connect`; one that used none connects by itself. One of a pool comes back as a
connection of its own.

An open transaction is refused, and so is a result that is not read to its end: to ask the server
anything would lose it. A closed connection arrives closed, once it is reconnected. An asynchronous
one, which belongs to a loop, is refused.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    CURSOR,
    IN_TRANSACTION,
    POOL,
    added_attributes,
    has_left,
    import_type,
    make,
    name_of,
    names_set_in_code,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._mysql import completed_arguments, describe_arguments
from suitkaise.cucumber._handlers._secrets import without_secrets
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
    "read_timeout": "_read_timeout",
    "write_timeout": "_write_timeout",
    "use_unicode": "_use_unicode",
    "converter_class": "_converter_class",
    "converter_str_fallback": "_converter_str_fallback",
    "allow_local_infile": "_allow_local_infile",
    "allow_local_infile_in_path": "_allow_local_infile_in_path",
    "force_ipv6": "_force_ipv6",
    "oci_config_file": "_oci_config_file",
    "oci_config_profile": "_oci_config_profile",
    "krb_service_principal": "_krb_service_principal",
    "openid_token_file": "_openid_token_file",
}
_OF_THE_SESSION = ("autocommit", "sql_mode", "time_zone")


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the arguments that it keeps, but for the password."""
    base = _driver_type(connection)
    if connection.unread_result and not _has_left(connection):
        raise RefusalError("it stands in the middle of a result; read that to its end before")
    is_open = connection.is_connected()
    arguments = {name: getattr(connection, f"_{name}", None) for name in _OF_THE_SESSION}
    arguments |= {
        name: getattr(connection, attribute, None) for name, attribute in _ARGUMENTS.items()
    }
    if is_open:
        if connection.in_transaction:
            raise RefusalError(IN_TRANSACTION)
        arguments |= {name: getattr(connection, name) for name in _OF_THE_SESSION}
        arguments |= {"charset": connection.charset, "collation": connection.collation}
    arguments |= {**_tls(connection), "conn_attrs": _told_attributes(connection)}
    given = {name: value for name, value in arguments.items() if value not in (None, "", {})}
    return (bool(connection._password),), {
        **describe_arguments(given),
        "type": own_type(connection, base),
        "base": name_of(base),
        "added": without_secrets(added_attributes(connection, base, names_set_in_code(base))),
        "is_open": is_open,
    }


def _driver_type(connection: Any) -> type:
    return next(
        base for base in type(connection).__mro__ if base.__module__.startswith("mysql.connector")
    )


def _tls(connection: Any) -> dict[str, Any]:
    """Return the arguments of TLS: paths, versions, ciphers, and what is to be verified."""
    kept = dict(getattr(connection, "_ssl", None) or {})
    suites = kept.pop("tls_ciphersuites", None)
    if suites:  # lists of names, each joined to a text
        kept["tls_ciphersuites"] = [each for text in suites for each in text.split(":") if each]
    return {
        name if name.startswith("tls_") else f"ssl_{name}": value for name, value in kept.items()
    }


def _told_attributes(connection: Any) -> dict[str, str]:
    """Return what the server is told of the client, but for what the driver itself tells."""
    told = getattr(connection, "_conn_attrs", {})
    return {name: value for name, value in told.items() if not name.startswith("_")}


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_broken
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    base = import_type(description["base"])
    connection = make(description["type"], base, description["added"])
    arguments = completed_arguments(description, auth, TYPE_KEY)
    if description["is_open"]:
        connection.connect(**arguments)
    else:
        connection.config(**arguments)
    return connection


def is_connection_broken(connection: Any) -> bool:
    """Tell whether it was closed, here or by the server; does not block where it has a socket."""
    if _socket_of(connection) is None:  # closed, or the C library's connection, which is asked
        return not connection.is_connected()
    return _has_left(connection)


def _has_left(connection: Any) -> bool:
    sock = _socket_of(connection)
    return sock is not None and has_left(sock.fileno())


def _socket_of(connection: Any) -> Any:
    return getattr(getattr(connection, "_socket", None), "sock", None)


def reduce_pooled(pooled: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the connection that a pool has lent; one that was given back arrives closed."""
    if pooled._cnx is None:
        from mysql.connector import MySQLConnection

        return reduce_connection(MySQLConnection())
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
    "mysql.connector.aio.abstracts.MySQLConnectionAbstract": refusing(
        "it belongs to an event loop; connect there"
    ),
}
