import contextlib

import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, serialize

clickhouse_driver = pytest.importorskip("clickhouse_driver")

from clickhouse_driver.dbapi import connect  # noqa: E402

SECRET = "hunter22"


class NamedClient(clickhouse_driver.Client):
    def __init__(self, purpose):
        super().__init__("h", password=SECRET)
        self.purpose = purpose


def settings(client):
    """What a client has in it, other than what belongs to its connection of the moment."""
    connection = client.connection
    own = ("context", "_lock", "socket", "connected")
    return {
        **{name: value for name, value in vars(connection).items() if name not in own},
        "settings": (client.settings, client.client_settings),
        "connections": [list(each.hosts) for each in client.connections],
    }


@pytest.mark.comes_back(
    "clickhouse_driver.Client",
    "clickhouse_driver.dbapi.Connection",
    how="as a Reconnector with the same settings; it connects at first use",
)
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"port": 7, "database": "db", "user": "ann", "client_name": "ours"},
        {"secure": True, "verify": False, "ca_certs": "/x.pem", "keyfile": "/k", "certfile": "/c"},
        {"secure": True, "server_hostname": "name", "ciphers": "all"},
        {"alt_hosts": "i:2,j", "connect_timeout": 3, "send_receive_timeout": 4},
        {"alt_hosts": "i:2,j", "round_robin": True, "tcp_keepalive": (1, 2, 3)},
        {"compression": "lz4", "compress_block_size": 99},
        {"settings": {"max_threads": 2, "strings_as_bytes": True, "quota_key": "x"}},
        {"settings_is_important": True, "client_revision": 54400, "sync_request_timeout": 9},
    ],
    ids=lambda arguments: ",".join(arguments) or "default",
)
def test_a_client_is_made_with_its_settings(travel, arguments):
    if "compression" in arguments:
        pytest.importorskip("lz4")
    client = clickhouse_driver.Client("h", password=SECRET, **arguments)

    copied = travel(client, SECRET).reconnect(SECRET)

    assert settings(copied) == settings(client)
    assert copied.connection.password == SECRET


def test_a_client_made_from_a_url_is_made_again(travel):
    client = clickhouse_driver.Client.from_url(f"clickhouses://ann:{SECRET}@h:7/db?verify=0")

    copied = travel(client, SECRET).reconnect(SECRET)

    assert settings(copied) == settings(client)


def test_the_passphrase_of_a_key_does_not_travel(travel):
    client = clickhouse_driver.Client("h", secure=True, keyfile="/k", keypass=SECRET)

    reconnector = travel(client, SECRET)

    with pytest.raises(ReconnectError, match=r"needs a secret"):
        reconnector.execute("SELECT 1")
    copied = reconnector.reconnect({"keypass": SECRET})
    assert copied.connection.ssl_options["keypass"] == SECRET


def test_a_client_without_a_password_needs_none(travel):
    reconnector = travel(clickhouse_driver.Client("h"))

    assert reconnector.connection.hosts[0] == ("h", 9000)


def test_a_secret_is_needed_where_one_was_used(travel):
    with pytest.raises(ReconnectError, match=r"needs a secret"):
        travel(clickhouse_driver.Client("h", password=SECRET), SECRET).execute("SELECT 1")


def test_arguments_can_be_given(travel):
    client = clickhouse_driver.Client("h", password=SECRET)

    copied = travel(client).reconnect({"host": "i", "password": "other", "alt_hosts": "j"})

    assert list(copied.connection.hosts) == [("i", 9000), ("j", 9000)]
    assert copied.connection.password == "other"


def test_a_wrong_type_of_secret_is_refused(travel):
    with pytest.raises(ReconnectError, match=r"takes its password or a dict .*, not a int"):
        travel(clickhouse_driver.Client("h", password=SECRET)).reconnect(5)


def test_a_subclass_keeps_its_type_and_attributes(travel):
    copied = travel(NamedClient("facts"), SECRET).reconnect(SECRET)

    assert (type(copied).__name__, copied.purpose) == ("NamedClient", "facts")


@pytest.mark.parametrize(
    "arguments",
    [
        {"dsn": f"clickhouse://ann:{SECRET}@h:7/db"},
        {"dsn": f"clickhouse://ann:{SECRET}%40%2F@h:7/db?client_name=a@b"},
        {"host": "h", "port": 7, "user": "ann", "password": SECRET, "database": "db"},
    ],
)
def test_a_connection_is_made_with_its_arguments(travel, arguments):
    connection = connect(**arguments)
    secret = connection._make_client().connection.password

    copied = travel(connection, SECRET).reconnect(secret)

    clients = connection._make_client(), copied._make_client()
    assert settings(clients[0]) == settings(clients[1])


def test_a_closed_connection_arrives_closed(travel):
    connection = connect(host="h")
    connection.close()

    with pytest.raises(clickhouse_driver.dbapi.InterfaceError, match="closed"):
        travel(connection).reconnect().cursor()


@pytest.mark.comes_back(
    "clickhouse_driver.dbapi.Cursor",
    how="refused: it stands in the middle of a result; send the rows, or the connection",
)
def test_cursors_are_refused():
    connection = connect(host="h", password=SECRET)

    with contextlib.closing(connection):
        for part in (connection.cursor(), connection._make_client().connection):
            with pytest.raises(SerializationError, match="send the"):
                serialize(part)


def test_a_client_in_another_process(elsewhere):
    lines = """
import clickhouse_driver.errors
client = value.reconnect("hunter22")
try:
    client.execute("SELECT 1")
except clickhouse_driver.errors.NetworkError as error:
    print("127.0.0.1:1" in str(error))
"""

    client = clickhouse_driver.Client("127.0.0.1", port=1, password=SECRET)
    assert elsewhere(client, lines) == "True"
