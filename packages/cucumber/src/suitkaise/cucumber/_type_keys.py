"""The names of types by which resources are given their secrets.

    {"psycopg2.Connection": {"*": "for all of them", "analytics_db": "for the one of that name"}}

A type that is not in the table may have a `Reconnector` of the user's; but a name that is almost
one of the table's is a misspelling, and would else show itself as a refused password.
"""

from collections.abc import Mapping
from typing import Any

EVERY_NAME = "*"

# What the handlers here reconnect, and the drivers' types, as their documentation calls them.
TYPE_KEYS = (
    "cassandra.cluster.Session",
    "clickhouse_driver.Client",
    "duckdb.DuckDBPyConnection",
    "elasticsearch.Elasticsearch",
    "influxdb_client.InfluxDBClient",
    "mariadb.Connection",
    "multiprocessing.Manager",
    "mysql.connector.MySQLConnection",
    "neo4j.Driver",
    "oracledb.Connection",
    "psycopg.Connection",
    "psycopg2.Connection",
    "pymongo.MongoClient",
    "pymssql.Connection",
    "pymysql.Connection",
    "pyodbc.Connection",
    "redis.Redis",
    "snowflake.connector.SnowflakeConnection",
    "socket.socket",
    "sqlalchemy.Engine",
    "sqlite3.Connection",
    "subprocess.Popen",
    "threading.Thread",
)


def check_auth(auth: Mapping[str, Any]) -> None:
    """Check the form of what was given to reconnect with.

    Raises:
        ValueError: If a type is almost one that is known: a misspelling.
        TypeError: If a type's secrets are not given by attribute name. The message shows no secret.
    """
    for type_key, by_name in auth.items():
        meant = _meant_instead(type_key)
        if meant is not None:
            raise ValueError(f"unknown type {type_key!r}: did you mean {meant!r}?")
        if not isinstance(by_name, Mapping) or not all(isinstance(name, str) for name in by_name):
            raise TypeError(
                f"what {type_key!r} is given is a {type(by_name).__name__}; give a dict by "
                f'attribute name, with "{EVERY_NAME}" for all others: '
                f'{{"{type_key}": {{"{EVERY_NAME}": "secret"}}}}'
            )


def auth_for(auth: Mapping[str, Any], type_key: str, names: list[str]) -> Any:
    """Find what a resource is given: by the nearest of its names, else by "*"; None: nothing.

    Args:
        auth: By type, then by name.
        type_key: The resource's type.
        names: The attributes and keys that lead to it, the nearest last.
    """
    by_name = auth.get(type_key, {})
    for name in reversed(names):
        if name in by_name:
            return by_name[name]
    return by_name.get(EVERY_NAME)


def _meant_instead(type_key: str) -> str | None:
    """Return the known type that was almost written; None if it is known, or something else."""
    if type_key in TYPE_KEYS:
        return None
    import difflib  # here, not above: a misspelling is rare

    written = type_key.casefold()
    known = {each.casefold(): each for each in TYPE_KEYS}
    module = type_key.rpartition(".")[0]
    if not any(each.startswith(f"{module}.") for each in TYPE_KEYS) and _is_installed(module):
        return None  # another module with a similar name
    close = difflib.get_close_matches(written, known, n=1, cutoff=0.85)
    return known[close[0]] if close else None


def _is_installed(module: str) -> bool:
    from importlib.util import find_spec

    top = module.partition(".")[0]
    try:
        return bool(top) and find_spec(top) is not None
    except (ImportError, ValueError):  # a module without a spec, such as __main__
        return False
