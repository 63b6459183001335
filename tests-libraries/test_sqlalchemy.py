import contextlib

import pytest

from servers.mariadb import PASSWORD as MARIADB_PASSWORD
from servers.postgresql import (
    ANALYST,
    ANALYST_PASSWORD,
    DATABASE,
    OWNER,
    PASSWORD,
    TRUSTED,
)
from suitkaise.cucumber import ReconnectError, SerializationError, reconnect_all, serialize

sqlalchemy = pytest.importorskip("sqlalchemy")

from sqlalchemy import URL, create_engine, orm, pool, text  # noqa: E402

AUTH = {"sqlalchemy.Engine": {"*": PASSWORD}}


@pytest.fixture
def make(postgresql):
    """Make an engine, as the owner unless told otherwise."""
    with contextlib.ExitStack() as stack:

        def make_one(driver="psycopg2", user=OWNER, password=PASSWORD, query=None, **options):
            url = URL.create(
                f"postgresql+{driver}",
                user,
                password,
                "127.0.0.1",
                postgresql.port,
                DATABASE,
                query or {},
            )
            engine = create_engine(url, **options)
            stack.callback(engine.dispose)
            return engine

        yield make_one


def ask(engine, query="SELECT current_user, current_database()"):
    with engine.connect() as connection:
        return tuple(connection.execute(text(query)).one())


@pytest.mark.comes_back(
    "sqlalchemy.Engine",
    how="Reconnector: the same URL, pool settings and options; the password is given again",
)
@pytest.mark.parametrize("driver", ["psycopg2", "psycopg"])
def test_an_engine_connects_again_with_the_password_alone(make, travel, driver):
    engine = make(driver)

    copy = reconnect_all({"db": travel(engine, PASSWORD)}, **AUTH)["db"]

    assert ask(copy) == (OWNER, DATABASE)
    assert copy.url == engine.url
    copy.dispose()


def test_it_connects_in_another_process(make, elsewhere):
    lines = (
        f"db = reconnect_all([value], **{AUTH!r})[0]\n"
        "from sqlalchemy import text\n"
        "with db.connect() as c: print(c.execute(text('SELECT 41 + 1')).one())\n"
        "db.dispose()"
    )

    assert elsewhere(make(), lines) == "(42,)"


def test_no_secret_of_the_url_or_of_connect_args_is_in_the_bytes(make, travel):
    engine = make(
        query={"application_name": "report", "sslpassword": "hunter22"},
        connect_args={"password": "hunter33", "connect_timeout": 7},
    )

    copy = travel(engine, PASSWORD, "hunter22", "hunter33").reconnect(PASSWORD)

    assert ask(copy, "SHOW application_name") == ("report",)
    copy.dispose()


def test_without_the_password_it_says_what_to_give(make, travel):
    with pytest.raises(ReconnectError, match=r"needs a secret.*sqlalchemy"):
        travel(make()).connect()


def test_one_without_a_password_connects_by_itself(make, travel):
    copy = travel(make(user=TRUSTED, password=None))

    assert ask(copy) == (TRUSTED, DATABASE)
    copy.dispose()


def test_a_wrong_password_is_an_error_that_does_not_show_it(make, travel):
    with pytest.raises(ReconnectError, match="authentication failed") as caught:
        travel(make()).reconnect("hunter22")

    assert "hunter22" not in str(caught.value)


def test_a_dict_gives_another_user_and_other_arguments(make, travel):
    copy = travel(make()).reconnect(
        {"username": ANALYST, "password": ANALYST_PASSWORD, "pool_size": 1}
    )

    assert ask(copy) == (ANALYST, DATABASE)
    assert copy.pool.size() == 1
    copy.dispose()


def test_the_settings_of_the_pool_and_options_arrive(make, travel):
    engine = make(
        pool_size=3,
        max_overflow=1,
        pool_timeout=5.0,
        pool_recycle=100,
        pool_pre_ping=True,
        isolation_level="SERIALIZABLE",
        hide_parameters=True,
        connect_args={"application_name": "by argument"},
    ).execution_options(logging_token="report")

    copy = travel(engine).reconnect(PASSWORD)

    assert (copy.pool.size(), copy.pool._max_overflow, copy.pool.timeout()) == (3, 1, 5.0)
    assert (copy.pool._recycle, copy.pool._pre_ping, copy.hide_parameters) == (100, True, True)
    assert copy.get_execution_options() == {"logging_token": "report"}
    assert ask(copy, "SHOW transaction_isolation") == ("serializable",)
    assert ask(copy, "SHOW application_name") == ("by argument",)
    copy.dispose()


