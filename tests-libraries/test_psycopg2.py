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

psycopg2 = pytest.importorskip("psycopg2")

from psycopg2 import extras  # noqa: E402

KEY = "psycopg2.Connection"
AUTH = {KEY: {"*": PASSWORD}}


class Labelled(psycopg2.extensions.connection):
    """Has attributes."""


@pytest.fixture
def connect(postgresql):
    """Connect, as the owner unless told otherwise."""
    with contextlib.ExitStack() as stack:

        def make(user=OWNER, password=PASSWORD, **options):
            arguments = {"host": "127.0.0.1", "port": postgresql.port, "dbname": DATABASE}
            connection = psycopg2.connect(
                **{**arguments, "user": user, "password": password, **options}
            )
            stack.callback(connection.close)
            return connection

        yield make


def ask(connection, query="SELECT current_user, current_database()"):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


@pytest.mark.comes_back(
    "psycopg2.Connection",
    how="Reconnector: the same server, user, database and settings; the password is given again",
)
def test_a_connection_connects_again_with_the_password_alone(connect, travel):
    connection = connect(application_name="report")

    copy = reconnect_all({"db": travel(connection, PASSWORD)}, **AUTH)["db"]

    assert ask(copy) == (OWNER, DATABASE)
    assert copy.info.parameter_status("application_name") == "report"
    assert copy.info.backend_pid != connection.info.backend_pid
    copy.close()


def test_it_connects_in_another_process(connect, elsewhere):
    lines = (
        f"db = reconnect_all([value], **{AUTH!r})[0]\n"
        "cursor = db.cursor(); cursor.execute('SELECT 41 + 1')\n"
        "print(cursor.fetchone()); db.close()"
    )

    assert elsewhere(connect(), lines) == "(42,)"


def test_without_the_password_it_says_what_to_give(connect, travel):
    copy = travel(connect())

    with pytest.raises(ReconnectError, match=r"needs a secret.*psycopg2"):
        copy.cursor()


@pytest.mark.parametrize("is_local", [True, False])
def test_one_that_needed_no_password_connects_by_itself(connect, travel, postgresql, is_local):
    options = {"host": postgresql.socket_folder} if is_local else {}
    connection = connect(TRUSTED, None, **options)

    copy = travel(connection)

    assert ask(copy) == (TRUSTED, DATABASE)
    copy.close()


def test_a_wrong_password_is_an_error_that_does_not_show_it(connect, travel):
    copy = travel(connect())

    with pytest.raises(ReconnectError, match="authentication failed") as caught:
        copy.reconnect("hunter22")

    assert "hunter22" not in str(caught.value)


def test_a_dict_gives_other_arguments(connect, travel):
    copy = travel(connect()).reconnect({"user": ANALYST, "password": ANALYST_PASSWORD})

    assert ask(copy) == (ANALYST, DATABASE)
    copy.close()


def test_settings_factories_type_and_attributes_arrive(connect, travel):
    connection = connect(connection_factory=Labelled, cursor_factory=extras.RealDictCursor)
    connection.set_session("SERIALIZABLE", readonly=True, deferrable=True)
    connection.set_client_encoding("LATIN1")
    connection.label = "x"

    copy = travel(connection).reconnect(PASSWORD)

    assert (type(copy), copy.label) == (Labelled, "x")
    assert (copy.isolation_level, copy.readonly, copy.deferrable) == (
        connection.isolation_level,
        True,
        True,
    )
    assert ask(copy, "SHOW client_encoding")["client_encoding"] == "LATIN1"
    copy.close()


@pytest.mark.parametrize("autocommit", [True, False])
def test_autocommit_arrives(connect, travel, autocommit):
    connection = connect()
    connection.autocommit = autocommit

    copy = travel(connection).reconnect(PASSWORD)

    assert copy.autocommit is autocommit
    copy.close()


@pytest.mark.comes_back(
    "psycopg2.Connection in a transaction that has written",
    how="refused: what is not committed would stay behind; commit first",
)
def test_a_transaction_that_has_written_is_refused_and_one_that_has_read_is_not(connect, travel):
    connection = connect()
    ask(connection)
    travel(connection)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS numbers (n int)")

    with pytest.raises(SerializationError, match="commit"):
        serialize({"db": connection})
    connection.commit()
    travel(connection)


def test_a_failed_transaction_is_refused(connect):
    connection = connect()
    with pytest.raises(psycopg2.Error), connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")

    with pytest.raises(SerializationError, match="rollback"):
        serialize(connection)


@pytest.mark.comes_back("psycopg2 cursors", how="refused: send the rows, or the connection")
def test_cursors_are_refused(connect):
    with connect().cursor() as cursor, pytest.raises(SerializationError, match="fetchall"):
        serialize(cursor)


def test_a_closed_connection_arrives_closed(connect, travel):
    connection = connect()
    connection.close()

    copy = travel(connection).reconnect()

    assert copy.closed
    with pytest.raises(psycopg2.InterfaceError):
        copy.cursor()


def test_a_connection_is_broken_once_its_server_was_restarted(connect, postgresql):
    from suitkaise.cucumber._handlers._psycopg2 import is_connection_broken

    connection = connect()
    assert not is_connection_broken(connection)

    postgresql.restart()

    assert is_connection_broken(connection)
    fresh = connect()
    assert not is_connection_broken(fresh)
    fresh.close()
    assert is_connection_broken(fresh)


@pytest.mark.comes_back("psycopg2.Error", how="with its code and messages; without its cursor")
def test_an_error_arrives_with_its_code(connect, travel):
    connection = connect()
    with pytest.raises(psycopg2.Error) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")

    copy = travel(caught.value)

    assert type(copy) is psycopg2.errors.UndefinedColumn
    assert (copy.pgcode, copy.args) == ("42703", caught.value.args)
    assert copy.cursor is None
