"""mariadb: connections arrive as Reconnectors, to the same server with the same settings.

Carried: host, port, socket, user, database, autocommit, converter, whether it reconnects and uses
TLS, a subclass and its attributes. Not: what was SET in the session, and what the driver does not
tell: files of TLS and whether it verifies, timeouts, the init command (give them as auth). As auth
they take the password or a dict of arguments of `mariadb.connect`; the driver does not tell whether
it used one, so without auth it is tried.

An open transaction is refused. A closed connection arrives closed, once it is reconnected.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    CURSOR,
    IN_TRANSACTION,
    POOL,
    added_attributes,
    has_left,
    make,
    names_set_in_code,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._mysql import ALIASES, IN_TRANSACTION_BIT
from suitkaise.cucumber._handlers._secrets import with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "mariadb.Connection"


def reduce_connection(connection: Any) -> tuple[tuple[()], dict[str, Any]]:
    """Send what the connection tells of itself."""
    from mariadb.connections import Connection

    added = added_attributes(connection, Connection, names_set_in_code(Connection))
    return (), {
        "type": own_type(connection, Connection),
        "added": without_secrets(added),
        "arguments": _arguments(connection),
    }


def _arguments(connection: Any) -> dict[str, Any] | None:
    """Ask for the arguments; None if it was closed."""
    import mariadb

    if connection._closed:  # to ask it anything could crash the driver
        return None
    try:
        if connection.server_status & IN_TRANSACTION_BIT:
            raise RefusalError(IN_TRANSACTION)
        arguments = {
            "user": connection.user,
            "database": connection.database,
            "autocommit": connection.autocommit,
            "reconnect": connection.auto_reconnect,
            "converter": connection._converter,
            "ssl": connection.tls_cipher is not None,
        }
        if connection.unix_socket:
            arguments["unix_socket"] = connection.unix_socket
        else:
            arguments |= {"host": connection.server_name, "port": connection.server_port}
    except mariadb.Error:  # the server has closed it
        return None
    return {name: value for name, value in arguments.items() if value not in ("", None, False)}


def rebuild_connection() -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(TYPE_KEY, connect_connection, is_broken=is_connection_broken)


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    from mariadb.connections import Connection

    if description["arguments"] is None:
        raise RefusalError("it was closed at the sender; connect anew")
    arguments = with_secrets(description["arguments"], auth, TYPE_KEY, aliases=ALIASES)
    return make(description["type"], Connection, description["added"], **arguments)


def is_connection_broken(connection: Any) -> bool:
    """Tell whether it was closed, here or by the server; does not block."""
    import mariadb

    if connection._closed:
        return True
    try:
        descriptor = connection._get_socket()
    except mariadb.Error:
        return True
    return has_left(descriptor)


REDUCERS: dict[str, Reducer] = {
    "mariadb.connections.Connection": reducer_with_state(
        reduce_connection, rebuild_connection, set_description
    ),
    "mariadb.cursors.Cursor": refusing(CURSOR),
    "mariadb.connectionpool.ConnectionPool": refusing(POOL),
}
