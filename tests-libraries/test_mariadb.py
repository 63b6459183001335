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


def test_autocommit_and_socket_arrive(connect, travel, mariadb_server):
    connection = connect(unix_socket=mariadb_server.socket, autocommit=True)

    copy = travel(connection, PASSWORD).reconnect(PASSWORD)

    assert copy.autocommit
    assert ask(copy) == (OWNER, DATABASE)
    copy.close()
