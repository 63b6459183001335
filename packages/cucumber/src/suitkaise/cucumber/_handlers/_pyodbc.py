"""pyodbc: connections arrive as Reconnectors, as far as they tell what they are connected to.

ODBC keeps no connect string. What its driver tells is the data source's name, if there was one, and
the names of server, database and user; with `autocommit` and `timeout`, this is what travels.
Encodings and output converters do not. An open transaction stays with its connection.

As auth they take a whole connect string; a dict of its keywords, {"DRIVER": ..., "PWD": ...}, in
which those that are known can be left out, and of arguments of `pyodbc.connect`; or, where a data
source's name is known, the password.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import refusing
from suitkaise.cucumber._handlers._secrets import with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "pyodbc.Connection"

# By the connect string's keyword: what to ask for.
_KNOWN = {
    "DSN": "SQL_DATA_SOURCE_NAME",
    "SERVER": "SQL_SERVER_NAME",
    "DATABASE": "SQL_DATABASE_NAME",
    "UID": "SQL_USER_NAME",
}
_OF_CONNECT = frozenset(
    {"ansi", "attrs_before", "autocommit", "encoding", "readonly", "timeout", "unicode_results"}
)
_ALIASES = {"USER": "UID", "PASSWORD": "PWD", "HOST": "SERVER"}


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send what the driver tells."""
    import pyodbc

    description: dict[str, Any] = {"known": {}, "arguments": {}}
    if not connection.closed:
        for keyword, question in _KNOWN.items():
            try:
                answer = connection.getinfo(getattr(pyodbc, question))
            except pyodbc.Error:  # not every driver answers
                continue
            if isinstance(answer, str) and answer:
                description["known"][keyword] = answer
        description["known"] = without_secrets(description["known"])
        description["arguments"] = {
            "autocommit": connection.autocommit,
            "timeout": connection.timeout,
        }
    return ("DSN" not in description["known"],), description


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_broken
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect; blocks."""
    import re

    import pyodbc

    given = with_secrets({}, auth, TYPE_KEY, "PWD")
    is_connect_string = re.search(
        r"(?i)(?:^|;)\s*(?:driver|dsn|filedsn|server)\s*=", str(given.get("PWD", ""))
    )
    own = {name: value for name, value in given.items() if name.casefold() in _OF_CONNECT}
    keywords = {name.upper(): value for name, value in given.items() if name not in own}
    keywords = {_ALIASES.get(name, name): value for name, value in keywords.items()}
    if is_connect_string and not isinstance(auth, dict):
        text = given["PWD"]
    else:
        text = _connect_string(description["known"], keywords)
    arguments = {**description["arguments"], **own}
    timeout = arguments.pop("timeout", 0)  # of statements; that of connect is for the login
    if "timeout" in own:
        arguments["timeout"] = timeout
    connection = pyodbc.connect(text, **arguments)
    if "timeout" in description["arguments"]:
        connection.timeout = description["arguments"]["timeout"]
    return connection


def _connect_string(known: dict[str, str], keywords: dict[str, Any]) -> str:
    if not {"DRIVER", "DSN", "FILEDSN"} & (keywords.keys() | known.keys()):
        raise RefusalError(
            "a pyodbc connection does not tell its driver; give the connect string, or "
            '{"DRIVER": ..., "PWD": ...} with all that it does not tell'
        )
    if "DRIVER" in keywords or "FILEDSN" in keywords:
        known = {keyword: value for keyword, value in known.items() if keyword != "DSN"}
    elif "DSN" in known:  # which says what the server is
        known = {keyword: value for keyword, value in known.items() if keyword != "SERVER"}
    parts = {**known, **keywords}
    return ";".join(f"{keyword}={_quoted(str(value))}" for keyword, value in parts.items())


def _quoted(value: str) -> str:
    is_quoted = value.startswith("{") and value.endswith("}")
    if is_quoted or not set(value) & set(";{}[]()?*=!@,"):
        return value
    return "{" + value.replace("}", "}}") + "}"


def is_connection_broken(connection: Any) -> bool:
    """Tell whether a connection is closed, or its server has gone; blocks while it asks."""
    import pyodbc

    if connection.closed:
        return True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except pyodbc.Error as error:
        state = error.args[0] if error.args else ""
        return str(state).startswith("08")  # of SQL's states, those of connections
    return False


_CURSOR = refusing(
    "it stands in the middle of a result; send the rows (fetchall()) or the connection, and make "
    "another there"
)

REDUCERS: dict[str, Reducer] = {
    "pyodbc.Connection": reducer_with_state(reduce_connection, rebuild_connection, set_description),
    "pyodbc.Cursor": _CURSOR,
}
