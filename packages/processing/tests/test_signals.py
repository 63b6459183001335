"""Ctrl-C in a real terminal, SIGTERM, and the end of the program: quiet, and nothing is left."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

DEADLINE = 60.0
AT_MOST = 5.0  # seconds until nothing is left
CTRL_C = b"\x03"

PROGRAM = """
import atexit, os, signal, sys, threading, time
from suitkaise.processing import Pool, Skprocess

def report(word):
    os.write(1, (word + chr(10)).encode())

class Sleeper(Skprocess):
    def __run__(self):
        self.tell(os.getpid())
        time.sleep(1000)

class Heedless(Sleeper):
    def __run__(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        Sleeper.__run__(self)

class Outer(Sleeper):
    def __run__(self):
        inner = Heedless()
        inner.start()
        inner.listen()
        Sleeper.__run__(self)

class Echo(Skprocess):
    def __run__(self):
        self.tell(self.listen())

class Quick(Skprocess):
    def __init__(self):
        self.process_config.runs = 1
    def __run__(self):
        pass

def sleep(n):
    report("running")
    time.sleep(1000)

def start_all():
    started = [Sleeper(), Heedless(), Outer()]
    for process in started:
        process.start()
    for process in started:
        process.listen()
    return started
"""


class Terminal:
    """A program that runs in a terminal of its own, in the foreground."""

    def __init__(self, body: str, command: tuple[str, ...] = ()) -> None:
        self._ours, theirs = pty.openpty()

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        plain = os.environ | {"PYTHON_COLORS": "0"}  # from 3.13 on tracebacks have colours
        self.popen = subprocess.Popen(
            [*command, sys.executable, "-c", PROGRAM + body],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            preexec_fn=take_terminal,
            env=plain,
        )
        os.close(theirs)
        self.output = ""
        self.members: set[psutil.Process] = set()

    def read_until(self, words: str) -> None:
        """Read what the program writes until these words have come."""
        deadline = time.monotonic() + DEADLINE
        while words not in self.output:
            assert self._read(deadline), f"it ended early: {self.output}"

    def press(self, key: bytes = CTRL_C) -> None:
        """Press a key, and note who is there at this moment."""
        self.note_members()
        os.write(self._ours, key)

    def note_members(self) -> None:
        self.members.update(psutil.Process(self.popen.pid).children(recursive=True))

    def await_end(self) -> int:
        """Read the rest; return the exit status, as `subprocess` does."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        return self.popen.wait(DEADLINE)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing came for too long after: {self.output}"
        try:
            data = os.read(self._ours, 1 << 16)
        except OSError:  # EIO: nobody has the terminal open any more
            data = b""
        self.output += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)

    def close(self) -> None:
        self.popen.kill()
        self.popen.wait(DEADLINE)
        os.close(self._ours)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def left_of(processes: set[psutil.Process]) -> list[psutil.Process]:
    """Return those that are still there when the time is up."""
    return psutil.wait_procs(list(processes), timeout=AT_MOST)[1]


ALL_KINDS = "started = start_all()\npool = Pool(2)\npool.map(abs, [1, 2])\nreport('ready')\n"

BLOCKED_IN = {
    "sleep": "time.sleep(1000)\n",
    "result": "started[0].result()\n",
    "wait": "started[0].wait()\n",
    "listen": "started[0].listen()\n",
    "map": "pool.map(sleep, [1, 2, 3])\n",
    "imap": "list(pool.imap(sleep, [1, 2, 3]))\n",
    "unordered_map": "pool.unordered_map(sleep, [1, 2, 3])\n",
    "unordered_imap": "list(pool.unordered_imap(sleep, [1, 2, 3]))\n",
    "map in the background": "pool.map.background()(sleep, [1, 2, 3]).result()\n",
    "map with progress": (
        "class Watcher:\n    update = print\npool.map(sleep, [1, 2, 3], progress=Watcher())\n"
    ),
    "map in a with block": "with pool:\n    pool.map(sleep, [1, 2, 3])\n",
    "run": "Sleeper().run()\n",
}


def tracebacks_in(output: str) -> int:
    """Count them; one that says during what it was raised is one with that."""
    return output.count("Traceback") - output.count("During handling of the above exception")


@pytest.mark.parametrize("place", BLOCKED_IN)
def test_ctrl_c_ends_everything_with_one_traceback(place: str, terminals: list[Terminal]) -> None:
    terminal = Terminal(ALL_KINDS + BLOCKED_IN[place])
    terminals.append(terminal)
    terminal.read_until("ready")
    if "pool." in BLOCKED_IN[place]:
        terminal.read_until("running\nrunning\n")

    terminal.press()

    assert terminal.await_end() == -signal.SIGINT
    assert tracebacks_in(terminal.output) == 1, terminal.output
    assert terminal.output.rstrip().endswith("KeyboardInterrupt")
    assert len(terminal.members) >= 5
    assert left_of(terminal.members) == []


# Each keeps doing one thing; Ctrl-C comes at any moment of it.
BUSY_WITH = {
    "start": "while True:\n    Quick().start()\n",
    "run": "while True:\n    Quick().run()\n",
    "the very first start": "Sleeper().run()\n",
    "tell": (
        "echo = Echo()\necho.start()\nwhile True:\n    echo.tell('x' * 5000)\n    echo.listen()\n"
    ),
    "map": "pool = Pool(2)\nwhile True:\n    pool.map(abs, range(1000))\n",
    "a new pool": "while True:\n    with Pool(2) as pool:\n        pool.map(abs, range(10))\n",
}


