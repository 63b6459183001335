import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, reconnect_all, serialize

# Without the system's driver manager it cannot be imported.
pyodbc = pytest.importorskip("pyodbc", exc_type=ImportError)

SECRET = "hunter22"


@pytest.fixture
def driver():
    """SQLite's ODBC driver: the only one that takes no server."""
    if "SQLite3" not in pyodbc.drivers():
        pytest.skip("SQLite's ODBC driver is not installed on this machine (libsqliteodbc)")
    return "SQLite3"


@pytest.fixture
def opened():
    """Close connections at the end."""
    connections = []

    def note(connection):
        connections.append(connection)
        return connection

    yield note
    for connection in connections:
        if not connection.closed:
            connection.close()


@pytest.fixture
def database(tmp_path):
    return tmp_path / "a b.db"


@pytest.fixture
def connection(driver, opened, database):
    """A connection to a database in a file, with a table."""
    text = f"DRIVER={driver};DATABASE={database};UID=ann;PWD={SECRET}"
    connection = opened(pyodbc.connect(text, autocommit=True))
    connection.execute("CREATE TABLE words (word TEXT)")
    connection.execute("INSERT INTO words VALUES ('hello')")
    return connection


@pytest.fixture
def source(driver, opened, tmp_path, database, monkeypatch):
    """A connection by a data source's name."""
    (tmp_path / "odbc.ini").write_text(f"[ours]\nDriver={driver}\nDatabase={database}\n")
    monkeypatch.setenv("ODBCINI", str(tmp_path / "odbc.ini"))
    connection = opened(pyodbc.connect(f"DSN=ours;PWD={SECRET}", autocommit=True))
    connection.execute("CREATE TABLE words (word TEXT)")
    connection.execute("INSERT INTO words VALUES ('hello')")
    return connection


def words(connection):
    return [word for (word,) in connection.execute("SELECT word FROM words")]


@pytest.fixture
def recorded(monkeypatch):
    """What pyodbc.connect is called with."""
    calls = []
    connect = pyodbc.connect

    def record(*arguments, **keywords):
        calls.append((arguments, keywords))
        return connect(*arguments, **keywords)

    monkeypatch.setattr(pyodbc, "connect", record)
    return calls


@pytest.mark.comes_back(
    "pyodbc.Connection",
    how="as a Reconnector; ODBC keeps no connect string: **give it**, or driver and password, or "
    "for a data source's name the password",
)
def test_a_connection_by_a_data_source_s_name_opens_it_again(source, travel, opened):
    source.timeout = 3

    copied = opened(travel(source, SECRET).reconnect())

    assert words(copied) == ["hello"]
    assert copied.autocommit
    assert copied.timeout == 3


def test_its_password_is_put_into_the_connect_string(source, travel, opened, recorded, database):
    copied = opened(travel(source, SECRET).reconnect("a;b}c"))

    assert words(copied) == ["hello"]
    ((text,), keywords) = recorded[0]
    assert text == f"DSN=ours;DATABASE={database};PWD={{a;b}}}}c}}"
    assert keywords == {"autocommit": True}


def test_a_connection_is_given_its_driver_and_password(
    connection, travel, opened, driver, recorded
):
    copied = opened(travel(connection, SECRET).reconnect({"driver": driver, "password": SECRET}))

    assert words(copied) == ["hello"]
    assert f"DRIVER={driver};PWD={SECRET}" in recorded[0][0][0]


def test_a_connection_is_given_a_connect_string(connection, travel, opened, driver, database):
    text = f"Driver={{{driver}}};Database={database};PWD={SECRET}"

    copied = opened(travel(connection, SECRET).reconnect(text))

    assert words(copied) == ["hello"]
    assert copied.autocommit


def test_arguments_of_connect_can_be_given(connection, travel, opened, driver, recorded):
    auth = {"DRIVER": driver, "autocommit": False, "timeout": 7}

    copied = opened(travel(connection).reconnect(auth))

    assert not copied.autocommit
    assert recorded[0][1] == {"autocommit": False, "timeout": 7}


@pytest.mark.parametrize("auth", [SECRET, "pass=word", {"PWD": SECRET}])
def test_what_it_does_not_tell_is_missed_with_the_remedy(connection, travel, auth):
    with pytest.raises(ReconnectError, match=r"does not tell its driver.*\"DRIVER\":") as caught:
        travel(connection).reconnect(auth)

    assert SECRET not in str(caught.value)


def test_without_a_data_source_s_name_something_must_be_given(connection, travel):
    copied = travel({"db": connection}, SECRET)

    with pytest.warns(RuntimeWarning, match=r"\['db'\] \(pyodbc.Connection\): it needs a secret"):
        reconnect_all(copied)


def test_a_wrong_type_is_refused(connection, travel):
    with pytest.raises(ReconnectError, match=r"takes its PWD or a dict of arguments, not a int"):
        travel(connection).reconnect(5)


def test_a_closed_connection_arrives_and_takes_a_connect_string(
    connection, travel, opened, driver, database
):
    connection.close()

    copied = opened(travel(connection).reconnect(f"DRIVER={driver};DATABASE={database}"))

    assert words(copied) == ["hello"]


def test_a_connection_that_was_closed_is_broken(source, travel, opened):
    from suitkaise.cucumber._reconnection import Resources

    resources = Resources(travel([source]), start_threads=False, auth={})
    assert resources.connect() == []
    (first,) = resources.owner
    assert resources.connect() == []
    assert resources.owner[0] is first

    first.close()
    assert resources.connect() == []

    assert words(opened(resources.owner[0])) == ["hello"]


@pytest.mark.comes_back(
    "pyodbc.Cursor",
    how="refused: it stands in the middle of a result; send the rows, or the connection",
)
def test_cursors_are_refused(connection):
    with pytest.raises(SerializationError, match=r"fetchall\(\)"):
        serialize(connection.execute("SELECT 1"))


def test_a_connection_in_another_process(connection, elsewhere, driver):
    lines = f"""
db = value["db"].reconnect({{"DRIVER": {driver!r}}})
db.execute("INSERT INTO words VALUES ('elsewhere')")
db.close()
"""

    elsewhere({"db": connection}, lines)

    assert words(connection) == ["hello", "elsewhere"]
