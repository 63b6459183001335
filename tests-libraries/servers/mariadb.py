"""A MariaDB server with two users and their passwords."""

import signal
import subprocess
from pathlib import Path

from servers._server import Server, find_program, free_port, make_certificate, make_folder, user

OWNER, PASSWORD = "owner", "the password: @/'x"
ANALYST, ANALYST_PASSWORD = "analyst", "another#password"
DATABASE = "work"


class MariadbServer:
    """A server that is started, stopped and started again; it keeps its data.

    Attributes:
        port: Where it listens.
        socket: The path of its socket.
        certificate: The path of the certificate, signed by itself, of "localhost".
        arguments: What a driver connects with, as the owner.
    """

    def __init__(self, parent: Path) -> None:
        program = find_program("mariadbd", "mysqld")
        install = find_program("mariadb-install-db", "mysql_install_db")
        self._client = find_program("mariadb", "mysql")
        folder = make_folder(parent, "mariadb")
        self.port = free_port()
        self.socket = str(folder / "socket")
        self.certificate = str(folder / "certificate")
        make_certificate(folder)
        self.arguments = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": OWNER,
            "password": PASSWORD,
            "database": DATABASE,
        }
        subprocess.run(
            [
                *(install, "--no-defaults", f"--datadir={folder / 'data'}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ],
            check=True,
            capture_output=True,
            user=user(),
            cwd=folder,
        )
        command = [
            *(program, "--no-defaults", f"--datadir={folder / 'data'}", f"--port={self.port}"),
            *("--bind-address=127.0.0.1", f"--socket={self.socket}", "--skip-name-resolve"),
            *(f"--ssl-cert={self.certificate}", f"--ssl-key={folder / 'key'}"),
            *(f"--pid-file={folder / 'pid'}", "--innodb-flush-log-at-trx-commit=0"),
        ]
        self._server = Server(command, folder, self._is_ready)
        self._server.stop_signal = signal.SIGTERM  # it does not hear the other
        self.stop = self._server.stop
        self.restart = self._server.restart

    def start(self) -> None:
        """Start it, and make its users and its database."""
        self._server.start()
        quoted = PASSWORD.replace("'", "''")
        answer = self._tell(
            f"CREATE DATABASE {DATABASE};"
            f"CREATE USER {OWNER}@'127.0.0.1' IDENTIFIED BY '{quoted}';"
            f"CREATE USER {OWNER}@'localhost' IDENTIFIED BY '{quoted}';"
            f"CREATE USER {ANALYST}@'127.0.0.1' IDENTIFIED BY '{ANALYST_PASSWORD}';"
            f"GRANT ALL ON {DATABASE}.* TO {OWNER}@'127.0.0.1', {OWNER}@'localhost';"
            f"GRANT SELECT ON {DATABASE}.* TO {ANALYST}@'127.0.0.1'"
        )
        assert answer.returncode == 0, answer.stderr

    def _is_ready(self) -> bool:
        return self._tell("SELECT 1").returncode == 0

    def _tell(self, commands: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [self._client, "--no-defaults", f"--socket={self.socket}", "-uroot", "-e", commands],
            check=False,
            capture_output=True,
            timeout=30,
        )
