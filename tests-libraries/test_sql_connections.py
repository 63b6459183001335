"""What the connections of SQL databases' drivers do alike; the rest is in each driver's module."""

from collections.abc import Callable
from importlib import import_module
from operator import attrgetter
from typing import Any, NamedTuple

import pytest

from servers import mariadb
from servers.postgresql import ANALYST, ANALYST_PASSWORD, DATABASE, OWNER, PASSWORD, TRUSTED
from suitkaise.cucumber import ReconnectError, SerializationError, reconnect_all, serialize

# The same users and passwords at both servers.
assert (PASSWORD, ANALYST_PASSWORD) == (mariadb.PASSWORD, mariadb.ANALYST_PASSWORD)


class Driver(NamedTuple):
    """A driver.

    Attributes:
        module: What has `connect`.
        handler: The module that tells whether a connection is broken.
        key: The name by which secrets are given.
        is_closed: Tells whether a connection is closed.
        server: The fixture of its server.
        whose: The query of who is connected to what.
        changing: What begins a transaction that must not stay behind.
        refusal: What the server says to a wrong password.
    """

    module: str
    handler: str
    key: str
    is_closed: Callable[[Any], bool]
    server: str = "mariadb_server"
    whose: str = "SELECT SUBSTRING_INDEX(USER(), '@', 1), DATABASE()"
    changing: str = "START TRANSACTION"
    refusal: str = "Access denied"


POSTGRESQL = {
    "server": "postgresql",
    "whose": "SELECT current_user, current_database()",
    "changing": "CREATE TEMPORARY TABLE numbers (n int)",
    "refusal": "authentication failed",
}
DRIVERS = [
    Driver("psycopg2", "_libpq", "psycopg2.Connection", attrgetter("closed"), **POSTGRESQL),
    Driver("psycopg", "_libpq", "psycopg.Connection", attrgetter("closed"), **POSTGRESQL),
    Driver("pymysql", "_pymysql", "pymysql.Connection", lambda each: not each.open),
    Driver(
        "mysql.connector",
        "_mysql_connector",
        "mysql.connector.MySQLConnection",
        lambda each: not each.is_connected(),
    ),
    Driver("mariadb", "_mariadb", "mariadb.Connection", attrgetter("_closed")),
]


def only(server):
    """Restrict a test to the drivers of one server."""
    drivers = [driver for driver in DRIVERS if driver.server == server]
    return pytest.mark.parametrize("driver", drivers, ids=attrgetter("module"), indirect=True)


@pytest.fixture(params=DRIVERS, ids=attrgetter("module"))
def driver(request):
    pytest.importorskip(request.param.module, reason="it is not installed")
    return request.param


@pytest.fixture
def server(driver, request):
    return request.getfixturevalue(driver.server)


@pytest.fixture
def connect(driver, server, closing):
    """Connect, as the owner unless told otherwise."""
    module = import_module(driver.module)
    return lambda **options: closing(module.connect(**{**server.arguments, **options}))


def run(connection, command):
    cursor = connection.cursor()
    cursor.execute(command)
    return cursor


@pytest.mark.comes_back(
    "psycopg2.Connection",
    "psycopg.Connection",
    "pymysql.Connection",
    "mysql.connector.MySQLConnection",
    "mariadb.Connection",
    how="Reconnector: the same server, user, database and settings; the password is given again",
)
def test_a_connection_connects_again_with_the_password_alone(driver, connect, travel):
    copy = travel({"db": connect()}, PASSWORD)

    connection = reconnect_all(copy, **{driver.key: {"*": PASSWORD}})["db"]

    assert run(connection, driver.whose).fetchone() == (OWNER, DATABASE)
    connection.close()


def test_it_connects_in_another_process(driver, connect, elsewhere):
    of_the_driver_s_own_code = "import warnings; warnings.simplefilter('ignore')\n"
    lines = (of_the_driver_s_own_code if driver.module == "mariadb" else "") + (
        f"db = reconnect_all([value], **{ {driver.key: {'*': PASSWORD}}!r})[0]\n"
        "cursor = db.cursor(); cursor.execute('SELECT 41 + 1')\n"
        "print(cursor.fetchone()); db.close()"
    )

    assert elsewhere(connect(), lines) == "(42,)"


def test_without_the_password_it_says_what_to_give(driver, connect, travel):
    if driver.module == "mariadb":
        pytest.skip("the driver does not tell whether a password was used")

    with pytest.raises(ReconnectError, match=f"needs a secret.*{driver.key}"):
        travel(connect()).cursor()


