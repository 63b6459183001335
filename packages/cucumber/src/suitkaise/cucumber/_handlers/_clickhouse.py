"""clickhouse_driver: clients and DB-API connections arrive as Reconnectors with their settings.

As auth they take the password or a dict of arguments of `Client`. Both connect when they are first
used, and again by themselves. Refused: cursors, and the connection inside of a client.
"""

from typing import Any

from suitkaise.cucumber._handlers._clients import added_attributes, make, own_type, refusing
from suitkaise.cucumber._handlers._secrets import (
    has_secret,
    url_with_password,
    with_secrets,
    without_secrets,
)
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "clickhouse_driver.Client"

# By the argument's name: the connection's attribute.
_ARGUMENTS = {
    "check_hostname": "check_hostname",
    "client_revision": "client_revision",
    "connect_timeout": "connect_timeout",
    "database": "database",
    "disable_reconnect": "disable_reconnect",
    "password": "password",
    "secure": "secure_socket",
    "send_receive_timeout": "send_receive_timeout",
    "server_hostname": "server_hostname",
    "settings_is_important": "settings_is_important",
    "sync_request_timeout": "sync_request_timeout",
    "tcp_keepalive": "tcp_keepalive",
    "user": "user",
    "verify": "verify_cert",
}
_OF_CONNECTION = ("dsn", "host", "port", "user", "password", "database")


def reduce_client(client: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the arguments of the client's connection, and its settings."""
    from clickhouse_driver import Client

    arguments = _arguments(client)
    return (has_secret(arguments),), {
        "type": own_type(client, Client),
        "arguments": without_secrets(arguments),
        "added": added_attributes(client, Client, vars(Client("localhost"))),
    }


def _arguments(client: Any) -> dict[str, Any]:
    from clickhouse_driver.defines import DBMS_NAME

    others = list(client.connections)
    # Of several, which take turns, the first knew all hosts.
    connection = max([client.connection, *others], key=lambda each: len(each.hosts))
    (host, port), *more = connection.hosts
    arguments = {
        name: getattr(connection, attribute)
        for name, attribute in _ARGUMENTS.items()
        if hasattr(connection, attribute)
    }
    arguments |= connection.ssl_options
    if connection.compressor_cls is not None:
        method = connection.compressor_cls.__module__.rpartition(".")[2]
        arguments |= {"compression": method, "compress_block_size": connection.compress_block_size}
    return {
        **arguments,
        "host": host,
        "port": port,
        "alt_hosts": ",".join(f"{host}:{port}" for host, port in more) or None,
        "round_robin": bool(others),
        "client_name": connection.client_name.removeprefix(f"{DBMS_NAME} "),
        "settings": {**client.client_settings, **client.settings},
    }


def rebuild_client(needs_secret: bool) -> Reconnector:
    """Make what stands for a client."""
    return Reconnector(TYPE_KEY, connect_client, needs_secret=needs_secret)


def connect_client(description: dict[str, Any], auth: Any) -> Any:
    """Make a client, which connects when it is first used."""
    from clickhouse_driver import Client

    arguments = with_secrets(description["arguments"], auth, TYPE_KEY)
    if arguments["alt_hosts"] is None:
        arguments.pop("round_robin", None)
    return make(description["type"], Client, description["added"], **arguments)


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the arguments that a DB-API connection keeps."""
    from clickhouse_driver.dbapi.connection import Connection

    arguments = {name: getattr(connection, name) for name in _OF_CONNECTION}
    arguments |= connection.connection_kwargs
    return (has_secret(arguments),), {
        "type": own_type(connection, Connection),
        "arguments": without_secrets(arguments),
        "is_closed": connection.is_closed,
        "added": added_attributes(connection, Connection, vars(Connection())),
    }


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a DB-API connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_closed
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Make a DB-API connection; its cursors connect."""
    from clickhouse_driver.dbapi.connection import Connection

    arguments = with_secrets({"password": "", **description["arguments"]}, auth, TYPE_KEY)
    if arguments["dsn"] is not None and arguments["password"]:
        arguments["dsn"] = url_with_password(arguments["dsn"], arguments["password"])
    connection = make(description["type"], Connection, description["added"], **arguments)
    if description["is_closed"]:
        connection.close()
    return connection


def is_connection_closed(connection: Any) -> bool:
    """Tell whether somebody has closed a DB-API connection."""
    return bool(connection.is_closed)


_CURSOR = refusing(
    "it stands in the middle of a result; send the rows (fetchall()) or the connection, and make "
    "another there"
)
_INNER = refusing("it is the connection of a client; send the client")

REDUCERS: dict[str, Reducer] = {
    "clickhouse_driver.client.Client": reducer_with_state(
        reduce_client, rebuild_client, set_description
    ),
    "clickhouse_driver.dbapi.connection.Connection": reducer_with_state(
        reduce_connection, rebuild_connection, set_description
    ),
    "clickhouse_driver.dbapi.cursor.Cursor": _CURSOR,
    "clickhouse_driver.connection.Connection": _INNER,
}
