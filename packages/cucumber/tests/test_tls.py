import contextlib
import socket
import ssl
import threading

import pytest
import trustme

from suitkaise.cucumber import SerializationError, deserialize, serialize


@pytest.mark.comes_back(
    "ssl.SSLContext of a client",
    how="with its settings and the certificates that it trusts; without a key of its own",
)
@pytest.mark.parametrize("make", [ssl.create_default_context, ssl._create_unverified_context])
def test_a_clients_context_keeps_its_settings_and_trusted_certificates(make):
    context = make()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE+AESGCM")

    copy = deserialize(serialize(context))

    for name in ("check_hostname", "verify_mode", "options", "minimum_version", "verify_flags"):
        assert getattr(copy, name) == getattr(context, name), name
    assert copy.get_ca_certs(binary_form=True) == context.get_ca_certs(binary_form=True)
    assert [each["name"] for each in copy.get_ciphers()] == [
        each["name"] for each in context.get_ciphers()
    ]


def test_a_clients_context_trusts_whom_it_trusted(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    trusting = ssl.create_default_context(cafile=tmp_path / "authority.pem")
    certificate = authority.issue_cert("localhost")

    _connect(deserialize(serialize(trusting)), certificate)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        _connect(deserialize(serialize(ssl.create_default_context())), certificate)


def _connect(context, certificate):
    """Connect to a server that shows a certificate."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(server)
    here, there = socket.socketpair()
    here.settimeout(30)
    there.settimeout(30)

    def serve():
        with there, contextlib.suppress(OSError):
            server.wrap_socket(there, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        context.wrap_socket(here, server_hostname="localhost").close()
    finally:
        here.close()
        thread.join(30)


@pytest.mark.comes_back(
    "ssl.SSLContext that trusts what is in a folder",
    how="refused: it does not tell what that is; load it from a file, or make the context there",
)
def test_a_context_that_does_not_tell_whom_it_trusts_is_refused(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(capath=tmp_path)

    with pytest.raises(SerializationError, match="make the context there"):
        serialize(context)


@pytest.mark.comes_back(
    "ssl.SSLContext of a server", how="refused: its key does not travel; load it there"
)
def test_a_servers_context_is_refused():
    with pytest.raises(SerializationError, match="load them there"):
        serialize(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