def test_a_wrong_password_is_an_error_that_does_not_show_it(driver, connect, travel):
    with pytest.raises(ReconnectError, match=driver.refusal) as caught:
        travel(connect()).reconnect("hunter22")

    assert "hunter22" not in str(caught.value)


def test_a_dict_gives_other_arguments(driver, connect, travel):
    copy = travel(connect()).reconnect({"user": ANALYST, "password": ANALYST_PASSWORD})

    assert run(copy, driver.whose).fetchone() == (ANALYST, DATABASE)
    copy.close()


@only("mariadb_server")
def test_another_name_of_an_argument_counts(driver, connect, travel):
    copy = travel(connect()).reconnect({"username": ANALYST, "passwd": ANALYST_PASSWORD})

    assert run(copy, driver.whose).fetchone() == (ANALYST, DATABASE)
    copy.close()


@only("postgresql")
@pytest.mark.parametrize("is_local", [True, False])
def test_one_that_needed_no_password_connects_by_itself(driver, connect, travel, server, is_local):
    options = {"host": server.socket_folder} if is_local else {}

    copy = travel(connect(user=TRUSTED, password=None, **options))

    assert run(copy, driver.whose).fetchone() == (TRUSTED, DATABASE)
    copy.close()


@only("postgresql")
def test_a_transaction_that_has_only_read_does_not_hinder(driver, connect, travel):
    connection = connect()
    run(connection, driver.whose)

    copy = travel(connection).reconnect(PASSWORD)

    assert run(copy, driver.whose).fetchone() == (OWNER, DATABASE)
    copy.close()


@pytest.mark.comes_back(
    "any of these in a transaction",
    how="refused: commit first; of PostgreSQL only one that has written",
)
def test_a_transaction_that_must_not_stay_behind_is_refused(driver, connect, travel):
    connection = connect()
    run(connection, driver.changing).close()

    with pytest.raises(SerializationError, match="commit"):
        serialize({"db": connection})
    connection.commit()
    travel(connection)


@pytest.mark.comes_back("cursors of these", how="refused: send the rows, or the connection")
def test_cursors_are_refused(driver, connect):
    cursor = connect().cursor()

    with pytest.raises(SerializationError, match="fetchall"):
        serialize(cursor)
    cursor.close()


@pytest.fixture
def pool(driver, server):
    """A pool of the driver's connections, which has their password."""
    if driver.module == "psycopg2":
        made = import_module("psycopg2.pool").ThreadedConnectionPool(1, 1, **server.arguments)
        close = made.closeall
    elif driver.module == "psycopg":
        pools = pytest.importorskip("psycopg_pool")
        made = pools.ConnectionPool(kwargs=server.arguments, min_size=1, open=True)
        close = made.close
    elif driver.module == "mysql.connector":
        pooling = import_module("mysql.connector.pooling")
        made = pooling.MySQLConnectionPool(pool_name="own", pool_size=1, **server.arguments)
        close = made._remove_connections
    elif driver.module == "mariadb":
        mariadb_module = import_module("mariadb")
        made = mariadb_module.ConnectionPool(pool_name="own", pool_size=1, **server.arguments)
        close = made.close
    else:
        pytest.skip("it has none")
    yield made
    close()


@pytest.mark.comes_back("pools of these", how="refused: make a pool there")
def test_pools_are_refused(pool):
    with pytest.raises(SerializationError, match="make a pool there"):
        serialize({"pool": pool})


def test_a_closed_connection_arrives_closed_or_says_that_it_was(driver, connect, travel):
    connection = connect()
    connection.close()
    copy = travel(connection)

    if driver.module == "mariadb":  # whose connections are open when they are made
        with pytest.raises(ReconnectError, match="was closed"):
            copy.reconnect(PASSWORD)
    else:
        assert driver.is_closed(copy.reconnect(PASSWORD))


def test_a_connection_is_broken_once_its_server_was_restarted(driver, connect, server):
    handler = import_module(f"suitkaise.cucumber._handlers.{driver.handler}")
    connection = connect()
    assert not handler.is_connection_broken(connection)

    server.restart()

    assert handler.is_connection_broken(connection)
    fresh = connect()
    assert not handler.is_connection_broken(fresh)
    fresh.close()
    assert handler.is_connection_broken(fresh)
