"""elasticsearch: clients arrive as Reconnectors, with the settings of their nodes and transport.

As auth it takes what the client was let in by: the password of its user, the API key or the bearer
token; or a dict of arguments of `Elasticsearch`, such as {"basic_auth": (user, password)}. An
`ssl_context` does not travel and is to be given so. The client connects when it is first used.

Refused: the parts of a client (`client.indices`), and clients before elasticsearch 8.
"""

from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._clients import (
    added_attributes,
    driver_type,
    import_type,
    make,
    name_of,
    own_type,
    refusing,
)
from suitkaise.cucumber._handlers._secrets import with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "elasticsearch.Elasticsearch"

# By the argument's name: what keeps it.
_OF_CLIENT = (
    "max_retries",
    "request_timeout",
    "retry_backoff_base",
    "retry_backoff_cap",
    "retry_on_status",
    "retry_on_timeout",
)
_OF_TRANSPORT = ("sniff_before_requests", "sniff_on_node_failure", "sniff_on_start")
_OF_POOL = ("dead_node_backoff_factor", "max_dead_node_backoff", "node_class")


def reduce_client(client: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the nodes and the settings, and how the client was let in."""
    base = driver_type(client, REDUCERS)
    transport: Any = getattr(client, "_transport", None)
    if not hasattr(transport, "node_pool"):
        raise RefusalError("clients before elasticsearch 8 tell too little; make it there")
    nodes = transport.node_pool._seed_nodes
    headers = [client._headers, *(node.headers for node in nodes)]
    scheme, user = _way_in(headers)
    has_context = any(node.ssl_context is not None for node in nodes)
    fields = type(nodes[0]).__dataclass_fields__
    return (scheme is not None or has_context,), {
        "base": name_of(base),
        "type": own_type(client, base),
        "nodes": [
            without_secrets({name: getattr(node, name) for name in fields if name != "ssl_context"})
            for node in nodes
        ],
        "scheme": scheme,
        "user": user,
        "arguments": _arguments(client, transport),
        "added": added_attributes(client, base, vars(base("http://localhost:9200"))),
    }


def _arguments(client: Any, transport: Any) -> dict[str, Any]:
    arguments = {
        "headers": without_secrets(client._headers),
        "meta_header": transport.meta_header,
        "node_selector_class": type(transport.node_pool._node_selector),
        "transport_class": type(transport),
    }
    for owner, names in (
        (client, _OF_CLIENT),
        (transport, _OF_TRANSPORT),
        (transport.node_pool, _OF_POOL),
    ):
        kept = {name: getattr(owner, f"_{name}", None) for name in names}
        arguments |= {name: value for name, value in kept.items() if value is not None}
    if getattr(client, "_is_serverless", False):
        arguments["server_mode"] = "serverless"
    if not any(map(arguments.get, _OF_TRANSPORT)):
        for name in _OF_TRANSPORT:  # where sniffing is not allowed, not even False may be given
            arguments.pop(name, None)
    return arguments


def _way_in(all_headers: list[Any]) -> tuple[str | None, str | None]:
    """Return the scheme of the authorization, and the user's name if it is Basic."""
    import base64
    import binascii

    for headers in all_headers:
        scheme, _, credentials = (headers.get("authorization") or "").partition(" ")
        if not scheme:
            continue
        if scheme != "Basic":
            return scheme, None
        try:
            return scheme, base64.b64decode(credentials).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return scheme, None
    return None, None


def rebuild_client(needs_secret: bool) -> Reconnector:
    """Make what stands for a client."""
    return Reconnector(TYPE_KEY, connect_client, needs_secret=needs_secret)


def connect_client(description: dict[str, Any], auth: Any) -> Any:
    """Make a client, which connects when it is first used."""
    make_node = import_type("elastic_transport.NodeConfig")
    scheme, user = description["scheme"], description["user"]
    arguments = {
        "hosts": [make_node(**node) for node in description["nodes"]],
        **description["arguments"],
    }
    secret = {"ApiKey": "api_key", "Bearer": "bearer_auth"}.get(scheme, "basic_auth")
    arguments = with_secrets(arguments, auth, TYPE_KEY, secret)
    if secret == "basic_auth" and not isinstance(auth, dict | None):
        if user is None:
            raise RefusalError(
                'its user is not known; give {"basic_auth": (user, password)} or {"api_key": ...}'
            )
        arguments[secret] = (user, arguments[secret])
    return make(
        description["type"], import_type(description["base"]), description["added"], **arguments
    )


_CLIENT = reducer_with_state(reduce_client, rebuild_client, set_description)
_PART = refusing(
    "it is a part of a client, and has its credentials; send the client, and take the part from it "
    "there (client.indices)"
)

REDUCERS: dict[str, Reducer] = {
    "elasticsearch.Elasticsearch": _CLIENT,
    "elasticsearch.AsyncElasticsearch": _CLIENT,
    "elasticsearch.client.Elasticsearch": _CLIENT,  # before elasticsearch 8
    "elasticsearch._sync.client._base.NamespacedClient": _PART,
    "elasticsearch._async.client._base.NamespacedClient": _PART,
    **dict.fromkeys(
        (
            "elastic_transport.Transport",
            "elastic_transport.AsyncTransport",
            "elastic_transport.NodePool",
            "elastic_transport.BaseNode",
        ),
        _PART,
    ),
}
