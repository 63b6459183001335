import asyncio
import base64
import ssl

import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, reconnect_all, serialize

elasticsearch = pytest.importorskip("elasticsearch")

from servers.http import recording  # noqa: E402

SECRET = "hunter22"
BASIC = base64.b64encode(f"ann:{SECRET}".encode()).decode()
SECRETS = (SECRET, BASIC)


class NamedElasticsearch(elasticsearch.Elasticsearch):
    def __init__(self, url, purpose):
        super().__init__(url, api_key=SECRET)
        self.purpose = purpose


@pytest.fixture
def server():
    """A server that takes itself for Elasticsearch."""
    with recording({"version": {"number": "9.0.0"}}, X_Elastic_Product="Elasticsearch") as server:
        yield server


@pytest.fixture
def opened():
    """Close clients at the end."""
    clients = []

    def note(client):
        clients.append(client)
        return client

    yield note
    for client in clients:
        client.close()


@pytest.mark.comes_back(
    "elasticsearch.Elasticsearch",
    "elasticsearch.AsyncElasticsearch",
    how="as a Reconnector for the same nodes with the same settings; it connects at first use",
)
@pytest.mark.parametrize(
    ("arguments", "authorization"),
    [
        ({"basic_auth": ("ann", SECRET)}, f"Basic {BASIC}"),
        ({"api_key": SECRET}, f"ApiKey {SECRET}"),
        ({"bearer_auth": SECRET}, f"Bearer {SECRET}"),
        ({"headers": {"Authorization": f"Bearer {SECRET}"}}, f"Bearer {SECRET}"),
    ],
)
def test_a_client_is_let_in_as_before(server, travel, opened, arguments, authorization):
    client = opened(elasticsearch.Elasticsearch(server.url, opaque_id="job 7", **arguments))

    copied = opened(travel(client, *SECRETS).reconnect(SECRET))

    assert copied.info()["version"]["number"] == "9.0.0"
    assert server.headers[-1]["authorization"] == authorization
    assert server.headers[-1]["x-opaque-id"] == "job 7"


def test_the_password_of_a_url_is_left_out(server, travel, opened):
    client = opened(elasticsearch.Elasticsearch(server.url.replace("//", f"//ann:{SECRET}@")))

    copied = opened(travel(client, *SECRETS).reconnect(SECRET))

    copied.info()
    assert server.headers[-1]["authorization"] == f"Basic {BASIC}"


def test_the_settings_arrive(server, travel, opened):
    client = opened(
        elasticsearch.Elasticsearch(
            [f"{server.url}/prefix", "https://other:9200"],
            request_timeout=7,
            max_retries=5,
            retry_on_timeout=True,
            retry_on_status=[502],
            http_compress=True,
            connections_per_node=3,
            ca_certs=None,
            verify_certs=False,
            ssl_show_warn=False,
            node_selector_class="random",
            dead_node_backoff_factor=0.5,
        )
    )

    copied = opened(travel(client).reconnect())

    nodes = [
        sorted(each._transport.node_pool._seed_nodes, key=lambda node: node.host)
        for each in (client, copied)
    ]
    assert nodes[0] == nodes[1]
    for name in ("_request_timeout", "_max_retries", "_retry_on_timeout", "_retry_on_status"):
        assert getattr(copied, name) == getattr(client, name)
    pool, copied_pool = client._transport.node_pool, copied._transport.node_pool
    assert type(copied_pool._node_selector) is type(pool._node_selector)
    assert copied_pool._dead_node_backoff_factor == 0.5


def test_sniffing_goes_along(travel, opened):
    client = opened(elasticsearch.Elasticsearch("http://h:1", sniff_on_node_failure=True))

    copied = opened(travel(client).reconnect())

    assert copied._transport._sniff_on_node_failure


