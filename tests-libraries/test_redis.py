import asyncio
import contextlib
import gc
import queue

import pytest

from suitkaise.cucumber import (
    ReconnectError,
    SerializationError,
    reconnect_all,
    serialize,
)
from suitkaise.cucumber._reconnection import Resources

redis = pytest.importorskip("redis")
redis_asyncio = pytest.importorskip("redis.asyncio")

from servers.redis import ANALYST, ANALYST_PASSWORD, PASSWORD  # noqa: E402

SECRETS = (PASSWORD, ANALYST_PASSWORD)


class NamedRedis(redis.Redis):
    __slots__ = ("itself", "unset")

    def __init__(self, purpose, **arguments):
        super().__init__(**arguments)
        self.purpose = purpose
        self.itself = [self]
        self.own_password = PASSWORD

    def describe(self):
        return f"{self.purpose}: {self.get('key')}"


class NamedPool(redis.ConnectionPool):
    purpose = None


@pytest.fixture
def closing():
    """Close clients at the end."""
    with contextlib.ExitStack() as stack:

        def note(client):
            if hasattr(client, "connection_pool"):
                stack.callback(client.connection_pool.disconnect)
            stack.callback(client.close)
            return client

        yield note


@pytest.fixture
def client(redis_server, closing):
    """A client with a key in its database."""
    client = closing(redis.Redis(port=redis_server.port, password=PASSWORD, decode_responses=True))
    client.flushall()
    client.set("key", "value")
    return client


def kwargs(client):
    return client.connection_pool.connection_kwargs


@pytest.mark.comes_back(
    "redis.Redis",
    "redis.ConnectionPool",
    "redis.BlockingConnectionPool",
    how="as a Reconnector that connects to the same server with the same settings",
)
def test_a_client_connects_again_with_its_settings(client, redis_server, travel, closing):
    client = closing(
        redis.Redis(
            port=redis_server.port,
            db=3,
            password=PASSWORD,
            decode_responses=True,
            client_name="the-name",
            socket_timeout=17,
            health_check_interval=9,
            max_connections=4,
            retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.25), 7),
        )
    )
    client.set("key", "in database 3")

    copied = closing(travel(client, *SECRETS).reconnect(PASSWORD))

    assert copied.get("key") == "in database 3"
    assert copied.client_getname() == "the-name"
    assert copied.incr("number") == 1
    assert client.get("number") == "1"
    for name in ("socket_timeout", "health_check_interval", "db", "encoding"):
        assert kwargs(copied)[name] == kwargs(client)[name]
    assert copied.connection_pool.max_connections == 4
    retry = kwargs(copied)["retry"]
    assert (retry._retries, retry._backoff.compute(1)) == (7, 0.25)


def test_a_client_connects_in_another_process(client, elsewhere):
    lines = f"""
reconnect_all(value, **{{"redis.Redis": {{"*": {PASSWORD!r}}}}})
print(value["cache"].set("from", "elsewhere"), value["cache"].get("key"))
value["cache"].close()
"""

    assert elsewhere({"cache": client}, lines) == "True value"
    assert client.get("from") == "elsewhere"


def test_serialising_leaves_the_client_as_it_is(client):
    connections = client.connection_pool._created_connections
    before = dict(kwargs(client))

    serialize(client)
    gc.collect()

    assert kwargs(client) == before
    assert client.connection_pool._created_connections == connections
    assert client.get("key") == "value"