@pytest.mark.parametrize("action", BUSY_WITH)
@pytest.mark.parametrize("seed", range(3))
def test_ctrl_c_in_the_middle_of_something_is_as_quiet(
    action: str, seed: int, terminals: list[Terminal]
) -> None:
    moment = random.Random(f"{action} {seed}").uniform(0.0, 0.4)
    terminal = Terminal("report('ready')\n" + BUSY_WITH[action])
    terminals.append(terminal)
    terminal.read_until("ready")

    select.select([], [], [], moment)  # any moment will do
    terminal.press()

    assert terminal.await_end() == -signal.SIGINT
    assert terminal.output.rstrip().endswith("KeyboardInterrupt"), terminal.output
    assert tracebacks_in(terminal.output) == 1, terminal.output
    assert left_of(terminal.members) == []


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.1, 0.3])
def test_a_second_ctrl_c_spoils_nothing(pause: float, terminals: list[Terminal]) -> None:
    terminal = Terminal(ALL_KINDS + "with pool:\n    pool.map(sleep, [1, 2, 3])\n")
    terminals.append(terminal)
    terminal.read_until("running\nrunning\n")

    terminal.press()
    select.select([], [], [], pause)
    os.write(terminal._ours, CTRL_C)

    assert terminal.await_end() == -signal.SIGINT
    assert "suitkaise-io" not in terminal.output
    assert "atexit" not in terminal.output
    assert left_of(terminal.members) == []


def test_ctrl_c_that_the_program_catches_ends_no_process(terminals: list[Terminal]) -> None:
    terminal = Terminal(
        ALL_KINDS + "try:\n    report('catching')\n    time.sleep(1000)\n"
        "except KeyboardInterrupt:\n    pass\n"
        "assert all(process.is_alive for process in started)\n"
        "assert pool.map(abs, [-1, -2]) == [1, 2]\n"
        "report('all there')\n"
    )
    terminals.append(terminal)
    terminal.read_until("catching")

    terminal.press()

    assert terminal.await_end() == 0, terminal.output
    assert terminal.output.rstrip().endswith("all there")
    assert left_of(terminal.members) == []


@pytest.mark.parametrize(("number", "status"), [("INT", 130), ("TERM", 143)])
def test_a_shell_sees_the_usual_exit_status(
    number: str, status: int, terminals: list[Terminal]
) -> None:
    script = 'trap : INT; "$@"; echo "status $?"'
    terminal = Terminal(ALL_KINDS + "time.sleep(1000)\n", ("sh", "-c", script, "sh"))
    terminals.append(terminal)
    terminal.read_until("ready")

    if number == "INT":
        terminal.press()
    else:
        terminal.note_members()
        psutil.Process(terminal.popen.pid).children()[0].terminate()

    assert terminal.await_end() == 0
    assert f"status {status}\n" in terminal.output
    assert left_of(terminal.members) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_that_ends_the_program_ends_its_processes_without_a_word(
    number: signal.Signals, terminals: list[Terminal]
) -> None:
    terminal = Terminal(ALL_KINDS + "time.sleep(1000)\n")
    terminals.append(terminal)
    terminal.read_until("ready")
    terminal.note_members()

    terminal.popen.send_signal(number)

    assert terminal.await_end() == -number
    assert terminal.output == "ready\n"
    assert left_of(terminal.members) == []


def test_a_terminal_that_is_closed_ends_everything(terminals: list[Terminal]) -> None:
    terminal = Terminal(ALL_KINDS + "time.sleep(1000)\n")
    terminals.append(terminal)
    terminal.read_until("ready")
    terminal.note_members()

    os.close(terminal._ours)
    terminal._ours = os.open(os.devnull, os.O_RDWR)

    assert terminal.popen.wait(DEADLINE) == -signal.SIGHUP
    assert left_of(terminal.members) == []


# -- the end of the program


ENDINGS = {
    "the last line": "",
    "an exception": "raise RuntimeError('enough')\n",
    "sys.exit": "sys.exit(3)\n",
    "os._exit": "os._exit(4)\n",
    "a thread that ends last": "threading.Thread(target=time.sleep, args=(0.2,)).start()\n",
    "stop": "for process in started:\n    process.stop()\npool.close()\n",
    "an exit function": "atexit.register(lambda: started[1].stop())\n",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_is_left_when_the_program_ends_with(ending: str, terminals: list[Terminal]) -> None:
    terminal = Terminal(ALL_KINDS + "sys.stdin.readline()\n" + ENDINGS[ending])
    terminals.append(terminal)
    terminal.read_until("ready")

    terminal.press(b"\n")

    status = terminal.await_end()
    assert status == {"an exception": 1, "sys.exit": 3, "os._exit": 4}.get(ending, 0)
    assert tracebacks_in(terminal.output) == (ending == "an exception"), terminal.output
    assert left_of(terminal.members) == []


def test_a_process_may_clean_up_when_the_program_is_ended(
    tmp_path: Path, terminals: list[Terminal]
) -> None:
    terminal = Terminal(
        "class Careful(Skprocess):\n"
        "    def __run__(self):\n"
        "        signal.signal(signal.SIGTERM, lambda *_: sys.exit())\n"
        "        try:\n"
        "            self.tell('ready')\n"
        "            time.sleep(1000)\n"
        "        finally:\n"
        f"            open({str(tmp_path / 'cleaned up')!r}, 'w').close()\n"
        "careful = Careful()\n"
        "careful.start()\n"
        "report(careful.listen())\n"
        "time.sleep(1000)\n"
    )
    terminals.append(terminal)
    terminal.read_until("ready")
    terminal.note_members()

    terminal.popen.terminate()

    assert terminal.await_end() == -signal.SIGTERM
    assert left_of(terminal.members) == []
    assert (tmp_path / "cleaned up").exists()
