import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, serialize

snowflake = pytest.importorskip("snowflake.connector")

connection_module = pytest.importorskip("snowflake.connector.connection")

SECRET = "hunter22"
IS_NEW = hasattr(connection_module, "ConnectionConfig")  # 5 and later
PASSPHRASE = "private_key_password" if IS_NEW else "private_key_file_pwd"
KEY = f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----"


class NamedConnection(snowflake.SnowflakeConnection):
    def __init__(self, purpose):
        raise AssertionError


def made(kind=snowflake.SnowflakeConnection, **arguments):
    """Make a connection of the real type, with its configuration, but not connected."""
    connection = kind.__new__(kind)
    configure(connection, **arguments)
    if IS_NEW:
        connection.conn_handle = connection.db_handle = None
        connection.auto_cleanup = False
        connection._connection_info = {}
    else:
        connection._rest = None
    return connection


def configure(connection, **arguments):
    """Let a connection keep its arguments as the driver does."""
    if IS_NEW:
        connection.config = connection_module.ConnectionConfig.from_kwargs(**arguments)
        return
    for name, (default, _) in connection_module.DEFAULT_CONFIGURATION.items():
        setattr(connection, f"_{name}", arguments.get(name, default))


@pytest.fixture
def connects(monkeypatch):
    """What snowflake.connector.connect is called with; there is no server to connect to."""
    calls = []

    def connect(**arguments):
        calls.append(arguments)
        return made(**arguments)

    monkeypatch.setattr(snowflake, "connect", connect)
    return calls


@pytest.mark.comes_back(
    "snowflake.connector.SnowflakeConnection",
    how="as a Reconnector with the settings it was made with, and the database, schema, role and "
    "warehouse of the moment",
)
def test_a_connection_is_made_with_its_settings(travel, connects):
    settings = {
        "account": "ours",
        "user": "ann",
        "database": "db",
        "schema": "s",
        "warehouse": "w",
        "role": "r",
        "login_timeout": 7,
        "session_parameters": {"QUERY_TAG": "mine"},
        "client_session_keep_alive": True,
        "paramstyle": "qmark",
    }

    travel(made(password=SECRET, **settings), SECRET).reconnect(SECRET)

    (call,) = connects
    assert {**call, **settings, "password": SECRET} == call


def test_what_use_statements_have_changed_arrives(travel, connects):
    connection = made(account="ours", user="ann", password=SECRET, database="before", role="r")
    if IS_NEW:
        connection._connection_info = {"database": "after", "schema": "s", "role": None}
    else:
        connection._database, connection._schema = "after", "s"

    travel(connection, SECRET).reconnect(SECRET)

    (call,) = connects
    assert (call["database"], call["schema"], call["role"]) == ("after", "s", "r")


@pytest.mark.parametrize(
    "secrets",
    [
        {"authenticator": "oauth", "token": SECRET},
        {"private_key_file": "/key", PASSPHRASE: SECRET},
        {"private_key": KEY},
        {"passcode": SECRET},
        {"proxy_password": SECRET},
        {"oauth_client_secret": SECRET},
        pytest.param(
            {"proxy": f"http://ann:{SECRET}@proxy:1"},
            marks=pytest.mark.skipif(not IS_NEW, reason="new in 5"),
        ),
        {"session_parameters": {"TOKEN": SECRET}},
    ],
)
def test_no_secret_of_any_kind_travels(travel, connects, secrets):
    reconnector = travel(made(account="ours", user="ann", **secrets), SECRET)

    with pytest.raises(ReconnectError, match=r"needs a secret"):
        reconnector.cursor()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"authenticator": "oauth", "token": "x"}, "token"),
        (
            {"private_key_file": "/key", PASSPHRASE: "x"},
            PASSPHRASE,
        ),
        ({"password": "x", "passcode": "y"}, "password"),
    ],
)
def test_a_single_secret_is_the_one_that_was_in_use(travel, connects, given, name):
    travel(made(account="ours", **given)).reconnect(SECRET)

    assert connects[0][name] == SECRET


def test_arguments_can_be_given(travel, connects):
    travel(made(account="ours", password=SECRET)).reconnect({"private_key": KEY, "role": "r"})

    assert (connects[0]["private_key"], connects[0]["role"]) == (KEY, "r")


def test_a_connection_without_a_secret_needs_none(travel, connects):
    travel(made(account="ours", authenticator="externalbrowser")).reconnect()

    assert connects[0]["authenticator"] == "externalbrowser"


def test_a_wrong_type_of_secret_is_refused(travel):
    with pytest.raises(ReconnectError, match=r"takes its password or a dict .*, not a int"):
        travel(made(account="ours", password=SECRET)).reconnect(5)


def test_a_subclass_keeps_its_type_and_attributes(travel, monkeypatch):
    connection = made(NamedConnection, account="ours", password=SECRET)
    connection.purpose, connection.own_password = "reports", SECRET

    monkeypatch.setattr(snowflake.SnowflakeConnection, "__init__", configure)
    copied = travel(connection, SECRET).reconnect(SECRET)

    assert (type(copied).__name__, copied.purpose) == ("NamedConnection", "reports")
    assert (copied.config.password if IS_NEW else copied._password) == SECRET
    assert not hasattr(copied, "own_password")


def test_a_closed_connection_is_broken(travel, connects):
    from suitkaise.cucumber._reconnection import Resources

    auth = {"snowflake.connector.SnowflakeConnection": {"*": SECRET}}
    resources = Resources(
        travel([made(account="ours", password=SECRET)]), start_threads=False, auth=auth
    )
    resources.connect()
    assert resources.owner[0].is_closed()  # it has no session

    resources.connect()

    assert len(connects) == 2


@pytest.mark.comes_back(
    "snowflake.connector.cursor.SnowflakeCursor",
    how="refused: it belongs to one connection; send the rows, or the connection",
)
@pytest.mark.parametrize("kind", [snowflake.cursor.SnowflakeCursor, snowflake.DictCursor])
def test_cursors_are_refused(kind):
    with pytest.raises(SerializationError, match=r"fetchall\(\)"):
        serialize(kind.__new__(kind))
