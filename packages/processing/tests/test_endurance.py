"""Many processes, no descriptors, a program that is killed: nothing is left, and nothing broken."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.endurance

DEADLINE = 100.0
AT_MOST = 5.0  # seconds until nothing of a killed program is left

PROLOGUE = """
import contextlib, errno, gc, os, resource, sys, tempfile, threading, time
import psutil
from suitkaise.processing import Pipe, Pool, ProcessError, Skprocess

class Quick(Skprocess):
    def __init__(self, value=5):
        self.value = value
        self.process_config.runs = 1
    def __run__(self):
        pass
    def __result__(self):
        return self.value

class Echo(Skprocess):
    def __run__(self):
        data = self.listen()
        if data is not None:
            self.tell(data)

def descriptors():
    return len(os.listdir("/proc/self/fd"))

def until(is_so):
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline, is_so
        time.sleep(0.01)
"""


def run_script(body: str) -> str:
    """Run a program; it must end well, with nothing to say on standard error."""
    ended = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", PROLOGUE + body],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout


# -- as before


MEASURES = """
SERVER_AND_SPARE = 2

def measure():
    until(lambda: len(psutil.Process().children(recursive=True)) == SERVER_AND_SPARE)
    gc.collect()
    names = {*os.listdir("/dev/shm"), *os.listdir(tempfile.gettempdir())}
    return descriptors(), threading.active_count(), psutil.Process().num_threads(), names

def memory():
    gc.collect()
    own = psutil.Process()
    server = own.children()[0]
    return own.memory_info().rss, server.memory_info().rss

def is_as_before():
    *counts, names = measure()
    return all(map(int.__le__, counts, before)) and names <= before[-1]

def require_as_before(grown_by):
    try:
        until(is_as_before)
    except AssertionError:
        raise AssertionError((before, measure())) from None
    grown = [now - then for now, then in zip(memory(), rss)]
    assert max(grown) < grown_by, grown
"""


def test_500_processes_in_a_row_leave_nothing_behind(tmp_path: Path) -> None:
    run_script(
        f"tempfile.tempdir = {str(tmp_path)!r}\n{MEASURES}"
        "def run(count):\n"
        "    for number in range(count):\n"
        "        assert Quick(number).run() == number\n"
        "run(100)\n"
        "before, rss = measure(), memory()\n"
        "run(500)\n"
        "require_as_before(grown_by=4 << 20)\n"
    )


def test_100_processes_at_once_leave_nothing_behind(tmp_path: Path) -> None:
    run_script(
        f"tempfile.tempdir = {str(tmp_path)!r}\n{MEASURES}"
        "def run(count):\n"
        "    echoes = [Echo() for _ in range(count)]\n"
        "    for echo in echoes:\n"
        "        echo.start()\n"
        "    for number, echo in enumerate(echoes):\n"
        "        echo.tell((number, bytes(100_000)))\n"
        "    assert [echo.listen()[0] for echo in echoes] == list(range(count))\n"
        "    for echo in echoes:\n"
        "        echo.stop()\n"
        "    assert [echo.result() for echo in echoes] == [None] * count\n"
        "run(100)\n"
        "before, rss = measure(), memory()\n"
        "run(100)\n"
        "require_as_before(grown_by=8 << 20)\n"
    )


# -- the program is killed


BUSY_WITH = {
    "starts": "while True:\n    Quick().run()\n",
    "many starts": (
        "while True:\n"
        "    started = [Echo() for _ in range(10)]\n"
        "    for echo in started: echo.start()\n"
    ),
    "large messages": (
        "echo = Echo(); echo.start()\nwhile True:\n    echo.tell(bytes(5_000_000)); echo.listen()\n"
    ),
    "maps": "pool = Pool(2)\nwhile True:\n    pool.map(len, [bytes(100_000)] * 20)\n",
    "pools": "while True:\n    with Pool(2) as pool: pool.map(abs, range(10))\n",
    "lives": (
        "class Dying(Quick):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.process_config.runs, self.process_config.lives = 5, 1000\n"
        "    def __run__(self):\n"
        "        self.data = bytes(100_000)\n"
        "        os._exit(1)\n"
        "while True:\n    Dying().run()\n"
    ),
}


@pytest.mark.parametrize("action", BUSY_WITH)
def test_nothing_is_left_of_a_program_that_is_killed_at_any_moment(
    action: str, tmp_path: Path
) -> None:
    moments = random.Random(action)
    shared = shared_memory()
    mark = f"SUITKAISE_TEST_KILLED={tmp_path}"
    for _ in range(5):
        program = subprocess.Popen(
            [sys.executable, "-c", f"{PROLOGUE}print('ready', flush=True)\n{BUSY_WITH[action]}"],
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(tmp_path), mark.split("=")[0]: str(tmp_path)},
        )
        with program:
            assert program.stdout is not None
            assert program.stdout.readline() == b"ready\n"
            time.sleep(moments.uniform(0.0, 0.5))  # any moment will do
            program.send_signal(signal.SIGKILL)
            program.wait(DEADLINE)

            assert left_of(mark) == []
        assert list(tmp_path.iterdir()) == []
        await_no_more_than(shared)


def shared_memory() -> set[Path]:
    return set(Path("/dev/shm").iterdir())


def await_no_more_than(shared: set[Path]) -> None:
    """Wait for what other programs have there now to go."""
    deadline = time.monotonic() + AT_MOST
    while more := shared_memory() - shared:
        assert time.monotonic() < deadline, more
        time.sleep(0.02)


def left_of(mark: str) -> list[psutil.Process]:
    """Return the processes with this variable in their environment once the time is up."""
    deadline = time.monotonic() + AT_MOST
    while left := [process for process in psutil.process_iter() if has_mark(process, mark)]:
        if time.monotonic() > deadline:
            return left
        time.sleep(0.02)
    return []


def has_mark(process: psutil.Process, mark: str) -> bool:
    name, value = mark.split("=")
    try:
        return process.environ().get(name) == value
    except psutil.Error:  # it has ended, or is another user's
        return False


# -- no descriptors left


NO_ROOM = """
SIZE = 3_000_000

