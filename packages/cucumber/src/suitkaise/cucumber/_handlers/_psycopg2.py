"""psycopg2: connections arrive as Reconnectors, to the same server with the same parameters.

Carried: what `info.dsn_parameters` tells, autocommit, isolation level, read-only, deferrable,
client encoding, cursor factory, a subclass and its attributes. Not: what was SET in the session,
and types registered on the connection. As auth they take the password or a dict of arguments of
`psycopg2.connect`; where the server asked for no password they connect by themselves.

A transaction that has changed something is refused, as that would stay behind; one that has only
read is not. A closed connection arrives closed, once it is reconnected.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    CURSOR,
    POOL,
    added_attributes,
    own_type,
    refusing,
    set_added,
)
from suitkaise.cucumber._handlers._exceptions import reduce_exception, restore_exception
from suitkaise.cucumber._handlers._libpq import (
    completed,
    given_arguments,
    libpq_reducer,
    refuse_open_transaction,
)
from suitkaise.cucumber._handlers._secrets import without_secrets
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

TYPE_KEY = "psycopg2.Connection"
_SESSION = ("isolation_level", "readonly", "deferrable", "autocommit")


def describe_connection(connection: Any) -> tuple[bool, dict[str, Any]]:
    """Describe the parameters that libpq keeps, which are without the password, and settings."""
    from psycopg2.extensions import connection as base

    description = {
        "type": own_type(connection, base),
        "added": without_secrets(added_attributes(connection, base, ())),
        "cursor_factory": connection.cursor_factory,
        "parameters": None,
    }
    if connection.closed:
        return False, description
    if connection.async_:
        raise RefusalError("it is asynchronous; send its dsn, and connect there")
    refuse_open_transaction(connection.info.transaction_status, partial(_ask, connection))
    description["parameters"] = without_secrets(connection.info.dsn_parameters)
    description["session"] = {name: getattr(connection, name) for name in _SESSION}
    description["encoding"] = connection.encoding
    return connection.info.used_password, description


def _ask(connection: Any, query: str) -> Any:
    from psycopg2 import extensions

    with extensions.connection.cursor(connection, cursor_factory=extensions.cursor) as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    import psycopg2
    from psycopg2.extensions import connection as base
    from psycopg2.extensions import parse_dsn

    kind = description["type"] or base
    if description["parameters"] is None:
        connection = _make_closed(kind)
    else:
        given = given_arguments(auth, TYPE_KEY, "dsn", parse_dsn)
        arguments = {
            "connection_factory": kind,
            "cursor_factory": description["cursor_factory"],
            **description["parameters"],
        }
        connection = psycopg2.connect(**completed(arguments, given))
        if "client_encoding" not in given:
            connection.set_client_encoding(description["encoding"])
        connection.set_session(**description["session"])
    set_added(connection, base, description["added"])
    return connection


def _make_closed(kind: Any) -> Any:
    """Make a connection that was never opened, and close it."""
    connection = kind.__new__(kind)
    connection.close()
    return connection


def reduce_error(pickler: "Pickler", error: BaseException) -> ReduceValue:
    """Send an error without its cursor."""
    rebuild, arguments, (fields, *rest), *_ = reduce_exception(pickler, error)
    codes = {name: fields.pop(name, None) for name in ("pgcode", "pgerror")}
    for name in ("cursor", "diag"):
        fields.pop(name, None)
    return rebuild, arguments, (codes, (fields, *rest)), None, None, restore_error


def restore_error(error: Any, state: tuple[dict[str, Any], Any]) -> None:
    """Set what is read-only in its own way."""
    codes, others = state
    restore_exception(error, others)
    error.__setstate__(codes)


_cursor = refusing(CURSOR)

REDUCERS: dict[str, Reducer] = {
    "psycopg2.extensions.connection": libpq_reducer(
        TYPE_KEY, describe_connection, connect_connection
    ),
    "psycopg2.Error": reduce_error,
    "psycopg2.extensions.cursor": _cursor,
    "psycopg2.extensions.lobject": _cursor,
    "psycopg2.pool.AbstractConnectionPool": refusing(POOL),
}
