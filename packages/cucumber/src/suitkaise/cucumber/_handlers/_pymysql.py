"""pymysql: connections arrive as Reconnectors, to the same server with the same settings.

Carried: host, port, socket, user, database, charset, collation, autocommit, timeouts, cursor class,
converters, init command, SQL mode, program name, whether it uses TLS and whom it trusts, a subclass
and its attributes. Not: what was SET in the session, and a certificate of its own (give it as
auth). As auth they take the password or a dict of arguments of `pymysql.connect`; one that used
none connects by itself.

An open transaction is refused. A closed connection arrives closed, once it is reconnected.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    CURSOR,
    IN_TRANSACTION,
    added_attributes,
    has_left,
    make,
    names_set_in_code,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._mysql import (
    IN_TRANSACTION_BIT,
    completed_arguments,
    describe_arguments,
)
from suitkaise.cucumber._handlers._secrets import without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "pymysql.Connection"

# By the argument's name: the attribute.
_ARGUMENTS = {
    "host": "host",
    "port": "port",
    "user": "user",
    "database": "db",
    "unix_socket": "unix_socket",
    "bind_address": "bind_address",
    "charset": "charset",
    "collation": "collation",
    "use_unicode": "use_unicode",
    "connect_timeout": "connect_timeout",
    "read_timeout": "_read_timeout",
    "write_timeout": "_write_timeout",
    "cursorclass": "cursorclass",
    "sql_mode": "sql_mode",
    "init_command": "init_command",
    "max_allowed_packet": "max_allowed_packet",
    "client_flag": "client_flag",
    "local_infile": "_local_infile",
    "auth_plugin_map": "_auth_plugin_map",
    "server_public_key": "server_public_key",
}


def reduce_connection(connection: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the arguments that it keeps, but for the password."""
    from pymysql.connections import Connection
    from pymysql.constants import CLIENT

    is_open = bool(connection.open)
    if is_open and connection.server_status & IN_TRANSACTION_BIT:
        raise RefusalError(IN_TRANSACTION)
    arguments: dict[str, Any] = {
        name: getattr(connection, attribute, None) for name, attribute in _ARGUMENTS.items()
    }
    for name in ("user", "database"):
        if isinstance(arguments[name], bytes):
            arguments[name] = arguments[name].decode(connection.encoding)
    arguments["autocommit"] = connection.get_autocommit() if is_open else connection.autocommit_mode
    arguments["client_flag"] &= ~CLIENT.SSL  # which goes with the next
    # Newer versions try TLS unless told otherwise; some ask for it.
    if getattr(connection, "_ssl_required", connection.ssl):
        arguments["ssl"] = _tls(connection.ctx)
    arguments["program_name"] = connection._connect_attrs.get("program_name")
    arguments["conv"] = _converters(connection)
    added = added_attributes(connection, Connection, names_set_in_code(Connection))
    return (bool(connection.password),), {
        **describe_arguments(arguments),
        "type": own_type(connection, Connection),
        "added": without_secrets(added),
        "is_open": is_open,
    }


def _tls(context: Any) -> Any:
    """Return what makes such a context; itself where it says whom to trust."""
    import ssl

    return {"check_hostname": False} if context.verify_mode == ssl.CERT_NONE else context


def _converters(connection: Any) -> dict[Any, Any] | None:
    """Return the converters; None for those of the driver."""
    from pymysql.converters import conversions

    converters = {**connection.encoders, **connection.decoders}
    return None if converters == conversions else converters


def rebuild_connection(needs_secret: bool) -> Reconnector:
    """Make what stands for a connection."""
    return Reconnector(
        TYPE_KEY, connect_connection, needs_secret=needs_secret, is_broken=is_connection_broken
    )


def connect_connection(description: dict[str, Any], auth: Any) -> Any:
    """Connect."""
    from pymysql.connections import Connection

    arguments = completed_arguments(description, auth, TYPE_KEY)
    arguments["defer_connect"] = not description["is_open"]
    return make(description["type"], Connection, description["added"], **arguments)


def is_connection_broken(connection: Any) -> bool:
    """Tell whether it was closed, here or by the server; does not block."""
    return not connection.open or has_left(connection._sock.fileno())


REDUCERS: dict[str, Reducer] = {
    "pymysql.connections.Connection": reducer_with_state(
        reduce_connection, rebuild_connection, set_description
    ),
    "pymysql.cursors.Cursor": refusing(CURSOR),
}
