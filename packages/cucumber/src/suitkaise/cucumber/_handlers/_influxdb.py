"""influxdb_client: clients arrive as Reconnectors with their settings.

As auth they take the token (the password, where a user's name and password were in use), or a dict
of arguments of `InfluxDBClient`. An `ssl_context` does not travel and is to be given so. A client
connects when it is first used.

Refused: the parts of a client (`client.write_api()`), and those of asyncio.
"""

from typing import Any

from suitkaise.cucumber._handlers._clients import added_attributes, make, own_type, refusing
from suitkaise.cucumber._handlers._secrets import has_secret, with_secrets, without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

TYPE_KEY = "influxdb_client.InfluxDBClient"

_OF_CLIENT = ("url", "token", "org", "default_tags", "profilers", "retries")
_OF_CONFIGURATION = (
    "cert_file",
    "cert_key_file",
    "cert_key_password",
    "connection_pool_maxsize",
    "debug",
    "enable_gzip",
    "password",
    "proxy",
    "proxy_headers",
    "ssl_ca_cert",
    "timeout",
    "username",
    "verify_ssl",
)


def reduce_client(client: Any) -> tuple[tuple[bool], dict[str, Any]]:
    """Send the arguments that the client keeps, without secrets."""
    from influxdb_client import InfluxDBClient

    arguments = {name: vars(client)[name] for name in _OF_CLIENT if name in vars(client)}
    arguments |= {name: getattr(client.conf, name, None) for name in _OF_CONFIGURATION}
    arguments["auth_basic"] = (client.auth_header_value or "").startswith("Basic ")
    has_context = getattr(client.conf, "ssl_context", None) is not None
    return (has_secret(arguments) or has_context,), {
        "type": own_type(client, InfluxDBClient),
        "arguments": without_secrets(arguments),
        "secret": "token" if arguments.get("token") or not arguments["username"] else "password",
        "added": added_attributes(
            client, InfluxDBClient, vars(InfluxDBClient("http://localhost:8086"))
        ),
    }


def rebuild_client(needs_secret: bool) -> Reconnector:
    """Make what stands for a client."""
    return Reconnector(TYPE_KEY, connect_client, needs_secret=needs_secret)


def connect_client(description: dict[str, Any], auth: Any) -> Any:
    """Make a client, which connects when it is first used."""
    from influxdb_client import InfluxDBClient

    arguments = with_secrets(description["arguments"], auth, TYPE_KEY, description["secret"])
    return make(description["type"], InfluxDBClient, description["added"], **arguments)


_PART = refusing(
    "it is a part of a client, and has its credentials; send the client, and ask it there "
    "(client.query_api())"
)
_ASYNC = refusing("it belongs to an event loop; send its arguments, and make it there")

REDUCERS: dict[str, Reducer] = {
    "influxdb_client.client.influxdb_client.InfluxDBClient": reducer_with_state(
        reduce_client, rebuild_client, set_description
    ),
    "influxdb_client.client.influxdb_client_async.InfluxDBClientAsync": _ASYNC,
    "influxdb_client.client.write_api.WriteApi": _PART,
    "influxdb_client.client.write_api_async.WriteApiAsync": _PART,
    # What all parts have in them.
    "influxdb_client._sync.api_client.ApiClient": _PART,
    "influxdb_client._async.api_client.ApiClientAsync": _PART,
    "influxdb_client.configuration.Configuration": _PART,
}
