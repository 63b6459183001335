"""A server process of its own, with its own data folder and a free port."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 60.0


class MissingServerError(Exception):
    """The program of a server is not on this machine."""


class Server:
    """A server that is started, stopped and started again.

    Args:
        command: The program and its arguments, which keep it in the foreground.
        folder: Its data folder; belongs to `user()`.
        is_ready: Asked until it answers True.
    """

    def __init__(self, command: list[str], folder: Path, is_ready: Callable[[], bool]) -> None:
        self.command = command
        self.folder = folder
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None
        self.stop_signal = signal.SIGINT

    def start(self) -> None:
        """Start it, and wait until it serves."""
        with (self.folder / "log").open("ab") as log:
            command = [*_dying_with_us(), *self.command]
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, user=user()
            )
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.command}: {(self.folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, as a power failure would not: cleanly."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def restart(self) -> None:
        """End it and start it again; its connections break."""
        self.stop()
        self.start()


def _dying_with_us() -> list[str]:
    """Return what to put before a command so that it ends with the tests, however they end."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def user() -> int | None:
    """Return the ordinary user to run servers as; None: the one who runs the tests."""
    return pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None


def make_folder(parent: Path, name: str) -> Path:
    """Make a folder that belongs to the user of the servers, and that it can reach."""
    folder = parent / name
    folder.mkdir()
    owner = user()
    if owner is not None:
        os.chown(folder, owner, -1)
        for each in (folder, *folder.parents):
            if each != Path("/") and each.stat().st_uid == 0 and not each.stat().st_mode & 0o001:
                each.chmod(each.stat().st_mode | 0o011)
    return folder


def make_certificate(folder: Path) -> None:
    """Make a key and a certificate, signed by itself, of "localhost" and 127.0.0.1."""
    subprocess.run(
        [
            *(find_program("openssl"), "req", "-x509", "-nodes", "-days", "2"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(folder / "key"), "-out", str(folder / "certificate")),
        ],
        capture_output=True,
        check=True,
    )
    for each in ("key", "certificate"):  # which the user of the server reads
        (folder / each).chmod(0o644)


def find_program(*names: str) -> str:
    """Find a program by one of its names, also where Debian hides it.

    Raises:
        MissingServerError: If it is not installed.
    """
    folders = ["/usr/sbin", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    path = os.pathsep.join([os.environ.get("PATH", ""), *folders])
    for name in names:
        found = shutil.which(name, path=path)
        if found is not None:
            return found
    raise MissingServerError(f"{' or '.join(names)} is not installed on this machine")


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
