"""pymssql: connections arrive as Reconnectors that are given where to connect.

A connection tells neither its server nor its user. What travels is `as_dict`, `autocommit`,
`arraysize`, charset and the timeout of queries. An open transaction stays with its connection.

As auth they take a dict of arguments of `pymssql.connect`:
{"server": ..., "user": ..., "password": ..., "database": ...}.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import refusing
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "pymssql.Connection"


def reduce_connection(connection: Any) -> tuple[tuple[()], dict[str, Any]]:
    """Send the settings that a connection tells."""
    import pymssql

    settings = {
        "as_dict": connection.as_dict,
        "autocommit": connection.autocommit_state,
        "arraysize": getattr(connection, "arraysize", 1),
    }
    try:
        session = connection._conn
    except pymssql.InterfaceError:  # it is closed
        return (), settings
    return (), {**settings, "timeout": session.query_timeout, "charset": session.charset}


def rebuild_connection() -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=True, is_broken=is_connection_broken
    )


def connect_connection(settings: dict[str, Any], auth: Any) -> Any:
    """Connect; blocks."""
    import pymssql

    if not isinstance(auth, dict) or not {"server", "host"} & auth.keys():
        raise RefusalError(
            "a pymssql connection does not tell its server and user; give a dict of arguments of "
            'pymssql.connect: {"server": ..., "user": ..., "password": ..., "database": ...}'
        )
    return pymssql.connect(
        **{name: value for name, value in settings.items() if value is not None} | auth
    )


def is_connection_broken(connection: Any) -> bool:
    """Tell whether a connection is closed, or its server has gone as far as it has noticed."""
    import pymssql

    try:
        return not connection._conn.connected
    except pymssql.InterfaceError:
        return True


_CURSOR = refusing(
    "it stands in the middle of a result; send the rows (fetchall()) or the connection, and make "
    "another there"
)
_SESSION = refusing("it belongs to a connection, and does not tell its server; connect there")

REDUCERS: dict[str, Reducer] = {
    "pymssql._pymssql.Connection": reducer_with_state(
        reduce_connection, rebuild_connection, set_description
    ),
    "pymssql.Connection": reducer_with_state(  # before pymssql 2.2
        reduce_connection, rebuild_connection, set_description
    ),
    "pymssql._pymssql.Cursor": _CURSOR,
    "pymssql.Cursor": _CURSOR,
    "pymssql._mssql.MSSQLConnection": _SESSION,
}
