"""A script needs no guard, wherever it comes from, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

DEADLINE = 60.0

SCRIPT = """
from suitkaise.processing import Pool, Skprocess

factor = 3

class Adder(Skprocess):
    def __init__(self, start):
        self.total = start
        self.process_config.runs = 4

    def __run__(self):
        self.total += self._step()

    def _step(self):
        return factor

    def __result__(self):
        return self

adder = Adder(1)
result = adder.run()
assert type(result) is Adder, type(result)
assert result.total == 13, result.total
with Pool(workers=2) as pool:
    assert pool.map(lambda n: n * factor, range(100)) == [n * 3 for n in range(100)]
    assert [type(a) for a in pool.map(Adder, [1, 2])] == [Adder, Adder]
print("it ran once")
"""


def run_python(*arguments: str, text: str | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        input=text,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_a_script_without_a_main_guard_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)

    assert run_python(str(script)) == "it ran once\n"


def test_a_program_from_standard_input_runs_once() -> None:
    assert run_python("-", text=SCRIPT) == "it ran once\n"


def test_a_program_from_the_command_line_runs_once() -> None:
    assert run_python("-c", SCRIPT) == "it ran once\n"


def test_a_module_beside_the_script_is_imported_by_the_child(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("def double(n):\n    return 2 * n\n")
    script = tmp_path / "script.py"
    script.write_text(
        "from suitkaise.processing import Pool\n"
        "from beside import double\n"
        "with Pool(2) as pool:\n"
        "    print(pool.map(double, [1, 2]))\n"
    )

    assert run_python(str(script)) == "[2, 4]\n"


def test_classes_defined_in_a_test_that_children_cannot_import_travel(tmp_path: Path) -> None:
    test = tmp_path / "unreachable" / "test_inner.py"
    test.parent.mkdir()
    test.write_text(
        "from suitkaise.processing import Pool, Skprocess\n"
        "def triple(n):\n"
        "    return 3 * n\n"
        "class Tripler(Skprocess):\n"
        "    def __init__(self, n):\n"
        "        self.n = n\n"
        "        self.process_config.runs = 1\n"
        "    def __run__(self):\n"
        "        self.n = triple(self.n)\n"
        "    def __result__(self):\n"
        "        return self.n\n"
        "def test_inner():\n"
        "    assert Tripler(2).run() == 6\n"
        "    with Pool(2) as pool:\n"
        "        assert pool.map(triple, [1, 2]) == [3, 6]\n"
        "        assert pool.map(lambda n: triple(n) + 1, [1, 2]) == [4, 7]\n"
    )

    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "pytest",
            "-q",
            "--import-mode=importlib",
            "-p",
            "no:cacheprovider",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_running_process_and_an_open_pool_end_with_the_interpreter_silently() -> None:
    output = run_python(
        "-c",
        "import time\n"
        "from suitkaise.processing import Pool, Skprocess\n"
        "class Sleeper(Skprocess):\n"
        "    def __run__(self):\n"
        "        time.sleep(1000)\n"
        "sleeper = Sleeper()\n"
        "sleeper.start()\n"
        "pool = Pool(2)\n"
        "print(pool.map(abs, [-1]))\n",
    )

    assert output == "[1]\n"


BUSY = """
import os, sys, threading, time
from suitkaise.processing import Pool, Skprocess

class Busy(Skprocess):
    def __init__(self, kind):
        self.kind = kind
    def __run__(self):
        self.tell(os.getpid())
        if self.kind == "python":
            while True:
                pass
        elif self.kind == "compiled":
            sum(range(10**15))
        else:
            time.sleep(1000)

class Outer(Skprocess):
    def __run__(self):
        inner = Busy("python")
        inner.start()
        self.tell(inner.listen())
        time.sleep(1000)

def report(pid):
    os.write(1, f"{pid}\\n".encode())

def spin(path):
    report(os.getpid())
    while True:
        pass

processes = [Busy("python"), Busy("compiled"), Busy("asleep"), Outer()]
for process in processes:
    process.start()
for process in processes:
    report(process.listen())
