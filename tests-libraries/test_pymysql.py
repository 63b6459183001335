import pytest

from servers.mariadb import PASSWORD

pymysql = pytest.importorskip("pymysql")

from pymysql import cursors  # noqa: E402


class Labelled(pymysql.connections.Connection):
    """A user's own."""


@pytest.fixture
def connect(mariadb_server, closing):
    """Connect as the owner."""

    def make(kind=pymysql.connect, **options):
        return closing(kind(**{**mariadb_server.arguments, **options}))

    return make


def test_settings_and_type_arrive(connect, travel, mariadb_server):
    connection = connect(
        kind=Labelled,
        unix_socket=mariadb_server.socket,
        charset="latin1",
        autocommit=True,
        cursorclass=cursors.DictCursor,
        init_command="SET @mark = 5",
        read_timeout=9,
    )

    copy = travel(connection, PASSWORD).reconnect(PASSWORD)

    assert type(copy) is Labelled
    assert (copy.charset, copy.get_autocommit(), copy._read_timeout) == ("latin1", True, 9)
    with copy.cursor() as cursor:
        cursor.execute("SELECT @mark AS mark")
        assert cursor.fetchone() == {"mark": 5}
    copy.close()
