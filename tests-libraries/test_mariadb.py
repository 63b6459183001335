import contextlib

import pytest

from servers.mariadb import ANALYST, ANALYST_PASSWORD, DATABASE, OWNER, PASSWORD
from suitkaise.cucumber import ReconnectError, SerializationError, reconnect_all, serialize

mariadb = pytest.importorskip("mariadb", reason="its C library is not here")

AUTH = {"mariadb.Connection": {"*": PASSWORD}}


@pytest.fixture
def connect(mariadb_server):
    """Connect, as the owner unless told otherwise."""
    with contextlib.ExitStack() as stack:

        def make(**options):
            arguments = {
                "host": "127.0.0.1",
                "port": mariadb_server.port,
                "user": OWNER,
                "password": PASSWORD,
                "database": DATABASE,
            }
            connection = mariadb.connect(**{**arguments, **options})
            stack.callback(close, connection)
            return connection

        yield make


def close(connection):
    if not connection._closed:  # to close it twice would crash the driver
        connection.close()


def ask(connection, query="SELECT SUBSTRING_INDEX(USER(), '@', 1), DATABASE()"):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


@pytest.mark.comes_back(
    "mariadb.Connection",
    how="Reconnector: the same server, user, database and settings; the password is given again",
)
def test_a_connection_connects_again_with_the_password_alone(connect, travel):
    copy = reconnect_all({"db": travel(connect(), PASSWORD)}, **AUTH)["db"]

    assert ask(copy) == (OWNER, DATABASE)
    copy.close()


def test_it_connects_in_another_process(connect, elsewhere):
    lines = (
        "import warnings; warnings.simplefilter('ignore')  # of the driver's own code\n"
        f"db = reconnect_all([value], **{AUTH!r})[0]\n"
        "cursor = db.cursor(); cursor.execute('SELECT 41 + 1')\n"
        "print(cursor.fetchone()); db.close()"
    )

    assert elsewhere(connect(), lines) == "(42,)"


def test_a_wrong_password_is_an_error_that_does_not_show_it(connect, travel):
    with pytest.raises(ReconnectError, match="Access denied") as caught:
        travel(connect()).reconnect("hunter22")

    assert "hunter22" not in str(caught.value)


def test_a_dict_gives_other_arguments(connect, travel):
    copy = travel(connect()).reconnect({"user": ANALYST, "password": ANALYST_PASSWORD})

    assert ask(copy) == (ANALYST, DATABASE)
    copy.close()


def test_autocommit_and_socket_arrive(connect, travel, mariadb_server):
    connection = connect(unix_socket=mariadb_server.socket, autocommit=True)

    copy = travel(connection, PASSWORD).reconnect(PASSWORD)

    assert copy.autocommit
    assert ask(copy) == (OWNER, DATABASE)
    copy.close()


def test_an_open_transaction_is_refused_with_the_remedy(connect, travel):
    connection = connect()
    connection.begin()

    with pytest.raises(SerializationError, match="commit"):
        serialize(connection)
    connection.commit()
    travel(connection)


@pytest.mark.comes_back("mariadb cursors", how="refused: send the rows, or the connection")
def test_cursors_are_refused(connect):
    with connect().cursor() as cursor, pytest.raises(SerializationError, match="fetchall"):
        serialize(cursor)


def test_a_closed_connection_says_so(connect, travel):
    connection = connect()
    connection.close()

    with pytest.raises(ReconnectError, match="was closed"):
        travel(connection).reconnect(PASSWORD)


def test_a_connection_is_broken_once_its_server_was_restarted(connect, mariadb_server):
    from suitkaise.cucumber._handlers._mariadb import is_connection_broken

    connection = connect()
    assert not is_connection_broken(connection)

    mariadb_server.restart()

    assert is_connection_broken(connection)
    assert not is_connection_broken(connect())
