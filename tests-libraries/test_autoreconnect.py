"""@autoreconnect with SQL databases: secrets by type and attribute, and a server that restarts."""

import contextlib

import pytest

from servers import mariadb, postgresql
from suitkaise.cucumber import ReconnectError
from suitkaise.processing import Pool, ProcessError, Skprocess, autoreconnect

PATIENCE = 60

# The same users and passwords at both servers.
SECRETS = {"*": postgresql.PASSWORD, "analytics_db": postgresql.ANALYST_PASSWORD}
assert tuple(SECRETS.values()) == (mariadb.PASSWORD, mariadb.ANALYST_PASSWORD)

KEYS = (
    "psycopg2.Connection",
    "psycopg.Connection",
    "pymysql.Connection",
    "mysql.connector.MySQLConnection",
)


def user_of(connection):
    with contextlib.closing(connection.cursor()) as cursor:
        cursor.execute("SELECT CURRENT_USER")
        return cursor.fetchone()[0].partition("@")[0]


@autoreconnect(**dict.fromkeys(KEYS, SECRETS))
class Reporter(Skprocess):
    """Uses the connections that it was given in the parent."""

    def __init__(self, main_db, analytics_db):
        self.main_db = main_db
        self.analytics_db = analytics_db
        self.process_config.runs = 1

    def __run__(self):
        self.users = user_of(self.main_db), user_of(self.analytics_db)

    def __result__(self):
        return self.users


@autoreconnect(**{key: {"*": "hunter22"} for key in KEYS})
class Stranger(Reporter):
    pass


@autoreconnect(**dict.fromkeys(KEYS, SECRETS))
class Counter(Skprocess):
    """Asks once per run, and goes on when it is told to."""

    def __init__(self, db):
        self.db = db
        self.process_config.runs = 3
        self.process_config.lives = 2
        self.failures = 0
        self.users = []

    def __run__(self):
        if self.current_run == 1 and not self.failures:
            self.tell("ask me now")
            assert self.listen(timeout=PATIENCE) == "the server was restarted"
        try:
            self.users.append(user_of(self.db))
        except Exception:
            self.failures += 1
            raise

    def __result__(self):
        return self.users, self.failures


def connections(driver, server):
    """Connect as both users."""
    arguments = {"host": "127.0.0.1", "port": server.port}
    if driver == "mysql.connector":
        connect = pytest.importorskip("mysql.connector").connect
    else:
        connect = pytest.importorskip(driver).connect
    database = {"psycopg2": "dbname", "psycopg": "dbname"}.get(driver, "database")
    for user, password in (
        (postgresql.OWNER, postgresql.PASSWORD),
        (postgresql.ANALYST, postgresql.ANALYST_PASSWORD),
    ):
        yield connect(**arguments, user=user, password=password, **{database: postgresql.DATABASE})


DRIVERS = [
    ("psycopg2", "postgresql"),
    ("psycopg", "postgresql"),
    ("pymysql", "mariadb_server"),
    ("mysql.connector", "mariadb_server"),
]


@pytest.fixture(params=DRIVERS, ids=[driver for driver, _ in DRIVERS])
def opened(request):
    """A server, and a connection of each of two users."""
    driver, fixture = request.param
    server = request.getfixturevalue(fixture)
    both = list(connections(driver, server))
    yield server, both
    for each in both:
        each.close()


def test_a_default_secret_and_one_by_attribute(opened):
    _, (main_db, analytics_db) = opened

    users = Reporter(main_db, analytics_db).run()

    assert users == (postgresql.OWNER, postgresql.ANALYST)
    assert user_of(main_db) == postgresql.OWNER  # the parent's still works


def test_in_a_pool(opened):
    _, both = opened

    with Pool(workers=2) as pool:
        assert (
            pool.star().map(Reporter, [tuple(both)] * 2)
            == [(postgresql.OWNER, postgresql.ANALYST)] * 2
        )


def test_a_refused_password_ends_in_an_error_that_names_the_attribute_and_not_the_secret(opened):
    _, both = opened

    with pytest.raises(ProcessError) as caught:
        Stranger(*both).run()

    assert isinstance(caught.value.original_error, ReconnectError)
    assert ".main_db" in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_a_server_that_restarts_costs_a_life_and_not_the_job(opened):
    server, (db, _) = opened
    process = Counter(db)
    process.start()
    assert process.listen(timeout=PATIENCE) == "ask me now"

    server.restart()
    process.tell("the server was restarted")

    assert process.result() == ([postgresql.OWNER] * 3, 1)
