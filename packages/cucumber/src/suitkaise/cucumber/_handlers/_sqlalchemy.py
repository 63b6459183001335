"""SQLAlchemy: engines arrive as Reconnectors with their URL, pool settings and execution options.

The password in the URL stays behind, and secrets in `connect_args`. As auth they take the password
or a dict of arguments of `create_engine` (and "username", "password" for the URL); where the URL
has no password they connect by themselves. The first connection is tried at once. The file of an
SQLite database is found by its whole path. Carried are also the (de)serializers of JSON, names for
the log, the size of the cache of statements. Not: listeners, and other options of dialects.

Refused: an engine with a creator of its own, one of a database in memory, and what an engine has
made: connections, sessions, results, its pool.
"""

import os
from operator import attrgetter
from pathlib import Path
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import refusing
from suitkaise.cucumber._handlers._secrets import has_secret, with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "sqlalchemy.Engine"

# Arguments of create_engine, and the attributes of a pool that have them.
_POOL = {
    "max_overflow": "_max_overflow",
    "pool_pre_ping": "_pre_ping",
    "pool_recycle": "_recycle",
    "pool_timeout": "_timeout",
    "pool_reset_on_return": "_reset_on_return",
    "pool_logging_name": "logging_name",
    "echo_pool": "echo",
}
# Arguments of create_engine, and where an engine has them; what is not set stays with the default.
_OF_ENGINE = {
    "isolation_level": "dialect._on_connect_isolation_level",
    "json_serializer": "dialect._json_serializer",
    "json_deserializer": "dialect._json_deserializer",
    "logging_name": "logging_name",
}


def reduce_engine(engine: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the URL without its password, and the settings."""
    url = _found_anywhere(engine.url)
    connect_args = _connect_args(engine)
    description = {
        "url": url.set(password=None, query=without_secrets(url.query)).render_as_string(),
        "connect_args": without_secrets(connect_args),
        "options": dict(engine.get_execution_options()),
        "settings": {**_pool_settings(engine.pool), **_own_settings(engine)},
    }
    needs_secret = url.password is not None or has_secret({**url.query, **connect_args})
    return (needs_secret,), description


def _found_anywhere(url: Any) -> Any:
    """Return the URL; that of an SQLite file with its whole path.

    Raises:
        RefusalError: If the database is in memory.
    """
    if url.get_backend_name() != "sqlite":
        return url
    database, query = url.database or "", url.query
    path = database.removeprefix("file:") if "uri" in query else database
    is_in_memory = query.get("mode") == "memory" or query.get("vfs") == "memdb"
    if is_in_memory or path in ("", ":memory:"):
        raise RefusalError("its database is in memory, in its connections; use a file")
    if path == database:
        return url.set(database=os.path.abspath(path))  # noqa: PTH100
    return url if path.startswith("/") else url.set(database=f"{Path.cwd().as_uri()}/{path}")


def _connect_args(engine: Any) -> dict[str, Any]:
    """Find what was given as `connect_args`: what the driver gets beside what the URL says."""
    create = engine.pool._creator
    if create.__qualname__ != "create_engine.<locals>.connect":
        raise RefusalError(
            "it was made with a creator of its own, and nobody knows where that connects to; make "
            "the engine at the receiver"
        )
    names = dict(zip(create.__code__.co_freevars, create.__closure__, strict=True))
    given = names["cparams"].cell_contents
    _, from_url = engine.dialect.create_connect_args(engine.url)
    missing = object()
    return {name: value for name, value in given.items() if from_url.get(name, missing) != value}


def _pool_settings(pool: Any) -> dict[str, Any]:
    settings = {
        name: getattr(pool, attribute)
        for name, attribute in _POOL.items()
        if hasattr(pool, attribute)
    }
    if hasattr(pool, "size"):  # of threads of their own, a number
        settings["pool_size"] = pool.size() if callable(pool.size) else pool.size
    if hasattr(pool, "_pool"):
        settings["pool_use_lifo"] = bool(pool._pool.use_lifo)
    return {**settings, "poolclass": type(pool)}


def _own_settings(engine: Any) -> dict[str, Any]:
    cache = engine._compiled_cache
    settings = {
        "echo": engine.echo,
        "hide_parameters": engine.hide_parameters,
        "query_cache_size": 0 if cache is None else cache.capacity,
    }
    for name, path in _OF_ENGINE.items():
        try:
            value = attrgetter(path)(engine)
        except AttributeError:
            continue
        if value is not None:
            settings[name] = value
    return settings


def rebuild_engine(needs_secret: bool) -> Reconnector:
    """Make what stands for an engine."""
    return Reconnector(TYPE_KEY, connect_engine, needs_secret=needs_secret)


def connect_engine(description: dict[str, Any], auth: Any) -> Any:
    """Make the engine, and connect once."""
    from sqlalchemy import create_engine, make_url

    given = with_secrets({}, auth, TYPE_KEY)
    url = make_url(given.pop("url", description["url"]))
    for name in ("username", "password"):
        if name in given:
            url = url.set(**{name: given.pop(name)})
    connect_args = {**description["connect_args"], **given.pop("connect_args", {})}
    settings = {**description["settings"], **given}
    engine = create_engine(
        url, connect_args=connect_args, execution_options=description["options"], **settings
    )
    try:
        engine.connect().close()
    except BaseException:
        engine.dispose()
        raise
    return engine


_made_by_engine = refusing("it is in use on a connection of this process; send the engine")

REDUCERS: dict[str, Reducer] = {
    "sqlalchemy.engine.base.Engine": reducer_with_state(
        reduce_engine, rebuild_engine, set_description
    ),
    "sqlalchemy.engine.base.Connection": _made_by_engine,
    "sqlalchemy.engine.base.Transaction": _made_by_engine,
    "sqlalchemy.pool.base.Pool": _made_by_engine,
    "sqlalchemy.pool.base.ManagesConnection": _made_by_engine,
    "sqlalchemy.engine.cursor.CursorResult": refusing(
        "it stands in the middle of a result; send the rows (all())"
    ),
    "sqlalchemy.orm.session.Session": refusing(
        "it is in use on a connection of this process; send the engine, and make a Session there"
    ),
    "sqlalchemy.ext.asyncio.engine.AsyncEngine": refusing(
        "it belongs to an event loop; send its URL, and make the engine there"
    ),
}
