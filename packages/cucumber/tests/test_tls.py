import socket
import ssl
import threading

import pytest

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


def test_a_clients_context_can_be_used(tmp_path):
    copy = deserialize(serialize(ssl.create_default_context()))
    here, there = socket.socketpair()
    thread = threading.Thread(target=lambda: (there.recv(1), there.close()))
    thread.start()

    with here, pytest.raises((ssl.SSLError, OSError)):
        copy.wrap_socket(here, server_hostname="example.org")
    thread.join(30)


@pytest.mark.comes_back(
    "ssl.SSLContext of a server", how="refused: its key does not travel; load it there"
)
def test_a_servers_context_is_refused():
    with pytest.raises(SerializationError, match="load them there"):
        serialize(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
