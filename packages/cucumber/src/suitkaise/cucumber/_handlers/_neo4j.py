"""neo4j: drivers arrive as Reconnectors, for the same address with the same configuration.

As auth they take the password (the ticket, the token) of the user that was in use, or a dict of
arguments of `GraphDatabase.driver`, such as {"auth": (user, password)}. An auth manager of the
user's own, a client certificate and an `ssl_context` do not travel and are to be given so. A driver
connects when it is first used, and again by itself.

Refused: sessions, transactions and results, and drivers that speak HTTP.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import driver_type, name_of, refusing
from suitkaise.cucumber._handlers._secrets import with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "neo4j.Driver"

_NOT_SENT = ("auth", "client_certificate", "ssl_context")


def reduce_driver(driver: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send address, routing context and configuration, and who was let in."""
    pool = driver._pool
    config = pool.pool_config
    login = _login(config.auth)
    has_secrets = login is not None or config.client_certificate or config.ssl_context
    kind = name_of(driver_type(driver, REDUCERS))
    return (bool(has_secrets),), {
        "is_async": "._async." in kind,
        "scheme": "neo4j" if kind.endswith("Neo4jDriver") else "bolt",
        "address": str(pool.address),
        "routing_context": without_secrets(_routing_context(pool)),
        "login": login,
        "arguments": without_secrets(_set_in(config) | _set_in(driver._default_workspace_config)),
        "is_closed": driver._closed,
    }


def _login(manager: Any) -> dict[str, Any] | None:
    """Tell who was let in, without the credentials; None: nobody in particular."""
    if "Static" not in type(manager).__name__:  # it is not asked: it may call a service
        return {}
    auth = manager._auth
    if auth is None:
        return None
    if isinstance(auth, list | tuple):
        return {"scheme": "basic", "principal": auth[0]}
    login = {name: value for name, value in vars(auth).items() if name != "credentials"}
    return without_secrets(login)


def _routing_context(pool: Any) -> dict[str, Any]:
    """Find what was behind the question mark: only the function that opens connections has it."""
    names = pool.opener.__code__.co_freevars
    if "routing_context" not in names:
        return {}
    context = pool.opener.__closure__[names.index("routing_context")].cell_contents
    return {name: value for name, value in context.items() if name != "address"}


def _set_in(config: Any) -> dict[str, Any]:
    """Return what of a configuration is not as it is by default."""
    defaults = type(config)()
    return {
        name: config[name]
        for name in config
        if name not in _NOT_SENT and config[name] is not defaults[name]
        if type(config[name]) not in (bool, int, float, str) or config[name] != defaults[name]
    }


def rebuild_driver(needs_secret: bool) -> Reconnector:
    """Make what stands for a driver."""
    return Reconnector(TYPE_KEY, connect_driver, needs_secret=needs_secret)


def connect_driver(description: dict[str, Any], auth: Any) -> Any:
    """Make a driver, which connects when it is first used."""
    from urllib.parse import urlencode

    import neo4j

    arguments = with_secrets(description["arguments"], auth, TYPE_KEY, "auth")
    login = description["login"]
    if auth is not None and not isinstance(auth, dict):
        if not login:
            raise RefusalError(
                'its user is not known; give {"auth": (user, password)}, or what else '
                "GraphDatabase.driver takes as auth"
            )
        parameters = login.get("parameters", {})
        arguments["auth"] = neo4j.Auth(
            login.get("scheme"),
            login.get("principal"),
            arguments["auth"],
            login.get("realm"),
            **parameters,
        )
    query = urlencode(description["routing_context"])
    uri = f"{description['scheme']}://{description['address']}" + (f"?{query}" if query else "")
    database = neo4j.AsyncGraphDatabase if description["is_async"] else neo4j.GraphDatabase
    driver = database.driver(arguments.pop("uri", uri), **arguments)
    if description["is_closed"] and not description["is_async"]:
        driver.close()
    return driver


_DRIVER = reducer_with_state(reduce_driver, rebuild_driver, set_description)
_SESSION = refusing(
    "it belongs to one connection; send the driver, or what was read, and begin another there"
)
_HTTP = refusing("one that speaks HTTP does not tell its path; send its URI, and make it there")

REDUCERS: dict[str, Reducer] = {
    "neo4j._sync.driver.BoltDriver": _DRIVER,
    "neo4j._sync.driver.Neo4jDriver": _DRIVER,
    "neo4j._async.driver.AsyncBoltDriver": _DRIVER,
    "neo4j._async.driver.AsyncNeo4jDriver": _DRIVER,
    "neo4j._sync.driver.HttpDriver": _HTTP,
    "neo4j._async.driver.AsyncHttpDriver": _HTTP,
    **dict.fromkeys(
        (
            "neo4j._sync.work.session.Session",
            "neo4j._sync.work.transaction.TransactionBase",
            "neo4j._sync.work.result.Result",
            "neo4j._async.work.session.AsyncSession",
            "neo4j._async.work.transaction.AsyncTransactionBase",
            "neo4j._async.work.result.AsyncResult",
        ),
        _SESSION,
    ),
}
