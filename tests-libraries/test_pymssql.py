import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, serialize

pymssql = pytest.importorskip("pymssql")

from pymssql import _mssql  # noqa: E402

SECRET = "hunter22"
AUTH = {"server": "h", "user": "ann", "password": SECRET, "database": "db"}


@pytest.fixture
def connection():
    """A connection of the real type, whose session was never begun."""
    session = _mssql.MSSQLConnection.__new__(_mssql.MSSQLConnection)
    return pymssql.Connection(session, True, True, 7)


@pytest.fixture
def recorded(monkeypatch):
    """What pymssql.connect is called with; there is no server to connect to."""
    calls = []
    monkeypatch.setattr(pymssql, "connect", lambda **keywords: calls.append(keywords))
    return calls


@pytest.mark.comes_back(
    "pymssql.Connection",
    how="as a Reconnector; it does not tell its server and user: **give them**; autocommit, "
    "as_dict and arraysize arrive",
)
def test_a_connection_is_given_where_to_connect(connection, travel, recorded):
    travel(connection).reconnect(AUTH)

    settings = {"as_dict": True, "autocommit": True, "arraysize": 7, "timeout": 0}
    assert recorded == [{**settings, **AUTH}]


def test_a_setting_can_be_given(connection, travel, recorded):
    travel(connection).reconnect({**AUTH, "timeout": 5, "as_dict": False})

    assert (recorded[0]["timeout"], recorded[0]["as_dict"]) == (5, False)


@pytest.mark.parametrize("auth", [SECRET, {"password": SECRET}, 5])
def test_what_it_does_not_tell_is_missed_with_the_remedy(connection, travel, auth):
    with pytest.raises(ReconnectError, match=r"give a dict of arguments.*\"server\"") as caught:
        travel(connection).reconnect(auth)

    assert SECRET not in str(caught.value)


def test_something_must_be_given(connection, travel):
    with pytest.raises(ReconnectError, match=r"needs a secret"):
        travel(connection).cursor()


def test_a_closed_connection_arrives(connection, travel, recorded):
    connection.close()

    travel(connection).reconnect(AUTH)

    assert recorded[0]["arraysize"] == 7


def test_a_connection_whose_server_has_gone_is_broken(connection, travel, monkeypatch):
    from suitkaise.cucumber._reconnection import Resources

    made = [connection, "another"]
    monkeypatch.setattr(pymssql, "connect", lambda **keywords: made.pop(0))
    auth = {"pymssql.Connection": {"*": AUTH}}
    resources = Resources(travel([connection]), start_threads=False, auth=auth)
    resources.connect()
    assert resources.owner == [connection]  # which is not connected to anything

    resources.connect()

    assert resources.owner == ["another"]


def test_a_server_that_is_away_is_an_error(connection, travel):
    from servers._server import free_port

    auth = {**AUTH, "server": "127.0.0.1", "port": str(free_port()), "login_timeout": 5}
    with pytest.raises(ReconnectError, match="OperationalError") as caught:
        travel(connection).reconnect(auth)

    assert SECRET not in str(caught.value)


@pytest.mark.comes_back(
    "pymssql.Cursor",
    how="refused: it stands in the middle of a result; send the rows, or the connection",
)
def test_cursors_are_refused(connection):
    for part in (connection.cursor(), connection._conn):
        with pytest.raises(SerializationError, match="connect"):
            serialize(part)