@pytest.mark.parametrize(
    "kind", [pool.NullPool, pool.StaticPool, pool.SingletonThreadPool, pool.AssertionPool]
)
def test_another_kind_of_pool_arrives(make, travel, kind):
    copy = travel(make(poolclass=kind)).reconnect(PASSWORD)

    assert type(copy.pool) is kind
    copy.dispose()


def test_what_the_engine_was_told_arrives(make, travel):
    engine = make(
        json_serializer=lambda value: '"written"',
        json_deserializer=lambda value: f"read {value}",
        query_cache_size=0,
        logging_name="engine",
        pool_logging_name="pool",
        pool_reset_on_return=None,
    )

    copy = travel(engine).reconnect(PASSWORD)

    query = sqlalchemy.select(sqlalchemy.literal({}, sqlalchemy.JSON))
    with copy.connect() as connection:
        assert connection.execute(query).scalar() == 'read "written"'
    assert copy._compiled_cache is None
    assert (copy.logging_name, copy.pool.logging_name) == ("engine", "pool")
    assert copy.pool._reset_on_return is engine.pool._reset_on_return
    copy.dispose()


def test_an_engine_of_mariadb_travels(mariadb_server, travel):
    url = URL.create(
        "mysql+pymysql", "owner", MARIADB_PASSWORD, "127.0.0.1", mariadb_server.port, "work"
    )
    engine = create_engine(url)

    copy = travel(engine, MARIADB_PASSWORD).reconnect(MARIADB_PASSWORD)

    assert ask(copy, "SELECT DATABASE()") == ("work",)
    copy.dispose()


@pytest.mark.parametrize("url", ["sqlite:///a file.db", "sqlite:///file:a%20file.db?uri=true"])
def test_an_engine_of_a_file_finds_it_from_any_folder(url, tmp_path, monkeypatch, elsewhere):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE numbers AS SELECT 42 AS n"))

    lines = (
        "from sqlalchemy import text\n"
        "with value.connect() as c: print(c.execute(text('SELECT n FROM numbers')).scalar())\n"
        "value.dispose()"
    )

    assert elsewhere(engine, lines) == "42"
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?cache=shared&uri=true",
        "sqlite:///file:work?mode=memory&cache=shared&uri=true",
        "sqlite:///file:/work?vfs=memdb&uri=true",
    ],
)
def test_an_engine_of_a_database_in_memory_is_refused(url):
    with pytest.raises(SerializationError, match="in memory"):
        serialize(create_engine(url, poolclass=pool.QueuePool))


def test_a_sessionmaker_gets_its_engine_back(make, travel):
    factory = travel(orm.sessionmaker(make()), PASSWORD)

    reconnect_all(factory, **AUTH)

    with factory() as session:
        assert session.execute(text("SELECT current_user")).scalar() == OWNER
    factory.kw["bind"].dispose()


def test_an_engine_with_a_creator_of_its_own_is_refused():
    engine = create_engine("postgresql://", creator=lambda: None)

    with pytest.raises(SerializationError, match="creator"):
        serialize(engine)


@pytest.mark.comes_back(
    "sqlalchemy.Connection", "sqlalchemy.orm.Session", how="refused: send the engine"
)
def test_what_an_engine_has_made_is_refused(make):
    engine = make()

    with engine.connect() as connection:
        for thing in (connection, connection.begin(), connection.execute(text("SELECT 1"))):
            with pytest.raises(SerializationError):
                serialize(thing)
    with pytest.raises(SerializationError, match="engine"):
        serialize(engine.pool)
    with engine.connect() as connection, pytest.raises(SerializationError, match="engine"):
        serialize(connection.connection)
    with orm.Session(engine) as session, pytest.raises(SerializationError, match="engine"):
        serialize(session)
