"""Fixtures: each server once per session, and objects sent through bytes."""

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from servers._server import MissingServerError
from suitkaise.cucumber import deserialize, serialize


def started(make, folder):
    """Start a server for the tests; where its program is missing, they are skipped."""
    try:
        server = make(folder)
    except MissingServerError as error:
        pytest.skip(str(error))
    server.start()
    return server


@pytest.fixture(scope="session")
def servers_folder():
    """A folder that the user of the servers can reach; pytest closes its own to others."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def redis_server(servers_folder):
    """A Redis server."""
    module = pytest.importorskip("servers.redis")
    server = started(module.RedisServer, servers_folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgresql(servers_folder):
    """A PostgreSQL server."""
    from servers.postgresql import PostgresqlServer

    server = started(PostgresqlServer, servers_folder)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb_server(servers_folder):
    """A MariaDB server."""
    from servers.mariadb import MariadbServer

    server = started(MariadbServer, servers_folder)
    yield server
    server.stop()


@pytest.fixture
def closing():
    """Close a connection after the test; returns it."""
    with contextlib.ExitStack() as stack:

        def register(connection):
            stack.callback(_close, connection)
            return connection

        yield register


def _close(connection):
    """Close it once: a second time is an error of some drivers, and a crash of mariadb's."""
    if not getattr(connection, "_closed", False):
        with contextlib.suppress(Exception):
            connection.close()


@pytest.fixture
def travel():
    """Send an object through bytes, in which none of the given secrets may be."""

    def send(obj, *secrets):
        payload = serialize(obj)
        for secret in secrets:
            assert secret.encode() not in payload
            assert secret.encode("utf-16-le") not in payload
        return deserialize(payload)

    return send


@pytest.fixture
def elsewhere(tmp_path):
    """Run lines in another process, with what the payload holds as `value`; what they print."""

    def run(obj, lines):
        program = (
            "import sys\n"
            "from suitkaise.cucumber import deserialize, reconnect_all\n"
            "value = deserialize(sys.stdin.buffer.read())\n" + lines
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            input=serialize(obj),
            capture_output=True,
            timeout=60,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    return run
