import base64
import ssl

import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, serialize

influxdb_client = pytest.importorskip("influxdb_client")

from servers.http import recording  # noqa: E402

SECRET = "hunter22"
BASIC = base64.b64encode(f"ann:{SECRET}".encode()).decode()
SECRETS = (SECRET, BASIC)


class NamedClient(influxdb_client.InfluxDBClient):
    def __init__(self, purpose):
        super().__init__("http://h:1", token=SECRET)
        self.purpose = purpose
        self.own_token = SECRET


@pytest.fixture
def server():
    """A server that is asked for its buckets."""
    with recording({"buckets": []}) as server:
        yield server


@pytest.mark.comes_back(
    "influxdb_client.InfluxDBClient",
    how="as a Reconnector with the same settings; it connects at first use",
)
def test_a_client_is_let_in_with_its_settings(server, travel):
    with (
        influxdb_client.InfluxDBClient(
            server.url,
            token=SECRET,
            org="ours",
            timeout=7_000,
            enable_gzip=True,
            default_tags={"host": "here"},
            verify_ssl=False,
            connection_pool_maxsize=3,
            profilers=["query"],
        ) as client,
        travel(client, *SECRETS).reconnect(SECRET) as copied,
    ):
        copied.buckets_api().find_buckets()

        assert server.headers[-1]["authorization"] == f"Token {SECRET}"
        for name in ("url", "org", "default_tags", "profilers"):
            assert getattr(copied, name) == getattr(client, name)
        for name in ("timeout", "enable_gzip", "verify_ssl", "connection_pool_maxsize"):
            assert getattr(copied.conf, name) == getattr(client.conf, name)


def test_basic_authorization_goes_along(server, travel):
    client = influxdb_client.InfluxDBClient(server.url, token=f"ann:{SECRET}", auth_basic=True)

    with client, travel(client, *SECRETS).reconnect(f"ann:{SECRET}") as copied:
        copied.buckets_api().find_buckets()

    assert server.headers[-1]["authorization"] == f"Basic {BASIC}"


def test_a_user_goes_along(travel):
    client = influxdb_client.InfluxDBClient("http://h:1", username="ann", password=SECRET)

    with client, travel(client, *SECRETS).reconnect(SECRET) as copied:
        assert (copied.conf.username, copied.conf.password) == ("ann", SECRET)


def test_secrets_of_proxies_and_urls_are_left_out(travel):
    client = influxdb_client.InfluxDBClient(
        f"http://ann:{SECRET}@h:1",
        proxy=f"http://ann:{SECRET}@proxy:1",
        proxy_headers={"Proxy-Authorization": f"Basic {BASIC}", "X": "y"},
        cert_key_password=SECRET,
    )

    reconnector = travel(client, *SECRETS)
    client.close()

    with pytest.raises(ReconnectError, match=r"needs a secret"):
        reconnector.ping()
    with reconnector.reconnect({"token": "t"}) as copied:
        assert (copied.url, copied.conf.proxy) == ("http://ann@h:1", "http://ann@proxy:1")
        assert copied.conf.proxy_headers == {"X": "y"}


def test_a_client_without_a_secret_needs_none(server, travel):
    with influxdb_client.InfluxDBClient(server.url) as client, travel(client) as copied:
        copied.buckets_api().find_buckets()

    assert "authorization" not in server.headers[-1]


def test_a_context_does_not_travel_and_can_be_given(travel):
    context = ssl.create_default_context()
    with influxdb_client.InfluxDBClient("https://h:1", ssl_context=context) as client:
        reconnector = travel(client)

    with pytest.raises(ReconnectError, match=r"needs a secret"):
        reconnector.ping()
    with reconnector.reconnect({"ssl_context": context}) as copied:
        assert copied.conf.ssl_context is context


def test_a_wrong_type_of_secret_is_refused(travel):
    with influxdb_client.InfluxDBClient("http://h:1", token=SECRET) as client:
        reconnector = travel(client)

    with pytest.raises(ReconnectError, match=r"takes its token or a dict .*, not a list"):
        reconnector.reconnect([SECRET])


def test_a_subclass_keeps_its_type_and_attributes_but_no_secret(travel):
    with NamedClient("metrics") as client, travel(client, SECRET).reconnect(SECRET) as copied:
        assert (type(copied).__name__, copied.purpose) == ("NamedClient", "metrics")
        assert not hasattr(copied, "own_token")


@pytest.mark.comes_back(
    "influxdb_client.WriteApi",
    "influxdb_client.QueryApi",
    how="refused, as all parts of a client: they have its credentials; send the client",
)
def test_parts_of_a_client_are_refused():
    with influxdb_client.InfluxDBClient("http://h:1", token=SECRET) as client:
        parts = [
            client.query_api(),
            client.buckets_api(),
            client.delete_api(),
            client.api_client,
            client.conf,
        ]
        for part in parts:
            with pytest.raises(SerializationError, match="send the client"):
                serialize(part)
        with client.write_api() as api, pytest.raises(SerializationError, match="send the client"):
            serialize(api)


def test_a_client_in_another_process(server, elsewhere):
    lines = """
with value.reconnect("hunter22") as client:
    print(client.buckets_api().find_buckets().buckets)
"""

    with influxdb_client.InfluxDBClient(server.url, token=SECRET) as client:
        assert elsewhere(client, lines) == "[]"
    assert server.headers[-1]["authorization"] == f"Token {SECRET}"
