"""duckdb: connections arrive as Reconnectors that open the same file.

DuckDB lets one process write to a file, or several read it: a receiver in another process can open
it once the sender has closed it, or if both opened it with `read_only=True`. As auth they take a
dict of arguments of `duckdb.connect`. What is not committed stays with the sender, and so does what
was SET or configured. A database in memory is refused, and so is one of another kind that was
attached: its path may be a connect string.
"""

import os
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import refusing
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "duckdb.DuckDBPyConnection"
_DATABASES = "SELECT database_name, path, type, readonly FROM duckdb_databases() WHERE NOT internal"


def reduce_connection(connection: Any) -> tuple[tuple[()], dict[str, Any]]:
    """Send the paths of the file and of those attached to it."""
    import duckdb

    try:
        with connection.cursor() as cursor:  # its own result stays as it is
            databases = cursor.execute(_DATABASES).fetchall()
            mode = cursor.execute("SELECT current_setting('access_mode')").fetchone()[0]
            current = cursor.execute("SELECT current_database()").fetchone()[0]
    except duckdb.ConnectionException:
        return (), {"files": None}
    databases.sort(key=lambda each: each[0] != current)
    for name, path, kind, _ in databases:
        if kind != "duckdb":
            raise RefusalError(f"its database {name!r} is of {kind}; attach it at the receiver")
        if not path:
            raise RefusalError(
                f"its database {name!r} is in memory; use a file, or send the tables "
                "(fetch_arrow_table(), df())"
            )
    files = [
        (name, os.path.abspath(path), is_read_only)  # noqa: PTH100
        for name, path, _, is_read_only in databases
    ]
    return (), {"files": files, "read_only": mode.lower() == "read_only"}


def rebuild_connection() -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(TYPE_KEY, connect_connection)


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Open the files."""
    import duckdb

    if auth is not None and not isinstance(auth, dict):
        raise RefusalError(
            "duckdb takes no secret, but a dict of arguments of duckdb.connect, not a "
            f"{type(auth).__name__}"
        )
    if description["files"] is None:
        connection = duckdb.connect(":memory:")
        connection.close()
        return connection
    (_, file, _), *attached = description["files"]
    for _, path, _ in description["files"]:
        if not os.path.exists(path):  # noqa: PTH110
            raise RefusalError(f"the file {path!r} is not here: none is made")
    arguments = {"database": file, "read_only": description["read_only"], **(auth or {})}
    connection = duckdb.connect(**arguments)
    try:
        for name, path, is_read_only in attached:
            option = " (READ_ONLY)" if is_read_only else ""
            what, alias = _quoted(path, "'"), _quoted(name, '"')
            connection.execute(f"ATTACH {what} AS {alias}{option}")
    except BaseException:
        connection.close()
        raise
    return connection


def _quoted(text: str, sign: str) -> str:
    return sign + text.replace(sign, sign * 2) + sign


REDUCERS: dict[str, Reducer] = {
    f"{module}.DuckDBPyConnection": reducer_with_state(
        reduce_connection, rebuild_connection, set_description
    )
    for module in ("_duckdb", "duckdb", "duckdb.duckdb")
} | {
    f"{module}.DuckDBPyRelation": refusing(
        "it is a query on a connection of this process; send its rows (fetchall(), df())"
    )
    for module in ("_duckdb", "duckdb._relation", "duckdb.duckdb")
}
