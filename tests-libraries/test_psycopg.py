import asyncio
import base64
import hashlib
import hmac

import pytest

from servers.postgresql import ANALYST, ANALYST_PASSWORD, DATABASE, OWNER, PASSWORD, TRUSTED
from suitkaise.cucumber import SerializationError, serialize

psycopg = pytest.importorskip("psycopg")

from psycopg import rows  # noqa: E402


class Labelled(psycopg.Connection):
    """Has attributes, some with names that the driver's code uses otherwise."""


@pytest.fixture
def connect(postgresql, closing):
    """Connect, as the owner unless told otherwise."""

    def make(kind=psycopg.Connection, **options):
        return closing(kind.connect(**{**postgresql.arguments, **options}))

    return make


def ask(connection, query="SELECT current_user, current_database()"):
    return connection.execute(query).fetchone()


def test_settings_factories_type_and_attributes_arrive(connect, travel):
    connection = connect(
        Labelled, row_factory=rows.dict_row, prepare_threshold=2, application_name="report"
    )
    connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
    connection.read_only = True
    connection.prepared_max = 3
    connection.name, connection.home = "x", "https://me:hunter22@localhost"

    copy = travel(connection, "hunter22").reconnect(PASSWORD)

    assert (type(copy), copy.name, copy.home) == (Labelled, "x", "https://me@localhost")
    assert (copy.isolation_level, copy.read_only) == (connection.isolation_level, True)
    assert (copy.prepare_threshold, copy.prepared_max, copy.autocommit) == (2, 3, False)
    assert copy.info.parameter_status("application_name") == "report"
    assert ask(copy) == {"current_user": OWNER, "current_database": DATABASE}
    copy.close()


@pytest.mark.comes_back(
    "psycopg.AsyncConnection",
    how="refused: it belongs to a loop; connect there",
)
def test_an_asynchronous_connection_is_refused(postgresql):
    async def send():
        connection = await psycopg.AsyncConnection.connect(**postgresql.arguments)
        try:
            with pytest.raises(SerializationError, match="event loop"):
                serialize(connection)
        finally:
            await connection.close()

    asyncio.run(send())


def test_a_closed_connection_needs_no_password_and_keeps_its_attributes(connect, travel):
    connection = connect(Labelled)
    connection.name = "x"
    connection.close()

    copy = travel(connection).reconnect()

    assert copy.name == "x"
    with pytest.raises(psycopg.OperationalError, match="closed"):
        copy.execute("SELECT 1")


def test_what_is_given_goes_before_what_travelled(connect, travel):
    copy = travel(connect()).reconnect(
        {
            "conninfo": f"user={ANALYST} password={ANALYST_PASSWORD}",
            "autocommit": True,
            "prepare_threshold": None,
        }
    )

    assert ask(copy) == (ANALYST, DATABASE)
    assert (copy.autocommit, copy.prepare_threshold) == (True, None)
    copy.close()


def test_another_host_is_not_the_one_that_travelled(connect, travel, postgresql):
    copy = travel(connect(host="127.0.0.1")).reconnect(
        {"host": postgresql.socket_folder, "user": TRUSTED}
    )

    assert ask(copy, "SELECT inet_server_addr()") == (None,)
    copy.close()


def test_the_environment_of_the_receiver_changes_nothing(connect, travel, monkeypatch):
    stand_in = travel(connect(sslmode="prefer"))  # which is the default
    monkeypatch.setenv("PGSSLMODE", "require")  # which the server does not know
    monkeypatch.setenv("PGDATABASE", "another")

    copy = stand_in.reconnect(PASSWORD)

    assert ask(copy) == (OWNER, DATABASE)
    copy.close()


def test_the_keys_that_stand_for_a_password_are_not_in_the_bytes(connect, travel, postgresql):
    if psycopg.pq.version() < 180000:
        pytest.skip("libpq takes none before PostgreSQL 18")
    client, server = scram_keys(postgresql)
    connection = connect(password=None, scram_client_key=client, scram_server_key=server)

    copy = travel(connection, client, server).reconnect(PASSWORD)

    assert ask(copy) == (OWNER, DATABASE)
    copy.close()


def scram_keys(postgresql):
    """The owner's keys, RFC 5802: one made from the password, one that the server has."""
    verifier = postgresql.verifier_of(OWNER)  # SCRAM-SHA-256$iterations:salt$stored:server
    _, rounds, keys = verifier.split("$")
    iterations, salt = rounds.split(":")
    salted = hashlib.pbkdf2_hmac(
        "sha256", PASSWORD.encode(), base64.b64decode(salt), int(iterations)
    )
    client = hmac.digest(salted, b"Client Key", "sha256")
    return base64.b64encode(client).decode(), keys.split(":")[1]


def test_a_transaction_of_which_the_server_does_not_tell_is_refused(connect, postgresql):
    connection = connect()
    connection.execute("CREATE TEMPORARY TABLE numbers (n int)")
    postgresql.disconnect(connection.info.backend_pid)

    with pytest.raises(SerializationError, match="terminat"):
        serialize(connection)


def test_one_that_a_pool_has_lent_comes_back_as_a_connection_of_its_own(postgresql, travel):
    pools = pytest.importorskip("psycopg_pool")

    with (
        pools.ConnectionPool(kwargs=postgresql.arguments, min_size=1, open=True) as pool,
        pool.connection() as lent,
    ):
        copy = travel(lent, PASSWORD).reconnect(PASSWORD)

    assert ask(copy) == (OWNER, DATABASE)
    copy.close()
