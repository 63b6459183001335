import pytest

from servers.mariadb import DATABASE, OWNER, PASSWORD

pytest.importorskip("mysql.connector")

import mysql.connector


@pytest.fixture
def connect(mariadb_server, closing):
    """Connect as the owner."""
    make = mysql.connector.connect
    return lambda **options: closing(make(**{**mariadb_server.arguments, **options}))


def ask(connection, query="SELECT SUBSTRING_INDEX(USER(), '@', 1), DATABASE()"):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


def test_settings_arrive(connect, travel):
    connection = connect(
        charset="latin1", autocommit=True, buffered=True, connection_timeout=9, sql_mode="ANSI"
    )

    copy = travel(connection, PASSWORD).reconnect(PASSWORD)

    assert (copy.charset, copy.autocommit, copy._connection_timeout) == ("latin1", True, 9)
    assert copy.sql_mode == connection.sql_mode
    assert copy._buffered is True
    copy.close()


def test_one_of_a_pool_comes_back_as_a_connection_of_its_own(connect, travel):
    pooled = connect(pool_name="work", pool_size=1)

    copy = travel(pooled, PASSWORD).reconnect(PASSWORD)

    assert ask(copy) == (OWNER, DATABASE)
    copy.close()
