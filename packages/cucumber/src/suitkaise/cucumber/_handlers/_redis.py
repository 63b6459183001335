"""redis: clients and connection pools arrive as Reconnectors, with the settings of their pool.

Clients that share a pool share one again. The connection is tried when a pool is made. From then on
redis-py connects again by itself; a pool is broken if it could not. Those of redis.asyncio connect
when they are first awaited.

As auth, for clients and pools by the type key "redis.Redis", it takes the password or a dict of
arguments: {"username": ..., "password": ...}, {"credential_provider": ...}. Credential providers
do not travel; the name of the user does.

Refused: pipelines, subscriptions, monitors and locks, which belong to one connection or hold what
others wait for; clients of clusters and sentinels.
"""

from typing import Any

from suitkaise.cucumber._handlers._clients import (
    added_attributes,
    connect_held,
    driver_type,
    holding,
    import_type,
    make,
    name_of,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._secrets import has_secret, with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

# What a pool puts among its connections' arguments itself.
_OF_POOLS = (
    "event_dispatcher",
    "himport_registry",
    "maint_notifications_pool_handler",
    "orig_host_address",
    "orig_socket_timeout",
    "orig_socket_connect_timeout",
    "oss_cluster_maint_notifications_handler",
)


def reduce_client(client: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the pool, which others may share, and what distinguishes the client."""
    base = driver_type(client, REDUCERS)
    pool = client.connection_pool
    plain = base(connection_pool=pool)
    is_single = "single_connection_client"
    callbacks = plain.response_callbacks
    return (has_secret(pool.connection_kwargs),), {
        "base": name_of(base),
        "type": own_type(client, base),
        "pool": holding(pool),
        "owns_pool": getattr(client, "auto_close_connection_pool", False),
        "is_single": bool(getattr(client, is_single, getattr(client, f"_{is_single}", False))),
        "callbacks": {
            name: callback
            for name, callback in client.response_callbacks.items()
            if callbacks.get(name) is not callback
        },
        "added": added_attributes(client, base, vars(plain)),
    }


def rebuild_client(needs_secret: bool) -> Reconnector:
    """Make what stands for a client."""
    return Reconnector(
        "redis.Redis", connect_client, needs_secret=needs_secret, is_broken=is_client_broken
    )


def connect_client(description: dict[str, Any], auth: Any) -> Any:
    """Make a client of its pool."""
    pool = connect_held(description["pool"], auth)
    client = make(
        description["type"],
        import_type(description["base"]),
        description["added"],
        connection_pool=pool,
        single_connection_client=description["is_single"],
    )
    client.auto_close_connection_pool = description["owns_pool"]
    client.response_callbacks.update(description["callbacks"])
    return client


def reduce_pool(pool: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the class and the arguments of the connections, and how many there may be."""
    base = driver_type(pool, REDUCERS)
    arguments = {
        name: value
        for name, value in pool.connection_kwargs.items()
        if name not in _OF_POOLS and type(value) is not object  # which means: not given
    }
    provider = arguments.get("credential_provider")
    user = getattr(provider, "username", None)
    if isinstance(user, str) and user:
        arguments["username"] = user
    limits = ("max_connections", "timeout", "queue_class")
    cache = getattr(pool, "cache", None)
    return (has_secret(arguments),), {
        "base": name_of(base),
        "type": own_type(pool, base),
        "connection_class": pool.connection_class,
        "limits": {name: vars(pool)[name] for name in limits if name in vars(pool)},
        "arguments": without_secrets(arguments),
        "cache_config": getattr(cache, "config", None),
        "added": added_attributes(pool, base, vars(base())),
    }


def rebuild_pool(needs_secret: bool) -> Reconnector:
    """Make what stands for a pool."""
    return Reconnector(
        "redis.Redis", connect_pool, needs_secret=needs_secret, is_broken=is_pool_broken
    )


def connect_pool(description: dict[str, Any], auth: Any) -> Any:
    """Make a pool, and try it; blocks while it connects."""
    arguments = with_secrets(description["arguments"], auth, "redis.Redis")
    if isinstance(auth, dict) and auth.get("credential_provider"):
        arguments.pop("username", None)  # the provider gives it
    if description["cache_config"] is not None:
        arguments.setdefault("cache_config", description["cache_config"])
    arguments.setdefault("connection_class", description["connection_class"])
    base = import_type(description["base"])
    pool = make(
        description["type"], base, description["added"], **{**description["limits"], **arguments}
    )
    if ".asyncio." not in description["base"]:
        try:
            _ping(pool)
        except BaseException:
            pool.disconnect()
            raise
    return pool


def is_client_broken(client: Any) -> bool:
    """Tell whether a client cannot reach its server, also not by a new connection; blocks."""
    return is_pool_broken(client.connection_pool)


def is_pool_broken(pool: Any) -> bool:
    """Tell whether a pool cannot reach its server, also not by a new connection; blocks.

    One of asyncio is not asked: it would have to be awaited.
    """
    import redis

    if ".asyncio." in driver_type(pool, REDUCERS).__module__:
        return False
    try:
        _ping(pool)
    except (redis.ConnectionError, redis.TimeoutError):
        return True
    return False


def _ping(pool: Any) -> None:
    import contextlib

    import redis

    # Who lacks the right to ping has been let in.
    with contextlib.suppress(redis.exceptions.NoPermissionError):
        redis.Redis(connection_pool=pool).ping()


_CLIENT = reducer_with_state(reduce_client, rebuild_client, set_description)
_POOL = reducer_with_state(reduce_pool, rebuild_pool, set_description)

_COMMANDS = refusing(
    "its commands are yet to be executed; call execute(), or send the client and begin a pipeline "
    "there"
)
_SUBSCRIPTION = refusing(
    "it listens on a connection of its own; send the client, and subscribe there"
)
_LOCK = refusing(
    "who holds a lock does not travel; send the client and the lock's name, and lock there: "
    "client.lock(name)"
)
_CONNECTION = refusing("it is a connection of a pool; send the client or its pool")
_CLUSTER = refusing(
    "a client of a cluster or a sentinel knows its nodes by asking them; send their addresses, "
    "and make it there"
)

REDUCERS: dict[str, Reducer] = {
    "redis.client.Redis": _CLIENT,
    "redis.asyncio.client.Redis": _CLIENT,
    "redis.connection.ConnectionPool": _POOL,
    "redis.connection.BlockingConnectionPool": _POOL,
    "redis.asyncio.connection.ConnectionPool": _POOL,
    "redis.asyncio.connection.BlockingConnectionPool": _POOL,
    **dict.fromkeys(
        (
            "redis.client.Pipeline",
            "redis.asyncio.client.Pipeline",
            "redis.cluster.ClusterPipeline",
            "redis.asyncio.cluster.ClusterPipeline",
        ),
        _COMMANDS,
    ),
    **dict.fromkeys(
        (
            "redis.client.PubSub",
            "redis.asyncio.client.PubSub",
            "redis.client.PubSubWorkerThread",
            "redis.client.Monitor",
            "redis.asyncio.client.Monitor",
        ),
        _SUBSCRIPTION,
    ),
    **dict.fromkeys(("redis.lock.Lock", "redis.asyncio.lock.Lock"), _LOCK),
    **dict.fromkeys(
        ("redis.connection.AbstractConnection", "redis.asyncio.connection.AbstractConnection"),
        _CONNECTION,
    ),
    **dict.fromkeys(
        (
            "redis.cluster.RedisCluster",
            "redis.asyncio.cluster.RedisCluster",
            "redis.sentinel.Sentinel",
            "redis.sentinel.SentinelConnectionPool",
            "redis.asyncio.sentinel.Sentinel",
            "redis.asyncio.sentinel.SentinelConnectionPool",
        ),
        _CLUSTER,
    ),
}
