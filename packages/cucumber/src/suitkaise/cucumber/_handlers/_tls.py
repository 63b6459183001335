"""TLS: the context of a client, with its settings and the certificates that it trusts.

Keys and certificates of its own cannot be read back from a context and do not travel: whoever shows
some must load them again at the receiver. The context of a server, which is of no use without them,
is refused, and so is a connection.
"""

from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer

if TYPE_CHECKING:
    from ssl import SSLContext

# In an order in which each can be set.
_SETTINGS = (
    "check_hostname",
    "verify_mode",
    "verify_flags",
    "options",
    "minimum_version",
    "maximum_version",
    "post_handshake_auth",
)


def reduce_context(context: "SSLContext") -> tuple[Any, ...]:
    """Send the settings and the trusted certificates."""
    import ssl

    if context.protocol == ssl.PROTOCOL_TLS_SERVER:
        raise RefusalError(
            "it is a server's, and its key does not travel; send the paths of certificate and "
            "key, and load them there"
        )
    settings = {name: getattr(context, name) for name in _SETTINGS}
    ciphers = [each["name"] for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"]
    authorities = context.get_ca_certs(binary_form=True)
    return type(context), int(context.protocol), settings, ":".join(ciphers), authorities


def rebuild_context(
    kind: "type[SSLContext]",
    protocol: int,
    settings: dict[str, Any],
    ciphers: str,
    authorities: list[bytes],
) -> "SSLContext":
    """Make a context like it."""
    context = kind.__new__(kind, protocol)
    context.check_hostname = False  # or verify_mode could not be set
    for name in ("verify_mode", *_SETTINGS):
        setattr(context, name, settings[name])
    if ciphers:
        context.set_ciphers(ciphers)
    if authorities:
        context.load_verify_locations(cadata=b"".join(authorities))
    return context


def refuse_socket(pickler: object, sock: object) -> ReduceValue:
    """Say why a TLS socket cannot be opened anew."""
    raise RefusalError(
        "the context of a TLS connection holds keys, which do not travel; send host and port, and "
        "connect there"
    )


REDUCERS: dict[str, Reducer] = {
    "ssl.SSLContext": reducer(reduce_context, rebuild_context),
    "ssl.SSLSocket": refuse_socket,
    "ssl.SSLObject": refuse_socket,
}