pool = Pool(2)
threading.Thread(target=pool.map, args=(spin, [1, 2]), daemon=True).start()
time.sleep(1000)
"""
BUSY_PIDS = 6


class Program:
    """A running program, and the processes that it reports."""

    def __init__(self) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", BUSY],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.popen.stdout is not None
        self.reported = [int(self.popen.stdout.readline()) for _ in range(BUSY_PIDS)]
        self.tree = psutil.Process(self.popen.pid).children(recursive=True)

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait(DEADLINE)
        assert self.popen.stdout is not None
        self.popen.stdout.close()


@pytest.fixture
def program() -> Iterator[Program]:
    program = Program()
    yield program
    program.end()


def shared_memory() -> set[str]:
    folder = Path("/dev/shm")
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_parent_that_is_ended_by(number: int, program: Program) -> None:
    assert set(program.reported) <= {process.pid for process in program.tree}

    program.popen.send_signal(number)

    program.popen.wait(5)
    _, alive = psutil.wait_procs(program.tree, timeout=5)
    assert alive == []


def test_children_end_when_the_server_that_forked_them_is_killed(program: Program) -> None:
    server = next(
        process
        for process in psutil.Process(program.popen.pid).children()
        if "suitkaise.processing._server" in " ".join(process.cmdline())
    )

    server.kill()

    _, alive = psutil.wait_procs(program.tree, timeout=5)
    assert alive == []


def test_no_shared_memory_or_temporary_file_stays_behind(tmp_path: Path) -> None:
    before = shared_memory()
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    popen = subprocess.Popen(
        [sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert popen.stdout is not None
    for _ in range(BUSY_PIDS):
        popen.stdout.readline()

    popen.kill()

    popen.wait(DEADLINE)
    popen.stdout.close()
    wait_until(lambda: shared_memory() <= before)
    assert list(tmp_path.iterdir()) == []


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def test_ctrl_c_in_a_map_ends_the_program_with_one_traceback() -> None:
    popen = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, time\n"
            "from suitkaise.processing import Pool\n"
            "def sleep(n):\n"
            "    os.write(1, b'running\\n')\n"
            "    time.sleep(1000)\n"
            "with Pool(2) as pool:\n"
            "    pool.map(sleep, [1, 2, 3])\n",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert popen.stdout is not None
    popen.stdout.readline()

    popen.send_signal(signal.SIGINT)

    _, errors = popen.communicate(timeout=DEADLINE)
    assert popen.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_a_process_forked_by_the_program_makes_an_engine_of_its_own() -> None:
    output = run_python(
        "-W",
        "ignore::DeprecationWarning",
        "-c",
        "import os\n"
        "from suitkaise.processing import Pool, ProcessError\n"
        "pool = Pool(1)\n"
        "assert pool.map(abs, [-1]) == [1]\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n"
        "        pool.map(abs, [-1])\n"
        "    except ProcessError as error:\n"
        "        print('refused:', error, flush=True)\n"
        "    with Pool(1) as own:\n"
        "        assert own.map(abs, [-2]) == [2]\n"
        "    os._exit(0)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n"
        "assert pool.map(abs, [-3]) == [3]\n"
        "pool.close()\n",
    )

    assert output.startswith("refused: this Pool was made in another process")


def test_a_process_started_before_a_fork_is_refused_after_it() -> None:
    output = run_python(
        "-W",
        "ignore::DeprecationWarning",
        "-c",
        "import os, time\n"
        "from suitkaise.processing import ProcessError, Skprocess\n"
        "class Sleeper(Skprocess):\n"
        "    def __run__(self):\n"
        "        time.sleep(1000)\n"
        "sleeper = Sleeper()\n"
        "sleeper.start()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    try:\n"
        "        sleeper.wait()\n"
        "    except ProcessError as error:\n"
        "        print('refused:', error, flush=True)\n"
        "    os._exit(0)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0\n"
        "assert sleeper.is_alive\n",
    )

    assert output.startswith("refused: Sleeper was started by another process")


def test_nothing_is_left_open_at_the_end() -> None:
    run_python("-X", "dev", "-c", SCRIPT)


def test_what_a_program_registers_for_its_exit_still_finds_its_processes() -> None:
    output = run_python(
        "-c",
        "import atexit\n"
        "from suitkaise.processing import Skprocess\n"
        "class Waiting(Skprocess):\n"
        "    def __run__(self):\n"
        "        self.listen()\n"
        "    def __result__(self):\n"
        "        return 'stopped in good order'\n"
        "waiting = Waiting()\n"
        "def finish():\n"
        "    waiting.stop()\n"
        "    print(waiting.result())\n"
        "atexit.register(finish)\n"
        "waiting.start()\n",
    )

    assert output == "stopped in good order\n"
