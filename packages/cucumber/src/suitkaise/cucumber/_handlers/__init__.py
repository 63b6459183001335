"""The built-in handlers, one module per family of types.

Each module ends in its table, REDUCERS: from the type to its reducer. Where a program may never
import what defines the type, the table has the type's dotted name, and the module is itself
imported only when an object of that library is met.
"""

import sys
from importlib import import_module

from suitkaise.cucumber import _reconnector
from suitkaise.cucumber._handlers import (
    _asynchronous,
    _context_variables,
    _descriptors,
    _exceptions,
    _frames,
    _functools,
    _iterators,
    _locks,
    _loggers,
    _memory,
    _threads,
    _views,
)
from suitkaise.cucumber._reducer import Reducer

BUILTIN_REDUCERS = {
    **_asynchronous.REDUCERS,
    **_context_variables.REDUCERS,
    **_descriptors.REDUCERS,
    **_exceptions.REDUCERS,
    **_frames.REDUCERS,
    **_functools.REDUCERS,
    **_iterators.REDUCERS,
    **_locks.REDUCERS,
    **_loggers.REDUCERS,
    **_memory.REDUCERS,
    **_reconnector.REDUCERS,
    **_threads.REDUCERS,
    **_views.REDUCERS,
}

# The first part of a type's module, and which module here has its handlers.
LIBRARIES = {
    "_asyncio": "_asyncio",
    "_duckdb": "_duckdb",
    "_io": "_files",
    "_queue": "_queues",
    "_struct": "_structs",
    "_thread": "_thread_locals",
    "_weakrefset": "_weak_references",
    "asyncio": "_asyncio",
    "cassandra": "_cassandra",
    "clickhouse_driver": "_clickhouse",
    "collections": "_queues",
    "concurrent": "_executors",
    "contextlib": "_context_managers",
    "dataclasses": "_dataclasses",
    "duckdb": "_duckdb",
    "elastic_transport": "_elasticsearch",
    "elasticsearch": "_elasticsearch",
    "influxdb_client": "_influxdb",
    "logging": "_log_handlers",
    "mariadb": "_mariadb",
    "mmap": "_mapped_memory",
    "multiprocessing": "_multiprocessing",
    "mysql": "_mysql_connector",
    "neo4j": "_neo4j",
    "oracledb": "_oracledb",
    "posix": "_directory_entries",
    "psycopg": "_psycopg",
    "psycopg2": "_psycopg2",
    "psycopg_pool": "_psycopg",
    "pymongo": "_pymongo",
    "pymssql": "_pymssql",
    "pymysql": "_pymysql",
    "pyodbc": "_pyodbc",
    "queue": "_queues",
    "re": "_regular_expressions",
    "redis": "_redis",
    "snowflake": "_snowflake",
    "socket": "_sockets",
    "sqlalchemy": "_sqlalchemy",
    "sqlite3": "_sqlite",
    "ssl": "_tls",
    "subprocess": "_child_processes",
    "tempfile": "_temporary_files",
    "weakref": "_weak_references",
}


def find_library_reducer(cls: type) -> "Reducer | None":
    """Find the reducer of a library's type by its dotted name; None if there is none."""
    module = str(cls.__module__)
    library = LIBRARIES.get(module.partition(".")[0])
    if library is None:
        return None
    if getattr(sys.modules.get(module), cls.__qualname__, cls) is not cls:
        return None  # it only bears the name, as what stands for an object in a Share does
    reducers: dict[str, Reducer] = import_module(f"{__name__}.{library}").REDUCERS
    return reducers.get(f"{cls.__module__}.{cls.__qualname__}")


__all__ = ["BUILTIN_REDUCERS", "LIBRARIES", "find_library_reducer"]
