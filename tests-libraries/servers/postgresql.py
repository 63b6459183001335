"""A PostgreSQL server with two users and their passwords, and one that needs none."""

import subprocess
from pathlib import Path

from servers._server import PATIENCE, Server, find_program, free_port, make_folder, user

OWNER, PASSWORD = "owner", "the password: @/'x"
ANALYST, ANALYST_PASSWORD = "analyst", "another#password"
TRUSTED = "trusted"  # comes in without a password, by the socket too
DATABASE = "work"

RULES = f"""
host all {TRUSTED} 127.0.0.1/32 trust
local all all trust
host all all 127.0.0.1/32 scram-sha-256
"""


class PostgresqlServer:
    """A server that is started, stopped and started again; it keeps its data.

    Attributes:
        port: Where it listens.
        socket_folder: Where its socket is.
        arguments: What a driver connects with, as the owner.
    """

    def __init__(self, parent: Path) -> None:
        program, initdb, self._psql = map(find_program, ("postgres", "initdb", "psql"))
        folder = make_folder(parent, "postgresql")
        data = folder / "data"
        self.port = free_port()
        self.socket_folder = str(folder)
        self.arguments = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": OWNER,
            "password": PASSWORD,
            "dbname": DATABASE,
        }
        subprocess.run(
            [initdb, "-D", str(data), "-U", "root", "-A", "trust", "-E", "UTF8", "-N"],
            check=True,
            capture_output=True,
            user=user(),
            cwd=folder,
        )
        (data / "pg_hba.conf").write_text(RULES)
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "password_encryption": "scram-sha-256",
            "fsync": "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [program, "-D", str(data), "-p", str(self.port), *options]
        self._server = Server(command, folder, self._is_ready)
        self.stop = self._server.stop
        self.restart = self._server.restart

    def start(self) -> None:
        """Start it, and make its users and its database."""
        self._server.start()
        quoted = PASSWORD.replace("'", "''")
        for command in (
            f"CREATE ROLE {OWNER} LOGIN PASSWORD '{quoted}'",
            f"CREATE ROLE {ANALYST} LOGIN PASSWORD '{ANALYST_PASSWORD}'",
            f"CREATE ROLE {TRUSTED} LOGIN",
            f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
        ):
            assert self._tell(command).returncode == 0, command

    def verifier_of(self, user: str) -> str:
        """Return what the server keeps of a user's password."""
        return self._answer(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{user}'")

    def disconnect(self, pid: int) -> None:
        """End the process that serves a connection, and wait until it has."""
        assert self._answer(f"SELECT pg_terminate_backend({pid}, {PATIENCE * 1000:.0f})") == "t"

    def _answer(self, query: str) -> str:
        return self._tell(query).stdout.decode().strip()

    def _is_ready(self) -> bool:
        return self._tell("SELECT 1").returncode == 0

    def _tell(self, command: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [
                *(self._psql, "-h", self.socket_folder, "-p", str(self.port)),
                *("-U", "root", "-d", "postgres", "-At", "-c", command),
            ],
            check=False,
            capture_output=True,
            timeout=30,
        )
