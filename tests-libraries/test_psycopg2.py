import pytest

from servers.postgresql import ANALYST, ANALYST_PASSWORD, DATABASE, PASSWORD
from suitkaise.cucumber import SerializationError, serialize

psycopg2 = pytest.importorskip("psycopg2")

from psycopg2 import extras  # noqa: E402


class Labelled(psycopg2.extensions.connection):
    """Has attributes, and a slot."""

    __slots__ = ("__dict__", "note")


@pytest.fixture
def connect(postgresql, closing):
    """Connect, as the owner unless told otherwise."""
    return lambda **options: closing(psycopg2.connect(**{**postgresql.arguments, **options}))


def ask(connection, query="SELECT current_user, current_database()"):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def test_settings_factories_type_and_attributes_arrive(connect, travel):
    connection = connect(
        connection_factory=Labelled,
        cursor_factory=extras.RealDictCursor,
        application_name="report",
    )
    connection.set_session("SERIALIZABLE", readonly=True, deferrable=True)
    connection.set_client_encoding("LATIN1")
    connection.label, connection.note = "x", "y"

    copy = travel(connection).reconnect(PASSWORD)

    assert (type(copy), copy.label, copy.note) == (Labelled, "x", "y")
    assert (copy.isolation_level, copy.readonly, copy.deferrable) == (
        connection.isolation_level,
        True,
        True,
    )
    assert copy.info.parameter_status("application_name") == "report"
    assert copy.info.backend_pid != connection.info.backend_pid
    assert ask(copy, "SHOW client_encoding")["client_encoding"] == "LATIN1"
    copy.close()


@pytest.mark.parametrize("autocommit", [True, False])
def test_autocommit_arrives(connect, travel, autocommit):
    connection = connect()
    connection.autocommit = autocommit

    copy = travel(connection).reconnect(PASSWORD)

    assert copy.autocommit is autocommit
    copy.close()


def test_a_closed_connection_needs_no_password_and_keeps_its_attributes(connect, travel):
    connection = connect(connection_factory=Labelled)
    connection.label = "x"
    connection.close()

    copy = travel(connection).reconnect()

    assert (copy.closed, copy.label) == (1, "x")
    with pytest.raises(psycopg2.InterfaceError, match="closed"):
        copy.cursor()


def test_what_is_given_goes_before_what_travelled(connect, travel):
    copy = travel(connect()).reconnect(
        {
            "dsn": f"user={ANALYST} password={ANALYST_PASSWORD}",
            "database": DATABASE,
            "cursor_factory": extras.RealDictCursor,
            "client_encoding": "LATIN1",
        }
    )

    assert ask(copy, "SELECT current_user AS who") == {"who": ANALYST}
    assert copy.encoding == "LATIN1"
    copy.close()


def test_a_failed_transaction_is_refused(connect):
    connection = connect()
    with pytest.raises(psycopg2.Error), connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")

    with pytest.raises(SerializationError, match="rollback"):
        serialize(connection)


@pytest.mark.comes_back("psycopg2.Error", how="with its code and messages; without its cursor")
def test_an_error_arrives_with_its_code(connect, travel):
    connection = connect()
    with pytest.raises(psycopg2.Error) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")

    copy = travel(caught.value)

    assert type(copy) is psycopg2.errors.UndefinedColumn
    assert (copy.pgcode, copy.args) == ("42703", caught.value.args)
    assert copy.cursor is None
