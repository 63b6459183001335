"""sqlite3: connections arrive as Reconnectors, with the content of databases in memory.

A database in a file is opened again at its path, which must be there by then; one in memory (or in
a temporary file) travels whole. Attached databases likewise. Also carried: a factory's subclass and
its attributes, timeout, detect_types, isolation_level, autocommit, row_factory, text_factory, and
the switches that change what statements do (PRAGMA foreign_keys, recursive_triggers, query_only).
What a connection does not tell is not: functions, collations and callbacks made on it, and the
parameters of a URI (mode=ro). `check_same_thread` is off at the receiver.

A connection with an open transaction is refused: what is not committed would stay behind, and its
locks would keep the receiver out. (With autocommit=False there is always a transaction, and nobody
can tell whether it changed something: what is not committed then stays behind.)

As auth it takes arguments of `sqlite3.connect` that are to be others: {"detect_types": ...}.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reconnector import Reconnector, reconnecting
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from sqlite3 import Connection

_SWITCHES = ("foreign_keys", "recursive_triggers", "query_only")
_PROBE = "suitkaise_probe"  # names a converter, and a temporary table that holds one such value


def describe_connection(connection: "Connection") -> dict[str, Any]:
    """Describe how to open the databases anew, and what is in those that have no file."""
    import sqlite3

    description: dict[str, Any] = {
        # None: the module is imported by a receiver that opens it, no sooner.
        "type": None if type(connection) is sqlite3.Connection else type(connection),
        "attributes": dict(getattr(connection, "__dict__", {})),
        "row_factory": connection.row_factory,
        "text_factory": connection.text_factory,
        "databases": [],
    }
    try:
        has_transaction = connection.in_transaction
    except sqlite3.ProgrammingError:  # it is closed, and is to be so there
        return description
    try:
        autocommit = getattr(connection, "autocommit", None)
        if has_transaction and autocommit is not False:
            raise RefusalError(
                "it has an open transaction, and what is not committed would stay behind; call "
                "commit() or rollback() first"
            )
        return {
            **description,
            **_ask(connection),
            "isolation_level": connection.isolation_level,
            "autocommit": autocommit,
        }
    except sqlite3.ProgrammingError as error:
        raise RefusalError(
            f"{error} Serialise it in its thread, or open it with check_same_thread=False"
        ) from error


def _ask(connection: "Connection") -> dict[str, Any]:
    """Ask the connection itself."""
    # As bytes, whatever text_factory makes of texts.
    rows = _rows(
        connection,
        "SELECT CAST(name AS BLOB), CAST(file AS BLOB) FROM pragma_database_list",
    )
    databases = []
    for raw_name, raw_file in rows:
        name, file = raw_name.decode(), os.fsdecode(raw_file or b"")
        if not file.startswith("/"):  # SQLite calls a database that was deserialised "x"
            file = ""
        if name == "temp":
            _refuse_temporary_tables(connection)
        else:
            databases.append((name, file, None if file else _content(connection, name)))
    return {
        "databases": databases,
        "timeout": _rows(connection, "PRAGMA busy_timeout")[0][0] / 1000,
        "detect_types": _detect_types(connection),
        "switches": {
            name: value for name in _SWITCHES for (value,) in _rows(connection, f"PRAGMA {name}")
        },
    }


def _rows(connection: "Connection", query: str) -> list[Any]:
    import sqlite3

    cursor = sqlite3.Connection.cursor(connection)
    cursor.row_factory = None
    try:
        return cursor.execute(query).fetchall()
    finally:
        cursor.close()


def _content(connection: "Connection", name: str) -> bytes | None:
    """Return a whole database; None if there is nothing in it."""
    if _rows(connection, f"PRAGMA {_quoted(name)}.page_count")[0][0] == 0:
        return None
    if not hasattr(connection, "serialize"):
        raise RefusalError(
            "it is in memory, and this Python's SQLite was built without serialize(); use a file"
        )
    return connection.serialize(name=name)


def _refuse_temporary_tables(connection: "Connection") -> None:
    query = f"SELECT count(*) FROM temp.sqlite_master WHERE tbl_name <> '{_PROBE}'"
    if _rows(connection, query)[0][0]:
        raise RefusalError(
            "it has temporary tables or views, which no other connection can see; drop them, or "
            "make them ordinary ones"
        )


def _detect_types(connection: "Connection") -> int:
    """Find out how the connection was opened, by what it makes of a value with a converter.

    There is no attribute that tells. The probe is a temporary table: it changes neither a database
    nor `total_changes`, and begins no transaction.
    """
    import contextlib
    import sqlite3

    sqlite3.register_converter(_PROBE, lambda value: _PROBE)
    flags = 0
    if _rows(connection, f'SELECT 1 AS "x [{_PROBE}]"') == [(_PROBE,)]:
        flags |= sqlite3.PARSE_COLNAMES
    with _writable(connection), contextlib.suppress(sqlite3.Error):  # an authorizer may forbid it
        _rows(connection, f"CREATE TEMP TABLE IF NOT EXISTS {_PROBE} AS SELECT 1 AS x")
        if len(_rows(connection, f"PRAGMA temp.table_info({_PROBE})")) == 1:
            _rows(connection, f"ALTER TABLE temp.{_PROBE} ADD COLUMN y {_PROBE} DEFAULT 1")
        if _rows(connection, f"SELECT y FROM temp.{_PROBE}") == [(_PROBE,)]:
            flags |= sqlite3.PARSE_DECLTYPES
        # While a cursor of the user's is in the middle of a result, the table has to stay.
        _rows(connection, f"DROP TABLE temp.{_PROBE}")
    return flags


@contextmanager
def _writable(connection: "Connection") -> Iterator[None]:
    """Let a connection write that is switched to reading only, for a moment."""
    if _rows(connection, "PRAGMA query_only") == [(0,)]:
        yield
        return
    _rows(connection, "PRAGMA query_only = 0")
    try:
        yield
    finally:
        _rows(connection, "PRAGMA query_only = 1")


def rebuild_connection() -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector("sqlite3.Connection", connect_connection)


def connect_connection(description: dict[str, Any], auth: Any) -> "Connection":
    """Open the databases."""
    import sqlite3

    if auth is not None and not isinstance(auth, dict):
        raise RefusalError(
            f"sqlite3 takes no secret, but a dict of arguments of sqlite3.connect, not a "
            f"{type(auth).__name__}"
        )
    databases = description["databases"]
    file = databases[0][1] if databases else ""
    arguments: dict[str, Any] = {
        "database": _existing(file) if file else ":memory:",
        "uri": True,
        "timeout": description.get("timeout", 5.0),
        "detect_types": description.get("detect_types", 0),
        "check_same_thread": sqlite3.threadsafety < 3,
        "factory": description["type"] or sqlite3.Connection,
        **(auth or {}),
    }
    # Only once all is attached and filled: these may begin a transaction, or forbid to write.
    settings = {
        name: arguments.pop(name, description.get(name))
        for name in ("isolation_level", "autocommit")
    }
    settings["switches"] = description.get("switches", {})
    try:
        connection: sqlite3.Connection = sqlite3.connect(**arguments, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise RefusalError(f"{error}: {arguments['database']}") from error
    try:
        _fill(connection, databases, settings)
    except BaseException:
        connection.close()
        raise
    connection.row_factory = description["row_factory"]
    connection.text_factory = description["text_factory"]
    if description["attributes"]:
        vars(connection).update(description["attributes"])
    if not databases:
        connection.close()
    return connection


def _fill(
    connection: "Connection",
    databases: list[tuple[str, str, bytes | None]],
    settings: dict[str, Any],
) -> None:
    """Attach what was attached, fill what is in memory, and set how transactions begin."""
    for index, (name, file, content) in enumerate(databases):
        if index:
            target = _existing(file) if file else ":memory:"
            connection.execute(f"ATTACH DATABASE ? AS {_quoted(name)}", (target,))
        if content is not None:
            connection.deserialize(content, name=name)
    for name, value in settings["switches"].items():
        connection.execute(f"PRAGMA {name} = {value}")
    connection.isolation_level = settings["isolation_level"]
    if settings["autocommit"] is not None and hasattr(connection, "autocommit"):
        connection.autocommit = settings["autocommit"]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _existing(file: str) -> str:
    """Return the URI that opens a file but does not create one."""
    from pathlib import Path

    return Path(file).as_uri() + "?mode=rw"


def refuse_cursor(pickler: object, cursor: object) -> ReduceValue:
    """Say why a cursor cannot travel."""
    raise RefusalError(
        "it stands in the middle of a result, or of a value; send the rows (fetchall()) or the "
        "connection, and make another there"
    )


REDUCERS: dict[str, Reducer] = {
    "sqlite3.Connection": reconnecting(describe_connection, rebuild_connection),
    "sqlite3.Cursor": refuse_cursor,
    "sqlite3.Blob": refuse_cursor,
}
