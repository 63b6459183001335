"""psycopg2: connections arrive as Reconnectors, to the same server with the same parameters.

Carried: what `info.dsn_parameters` tells, autocommit, isolation level, read-only, deferrable,
client encoding, cursor factory, a subclass and its attributes. Not: what was SET in the session,
and types registered on the connection. As auth they take the password or a dict of arguments of
`psycopg2.connect`; where the server asked for no password they connect by themselves.

A transaction that has changed something is refused, as that would stay behind; one that has only
read is not. A closed connection arrives closed, once it is reconnected.
"""

from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    CURSOR,
    IN_TRANSACTION,
    has_left,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._exceptions import reduce_exception, restore_exception
from suitkaise.cucumber._handlers._secrets import with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

TYPE_KEY = "psycopg2.Connection"
_SESSION = ("isolation_level", "readonly", "deferrable", "autocommit")


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the parameters that libpq keeps, which are without the password, and the settings."""
    from psycopg2.extensions import connection as base

    description = {
        "type": own_type(connection, base),
        "attributes": without_secrets(getattr(connection, "__dict__", {})),
        "cursor_factory": connection.cursor_factory,
        "parameters": None,
    }
    if connection.closed:
        return (False,), description
    if connection.async_:
        raise RefusalError("it is asynchronous; send its dsn, and connect there")
    _refuse_open_transaction(connection)
    description["parameters"] = without_secrets(connection.info.dsn_parameters)
    description["session"] = {name: getattr(connection, name) for name in _SESSION}
    description["encoding"] = connection.encoding
    return (connection.info.used_password,), description


def _refuse_open_transaction(connection: Any) -> None:
    from psycopg2 import extensions

    status = connection.info.transaction_status
    if status == extensions.TRANSACTION_STATUS_IDLE:
        return
    if status == extensions.TRANSACTION_STATUS_INTRANS:
        with extensions.connection.cursor(connection, cursor_factory=extensions.cursor) as cursor:
            cursor.execute("SELECT pg_current_xact_id_if_assigned()")
            if cursor.fetchone() == (None,):  # it has only read
                return
    raise RefusalError(IN_TRANSACTION)


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_broken
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    import psycopg2
    from psycopg2.extensions import connection as base

    kind = description["type"] or base
    if description["parameters"] is None:
        return _make_closed(kind)
    connection = psycopg2.connect(
        **with_secrets(description["parameters"], auth, TYPE_KEY),
        connection_factory=kind,
        cursor_factory=description["cursor_factory"],
    )
    connection.set_client_encoding(description["encoding"])
    connection.set_session(**description["session"])
    if description["attributes"]:
        vars(connection).update(description["attributes"])
    return connection


def _make_closed(kind: Any) -> Any:
    """Make a connection that was never opened, and close it."""
    connection = kind.__new__(kind)
    connection.close()
    return connection


def is_connection_broken(connection: Any) -> bool:
    """Tell whether it was closed, here or by the server; does not block."""
    return bool(connection.closed) or has_left(connection.fileno())


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
    "psycopg2.extensions.connection": reducer_with_state(
        reduce_connection, rebuild_connection, set_description
    ),
    "psycopg2.Error": reduce_error,
    "psycopg2.extensions.cursor": _cursor,
    "psycopg2.extensions.lobject": _cursor,
}
