"""A Redis server with two passwords, on TCP, TLS and a Unix socket."""

import hashlib
import subprocess
from pathlib import Path

import redis

from servers._server import Server, find_program, free_port, make_certificate, make_folder

PASSWORD = "the password: @/"
ANALYST = "analyst"
ANALYST_PASSWORD = "another#password"

CONFIGURATION = """
bind 127.0.0.1
port {port}
{tls}
unixsocket {folder}/socket
unixsocketperm 777
dir {folder}
user default on #{password} ~* &* +@all
user analyst on #{analyst_password} ~* &* +@all -ping
save ""
appendonly yes
"""
TLS = """
tls-port {port}
tls-cert-file {folder}/certificate
tls-key-file {folder}/key
tls-auth-clients no
"""


class RedisServer:
    """A server that is started, stopped and started again; it keeps its data.

    Attributes:
        port: Where it listens.
        tls_port: Where it listens by TLS; None: this redis-server was built
            without TLS.
        socket: The path of its socket.
        certificate: The path of the certificate, signed by itself, of "localhost".
    """

    def __init__(self, parent: Path) -> None:
        program = find_program("redis-server")
        folder = make_folder(parent, "redis")
        self.port = free_port()
        self.socket = str(folder / "socket")
        self.certificate = str(folder / "certificate")
        self.tls_port = free_port() if _make_certificate(folder) else None
        configuration = folder / "configuration"
        self._server = Server([program, str(configuration)], folder, self._is_ready)
        tls = TLS.format(port=self.tls_port, folder=folder) if self.tls_port else ""
        values = {"port": self.port, "folder": folder, "tls": tls}
        configuration.write_text(
            CONFIGURATION.format(
                **values,
                password=_digest(PASSWORD),
                analyst_password=_digest(ANALYST_PASSWORD),
            )
        )
        self.start = self._server.start
        self.stop = self._server.stop
        self.restart = self._server.restart

    def _is_ready(self) -> bool:
        with redis.Redis(port=self.port, password=PASSWORD, retry=None) as client:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
                return False


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _make_certificate(folder: Path) -> bool:
    """Make a key and a certificate; False if redis-server was built without TLS."""
    asked = [find_program("redis-server"), "--port", "0", "--tls-port", "0"]
    answer = subprocess.run(asked, capture_output=True, cwd=folder, timeout=30, check=False)
    if b"not listen anywhere" not in answer.stdout:  # it does not know the option
        return False
    make_certificate(folder)
    return True
