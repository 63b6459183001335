"""psycopg (3): connections arrive as Reconnectors, to the same server with the same parameters.

Carried: the parameters that libpq keeps, autocommit, isolation level, read-only, deferrable, row
and cursor factories, prepare_threshold, prepared_max, a subclass and its attributes. Not: what was
SET in the session, adapters and handlers of notices. As auth they take the password or a dict of
arguments of `psycopg.connect`; where the server asked for no password they connect by themselves.
One of a pool comes back as a connection of its own.

A transaction that has changed something is refused, one that has only read is not. A closed
connection arrives closed, once it is reconnected. An AsyncConnection, which belongs to a loop, is
refused.
"""

from functools import partial
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    CURSOR,
    POOL,
    added_attributes,
    names_set_in_code,
    own_type,
    refusing,
    set_added,
)
from suitkaise.cucumber._handlers._libpq import (
    completed,
    given_arguments,
    libpq_reducer,
    refuse_open_transaction,
)
from suitkaise.cucumber._handlers._secrets import without_secrets
from suitkaise.cucumber._reducer import Reducer

TYPE_KEY = "psycopg.Connection"
_SETTINGS = (
    "isolation_level",
    "read_only",
    "deferrable",
    "autocommit",
    "prepare_threshold",
    "prepared_max",
)
_FACTORIES = ("row_factory", "cursor_factory", "server_cursor_factory")
_OF_POOL = frozenset({"_pool", "_created_at", "_expire_at"})  # set by psycopg_pool


def describe_connection(connection: Any) -> tuple[bool, dict[str, Any]]:
    """Describe the parameters, which are without the password, and the settings."""
    from psycopg import Connection

    own = names_set_in_code(Connection) | _OF_POOL
    description = {
        "type": own_type(connection, Connection),
        "added": without_secrets(added_attributes(connection, Connection, own)),
        "parameters": None,
    }
    if connection.closed:
        return False, description
    refuse_open_transaction(connection.info.transaction_status, partial(_ask, connection))
    description["parameters"] = without_secrets(_parameters(connection))
    description["settings"] = {name: getattr(connection, name) for name in _SETTINGS}
    description["factories"] = {name: getattr(connection, name) for name in _FACTORIES}
    return bool(connection.pgconn.used_password), description


def _parameters(connection: Any) -> dict[str, str]:
    """Return all parameters, those that happen to be libpq's defaults too.

    Otherwise the environment of the receiver, PGPORT say, would decide on them.
    """
    encoding = connection.info.encoding
    return {
        each.keyword.decode(encoding): each.val.decode(encoding)
        for each in connection.pgconn.info
        if each.val is not None
    }


def _ask(connection: Any, query: str) -> Any:
    from psycopg.pq import ExecStatus

    result = connection.pgconn.exec_(query.encode())
    if result.status != ExecStatus.TUPLES_OK:
        raise RefusalError(result.error_message.decode(errors="replace").strip())
    return result.get_value(0, 0)


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    from psycopg import Connection
    from psycopg.conninfo import conninfo_to_dict

    kind = description["type"] or Connection
    if description["parameters"] is None:
        connection = _make_closed(kind)
    else:
        given = given_arguments(auth, TYPE_KEY, "conninfo", conninfo_to_dict)
        settings = {**description["factories"], **description["settings"]}
        arguments = {"row_factory": settings.pop("row_factory"), **description["parameters"]}
        connection = kind.connect(**completed(arguments, given))
        for name, value in settings.items():
            if name not in given:
                setattr(connection, name, value)
    set_added(connection, Connection, description["added"])
    return connection


def _make_closed(kind: Any) -> Any:
    """Make a connection around what was never connected."""
    from psycopg import pq

    pgconn = pq.PGconn.connect_start(b"host=127.0.0.1 port=1")
    pgconn.finish()
    return kind(pgconn)


_cursor = refusing(CURSOR)

REDUCERS: dict[str, Reducer] = {
    "psycopg.Connection": libpq_reducer(TYPE_KEY, describe_connection, connect_connection),
    "psycopg.AsyncConnection": refusing(
        "it belongs to an event loop; send its parameters, and connect there"
    ),
    "psycopg.Cursor": _cursor,
    "psycopg.ServerCursor": _cursor,
    "psycopg.AsyncCursor": _cursor,
    "psycopg_pool.base.BasePool": refusing(POOL),
}
