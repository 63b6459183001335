import asyncio

import pytest

from servers.postgresql import DATABASE, OWNER, PASSWORD, TRUSTED
from suitkaise.cucumber import SerializationError, serialize

psycopg = pytest.importorskip("psycopg")

from psycopg import rows  # noqa: E402


class Labelled(psycopg.Connection):
    """Has attributes."""


@pytest.fixture
def connect(postgresql, closing):
    """Connect, as the owner unless told otherwise."""

    def make(kind=psycopg.Connection, **options):
        return closing(kind.connect(**{**postgresql.arguments, **options}))

    return make


def ask(connection, query="SELECT current_user, current_database()"):
    return connection.execute(query).fetchone()


def test_one_that_needed_no_password_connects_by_itself(connect, travel):
    copy = travel(connect(user=TRUSTED, password=None))

    assert ask(copy) == (TRUSTED, DATABASE)
    copy.close()


def test_settings_factories_type_and_attributes_arrive(connect, travel):
    connection = connect(
        Labelled, row_factory=rows.dict_row, prepare_threshold=2, application_name="report"
    )
    connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
    connection.read_only = True
    connection.label = "x"

    copy = travel(connection).reconnect(PASSWORD)

    assert (type(copy), copy.label) == (Labelled, "x")
    assert (copy.isolation_level, copy.read_only) == (connection.isolation_level, True)
    assert (copy.prepare_threshold, copy.autocommit) == (2, False)
    assert copy.info.parameter_status("application_name") == "report"
    assert ask(copy) == {"current_user": OWNER, "current_database": DATABASE}
    copy.close()


def test_a_transaction_that_has_only_read_does_not_hinder(connect, travel):
    connection = connect()
    ask(connection)

    copy = travel(connection).reconnect(PASSWORD)

    assert ask(copy) == (OWNER, DATABASE)
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
