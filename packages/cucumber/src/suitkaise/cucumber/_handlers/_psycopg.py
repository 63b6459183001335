"""psycopg (3): connections arrive as Reconnectors, to the same server with the same parameters.

Carried: what `info.get_parameters()` tells, autocommit, isolation level, read-only, deferrable, row
and cursor factories, prepare_threshold, a subclass and its attributes. Not: what was SET in the
session, adapters and handlers of notices. As auth they take the password or a dict of arguments of
`psycopg.connect`; where the server asked for no password they connect by themselves.

A transaction that has changed something is refused, one that has only read is not. A closed
connection arrives closed, once it is reconnected. An AsyncConnection, which belongs to a loop, is
refused.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    CURSOR,
    IN_TRANSACTION,
    added_attributes,
    has_left,
    names_in_code,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._secrets import with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "psycopg.Connection"
_SETTINGS = ("isolation_level", "read_only", "deferrable", "autocommit", "prepare_threshold")
_FACTORIES = ("row_factory", "cursor_factory", "server_cursor_factory")


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the parameters, which are without the password, and the settings."""
    from psycopg import Connection

    description = {
        "type": own_type(connection, Connection),
        "added": added_attributes(connection, Connection, names_in_code(Connection)),
        "parameters": None,
    }
    if connection.closed:
        return (False,), description
    _refuse_open_transaction(connection)
    description["parameters"] = without_secrets(connection.info.get_parameters())
    description["settings"] = {name: getattr(connection, name) for name in _SETTINGS}
    description["factories"] = {name: getattr(connection, name) for name in _FACTORIES}
    return (bool(connection.pgconn.used_password),), description


def _refuse_open_transaction(connection: Any) -> None:
    from psycopg.pq import TransactionStatus

    status = connection.info.transaction_status
    if status == TransactionStatus.IDLE:
        return
    if status == TransactionStatus.INTRANS:
        result = connection.pgconn.exec_(b"SELECT pg_current_xact_id_if_assigned()")
        if result.get_value(0, 0) is None:  # it has only read
            return
    raise RefusalError(IN_TRANSACTION)


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_broken
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    from psycopg import Connection

    kind = description["type"] or Connection
    if description["parameters"] is None:
        return _make_closed(kind)
    parameters = with_secrets(description["parameters"], auth, TYPE_KEY)
    connection = kind.connect(**parameters, row_factory=description["factories"]["row_factory"])
    for name, value in {**description["factories"], **description["settings"]}.items():
        setattr(connection, name, value)
    vars(connection).update(description["added"])
    return connection


def _make_closed(kind: Any) -> Any:
    """Make a connection around what was never connected."""
    from psycopg import pq

    pgconn = pq.PGconn.connect_start(b"host=127.0.0.1 port=1")
    pgconn.finish()
    return kind(pgconn)


def is_connection_broken(connection: Any) -> bool:
    """Tell whether it was closed, here or by the server; does not block."""
    return bool(connection.closed) or has_left(connection.fileno())


_cursor = refusing(CURSOR)

REDUCERS: dict[str, Reducer] = {
    "psycopg.Connection": reducer_with_state(
        reduce_connection, rebuild_connection, set_description
    ),
    "psycopg.AsyncConnection": refusing(
        "it belongs to an event loop; send its parameters, and connect there"
    ),
    "psycopg.Cursor": _cursor,
    "psycopg.ServerCursor": _cursor,
    "psycopg.AsyncCursor": _cursor,
}