@pytest.mark.parametrize(
    "url",
    [
        "redis://:{password}@127.0.0.1:{port}/2?socket_timeout=17&protocol=3",
        "redis://127.0.0.1:{port}/2?password={password}&socket_timeout=17",
        "unix://default:{password}@{socket}?db=2&socket_timeout=17",
        "unix://{socket}?password={password}&db=2&socket_timeout=17",
    ],
)
def test_a_client_made_from_a_url_connects_again(redis_server, travel, closing, url):
    from urllib.parse import quote

    url = url.format(
        password=quote(PASSWORD, safe=""), port=redis_server.port, socket=redis_server.socket
    )
    client = closing(redis.Redis.from_url(url))
    client.set("key", "by url")

    copied = closing(travel(client, *SECRETS, quote(PASSWORD, safe="")).reconnect(PASSWORD))

    assert copied.get("key") == b"by url"
    assert kwargs(copied)["socket_timeout"] == 17
    assert copied.connection_pool.connection_class is client.connection_pool.connection_class


def test_tls_goes_along(client, redis_server, travel, closing):
    if redis_server.tls_port is None:
        pytest.skip("this redis-server was built without TLS")
    secured = closing(
        redis.Redis(
            host="localhost",
            port=redis_server.tls_port,
            password=PASSWORD,
            ssl=True,
            ssl_ca_certs=redis_server.certificate,
        )
    )
    assert secured.get("key") == b"value"

    copied = closing(travel(secured, *SECRETS).reconnect(PASSWORD))

    assert copied.get("key") == b"value"
    assert isinstance(copied.connection_pool.get_connection(), redis.SSLConnection)
    assert kwargs(copied)["ssl_ca_certs"] == redis_server.certificate


def test_a_user_goes_along_and_may_lack_the_right_to_ping(client, redis_server, travel, closing):
    analyst = closing(
        redis.Redis(port=redis_server.port, username=ANALYST, password=ANALYST_PASSWORD)
    )

    copied = closing(travel(analyst, *SECRETS).reconnect(ANALYST_PASSWORD))

    assert copied.acl_whoami() == ANALYST


def test_the_user_of_a_credential_provider_goes_along(client, redis_server, travel, closing):
    provider = redis.UsernamePasswordCredentialProvider(ANALYST, ANALYST_PASSWORD)
    analyst = closing(redis.Redis(port=redis_server.port, credential_provider=provider))

    by_password, by_provider = (travel(analyst, *SECRETS) for _ in range(2))
    copies = [
        closing(by_password.reconnect(ANALYST_PASSWORD)),
        closing(by_provider.reconnect({"credential_provider": provider})),
    ]

    assert [copied.acl_whoami() for copied in copies] == [ANALYST] * 2


def test_arguments_can_be_given_in_place_of_the_password(client, travel, closing):
    arguments = {"username": ANALYST, "password": ANALYST_PASSWORD, "decode_responses": False}

    copied = closing(travel(client).reconnect(arguments))

    assert copied.acl_whoami() == ANALYST


def test_a_secret_is_needed_where_one_was_used(client, travel):
    copied = travel({"cache": client}, *SECRETS)

    with pytest.raises(ReconnectError, match=r"needs a secret"):
        copied["cache"].get("key")
    with pytest.warns(RuntimeWarning, match=r"\['cache'\] \(redis.Redis\): it needs") as caught:
        reconnect_all(copied)
    assert len(caught) == 1


def test_a_client_without_a_secret_connects_by_itself(client, redis_server, travel):
    client.acl_setuser("default", enabled=True, nopass=True)
    try:
        with redis.Redis(port=redis_server.port) as plain, travel(plain) as copied:
            assert copied.get("key") == b"value"
    finally:
        client.acl_setuser("default", enabled=True, passwords=[f"+{PASSWORD}"])


def test_a_wrong_password_is_an_error_and_a_second_attempt_may_succeed(client, travel, closing):
    copied = travel(client)

    with pytest.raises(ReconnectError, match=r"AuthenticationError: .*password") as caught:
        copied.reconnect("hunter22")

    assert "hunter22" not in str(caught.value)
    assert closing(copied.reconnect(PASSWORD)).get("key") == "value"


def test_a_wrong_type_of_secret_is_refused(client, travel):
    with pytest.raises(ReconnectError, match=r"takes its password or a dict .*, not a int"):
        travel(client).reconnect(5)


