"""Sockets: bytes cannot carry a descriptor, so they arrive as Reconnectors that open a new one.

    connected to a peer     connects to the same peer; the peer sees a new connection
    listening               binds and listens at the same address, which must be free by then
    bound                   binds to the same address, likewise
    neither, or closed      as it was

TCP, UDP and Unix sockets, with timeout and the options below. What was received and not read stays
behind. Refused: a Unix socket whose peer has no address (one of a pair, or one that `accept`
returned), other families, and TLS (`_tls`).
"""

from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reconnector import Reconnector, reconnecting
from suitkaise.cucumber._reducer import Reducer

if TYPE_CHECKING:
    from socket import socket

CONNECT_SECONDS = 30.0  # unless the socket's own timeout is shorter

# Those that are as they were set, on every platform that has them.
_OPTIONS = (
    ("SOL_SOCKET", "SO_REUSEADDR"),
    ("SOL_SOCKET", "SO_REUSEPORT"),
    ("SOL_SOCKET", "SO_KEEPALIVE"),
    ("SOL_SOCKET", "SO_BROADCAST"),
    ("IPPROTO_TCP", "TCP_NODELAY"),
    ("IPPROTO_TCP", "TCP_KEEPIDLE"),
    ("IPPROTO_TCP", "TCP_KEEPINTVL"),
    ("IPPROTO_TCP", "TCP_KEEPCNT"),
    ("IPPROTO_IPV6", "IPV6_V6ONLY"),
)
_PORT_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
_USUAL_PORT_RANGE = (32768, 60999)


def describe_socket(sock: "socket") -> dict[str, Any]:
    """Describe how to open the socket anew."""
    import socket

    description: dict[str, Any] = {
        # None: the module is imported by a receiver that opens it, no sooner.
        "type": None if type(sock) is socket.socket else type(sock),
        "kind": (int(sock.family), int(sock.type), sock.proto),
        "timeout": sock.gettimeout(),
        "attributes": dict(getattr(sock, "__dict__", {})),
        "is_closed": sock.fileno() == -1,
    }
    if description["is_closed"]:
        return description
    if sock.family not in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        raise RefusalError(
            f"it is of family {sock.family!r}; only TCP, UDP and Unix sockets can be opened "
            "anew: send what it is made from, and make it there"
        )
    own, peer = _address(sock.getsockname), _address(sock.getpeername)
    is_unix = sock.family == socket.AF_UNIX
    if is_unix and peer == "":
        raise RefusalError(
            "its peer has no address to connect to: it is one of a pair, or accept() returned it; "
            "let the two processes talk by way of a listening socket, tell() or Pipe.pair()"
        )
    is_listening = _option(sock, "SOL_SOCKET", "SO_ACCEPTCONN") == 1
    description["options"] = [
        (level, name, value)
        for level, name in _OPTIONS
        if (value := _option(sock, level, name)) is not None
    ]
    description["peer"] = peer
    description["is_listening"] = is_listening
    if peer is None and (is_listening or _was_bound(sock, own)):
        description["own"] = own
    return description


def rebuild_socket() -> Reconnector:
    """Make what stands for a socket."""
    return Reconnector("socket.socket", connect_socket, is_broken=is_socket_broken)


def connect_socket(description: dict[str, Any], auth: Any) -> "socket":
    """Open the socket: connected, listening or bound as it was; blocks while it connects."""
    import socket

    if auth is not None:
        raise RefusalError("a socket takes no secret; leave it out")
    kind = description["type"] or socket.socket
    sock: socket.socket = kind.__new__(kind)
    socket.socket.__init__(sock, *description["kind"])
    if description["attributes"]:
        vars(sock).update(description["attributes"])
    if description["is_closed"]:
        sock.close()
        return sock
    try:
        for level, name, value in description["options"]:
            sock.setsockopt(getattr(socket, level), getattr(socket, name), value)
        _take_place(sock, description)
        sock.settimeout(description["timeout"])
    except BaseException:
        sock.close()
        raise
    return sock


def _take_place(sock: "socket", description: dict[str, Any]) -> None:
    own, peer, timeout = description.get("own"), description["peer"], description["timeout"]
    if own is not None:
        try:
            sock.bind(own)
        except OSError as error:
            raise RefusalError(
                f"{error}: {own!r}; whoever holds that address must close it first, such as the "
                "process that sent the socket (or set SO_REUSEPORT on it before it binds)"
            ) from error
    if description["is_listening"]:
        sock.listen()
    if peer is not None:
        sock.settimeout(min(timeout or CONNECT_SECONDS, CONNECT_SECONDS))
        try:
            sock.connect(peer)
        except OSError as error:
            raise RefusalError(
                f"{error}: {peer!r}; is it listening? (A socket that accept() returned can only be "
                "connected again by its peer.)"
            ) from error


def is_socket_broken(sock: "socket") -> bool:
    """Tell whether a socket was closed, or its peer has; reads nothing and does not block."""
    import select
    import socket

    if sock.fileno() == -1:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    # A listening socket is readable when somebody has come; that is not for us to look at.
    if not poll.poll(0) or _option(sock, "SOL_SOCKET", "SO_ACCEPTCONN") == 1:
        return False
    try:
        waiting = sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return not waiting and sock.type == socket.SOCK_STREAM


def _address(ask: Any) -> Any:
    """Return an address; None if there is none."""
    try:
        return ask()
    except OSError:
        return None


def _option(sock: "socket", level: str, name: str) -> int | None:
    """Return an option's value; None if this kind of socket or this platform has none."""
    import socket

    try:
        return sock.getsockopt(getattr(socket, level), getattr(socket, name))
    except (AttributeError, OSError):
        return None


def _was_bound(sock: "socket", own: Any) -> bool:
    """Tell whether somebody chose this address; the kernel does when a UDP socket sends."""
    import socket
    from pathlib import Path

    if sock.family == socket.AF_UNIX:
        return bool(own)
    host, port = own[:2]
    is_any_host = host in ("0.0.0.0", "::")
    if port == 0:
        return False
    if not is_any_host or sock.type == socket.SOCK_STREAM:
        return True
    try:
        first, last = map(int, Path(_PORT_RANGE).read_text(encoding="ascii").split())
    except (OSError, ValueError):
        first, last = _USUAL_PORT_RANGE
    return not first <= port <= last


REDUCERS: dict[str, Reducer] = {
    "socket.socket": reconnecting(describe_socket, rebuild_socket),
}
