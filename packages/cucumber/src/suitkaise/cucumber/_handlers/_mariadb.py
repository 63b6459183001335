"""mariadb: connections arrive as Reconnectors, to the same server with the same settings.

Carried: host, port, socket, user, database, autocommit, character set. Not: what was SET in the
session, and files of TLS (give them as auth). As auth they take the password or a dict of arguments
of `mariadb.connect`; the driver does not tell whether it used one, so without auth it is tried.

An open transaction is refused. A closed connection arrives closed, once it is reconnected.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import CURSOR, IN_TRANSACTION, POOL, has_left, refusing
from suitkaise.cucumber._handlers._secrets import with_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "mariadb.Connection"
_IN_TRANSACTION = 1  # a bit of what the server says of itself with each answer


def reduce_connection(connection: Any) -> tuple[tuple[()], dict[str, Any]]:
    """Send what the connection tells of itself."""
    import mariadb

    if connection._closed:  # to ask it anything could crash the driver
        return (), {"arguments": None}
    try:
        if connection.server_status & _IN_TRANSACTION:
            raise RefusalError(IN_TRANSACTION)
        arguments = {
            "user": connection.user,
            "database": connection.database,
            "autocommit": connection.autocommit,
        }
        if connection.unix_socket:
            arguments["unix_socket"] = connection.unix_socket
        else:
            arguments |= {"host": connection.server_name, "port": connection.server_port}
    except mariadb.Error:  # the server has closed it
        return (), {"arguments": None}
    return (), {"arguments": {name: value for name, value in arguments.items() if value != ""}}


def rebuild_connection() -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(TYPE_KEY, connect_connection, is_broken=is_connection_broken)


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    import mariadb

    if description["arguments"] is None:
        raise RefusalError("it was closed at the sender; connect anew")
    return mariadb.connect(**with_secrets(description["arguments"], auth, TYPE_KEY))


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