def test_a_server_that_is_away_is_an_error(travel, closing):
    from servers._server import free_port

    with pytest.raises(ReconnectError, match="ConnectionError"):
        travel(closing(redis.Redis(port=free_port(), retry=None))).reconnect()


def test_a_pool_comes_back_and_is_still_shared(client, redis_server, travel, closing):
    pool = redis.BlockingConnectionPool(
        port=redis_server.port,
        password=PASSWORD,
        max_connections=2,
        timeout=0.25,
        queue_class=queue.Queue,
    )
    one, two = closing(redis.Redis(connection_pool=pool)), redis.Redis(connection_pool=pool)

    copied = travel({"one": one, "two": two, "pool": pool}, *SECRETS)
    reconnect_all(copied, **{"redis.Redis": {"*": PASSWORD}})
    copied_pool = copied["pool"]
    closing(copied["one"])

    assert type(copied_pool) is redis.BlockingConnectionPool
    assert copied["one"].connection_pool is copied_pool is copied["two"].connection_pool
    assert (copied_pool.max_connections, copied_pool.timeout) == (2, 0.25)
    assert copied_pool.queue_class is queue.Queue
    assert copied["two"].get("key") == b"value"
    assert not copied["two"].auto_close_connection_pool


def test_clients_that_share_a_pool_share_it_also_when_one_connects_alone(
    client, redis_server, travel, closing
):
    other = redis.Redis(connection_pool=client.connection_pool)
    one, two = travel([client, other])

    first, second = closing(one.reconnect(PASSWORD)), two.reconnect(PASSWORD)

    assert first.connection_pool is second.connection_pool


def test_a_connected_client_travels_on(client, travel, closing):
    first = travel(client)
    closing(first.reconnect(PASSWORD))

    second = closing(travel(first, *SECRETS).reconnect(PASSWORD))

    assert second.get("key") == "value"


def test_a_reconnector_that_is_not_connected_travels_on(client, travel, closing):
    copied = closing(travel(travel(client, *SECRETS), *SECRETS).reconnect(PASSWORD))

    assert copied.get("key") == "value"


def test_a_subclass_keeps_its_type_and_attributes_but_no_secret(redis_server, travel, closing):
    client = closing(
        NamedRedis("cache", port=redis_server.port, password=PASSWORD, decode_responses=True)
    )
    client.set("key", "value")

    copied = closing(travel(client, *SECRETS).reconnect(PASSWORD))

    assert type(copied).__name__ == "NamedRedis"
    assert copied.describe() == "cache: value"
    assert copied.itself[0].reconnect() is copied
    assert not hasattr(copied, "own_password")
    assert not hasattr(copied, "unset")


def test_a_subclass_of_the_pool_keeps_its_type_and_attributes(redis_server, travel, closing):
    pool = NamedPool(port=redis_server.port, password=PASSWORD)
    pool.purpose = pool

    copied = closing(travel(redis.Redis(connection_pool=pool)).reconnect(PASSWORD)).connection_pool

    assert type(copied).__name__ == "NamedPool"
    assert copied.purpose.reconnect() is copied


def test_a_client_of_one_connection_has_one_again(redis_server, travel, closing):
    client = closing(
        redis.Redis(port=redis_server.port, password=PASSWORD, single_connection_client=True)
    )

    copied = closing(travel(client, *SECRETS).reconnect(PASSWORD))

    assert copied.client_id() == copied.client_id()
    assert copied.connection is not None


def test_callbacks_of_the_user_go_along(client, travel, closing):
    client.set_response_callback("GET", lambda answer, **options: f"<{answer}>")

    copied = closing(travel(client).reconnect(PASSWORD))

    assert copied.get("key") == "<value>"


