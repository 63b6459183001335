import pytest

from servers.mariadb import DATABASE, OWNER, PASSWORD

mariadb = pytest.importorskip("mariadb", reason="its C library is not here")


@pytest.fixture
def connect(mariadb_server, closing):
    """Connect as the owner."""
    make = mariadb.connect
    return lambda **options: closing(make(**{**mariadb_server.arguments, **options}))


def ask(connection, query="SELECT SUBSTRING_INDEX(USER(), '@', 1), DATABASE()"):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


class Labelled(mariadb.connections.Connection):
    """A user's own."""


def test_type_attributes_and_converter_arrive(connect, travel):
    connection = connect(
        connectionclass=Labelled,
        converter={mariadb.constants.FIELD_TYPE.NEWDECIMAL: float},
        reconnect=True,
    )
    connection.name = "x"

    copy = travel(connection).reconnect(PASSWORD)

    assert (type(copy), copy.name, copy.auto_reconnect) == (Labelled, "x", True)
    (number,) = ask(copy, "SELECT 1.5")
    assert type(number) is float
    copy.close()


def test_it_goes_on_to_use_tls(connect, travel):
    copy = travel(connect(ssl=True)).reconnect(PASSWORD)

    assert ask(copy, "SHOW STATUS LIKE 'Ssl_cipher'")[1]
    copy.close()


def test_autocommit_and_socket_arrive(connect, travel, mariadb_server):
    connection = connect(unix_socket=mariadb_server.socket, autocommit=True)

    copy = travel(connection, PASSWORD).reconnect(PASSWORD)

    assert copy.autocommit
    assert ask(copy) == (OWNER, DATABASE)
    copy.close()
