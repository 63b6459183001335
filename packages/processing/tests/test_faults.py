"""What goes wrong around a program ends in a clear error, never in a hang or a leak."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from suitkaise.cucumber import SerializationError
from suitkaise.processing import Pool, ProcessError, Skprocess

DEADLINE = 60.0

QUICK = """
import os, resource, signal, sys, threading, time
from suitkaise.processing import Pool, ProcessDiedError, ProcessError, Skprocess

class Quick(Skprocess):
    def __init__(self, value=5):
        self.value = value
        self.process_config.runs = 1
    def __run__(self):
        pass
    def __result__(self):
        return self.value() if callable(self.value) else self.value

def descriptors():
    return len(os.listdir("/proc/self/fd"))
"""


def run_script(body: str, *, shell: str = "") -> str:
    """Run a program; it must end well, and say what it says on its standard output."""
    command = [sys.executable, "-c", QUICK + body]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_a_process_that_has_ended_keeps_no_descriptor() -> None:
    run_script(
        "kept = [Quick()]\n"
        "kept[0].run()\n"
        "before = descriptors()\n"
        "for timeout in (None, 3600.0):\n"
        "    for _ in range(50):\n"
        "        quick = Quick()\n"
        "        quick.process_config.timeouts.run = timeout\n"
        "        assert quick.run() == 5\n"
        "        kept.append(quick)\n"
        "        while quick._end._child.exitcode is None: time.sleep(0.001)\n"
        "assert descriptors() <= before + 3, (before, descriptors())\n"
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_hurt_no_process(closed: str, tmp_path: Path) -> None:
    report = tmp_path / "report"
    run_script(
        "results = []\n"
        "for n in range(4):\n"
        "    results.append(Quick(n).run())\n"
        "    time.sleep(0.1)\n"
        f"open({str(report)!r}, 'w').write(repr(results))\n",
        shell=closed,
    )

    assert report.read_text() == "[0, 1, 2, 3]"


def test_a_program_that_blocks_sigchld_learns_of_deaths() -> None:
    run_script(
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})\n"
        "quick = Quick(lambda: os._exit(3))\n"
        "quick.start()\n"
        "assert quick.wait(30)\n"
        "assert quick.error.exitcode == 3\n"
    )


def test_a_result_that_does_not_fit_into_memory_is_an_error() -> None:
    run_script(
        "Quick().run()\n"
        "with Pool(1) as pool:\n"
        "    pool.map(abs, [1])\n"
        "    used = int(open('/proc/self/statm').read().split()[0]) * 4096\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (used + 200 * 2**20, resource.RLIM_INFINITY))\n"
        "    for attempt in (lambda: Quick(lambda: bytes(300 * 2**20)).run(),\n"
        "                    lambda: pool.map(bytes, [300 * 2**20])):\n"
        "        try:\n"
        "            attempt()\n"
        "        except ProcessError as error:\n"
        "            assert 'cannot be rebuilt here: MemoryError' in str(error), error\n"
        "            assert isinstance(error.original_error, MemoryError)\n"
        "        else:\n"
        "            raise AssertionError('it did fit')\n"
        "    assert pool.map(abs, [-1]) == [1]\n"
    )


def test_servers_that_are_killed_leave_no_descriptor() -> None:
    run_script(
        "import psutil\n"
        "Quick().run()\n"
        "before = descriptors()\n"
        "for _ in range(5):\n"
        "    psutil.Process().children()[0].kill()\n"
        "    while True:\n"
        "        try:\n"
        "            assert Quick().run() == 5\n"
        "            break\n"
        "        except ProcessDiedError:  # it was started by the server that was dying\n"
        "            pass\n"
        "time.sleep(0.2)\n"
        "assert descriptors() <= before + 3, (before, descriptors())\n"
        "psutil.Process().children()[0].kill()\n"
    )


def test_a_fork_in_a_task_that_returns_twice_counts_once() -> None:
    def fork(number: int) -> int:
        if os.fork() == 0:
            return -1
        return number

    with Pool(1) as pool:
        assert pool.map(fork, range(5)) == [0, 1, 2, 3, 4]
        assert pool.map(abs, range(5)) == [0, 1, 2, 3, 4]


def test_a_fork_in_a_run_that_returns_twice_counts_once() -> None:
    class Forking(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.is_fork = os.fork() == 0

        def __result__(self) -> bool:
            return self.is_fork

    assert [Forking().run() for _ in range(3)] == [False] * 3


def test_stop_iteration_of_a_task_does_not_end_the_results_silently() -> None:
    def stop(number: int) -> int:
        if number == 3:
            raise StopIteration
        return number

    with Pool(2) as pool:
        with pytest.raises(RuntimeError, match="the task raised StopIteration"):
            list(pool.imap(stop, range(10)))
        with pytest.raises(RuntimeError, match="the task raised StopIteration"):
            pool.map(stop, range(10))


def test_what_came_before_an_error_of_the_input_is_returned_first() -> None:
    def numbers() -> Iterator[int]:
        yield from range(10)
        raise KeyError("of the input")

    results: list[int] = []
    with Pool(2) as pool, pytest.raises(KeyError, match="of the input") as caught:
        results.extend(pool.imap(abs, numbers()))

    assert results == list(range(10))
    assert caught.traceback[-1].name == "numbers"


def test_an_input_that_fails_ends_a_map_at_once() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise KeyError("of the input")

    with Pool(2) as pool:
        with pytest.raises(KeyError, match="of the input"):
            pool.map(abs, numbers())
        assert pool.map(abs, [-1]) == [1]


def test_a_result_of_a_class_that_cannot_be_hashed_is_an_error_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(
        "class Meta(type):\n"
        "    __hash__ = None\n"
        "class Odd(metaclass=Meta):\n"
        "    value = 5\n"
        "def make(_):\n"
        "    return Odd()\n"
    )
    output = run_script(
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "import odd\n"
        "with Pool(1) as pool:\n"
        "    try:\n"
        "        pool.map(odd.make, [1])\n"
        "    except ProcessError as error:\n"
        "        print(error)\n"
        "    print(pool.map(abs, [-5]))\n"
    )

    reason = (
        "the task of item 0 returned a Odd that cannot travel to the parent: "
        "TypeError: unhashable type: 'Meta'"
    )
    assert output == f"{reason}\n[5]\n"


class ExitsWhenRebuilt:
    def __reduce__(self) -> tuple[object, ...]:
        return sys.exit, (7,)


class ComesBackAsNumber(Exception):
    def __reduce__(self) -> tuple[object, ...]:
        return int, (7,)


def test_what_exits_when_it_is_rebuilt_does_not_exit_here() -> None:
    class Exiting(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __run__(self) -> None:
            pass

        def __result__(self) -> ExitsWhenRebuilt:
            return ExitsWhenRebuilt()

    with pytest.raises(ProcessError, match="cannot be rebuilt here"):
        Exiting().run()
    with Pool(1) as pool, pytest.raises(ProcessError, match="cannot be rebuilt here"):
        pool.map(lambda _: ExitsWhenRebuilt(), [1])


def test_an_exception_that_comes_back_as_something_else_is_an_error() -> None:
    def fail(_: int) -> NoReturn:
        raise ComesBackAsNumber

    class Failing(Skprocess):
        def __run__(self) -> None:
            raise ValueError("first")

        def __error__(self) -> ComesBackAsNumber:
            return ComesBackAsNumber()

    with Pool(1) as pool, pytest.raises(ProcessError, match="cannot be rebuilt here"):
        pool.map(fail, [1])
    with pytest.raises(ProcessError, match="cannot be rebuilt here"):
        Failing().run()


def test_a_stream_without_flush_loses_no_result() -> None:
    class Replacing(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __run__(self) -> None:
            sys.stdout = object()  # type: ignore[assignment]

        def __result__(self) -> int:
            return 5

    assert Replacing().run() == 5


def test_kill_ends_a_process_that_lingers_after_its_result() -> None:
    assert (
        run_script(
            "import psutil\n"
            "class Lingering(Quick):\n"
            "    def __run__(self):\n"
            "        self.value = os.getpid()\n"
            "        threading.Thread(target=time.sleep, args=(1000,)).start()\n"
            "lingering = Lingering()\n"
            "pid = lingering.run()\n"
            "assert not lingering.is_alive and psutil.pid_exists(pid)\n"
            "lingering.kill()\n"
            "deadline = time.monotonic() + 30\n"
            "while psutil.pid_exists(pid):\n"
            "    assert time.monotonic() < deadline\n"
            "    time.sleep(0.01)\n"
            "assert lingering.result() == pid\n"
            "print('gone')\n"
        )
        == "gone\n"
    )


def test_without_shared_memory_what_fits_into_a_message_still_travels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("suitkaise.processing._segments.lend", refuse)
    monkeypatch.setattr("suitkaise.processing._parcels._MOST_INLINE_BYTES", 3_000_000)

    with Pool(1) as pool:
        assert pool.map(len, [b"x", b"x" * 2_000_000]) == [1, 2_000_000]
        with pytest.raises(SerializationError, match=r"item 1 for len: 4,.* bytes need shared"):
            pool.map(len, [b"x", b"x" * 4_000_000])


def test_a_worker_dies_alone_when_a_map_was_interrupted_before() -> None:
    script = (
        "def interrupt():\n"
        "    time.sleep(0.03)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "pool = Pool(2)\n"
        "pool.map(abs, range(10))\n"
        "for _ in range(40):\n"
        "    threading.Thread(target=interrupt).start()\n"
        "    try:\n"
        "        pool.map(str, range(10_000_000))\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "    assert pool.map(abs, range(50)) == list(range(50))\n"
    )

    run_script(script)
