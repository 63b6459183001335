import asyncio
import contextlib
import ssl

import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, serialize

neo4j = pytest.importorskip("neo4j")

SECRET = "hunter22"


@pytest.fixture
def made():
    """Make a driver, which does not connect."""
    with contextlib.ExitStack() as stack:

        def make(uri="bolt://h:1", **arguments):
            return stack.enter_context(neo4j.GraphDatabase.driver(uri, **arguments))

        make.closing = stack.enter_context
        yield make


def auth_of(driver):
    return driver._pool.pool_config.auth.get_auth()


@pytest.mark.comes_back(
    "neo4j.Driver",
    how="as a Reconnector for the same address with the same configuration; it connects at first "
    "use",
)
@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (("ann", SECRET), neo4j.basic_auth("ann", SECRET)),
        (neo4j.basic_auth("ann", SECRET, "ours"), neo4j.basic_auth("ann", SECRET, "ours")),
        (neo4j.bearer_auth(SECRET), neo4j.bearer_auth(SECRET)),
        (neo4j.kerberos_auth(SECRET), neo4j.kerberos_auth(SECRET)),
        (
            neo4j.custom_auth("ann", SECRET, "ours", "mine", a=1),
            neo4j.custom_auth("ann", SECRET, "ours", "mine", a=1),
        ),
    ],
)
def test_a_driver_is_made_for_its_address_and_user(made, travel, auth, expected):
    driver = made("bolt://h:1", auth=auth)

    copied = made.closing(travel(driver, SECRET).reconnect(SECRET))

    assert type(copied) is type(driver)
    assert str(copied._pool.address) == "h:1"
    assert auth_of(copied) == expected


def test_the_configuration_arrives(made, travel):
    driver = made(
        "neo4j://h:1?region=eu&policy=p",
        auth=("ann", SECRET),
        max_connection_pool_size=3,
        connection_timeout=7.5,
        connection_acquisition_timeout=8.5,
        max_transaction_retry_time=2.5,
        user_agent="ours/1",
        keep_alive=False,
        fetch_size=5,
        notifications_min_severity="OFF",
    )

    copied = made.closing(travel(driver, SECRET).reconnect(SECRET))

    pool, copied_pool = driver._pool, copied._pool
    for name in set(pool.pool_config) - {"auth"}:
        if type(pool.pool_config[name]) in (bool, int, float, str):
            assert copied_pool.pool_config[name] == pool.pool_config[name]
    assert dict(copied._default_workspace_config) == dict(driver._default_workspace_config)
    assert copied_pool.opener.__closure__[1].cell_contents == {
        "region": "eu",
        "policy": "p",
        "address": "h:1",
    }


@pytest.mark.parametrize("scheme", ["bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc"])
def test_the_encryption_arrives(made, travel, scheme):
    driver = made(f"{scheme}://h:1", auth=("ann", SECRET))

    copied = made.closing(travel(driver, SECRET).reconnect(SECRET))

    config, copied_config = driver._pool.pool_config, copied._pool.pool_config
    assert type(copied) is type(driver)
    assert copied.encrypted is driver.encrypted
    assert type(copied_config.trusted_certificates) is type(config.trusted_certificates)


def test_certificates_to_trust_arrive(made, travel):
    trusted = neo4j.TrustCustomCAs("/ours.pem")
    driver = made("bolt://[::1]:7", encrypted=True, trusted_certificates=trusted)

    copied = made.closing(travel(driver).reconnect())

    assert copied._pool.pool_config.trusted_certificates.certs == trusted.certs
    assert copied._pool.address[:2] == ("::1", 7)


def test_a_secret_is_needed_where_one_was_used(made, travel):
    assert made.closing(travel(made()).reconnect())
    with pytest.raises(ReconnectError, match=r"needs a secret"):
        travel(made(auth=("ann", SECRET)), SECRET).session()


def test_a_manager_of_the_user_s_is_not_asked_and_can_be_given(made, travel):
    def provide():
        raise AssertionError

    manager = neo4j.auth_management.AuthManagers.basic(provide)
    reconnector = travel(made(auth=manager))

    with pytest.raises(ReconnectError, match="its user is not known"):
        reconnector.reconnect(SECRET)
    copied = made.closing(reconnector.reconnect({"auth": manager}))

    assert copied._pool.pool_config.auth is manager


def test_a_context_does_not_travel_and_can_be_given(made, travel):
    context = ssl.create_default_context()
    reconnector = travel(made(ssl_context=context))

    with pytest.raises(ReconnectError, match=r"needs a secret"):
        reconnector.session()
    copied = made.closing(reconnector.reconnect({"ssl_context": context}))

    assert copied._pool.pool_config.ssl_context is context


def test_arguments_can_be_given(made, travel):
    driver = made(auth=("ann", SECRET))

    copied = made.closing(travel(driver).reconnect({"uri": "bolt://i:2", "auth": ("bob", "pass")}))

    assert str(copied._pool.address) == "i:2"
    assert auth_of(copied) == ("bob", "pass")


def test_a_wrong_type_of_secret_is_refused(made, travel):
    with pytest.raises(ReconnectError, match=r"takes its auth or a dict .*, not a int"):
        travel(made(auth=("ann", SECRET))).reconnect(5)


def test_a_closed_driver_arrives_closed(made, travel):
    driver = made()
    driver.close()

    # A warning before neo4j 6.
    with pytest.raises((neo4j.exceptions.DriverError, DeprecationWarning), match="closed"):
        travel(driver).reconnect().session()


def test_a_driver_of_asyncio_is_made_again(travel):
    async def run():
        async with (
            neo4j.AsyncGraphDatabase.driver("neo4j://h:1", auth=("ann", SECRET)) as driver,
            travel(driver, SECRET).reconnect(SECRET) as copied,
        ):
            return type(copied) is type(driver), await auth_of(copied)

    assert asyncio.run(run()) == (True, neo4j.basic_auth("ann", SECRET))


@pytest.mark.comes_back(
    "neo4j.Session",
    "neo4j.Transaction",
    "neo4j.Result",
    how="refused: they belong to one connection; send the driver, or what was read",
)
def test_sessions_are_refused(made):
    with (
        made(auth=("ann", SECRET)).session() as session,
        pytest.raises(SerializationError, match="send the driver"),
    ):
        serialize(session)


def test_a_driver_in_another_process(made, elsewhere):
    lines = """
import neo4j
with value.reconnect("hunter22") as driver:
    try:
        driver.verify_connectivity()
    except neo4j.exceptions.ServiceUnavailable as error:
        print("127.0.0.1" in str(error))
"""

    assert elsewhere(made("bolt://127.0.0.1:1", auth=("ann", SECRET)), lines) == "True"
