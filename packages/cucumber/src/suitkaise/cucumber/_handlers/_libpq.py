"""Connections by libpq, PostgreSQL's client library: what psycopg2 and psycopg have in common."""

from collections.abc import Callable
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import IN_TRANSACTION, has_left
from suitkaise.cucumber._handlers._secrets import with_secrets
from suitkaise.cucumber._reconnector import rebuild_reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

# What PQtransactionStatus answers.
_IDLE, _IN_TRANSACTION = 0, 2


def libpq_reducer(
    type_key: str,
    describe: Callable[[Any], tuple[bool, dict[str, Any]]],
    connect: Callable[[dict[str, Any], Any], Any],
) -> Reducer:
    """Make the reducer of a driver's connections.

    Args:
        type_key: The name by which secrets are given.
        describe: Tells whether the server asked for a password, and describes the connection.
        connect: A function of a module, called with the description and with what was given.
    """

    def reduce_connection(connection: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        needs_secret, description = describe(connection)
        return (type_key, connect, needs_secret, is_connection_broken), description

    return reducer_with_state(reduce_connection, rebuild_reconnector, set_description)


def refuse_open_transaction(status: int, ask: Callable[[str], Any]) -> None:
    """Refuse a connection in a transaction, unless that has only read.

    Args:
        status: Of the transaction, as libpq numbers it.
        ask: Answers a query that has one value.
    """
    if status == _IDLE:
        return
    if status == _IN_TRANSACTION and ask("SELECT pg_current_xact_id_if_assigned()") is None:
        return
    raise RefusalError(IN_TRANSACTION)


def given_arguments(
    auth: Any, type_key: str, text: str, parse: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """Return what was given to reconnect with as arguments.

    Args:
        auth: The password, a dict of arguments, or None.
        type_key: What is connected, for the error.
        text: The name of the argument that is a connect string, whose parameters count as given.
        parse: Reads one.
    """
    given = with_secrets({}, auth, type_key, aliases={"database": "dbname"})
    return {**parse(given.pop(text, None) or ""), **given}


def completed(parameters: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Complete the parameters that travelled. Another host is not at the address that they have."""
    is_elsewhere = "host" in given
    kept = {name: parameters[name] for name in parameters if name != "hostaddr" or not is_elsewhere}
    return {**kept, **given}


def is_connection_broken(connection: Any) -> bool:
    """Tell whether it was closed, here or by the server; does not block."""
    return bool(connection.closed) or has_left(connection.fileno())
