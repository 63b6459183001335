import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, reconnect_all, serialize

duckdb = pytest.importorskip("duckdb")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "numbers.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT 42 AS n")
    return path


@pytest.mark.comes_back(
    "duckdb.DuckDBPyConnection",
    how="Reconnector: its file is opened again, read-only if it was; in memory: refused",
)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_in_a_file_is_opened_again(file, travel, read_only):
    with duckdb.connect(file, read_only=read_only) as connection:
        copy = reconnect_all([travel(connection)])[0]

        assert copy.execute("SELECT n FROM numbers").fetchall() == [(42,)]
        copy.close()


def test_it_is_opened_in_another_process(file, elsewhere):
    lines = "print(reconnect_all([value])[0].execute('SELECT n FROM numbers').fetchall())"

    with duckdb.connect(file, read_only=True) as connection:
        assert elsewhere(connection, lines) == "[(42,)]"


def test_a_file_that_another_process_writes_to_is_an_error_that_says_so(file, elsewhere):
    lines = (
        "from suitkaise.cucumber import ReconnectError\n"
        "try: value.reconnect()\n"
        "except ReconnectError as error: print(error)"
    )

    with duckdb.connect(file) as connection:
        assert "lock" in elsewhere(connection, lines)


def test_attached_files_are_attached_again(file, tmp_path, travel):
    with duckdb.connect(tmp_path / "main.duckdb") as connection:
        connection.execute(f"ATTACH '{file}' AS more")
        stand_in = travel(connection)

    copy = stand_in.reconnect()

    assert copy.execute("SELECT n FROM more.numbers").fetchall() == [(42,)]
    copy.close()


def test_an_attached_file_keeps_its_name_and_stays_read_only(file, tmp_path, travel):
    with duckdb.connect(tmp_path / "main.duckdb") as connection:
        connection.execute(f'ATTACH \'{file}\' AS "the ""old"" one" (READ_ONLY)')
        stand_in = travel(connection)

    copy = stand_in.reconnect()

    assert copy.execute('SELECT n FROM "the ""old"" one".numbers').fetchall() == [(42,)]
    with pytest.raises(duckdb.InvalidInputException, match="read-only"):
        copy.execute('DELETE FROM "the ""old"" one".numbers')
    copy.close()


def test_the_result_that_waits_at_the_sender_is_not_disturbed(file, travel):
    with duckdb.connect(file) as connection:
        connection.execute("SELECT n FROM numbers")

        travel(connection)

        assert connection.fetchall() == [(42,)]


def test_a_file_that_is_gone_is_an_error_and_no_empty_one_appears(file, travel):
    with duckdb.connect(file) as connection:
        copy = travel(connection)
    file.unlink()

    with pytest.raises(ReconnectError, match=f"{file}.*not here"):
        copy.reconnect()
    assert not file.exists()


def test_a_database_in_memory_is_refused_with_the_remedy():
    with duckdb.connect(":memory:") as connection:
        with pytest.raises(SerializationError, match="in memory; use a file"):
            serialize(connection)
        with pytest.raises(SerializationError, match="rows"):
            serialize(connection.sql("SELECT 1"))


def test_a_closed_connection_arrives_closed(file, travel):
    connection = duckdb.connect(file)
    connection.close()

    with pytest.raises(duckdb.ConnectionException):
        travel(connection).reconnect().execute("SELECT 1")


def test_a_secret_is_an_error_that_says_what_is_taken(file, travel):
    with duckdb.connect(file) as connection, pytest.raises(ReconnectError, match="takes no"):
        travel(connection).reconnect("hunter22")