def test_client_side_caching_goes_along(client, redis_server, travel, closing):
    version = tuple(map(int, client.info()["redis_version"].split(".")))
    if version < (7, 4):
        pytest.skip("client-side caching takes Redis 7.4")
    cache = redis.cache.CacheConfig(max_size=7)
    cached = closing(
        redis.Redis(port=redis_server.port, password=PASSWORD, protocol=3, cache_config=cache)
    )

    copied = closing(travel(cached, *SECRETS).reconnect(PASSWORD))

    copied.get("key")
    assert copied.connection_pool.cache.config.get_max_size() == 7


def test_a_broken_client_gets_a_new_pool_which_is_shared_again(redis_server, travel, closing):
    client = closing(redis.Redis(port=redis_server.port, password=PASSWORD, retry=None))
    client.set("key", "value")
    other = redis.Redis(connection_pool=client.connection_pool)
    resources = Resources(
        travel([client, other]), start_threads=False, auth={"redis.Redis": {"*": PASSWORD}}
    )
    assert resources.connect() == []
    first = closing(resources.owner[0])

    redis_server.stop()
    try:
        errors = resources.connect()
    finally:
        redis_server.start()

    assert [error.path for error in errors] == ["[0]", "[1]"]
    assert resources.connect() == []
    one, two = resources.owner
    closing(one)
    assert first is not one
    assert one.connection_pool is two.connection_pool is not first.connection_pool
    assert two.get("key") == b"value"


def test_a_client_goes_on_after_its_server_was_restarted(client, redis_server, travel, closing):
    copied = closing(travel(client).reconnect(PASSWORD))
    assert copied.get("key") == "value"

    redis_server.restart()

    assert copied.get("key") == "value"


@pytest.mark.comes_back(
    "redis.asyncio.Redis",
    "redis.asyncio.ConnectionPool",
    how="as a Reconnector with the same settings; it connects when it is first awaited",
)
@pytest.mark.parametrize("kind", ["ConnectionPool", "BlockingConnectionPool"])
def test_an_asyncio_client_connects_when_it_is_awaited(client, redis_server, travel, kind):
    async def use(client):
        async with client:
            return await client.get("key"), await client.client_getname()

    pool = getattr(redis_asyncio, kind)(
        port=redis_server.port, password=PASSWORD, client_name="named", max_connections=3
    )
    source = redis_asyncio.Redis.from_pool(pool)

    copied = travel(source, *SECRETS).reconnect(PASSWORD)

    assert type(copied) is redis_asyncio.Redis
    assert type(copied.connection_pool) is type(pool)
    assert copied.connection_pool.max_connections == 3
    assert asyncio.run(use(copied)) == (b"value", "named")
    assert asyncio.run(use(source)) == (b"value", "named")


@pytest.mark.comes_back(
    "redis.client.Pipeline",
    "redis.client.PubSub",
    "redis.lock.Lock",
    "redis.RedisCluster",
    how="refused: they belong to one connection, or to what others wait for; send the client, and "
    "make them there",
)
@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (lambda client: client.pipeline(), r"execute\(\)"),
        (lambda client: client.pubsub(), "subscribe there"),
        (lambda client: client.lock("name"), r"client.lock\(name\)"),
        (lambda client: client.connection_pool.make_connection(), "send the client"),
    ],
)
def test_what_belongs_to_one_connection_is_refused(client, make, remedy):
    with pytest.raises(SerializationError, match=rf"\['it'\].*{remedy}"):
        serialize({"it": make(client)})


def test_sentinels_are_refused():
    with pytest.raises(SerializationError, match="make it there"):
        serialize(redis.Sentinel([("127.0.0.1", 1)]))


def test_a_monitor_is_refused(client):
    with client.monitor() as monitor, pytest.raises(SerializationError, match="subscribe there"):
        serialize(monitor)


def test_a_script_works_with_its_reconnected_client(client, travel, closing):
    script = client.register_script("return redis.call('GET', KEYS[1])")

    copied = reconnect_all(travel(script), **{"redis.Redis": {"*": PASSWORD}})
    closing(copied.registered_client)

    assert copied(keys=["key"]) == "value"
