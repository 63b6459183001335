"""snowflake.connector: connections arrive as Reconnectors with the settings they were made with.

Where a USE statement has changed role, warehouse, database or schema, the new ones count. An open
transaction and temporary tables stay with their session.

As auth they take the secret that was in use (the password, the token, the passphrase of a key), or
a dict of arguments of `snowflake.connector.connect`, such as {"private_key": ...}. Refused:
connections of asyncio, and cursors.
"""

from typing import Any

from suitkaise.cucumber._handlers._clients import (
    added_attributes,
    driver_type,
    make,
    names_in_code,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._secrets import has_secret, with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "snowflake.connector.SnowflakeConnection"

# Of several, the one that a single secret is.
_SECRETS = (
    "password",
    "token",
    "private_key_password",
    "private_key_file_pwd",
    "private_key_passphrase",
    "private_key",
)
_CURRENT = ("database", "role", "schema", "warehouse")
_OF_SESSION = ("external_session_id", "master_token", "session_id", "session_token")


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the arguments that a connection keeps, without secrets."""
    base = driver_type(connection, REDUCERS)
    arguments = _arguments(connection)
    for name in _CURRENT:
        value = _ask(connection, name)
        if isinstance(value, str) and value:
            arguments[name] = value
    return (has_secret(arguments),), {
        "type": own_type(connection, base),
        "arguments": without_secrets(arguments),
        "secret": next((name for name in _SECRETS if arguments.get(name)), "password"),
        "added": added_attributes(connection, base, names_in_code(base)),
    }


def _arguments(connection: Any) -> dict[str, Any]:
    """Return what of the configuration is not as it is by default."""
    import dataclasses

    config = getattr(connection, "config", None)
    if dataclasses.is_dataclass(config):  # since snowflake-connector-python 5
        values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
        given = {
            field.name: values[field.name]
            for field in dataclasses.fields(config)
            if values[field.name] != field.default
        }
        arguments = {**given.pop("_extra", {}), **given}
    else:
        from snowflake.connector.connection import DEFAULT_CONFIGURATION

        values = {name: getattr(connection, f"_{name}", None) for name in DEFAULT_CONFIGURATION}
        arguments = {
            name: values[name]
            for name, (default, _) in DEFAULT_CONFIGURATION.items()
            if values[name] is not None and values[name] != default
        }
    return {name: value for name, value in arguments.items() if name not in _OF_SESSION}


def _ask(connection: Any, name: str) -> Any:
    """Return what a session says of itself; None: a closed one may have nothing to say."""
    try:
        return getattr(connection, name)
    except Exception:  # the driver's core has many
        return None


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_broken
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect; blocks."""
    import snowflake.connector

    arguments = with_secrets(description["arguments"], auth, TYPE_KEY, description["secret"])
    if description["type"] is None:
        connection = snowflake.connector.connect(**arguments)
        vars(connection).update(description["added"])
        return connection
    base = snowflake.connector.SnowflakeConnection
    return make(description["type"], base, description["added"], **arguments)


def is_connection_broken(connection: Any) -> bool:
    """Tell whether a connection is closed, or its session has expired."""
    return bool(connection.is_closed()) or bool(getattr(connection, "expired", False))


_CONNECTION = reducer_with_state(reduce_connection, rebuild_connection, set_description)
_ASYNC = refusing("it belongs to an event loop; send its arguments, and connect there")
_CURSOR = refusing(
    "it belongs to one connection; send the rows (fetchall()) or the connection, and make another "
    "there"
)

REDUCERS: dict[str, Reducer] = {
    "snowflake.connector.connection.SnowflakeConnection": _CONNECTION,  # before 5
    "snowflake.connector.connection._connection.Connection": _CONNECTION,
    "snowflake.connector.aio.connection._connection.Connection": _ASYNC,
    "snowflake.connector.aio._connection.SnowflakeConnection": _ASYNC,
    "snowflake.connector.cursor.SnowflakeCursor": _CURSOR,
    "snowflake.connector.cursor._base.SnowflakeCursorBase": _CURSOR,
    "snowflake.connector.cursor._snowflake_cursor.SnowflakeCursor": _CURSOR,
}
