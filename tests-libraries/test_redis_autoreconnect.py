"""@autoreconnect with Redis: secrets by type and by attribute, and a server that restarts."""

import contextlib

import pytest

from suitkaise.cucumber import ReconnectError
from suitkaise.processing import Pool, ProcessError, Skprocess, autoreconnect

redis = pytest.importorskip("redis")

from servers.redis import ANALYST, ANALYST_PASSWORD, PASSWORD  # noqa: E402

PATIENCE = 60


@autoreconnect(**{"redis.Redis": {"*": PASSWORD, "analytics": ANALYST_PASSWORD}})
class Reporter(Skprocess):
    def __init__(self, cache, analytics):
        self.cache = cache
        self.analytics = analytics
        self.process_config.runs = 2

    def __run__(self):
        self.cache.rpush("runs", self.current_run)
        self.user = self.analytics.acl_whoami()

    def __result__(self):
        return type(self.cache).__name__, self.user, self.cache.lrange("runs", 0, -1)


@autoreconnect(**{"redis.Redis": {"*": "hunter22"}})
class Stranger(Reporter):
    pass


@autoreconnect(**{"redis.Redis": {"*": PASSWORD}})
class Counter(Skprocess):
    """Adds one per run, and says so; goes on when it is told to."""

    def __init__(self, cache, lives):
        self.cache = cache
        self.process_config.runs = 3
        self.process_config.lives = lives
        self.attempts = 0

    def __run__(self):
        self.attempts += 1
        self.cache.incr("count")
        self.tell(self.current_run)
        assert self.listen(timeout=PATIENCE) == "go on"

    def __result__(self):
        return self.attempts


@pytest.fixture
def clients(redis_server):
    with contextlib.ExitStack() as stack:
        cache = stack.enter_context(
            redis.Redis(port=redis_server.port, password=PASSWORD, decode_responses=True)
        )
        cache.flushall()
        yield (
            cache,
            stack.enter_context(
                redis.Redis(port=redis_server.port, username=ANALYST, password=ANALYST_PASSWORD)
            ),
        )


def test_each_client_gets_its_secret(clients):
    reporter = Reporter(*clients)
    reporter.start()

    assert reporter.result() == ("Redis", ANALYST, ["0", "1"])


def test_clients_reach_the_workers_of_a_pool(clients):
    cache, _ = clients

    with Pool(workers=2) as pool:
        results = pool.star().map(Reporter, [clients] * 2)

    assert [(kind, user) for kind, user, _ in results] == [("Redis", ANALYST)] * 2
    assert sorted(cache.lrange("runs", 0, -1)) == ["0", "0", "1", "1"]


def test_a_wrong_secret_ends_the_process_and_names_the_attribute(clients):
    stranger = Stranger(*clients)
    stranger.start()

    with pytest.raises(ReconnectError, match=r"\.cache \(redis\.Redis\).*Authentication") as caught:
        stranger.result()

    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("lives", [1, 2])
def test_a_server_restarted_between_runs_costs_no_life(clients, redis_server, lives):
    # redis-py connects again itself: with lives or without, no run is repeated.
    counter = Counter(clients[0], lives)
    counter.start()

    assert counter.listen(timeout=PATIENCE) == 0
    redis_server.restart()
    counter.tell("go on")
    for run in (1, 2):
        assert counter.listen(timeout=PATIENCE) == run
        counter.tell("go on")

    assert counter.result() == 3
    assert clients[0].get("count") == "3"


def test_a_server_that_is_away_for_longer_costs_a_life_and_not_the_job(clients, redis_server):
    client = redis.Redis(port=redis_server.port, password=PASSWORD, retry=None)
    counter = Counter(client, lives=100)
    counter.start()

    assert counter.listen(timeout=PATIENCE) == 0
    redis_server.stop()
    try:
        counter.tell("go on")  # the second run fails, and again, until the server is back
        assert counter.listen(timeout=1) is None
    finally:
        redis_server.start()
    for run in (1, 2):
        assert counter.listen(timeout=PATIENCE) == run
        counter.tell("go on")

    assert counter.result() > 3
    assert clients[0].get("count") == "3"
    client.close()


def test_without_a_life_to_spare_it_is_the_end(clients, redis_server):
    client = redis.Redis(port=redis_server.port, password=PASSWORD, retry=None)
    counter = Counter(client, lives=1)
    counter.start()

    assert counter.listen(timeout=PATIENCE) == 0
    redis_server.stop()
    try:
        counter.tell("go on")
        with pytest.raises(ProcessError, match="ConnectionError"):
            counter.result()
    finally:
        redis_server.start()
    client.close()
