"""TLS: the context of a client, with its settings and the certificates that it trusts.

Keys and certificates of its own cannot be read back from a context and do not travel: whoever shows
some must load them again at the receiver; nor can the protocols to choose from (ALPN). The context
of a server, which is of no use without a key, is refused, and so is a connection, and a context
that trusts what it does not tell: certificates in a folder are looked up when they are needed.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer

if TYPE_CHECKING:
    from ssl import SSLContext

# Type, protocol, settings, ciphers, trusted certificates.
_Parts: TypeAlias = "tuple[type[SSLContext], int, dict[str, Any], str, list[bytes]]"

# In an order in which each can be set.
_SETTINGS = (
    "check_hostname",
    "verify_mode",
    "verify_flags",
    "options",
    "minimum_version",
    "maximum_version",
    "post_handshake_auth",
    "hostname_checks_common_name",
)


def reduce_context(context: "SSLContext") -> tuple[_Parts]:
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
    if context.verify_mode == ssl.CERT_REQUIRED and not authorities:
        raise RefusalError(
            "the certificates that it trusts cannot be read from it, if there are any: they may be "
            "in a folder; load them from a file (cafile=...), or make the context there"
        )
    return ((type(context), int(context.protocol), settings, ":".join(ciphers), authorities),)


def rebuild_context(parts: _Parts) -> "SSLContext":
    """Make a context like it."""
    kind, protocol, settings, ciphers, authorities = parts
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
