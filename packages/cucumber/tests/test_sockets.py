import contextlib
import socket
import ssl
import threading
from pathlib import Path

import pytest

from suitkaise.cucumber import ReconnectError, SerializationError, deserialize, serialize
from suitkaise.cucumber._handlers._sockets import is_socket_broken

DEADLINE = 30.0


class NamedSocket(socket.socket):
    """A subclass with a constructor of its own."""

    def __init__(self, name):
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.name = name


@pytest.fixture
def closing():
    """Close at the end what it is called with."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture(params=["tcp", "tcp6", "unix", "abstract"])
def listener(request, closing, tmp_path):
    family = {"tcp": socket.AF_INET, "tcp6": socket.AF_INET6}.get(request.param, socket.AF_UNIX)
    address = {
        "tcp": ("127.0.0.1", 0),
        "tcp6": ("::1", 0),
        "unix": str(tmp_path / "socket"),
        "abstract": f"\0{tmp_path}",
    }[request.param]
    sock = closing(socket.socket(family))
    sock.settimeout(DEADLINE)
    try:
        sock.bind(address)
    except OSError as error:
        pytest.skip(f"{request.param}: {error}")
    sock.listen()
    return sock


def travel(sock):
    return deserialize(serialize(sock)).reconnect()


def client_of(listener):
    sock = socket.socket(listener.family)
    sock.settimeout(DEADLINE)
    sock.connect(listener.getsockname())
    return sock


@pytest.mark.comes_back("socket.socket, connected", how="Reconnector: connects to the same peer")
def test_a_client_connects_to_the_same_peer(listener, closing):
    client = closing(client_of(listener))
    closing(listener.accept()[0])

    copied = closing(travel(client))
    visitor = closing(listener.accept()[0])
    copied.sendall(b"hello")

    assert visitor.recv(100) == b"hello"
    assert copied.gettimeout() == DEADLINE


def test_a_client_connects_from_another_process(closing, load_elsewhere):
    listener = closing(socket.create_server(("127.0.0.1", 0)))
    client = closing(client_of(listener))
    said = []

    def answer():
        for _ in range(2):
            visitor, _ = listener.accept()
            with visitor:
                said.append(visitor.recv(100))

    thread = threading.Thread(target=answer)
    thread.start()
    client.sendall(b"from here")
    print_nothing = "value.sendall(b'from there')"
    load_elsewhere(serialize(client), print_nothing)
    thread.join(DEADLINE)

    assert said == [b"from here", b"from there"]


def test_a_peer_that_is_gone_is_an_error_that_names_it(closing):
    listener = closing(socket.create_server(("127.0.0.1", 0)))
    payload = serialize(closing(client_of(listener)))
    address = listener.getsockname()
    listener.close()

    with pytest.raises(ReconnectError, match=rf"refused.*{address[1]}.*is it listening\?"):
        deserialize(payload).reconnect()


@pytest.mark.comes_back(
    "socket.socket, listening or bound",
    how="Reconnector: binds (and listens) at the same address",
)
def test_a_listening_socket_listens_again_once_its_address_is_free(listener, closing):
    payload = serialize(listener)
    address = listener.getsockname()
    reconnector = deserialize(payload)

    with pytest.raises(ReconnectError, match=r"in use.*must close it first"):
        reconnector.reconnect()
    listener.close()
    if isinstance(address, str) and not address.startswith("\0"):
        Path(address).unlink()
    copied = closing(reconnector.reconnect())

    client = closing(client_of(copied))
    closing(copied.accept()[0])
    assert client.getpeername() == address


def test_a_listening_socket_that_shares_its_port_needs_not_wait(closing):
    listener = closing(socket.create_server(("127.0.0.1", 0), reuse_port=True))

    copied = closing(travel(listener))

    assert copied.getsockname() == listener.getsockname()


def test_a_connected_udp_socket_sends_to_the_same_peer(closing):
    receiver = closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(DEADLINE)
    sender = closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sender.connect(receiver.getsockname())

    closing(travel(sender)).send(b"hello")

    assert receiver.recv(100) == b"hello"


def test_a_udp_socket_that_has_sent_from_a_port_of_the_kernel_s_can_send_again(closing):
    receiver = closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(DEADLINE)
    sender = closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sender.sendto(b"first", receiver.getsockname())

    closing(travel(sender)).sendto(b"second", receiver.getsockname())

    assert [receiver.recv(100), receiver.recv(100)] == [b"first", b"second"]


def test_a_bound_udp_socket_is_bound_again(closing):
    receiver = closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    receiver.bind(("127.0.0.1", 0))
    address = receiver.getsockname()
    payload = serialize(receiver)
    receiver.close()

    copied = closing(deserialize(payload).reconnect())

    assert copied.getsockname() == address


def test_options_and_timeouts_arrive(closing):
    sock = closing(socket.socket())
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)

    copied = closing(travel(sock))

    assert copied.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert copied.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    assert copied.gettimeout() == 0


def test_a_subclass_keeps_its_type_and_attributes_and_its_init_is_not_called(closing):
    copied = closing(travel(closing(NamedSocket("main"))))

    assert (type(copied), copied.name) == (NamedSocket, "main")


def test_a_closed_socket_arrives_closed():
    sock = socket.socket()
    sock.close()

    assert travel(sock).fileno() == -1


@pytest.mark.comes_back(
    "socket.socketpair",
    "what `accept` of a Unix socket returned",
    how="refused: nobody listens at the other end",
)
@pytest.mark.parametrize("which", [0, 1])
def test_one_of_a_pair_is_refused(closing, which):
    pair = [closing(each) for each in socket.socketpair()]

    with pytest.raises(SerializationError, match=r"\['s'\].*no address to connect to"):
        serialize({"s": pair[which]})


def test_what_accept_of_a_unix_socket_returned_is_refused(closing, tmp_path):
    listener = closing(socket.socket(socket.AF_UNIX))
    listener.bind(str(tmp_path / "socket"))
    listener.listen()
    closing(client_of(listener))

    with pytest.raises(SerializationError, match=r"accept\(\) returned it"):
        serialize(closing(listener.accept()[0]))


@pytest.mark.comes_back("ssl.SSLSocket", how="refused: its keys do not travel; connect there")
def test_tls_is_refused(closing):
    context = ssl.create_default_context()
    sock = closing(context.wrap_socket(closing(socket.socket()), server_hostname="localhost"))

    with pytest.raises(SerializationError, match=r"ssl.SSLSocket.*connect there"):
        serialize(sock)


def test_other_families_are_refused(closing):
    try:
        sock = closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
    except OSError as error:
        pytest.skip(f"no netlink here: {error}")

    with pytest.raises(SerializationError, match="only TCP, UDP and Unix"):
        serialize(sock)


def test_a_socket_is_broken_once_it_or_its_peer_is_closed(listener, closing):
    client = closing(client_of(listener))
    visitor = closing(listener.accept()[0])

    assert not is_socket_broken(client)
    assert not is_socket_broken(listener)
    visitor.sendall(b"unread")
    assert not is_socket_broken(client)
    assert client.recv(100) == b"unread"
    visitor.close()
    assert is_socket_broken(client)
    client.close()
    assert is_socket_broken(client)


def test_a_socket_that_is_looked_at_does_not_make_wait(closing):
    listener = closing(socket.create_server(("127.0.0.1", 0)))
    client = closing(client_of(listener))
    client.settimeout(3600)  # the test has a deadline

    assert not is_socket_broken(client)
