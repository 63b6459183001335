import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, serialize

oracledb = pytest.importorskip("oracledb")
thin_impl = pytest.importorskip("oracledb.thin_impl")

SECRET = "hunter22"


class NamedConnection(oracledb.Connection):
    pass


def prepared(dsn, arguments):
    """Prepare to connect as the driver does."""
    try:
        made = thin_impl.ThinConnImpl()
    except TypeError:  # older versions
        parameters = oracledb.ConnectParams()._impl
        return thin_impl.ThinConnImpl(parameters.process_args(dsn, arguments, True), parameters)
    made.prepare_connect_args(dsn, None, None, arguments)
    return made


@pytest.fixture
def made(monkeypatch):
    """Make a connection of the real type, prepared as the driver does, but not connected."""
    # The cache is made when it connects; until then, anything may be in its memory.
    monkeypatch.setattr(oracledb.Connection, "stmtcachesize", 20)
    connections = []

    def make(dsn=None, kind=oracledb.Connection, **arguments):
        connection = kind.__new__(kind)
        connection._impl = prepared(dsn, arguments)
        connections.append(connection)
        return connection

    yield make
    for connection in connections:
        connection._impl = None  # there is nothing to be closed


@pytest.fixture
def connects(made, monkeypatch):
    """What oracledb.connect is called with; there is no server to connect to."""
    calls = []

    def connect(**arguments):
        calls.append(arguments)
        kind = arguments.get("conn_class", oracledb.Connection)
        return made(arguments["dsn"], kind, user=arguments.get("user"), password=SECRET)

    monkeypatch.setattr(oracledb, "connect", connect)
    return calls


@pytest.mark.comes_back(
    "oracledb.Connection",
    how="as a Reconnector for the same user and connect string; what it does not tell, such as a "
    "wallet's place, is to be given",
)
@pytest.mark.parametrize(
    ("dsn", "arguments"),
    [
        ("localhost:1/svc", {"user": "scott", "password": SECRET}),
        (f"scott/{SECRET}@localhost:1/svc", {}),
    ],
)
def test_a_connection_connects_as_its_user(made, travel, connects, dsn, arguments):
    travel(made(dsn, **arguments), SECRET).reconnect(SECRET)

    (call,) = connects
    assert (call["dsn"], call["user"], call["password"]) == ("localhost:1/svc", "scott", SECRET)


def test_a_connection_made_of_parts_has_a_connect_string(made, travel, connects):
    connection = made(
        user="scott", password=SECRET, host="h", port=3, service_name="s", wallet_password=SECRET
    )

    travel(connection, SECRET).reconnect(SECRET)

    assert "(HOST=h)(PORT=3)" in connects[0]["dsn"]


def test_the_settings_arrive(made, travel, connects):
    connection = made("h:1/s", user="scott", password=SECRET)
    connection.autocommit = True
    connection.stmtcachesize = 7
    connection.outputtypehandler = str
    connection.current_schema = "other"

    copied = travel(connection, SECRET).reconnect(SECRET)

    assert (copied.autocommit, copied.stmtcachesize) == (True, 7)
    assert copied.outputtypehandler is str
    assert copied.current_schema == "other"


def test_a_subclass_keeps_its_type_and_attributes_but_no_secret(made, travel, connects):
    connection = made("h:1/s", NamedConnection, user="scott", password=SECRET)
    connection.purpose, connection.own_password = "reports", SECRET

    copied = travel(connection, SECRET).reconnect(SECRET)

    assert type(copied).__name__ == "NamedConnection"
    assert copied.purpose == "reports"
    assert not hasattr(copied, "own_password")


def test_arguments_can_be_given(made, travel, connects):
    arguments = {"password": "other", "wallet_location": "/x", "dsn": "i:1/s"}

    travel(made("h:1/s", user="scott", password=SECRET)).reconnect(arguments)

    assert {**connects[0], **arguments} == connects[0]


def test_a_secret_is_needed_where_there_was_a_user(made, travel, connects):
    with pytest.raises(ReconnectError, match=r"needs a secret"):
        travel(made("h:1/s", user="scott", password=SECRET), SECRET).cursor()

    travel(made(host="h", service_name="s")).reconnect()
    assert list(connects[0]) == ["dsn"]


def test_a_wrong_type_of_secret_is_refused(made, travel):
    with pytest.raises(ReconnectError, match=r"takes its password or a dict .*, not a int"):
        travel(made("h:1/s", user="scott", password=SECRET)).reconnect(5)


def test_a_connection_that_was_lost_is_broken(made, travel, connects):
    from suitkaise.cucumber._reconnection import Resources

    connection = made("h:1/s", user="scott", password=SECRET)
    auth = {"oracledb.Connection": {"*": SECRET}}
    resources = Resources(travel([connection]), start_threads=False, auth=auth)
    resources.connect()
    resources.owner[0]._impl = None  # so it is once it was closed

    resources.connect()

    assert len(connects) == 2


def test_a_closed_connection_arrives_and_takes_arguments(made, travel, connects):
    connection = made("h:1/s", user="scott", password=SECRET)
    connection._impl = None

    travel(connection).reconnect({"dsn": "h:1/s", "user": "scott", "password": SECRET})

    assert connects[0]["user"] == "scott"


def test_a_server_that_is_away_is_an_error(made, travel):
    from servers._server import free_port

    connection = made(f"127.0.0.1:{free_port()}/s", user="scott", password=SECRET)
    with pytest.raises(ReconnectError, match=r"(Operational|Database)Error") as caught:
        travel(connection).reconnect(SECRET)

    assert SECRET not in str(caught.value)


@pytest.mark.comes_back(
    "oracledb.ConnectionPool",
    "oracledb.Cursor",
    how="refused: a pool does not tell all it was made with, a cursor stands in a result; send "
    "what they are made from",
)
@pytest.mark.parametrize(
    "kind", [oracledb.ConnectionPool, oracledb.AsyncConnection, oracledb.Cursor]
)
def test_what_tells_too_little_is_refused(kind):
    made = kind.__new__(kind)
    made._impl = None

    with pytest.raises(SerializationError, match="send"):
        serialize(made)
