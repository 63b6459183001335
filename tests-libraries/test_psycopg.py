import asyncio
import contextlib

import pytest

from servers.postgresql import (
    ANALYST,
    ANALYST_PASSWORD,
    DATABASE,
    OWNER,
    PASSWORD,
    TRUSTED,
)
from suitkaise.cucumber import ReconnectError, SerializationError, reconnect_all, serialize

psycopg = pytest.importorskip("psycopg")

from psycopg import rows  # noqa: E402

AUTH = {"psycopg.Connection": {"*": PASSWORD}}


class Labelled(psycopg.Connection):
    """Has attributes."""


@pytest.fixture
def arguments(postgresql):
    return {"host": "127.0.0.1", "port": postgresql.port, "dbname": DATABASE}


@pytest.fixture
def connect(arguments):
    """Connect, as the owner unless told otherwise."""
    with contextlib.ExitStack() as stack:

        def make(user=OWNER, password=PASSWORD, kind=psycopg.Connection, **options):
            connection = kind.connect(
                **{**arguments, "user": user, "password": password, **options}
            )
            stack.callback(connection.close)
            return connection

        yield make


def ask(connection, query="SELECT current_user, current_database()"):
    return connection.execute(query).fetchone()


@pytest.mark.comes_back(
    "psycopg.Connection",
    how="Reconnector: the same server, user, database and settings; the password is given again",
)
def test_a_connection_connects_again_with_the_password_alone(connect, travel):
    connection = connect(application_name="report")

    copy = reconnect_all({"db": travel(connection, PASSWORD)}, **AUTH)["db"]

    assert ask(copy) == (OWNER, DATABASE)
    assert copy.info.parameter_status("application_name") == "report"
    copy.close()


def test_it_connects_in_another_process(connect, elsewhere):
    lines = (
        f"db = reconnect_all([value], **{AUTH!r})[0]\n"
        "print(db.execute('SELECT 41 + 1').fetchone()); db.close()"
    )

    assert elsewhere(connect(), lines) == "(42,)"


def test_without_the_password_it_says_what_to_give(connect, travel):
    with pytest.raises(ReconnectError, match=r"needs a secret.*psycopg"):
        travel(connect()).execute("SELECT 1")


def test_one_that_needed_no_password_connects_by_itself(connect, travel):
    copy = travel(connect(TRUSTED, None))

    assert ask(copy) == (TRUSTED, DATABASE)
    copy.close()


def test_a_wrong_password_is_an_error_that_does_not_show_it(connect, travel):
    with pytest.raises(ReconnectError, match="authentication failed") as caught:
        travel(connect()).reconnect("hunter22")

    assert "hunter22" not in str(caught.value)


def test_a_dict_gives_other_arguments(connect, travel):
    copy = travel(connect()).reconnect({"user": ANALYST, "password": ANALYST_PASSWORD})

    assert ask(copy) == (ANALYST, DATABASE)
    copy.close()


def test_settings_factories_type_and_attributes_arrive(connect, travel):
    connection = connect(kind=Labelled, row_factory=rows.dict_row, prepare_threshold=2)
    connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
    connection.read_only = True
    connection.label = "x"

    copy = travel(connection).reconnect(PASSWORD)

    assert (type(copy), copy.label) == (Labelled, "x")
    assert (copy.isolation_level, copy.read_only) == (connection.isolation_level, True)
    assert (copy.prepare_threshold, copy.autocommit) == (2, False)
    assert ask(copy) == {"current_user": OWNER, "current_database": DATABASE}
    copy.close()


@pytest.mark.comes_back(
    "psycopg.Connection in a transaction that has written",
    how="refused: what is not committed would stay behind; commit first",
)
def test_a_transaction_that_has_written_is_refused_and_one_that_has_read_is_not(connect, travel):
    connection = connect()
    ask(connection)
    travel(connection)
    connection.execute("CREATE TABLE IF NOT EXISTS more_numbers (n int)")

    with pytest.raises(SerializationError, match="commit"):
        serialize({"db": connection})
    connection.commit()
    travel(connection)


@pytest.mark.comes_back("psycopg cursors", how="refused: send the rows, or the connection")
def test_cursors_are_refused(connect):
    with connect().cursor() as cursor, pytest.raises(SerializationError, match="fetchall"):
        serialize(cursor)


@pytest.mark.comes_back(
    "psycopg.AsyncConnection",
    how="refused: it belongs to a loop; connect there",
)
def test_an_asynchronous_connection_is_refused(arguments):
    async def send():
        connection = await psycopg.AsyncConnection.connect(
            **arguments, user=OWNER, password=PASSWORD
        )
        try:
            with pytest.raises(SerializationError, match="event loop"):
                serialize(connection)
        finally:
            await connection.close()

    asyncio.run(send())


def test_a_closed_connection_arrives_closed(connect, travel):
    connection = connect()
    connection.close()

    copy = travel(connection).reconnect()

    assert copy.closed
    with pytest.raises(psycopg.OperationalError, match="closed"):
        copy.execute("SELECT 1")


def test_a_connection_is_broken_once_its_server_was_restarted(connect, postgresql):
    from suitkaise.cucumber._handlers._psycopg import is_connection_broken

    connection = connect()
    assert not is_connection_broken(connection)

    postgresql.restart()

    assert is_connection_broken(connection)
    assert not is_connection_broken(connect())