@contextlib.contextmanager
def room_for(count):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
    fillers = []
    try:
        with contextlib.suppress(OSError):
            while True:
                fillers.append(os.dup(0))
        for _ in range(count):
            os.close(fillers.pop())
        yield
    finally:
        for filler in fillers:
            os.close(filler)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

def refused(action):
    # Whether there was no room for it; then the error says so.
    try:
        action()
    except (OSError, ProcessError) as error:
        reason = error if isinstance(error, OSError) else error.original_error
        assert isinstance(reason, OSError) and reason.errno == errno.EMFILE, repr(error)
        assert "Too many open files" in str(error) or "descriptors" in str(error), error
        return True
    return False

class Talking(Quick):
    def __run__(self):
        while (data := self.listen()) != "end":
            self.tell(len(data))
            self.tell(bytes(SIZE))
            self.tell("after")

class Resulting(Quick):
    def __run__(self):
        self.tell("ready")
        self.listen()

class Piping(Quick):
    def __run__(self):
        self.tell("ready")
        while (data := self.value.recv()) != "end":
            self.value.send(len(data))
            self.value.send(bytes(SIZE))
            self.value.send("after")
    def __result__(self):
        return "ended well"
"""


def test_without_descriptors_the_first_start_is_refused_and_a_later_one_works() -> None:
    run_script(
        f"{NO_ROOM}"
        "for count in range(40):\n"
        "    before = descriptors()\n"
        "    with room_for(count):\n"
        "        was_refused = refused(lambda: Quick().run())\n"
        "    if not was_refused:\n"
        "        break\n"
        "    gc.collect()\n"
        "    until(lambda: descriptors() <= before + 8)\n"  # the engine is there, once it could be
        "else:\n"
        "    raise AssertionError('never')\n"
        "assert count > 5\n"
        "assert Quick().run() == 5\n"
    )


def test_without_descriptors_whatever_needs_one_is_refused_and_leaks_none() -> None:
    run_script(
        f"{NO_ROOM}"
        "def open_pool():\n"
        "    with Pool(2) as pool:\n"
        "        assert pool.map(abs, [-1, -2, -3]) == [1, 2, 3]\n"
        "def open_pipe():\n"
        "    anchor, point = Pipe.pair()\n"
        "    anchor.send(1)\n"
        "    assert point.recv() == 1\n"
        "def run():\n"
        "    assert Quick().run() == 5\n"
        "open_pool(), open_pipe(), run()\n"
        "for action in (run, open_pool, open_pipe):\n"
        "    count = 0\n"
        "    while True:\n"
        "        gc.collect()\n"
        "        before = descriptors()\n"
        "        with room_for(count):\n"
        "            was_refused = refused(action)\n"
        "        gc.collect()\n"
        "        until(lambda: descriptors() <= before)\n"
        "        action()\n"
        "        if not was_refused:\n"
        "            break\n"
        "        count += 1\n"
        "    assert count, action\n"
    )


@pytest.mark.parametrize("count", range(3))
def test_without_descriptors_a_large_message_is_lost_alone(count: int) -> None:
    run_script(
        f"{NO_ROOM}"
        "talking = Talking()\n"
        "talking.start()\n"
        f"with room_for({count}):\n"
        "    talking.tell(bytes(SIZE))\n"
        "    assert talking.listen(timeout=30) == SIZE\n"
        f"    assert refused(lambda: talking.listen(timeout=30)) == ({count} == 0)\n"
        "    assert talking.listen(timeout=30) == 'after'\n"
        "talking.tell('x')\n"
        "assert [len(talking.listen()) if n == 1 else talking.listen() for n in range(3)] "
        "== [1, SIZE, 'after']\n"
        "talking.tell('end')\n"
        "assert talking.result() == 5\n"
    )


@pytest.mark.parametrize("count", range(3))
def test_without_descriptors_a_large_result_is_an_error(count: int) -> None:
    run_script(
        f"{NO_ROOM}"
        "resulting = Resulting(bytes(SIZE))\n"
        "resulting.start()\n"
        "assert resulting.listen() == 'ready'\n"
        f"with room_for({count}):\n"
        "    resulting.tell('go')\n"
        f"    assert refused(resulting.result) == ({count} == 0)\n"
        f"assert refused(resulting.result) == ({count} == 0)\n"
        "assert Quick().run() == 5\n"
    )


@pytest.mark.parametrize("count", range(3))
def test_without_descriptors_a_large_message_of_a_pipe_is_lost_alone(count: int) -> None:
    run_script(
        f"{NO_ROOM}"
        "anchor, point = Pipe.pair()\n"
        "piping = Piping(point)\n"
        "piping.start()\n"
        "assert piping.listen() == 'ready'\n"
        f"with room_for({count}):\n"
        "    anchor.send(bytes(SIZE))\n"
        "    assert anchor.recv(timeout=30) == SIZE\n"
        f"    assert refused(lambda: anchor.recv(timeout=30)) == ({count} == 0)\n"
        "    assert anchor.recv(timeout=30) == 'after'\n"
        "anchor.send('x')\n"
        "assert [len(anchor.recv()) if n == 1 else anchor.recv() for n in range(3)] "
        "== [1, SIZE, 'after']\n"
        "anchor.send('end')\n"
        "assert piping.result() == 'ended well'\n"
    )


@pytest.mark.parametrize("count", range(3))
def test_without_descriptors_a_large_result_of_a_map_is_an_error(
    count: int, tmp_path: Path
) -> None:
    run_script(
        f"{NO_ROOM}"
        f"gate = {str(tmp_path / 'gate')!r}\n"
        "def wait_and_make(size):\n"
        "    while not os.path.exists(gate):\n"
        "        time.sleep(0.005)\n"
        "    return bytes(size)\n"
        "pool = Pool(2)\n"
        "assert pool.map(len, [bytes(SIZE)] * 4) == [SIZE] * 4\n"
        "made = pool.map.background()(wait_and_make, [SIZE] * 4)\n"
        "time.sleep(0.2)\n"  # that the workers are at it by then is likely, and no matter
        f"with room_for({count}):\n"
        "    os.mkfifo(gate)\n"
        f"    assert refused(made.result) == ({count} == 0)\n"
        "    assert pool.map(len, [bytes(SIZE)] * 4) == [SIZE] * 4\n"
        "assert [len(made) for made in pool.map(bytes, [SIZE] * 4)] == [SIZE] * 4\n"
    )


def test_a_pipe_that_outlives_the_modules_at_the_end_of_the_program_is_quiet() -> None:
    run_script(
        "import builtins\n"
        "anchor, point = builtins.kept = Pipe.pair()\n"
        "anchor.send(bytes(100_000))\n"
        "builtins.message = point.recv()\n"
        "anchor.send([bytearray(2_000_000)])\n"
    )