def test_a_client_with_other_options_keeps_them(server, travel, opened):
    client = opened(elasticsearch.Elasticsearch(server.url)).options(
        api_key=SECRET, request_timeout=3
    )

    copied = opened(travel(client, SECRET).reconnect(SECRET))

    copied.info()
    assert server.headers[-1]["authorization"] == f"ApiKey {SECRET}"
    assert copied._request_timeout == 3


def test_a_secret_is_needed_where_one_was_used(travel, opened):
    plain = opened(elasticsearch.Elasticsearch("http://h:1"))
    secured = opened(elasticsearch.Elasticsearch("http://h:1", api_key=SECRET))

    opened(travel(plain).reconnect())
    with pytest.raises(ReconnectError, match=r"needs a secret"):
        travel(secured, SECRET).info()


def test_arguments_can_be_given(server, travel, opened):
    client = opened(elasticsearch.Elasticsearch("http://h:1", api_key=SECRET))

    copied = opened(
        travel(client).reconnect({"hosts": [server.url], "basic_auth": ("ann", SECRET)})
    )

    copied.info()
    assert server.headers[-1]["authorization"] == f"Basic {BASIC}"


def test_a_wrong_type_of_secret_is_refused(travel, opened):
    client = opened(elasticsearch.Elasticsearch("http://h:1", api_key=SECRET))

    with pytest.raises(ReconnectError, match=r"takes its api_key or a dict .*, not a int"):
        travel(client).reconnect(5)


def test_a_context_does_not_travel_and_can_be_given(travel, opened):
    context = ssl.create_default_context()
    client = opened(elasticsearch.Elasticsearch("https://h:1", ssl_context=context))

    reconnector = travel(client)
    with pytest.raises(ReconnectError, match=r"needs a secret"):
        reconnector.info()
    copied = opened(reconnector.reconnect({"ssl_context": context}))

    assert copied._transport.node_pool._seed_nodes[0].ssl_context is context


def test_a_subclass_keeps_its_type_and_attributes(server, travel, opened):
    client = opened(NamedElasticsearch(server.url, "logs"))

    copied = opened(travel(client, SECRET).reconnect(SECRET))

    assert (type(copied).__name__, copied.purpose) == ("NamedElasticsearch", "logs")
    copied.indices.get(index="it")
    assert server.headers[-1]["authorization"] == f"ApiKey {SECRET}"


@pytest.mark.comes_back(
    "elasticsearch.client.IndicesClient",
    how="refused, as all parts of a client: they have its credentials; send the client",
)
def test_parts_of_a_client_are_refused(opened):
    client = opened(elasticsearch.Elasticsearch("http://h:1", api_key=SECRET))

    for part in (client.indices, client._transport):
        with pytest.raises(SerializationError, match="send the client"):
            serialize(part)


def test_a_client_of_asyncio_is_made_again(travel):
    pytest.importorskip("aiohttp")

    async def run():
        client = elasticsearch.AsyncElasticsearch("http://h:1", api_key=SECRET)
        copied = travel(client, SECRET).reconnect(SECRET)
        await client.close()
        await copied.close()
        return type(copied), copied._headers["authorization"]

    assert asyncio.run(run()) == (elasticsearch.AsyncElasticsearch, f"ApiKey {SECRET}")


def test_a_client_in_another_process(server, elsewhere, opened):
    client = opened(elasticsearch.Elasticsearch(server.url, basic_auth=("ann", SECRET)))
    lines = """
with value["search"].reconnect("hunter22") as client:
    print(client.info()["version"]["number"])
"""

    assert elsewhere({"search": client}, lines) == "9.0.0"
    assert server.headers[-1]["authorization"] == f"Basic {BASIC}"


def test_secrets_are_found_by_attribute(server, travel, opened):
    client = opened(elasticsearch.Elasticsearch(server.url, api_key=SECRET))

    copied = reconnect_all(
        travel({"search": client}), **{"elasticsearch.Elasticsearch": {"search": SECRET}}
    )

    opened(copied["search"]).info()
    assert server.headers[-1]["authorization"] == f"ApiKey {SECRET}"
