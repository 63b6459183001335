import sqlite3
import sys
import threading

import pytest

from suitkaise.cucumber import (
    ReconnectError,
    SerializationError,
    deserialize,
    reconnect_all,
    serialize,
)

HAS_AUTOCOMMIT = sys.version_info >= (3, 12)


class NamedConnection(sqlite3.Connection):
    pass


def shout(text):
    return text.decode().upper()


@pytest.fixture
def connections():
    """What is to be closed at the end."""
    connections = []
    yield connections
    for connection in connections:
        connection.close()


@pytest.fixture
def opened(connections):
    """Open a connection."""

    def connect(database=":memory:", **arguments):
        connections.append(sqlite3.connect(database, **arguments))
        return connections[-1]

    return connect


@pytest.fixture
def travel(connections):
    """Send a connection and open it again."""

    def through(connection, auth=None):
        connections.append(deserialize(serialize(connection)).reconnect(auth))
        return connections[-1]

    return through


def fill(connection):
    connection.execute("CREATE TABLE numbers (n)")
    connection.executemany("INSERT INTO numbers VALUES (?)", [(1,), (2,)])
    connection.commit()


def numbers(connection):
    return [n for (n,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


@pytest.mark.comes_back(
    "sqlite3.Connection",
    how="Reconnector: its file is opened again, at its path",
)
def test_a_database_in_a_file_is_opened_at_its_path(opened, travel, tmp_path):
    path = tmp_path / "a b?c#d%20.db"
    connection = opened(path)
    fill(connection)

    copied = travel(connection)
    copied.execute("INSERT INTO numbers VALUES (3)")
    copied.commit()

    assert numbers(connection) == [1, 2, 3]


def test_a_relative_path_means_the_same_file_in_another_folder(opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(opened("here.db"))
    payload = serialize(opened("here.db"))
    monkeypatch.chdir("/")

    copied = deserialize(payload).reconnect()

    assert numbers(copied) == [1, 2]
    copied.close()


def test_a_file_that_is_gone_is_an_error_and_no_empty_database_appears(opened, tmp_path):
    path = tmp_path / "gone.db"
    payload = serialize({"db": opened(path)})
    path.unlink()

    with pytest.raises(ReconnectError, match=r"unable to open database file.*gone.db"):
        deserialize(payload)["db"].reconnect()

    assert not path.exists()


@pytest.mark.comes_back("sqlite3.Connection of `:memory:`", how="Reconnector, with its content")
def test_a_database_in_memory_arrives_with_its_content_and_goes_its_own_way(opened, travel):
    connection = opened()
    fill(connection)

    copied = travel(connection)
    copied.executemany("INSERT INTO numbers VALUES (?)", [(n,) for n in range(3, 10_000)])

    assert numbers(connection) == [1, 2]
    assert len(numbers(copied)) == 9_999


def test_a_database_in_memory_travels_on(opened, travel):
    connection = opened()
    fill(connection)

    assert numbers(travel(travel(travel(connection)))) == [1, 2]


@pytest.mark.parametrize("name", [":memory:", "", "file:shared?mode=memory&cache=shared"])
def test_an_empty_database_without_a_file_arrives_empty(opened, travel, name):
    copied = travel(opened(name, uri=name.startswith("file:")))

    assert copied.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_database_in_memory_arrives_in_another_process(opened, load_elsewhere):
    connection = opened()
    fill(connection)
    payload = serialize({"db": connection})

    lines = "print(value['db'].execute('SELECT sum(n) FROM numbers').fetchone())"
    assert load_elsewhere(payload, lines) == "(3,)"


def test_attached_databases_are_attached_again(opened, travel, tmp_path):
    fill(opened(tmp_path / "other.db"))
    connection = opened()
    connection.execute("ATTACH DATABASE ? AS other", (str(tmp_path / "other.db"),))
    connection.execute('ATTACH DATABASE \':memory:\' AS "odd ""name"')
    connection.execute('CREATE TABLE "odd ""name".letters AS SELECT \'a\' AS letter')

    copied = travel(connection)

    assert copied.execute("SELECT sum(n) FROM other.numbers").fetchone() == (3,)
    assert copied.execute('SELECT letter FROM "odd ""name".letters').fetchone() == ("a",)


@pytest.mark.parametrize("query_only", [0, 1])
@pytest.mark.parametrize("flags", [0, sqlite3.PARSE_DECLTYPES, sqlite3.PARSE_COLNAMES, 3], ids=str)
def test_detect_types_is_found_out_without_a_trace(opened, travel, flags, query_only):
    connection = opened(detect_types=flags)
    sqlite3.register_converter("loud", shout)
    connection.execute("CREATE TABLE words (word LOUD)")
    connection.execute("INSERT INTO words VALUES ('hello')")
    connection.commit()
    connection.execute(f"PRAGMA query_only = {query_only}")
    before = connection.total_changes, connection.in_transaction

    copied = travel(connection)

    assert (connection.total_changes, connection.in_transaction) == before
    assert connection.execute("PRAGMA query_only").fetchone() == (query_only,)
    assert connection.execute("SELECT count(*) FROM temp.sqlite_master").fetchone() == (0,)
    for query, flag in [
        ("SELECT word FROM words", sqlite3.PARSE_DECLTYPES),
        ("SELECT word || '' AS \"word [loud]\" FROM words", sqlite3.PARSE_COLNAMES),
    ]:
        assert copied.execute(query).fetchone() == ("HELLO" if flags & flag else "hello",)


def test_serialising_twice_in_the_middle_of_a_result_disturbs_it_not(opened, travel):
    connection = opened(detect_types=sqlite3.PARSE_DECLTYPES)
    fill(connection)
    cursor = connection.execute("SELECT n FROM numbers")
    first = cursor.fetchone()

    copies = [travel(connection), travel(connection)]

    assert [first, *cursor] == [(1,), (2,)]
    assert all(numbers(each) == [1, 2] for each in copies)


def test_settings_arrive(opened, travel):
    connection = opened(timeout=1.5, isolation_level="IMMEDIATE")
    connection.row_factory, connection.text_factory = sqlite3.Row, shout

    copied = travel(connection)

    assert copied.isolation_level == "IMMEDIATE"
    row = copied.execute("SELECT 'word' AS word").fetchone()
    assert (type(row), row["word"]) == (sqlite3.Row, "WORD")
    assert copied.execute("PRAGMA busy_timeout").fetchone()[0] == 1500


def test_foreign_keys_and_what_else_changes_statements_are_switched_on_again(opened, travel):
    connection = opened()
    connection.execute("CREATE TABLE owners (id INTEGER PRIMARY KEY)")
    connection.execute("CREATE TABLE things (owner REFERENCES owners)")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = ON")

    copy = travel(connection)

    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        copy.execute("INSERT INTO things VALUES (1)")
    assert copy.execute("PRAGMA recursive_triggers").fetchone() == (1,)


def test_a_connection_that_is_to_read_only_goes_on_to(opened, travel):
    connection = opened()
    fill(connection)
    connection.execute("PRAGMA query_only = ON")

    copy = travel(connection)

    assert numbers(copy) == [1, 2]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        copy.execute("DELETE FROM numbers")


def test_a_connection_of_a_factory_keeps_its_type_and_attributes(opened, travel):
    connection = opened(factory=NamedConnection)
    connection.name = "main"

    copied = travel(connection)

    assert (type(copied), copied.name) == (NamedConnection, "main")


def test_autocommit_by_isolation_level_none_stays(opened, travel):
    copied = travel(opened(isolation_level=None))

    assert copied.isolation_level is None
    copied.execute("CREATE TABLE numbers (n)")
    copied.execute("INSERT INTO numbers VALUES (1)")
    assert not copied.in_transaction


@pytest.mark.skipif(not HAS_AUTOCOMMIT, reason="new in Python 3.12")
@pytest.mark.parametrize("autocommit", [True, False])
def test_autocommit_stays(opened, travel, tmp_path, autocommit):
    connection = opened(tmp_path / "a.db", autocommit=autocommit)
    fill(connection)

    copied = travel(connection)

    assert copied.autocommit is autocommit
    assert numbers(copied) == [1, 2]


def test_a_connection_can_be_used_in_other_threads_at_the_receiver(opened, travel):
    connection = opened()
    fill(connection)
    copied, seen = travel(connection), []

    thread = threading.Thread(target=lambda: seen.append(numbers(copied)))
    thread.start()
    thread.join(30)

    assert seen == [[1, 2]]


@pytest.mark.comes_back(
    "sqlite3.Connection in a transaction",
    how="refused: what is not committed would stay behind; commit first",
)
def test_an_open_transaction_is_refused_with_the_remedy(opened, travel):
    connection = opened()
    fill(connection)
    connection.execute("INSERT INTO numbers VALUES (3)")

    with pytest.raises(SerializationError, match=r"\['db'\].*open transaction.*commit\(\)"):
        serialize({"db": connection})

    connection.commit()
    assert numbers(travel(connection)) == [1, 2, 3]


def test_temporary_tables_are_refused(opened):
    connection = opened()
    connection.execute("CREATE TEMP TABLE passing (n)")

    with pytest.raises(SerializationError, match="temporary tables"):
        serialize(connection)


@pytest.mark.comes_back("sqlite3.Cursor", how="refused: send the rows, or the connection")
@pytest.mark.parametrize("make", [lambda db: db.cursor(), lambda db: db.execute("SELECT 1")])
def test_cursors_are_refused(opened, make):
    with pytest.raises(SerializationError, match=r"fetchall\(\)"):
        serialize(make(opened()))


def test_blobs_are_refused(opened):
    connection = opened()
    connection.execute("CREATE TABLE files (content)")
    row = connection.execute("INSERT INTO files VALUES (x'00')").lastrowid
    connection.commit()

    with (
        connection.blobopen("files", "content", row) as blob,
        pytest.raises(SerializationError, match=r"sqlite3.Blob"),
    ):
        serialize(blob)


def test_a_connection_of_another_thread_is_refused_with_the_remedy(opened):
    connection, errors = opened(), []

    def send():
        try:
            serialize(connection)
        except SerializationError as error:
            errors.append(str(error))

    thread = threading.Thread(target=send)
    thread.start()
    thread.join(30)

    assert "check_same_thread=False" in errors[0]


def test_a_closed_connection_arrives_closed(opened, travel):
    connection = opened()
    connection.close()

    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        travel(connection).execute("SELECT 1")


def test_arguments_of_connect_can_be_given_at_the_receiver(opened, travel, tmp_path):
    connection = opened(tmp_path / "a.db")
    fill(connection)
    moved = tmp_path / "moved.db"
    (tmp_path / "a.db").rename(moved)

    copied = travel(connection, {"database": f"{moved.as_uri()}?mode=ro", "timeout": 0.5})

    assert numbers(copied) == [1, 2]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        copied.execute("INSERT INTO numbers VALUES (3)")


def test_a_secret_is_an_error_that_does_not_show_it(opened):
    copied = deserialize(serialize({"db": opened()}))

    with pytest.warns(RuntimeWarning, match="takes no secret") as caught:
        reconnect_all(copied, **{"sqlite3.Connection": {"*": "hunter22"}})

    assert "hunter22" not in str(caught[0].message)


def test_sqlite3_is_imported_by_a_receiver_that_needs_it_only(opened, load_elsewhere):
    payload = serialize([opened()])

    is_imported = "print('sqlite3' in sys.modules)"
    assert load_elsewhere(payload, is_imported) == "False"
    assert load_elsewhere(payload, f"value[0].reconnect(); {is_imported}") == "True"
