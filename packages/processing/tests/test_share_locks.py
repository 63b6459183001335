"""The locks of a Share: among threads, among processes, and when something comes between."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fcntl import LOCK_UN, lockf
from pathlib import Path

import pytest
from packages.processing.tests.interrupter import Interrupter

from suitkaise.processing._platform import anonymous_file
from suitkaise.processing._share._locks import ByteLock, hold

DEADLINE = 60.0

# What the processes of these tests begin with: the lock file is the descriptor given to them.
PRELUDE = """
import os, signal, sys, threading, time
from suitkaise.processing._share import _locks
from suitkaise.processing._share._locks import ByteLock, hold
descriptor = int(sys.argv[1])
one, other = ByteLock(descriptor, 3, "one"), ByteLock(descriptor, 4, "other")
def say(word):
    os.write(1, word.encode() + b"\\n")
def hear():
    return sys.stdin.readline().strip()
"""


# Another process that tells whether bytes are free for it.
ASKER = """
import sys
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, lockf
descriptor = int(sys.argv[1])
for line in sys.stdin:
    try:
        lockf(descriptor, LOCK_EX | LOCK_NB, 1, int(line))
    except BlockingIOError:
        print("held", flush=True)
    else:
        lockf(descriptor, LOCK_UN, 1, int(line))
        print("free", flush=True)
"""


class Process:
    """Another process with the same lock file."""

    def __init__(self, descriptor: int, script: str) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-c", script, str(descriptor)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[descriptor],
            text=True,
        )
        self.pid = self._popen.pid

    def hear(self) -> str:
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()

    def say(self, word: str) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(word + "\n")
        self._popen.stdin.flush()

    def end(self) -> None:
        self._popen.kill()
        self._popen.communicate()

    def wait(self) -> int:
        return self._popen.wait(DEADLINE)


@pytest.fixture
def descriptor() -> Iterator[int]:
    number = anonymous_file(4096)
    asker = _askers[number] = Process(number, ASKER)
    yield number
    del _askers[number]
    asker.end()
    os.close(number)


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    running: list[Process] = []
    yield running
    for process in running:
        process.end()


_askers: dict[int, Process] = {}


def is_free_for_others(descriptor: int, byte: int) -> bool:
    _askers[descriptor].say(str(byte))
    return _askers[descriptor].hear() == "free"


def is_free_for_threads(lock: ByteLock) -> bool:
    free = []

    def take() -> None:
        if lock.threads.acquire(blocking=False):
            lock.threads.release()
            free.append(True)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(DEADLINE)
    return bool(free)


def is_free(descriptor: int, lock: ByteLock) -> bool:
    return is_free_for_others(descriptor, lock.byte) and is_free_for_threads(lock)


def test_threads_and_processes_keep_each_other_out(
    descriptor: int, processes: list[Process], tmp_path: Path
) -> None:
    path = tmp_path / "counter"
    path.write_bytes(bytes(8))
    script = f"""
counter = os.open({str(path)!r}, os.O_RDWR)
def count():
    for _ in range(500):
        with one:
            number = int.from_bytes(os.pread(counter, 8, 0), "little") + 1
            if number % 7 == 0:
                time.sleep(0)
            os.pwrite(counter, number.to_bytes(8, "little"), 0)
threads = [threading.Thread(target=count) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    processes += [Process(descriptor, PRELUDE + script) for _ in range(3)]

    assert [process.wait() for process in processes] == [0, 0, 0]

    assert int.from_bytes(path.read_bytes(), "little") == 3 * 3 * 500


def test_one_thread_takes_it_again(descriptor: int) -> None:
    lock = ByteLock(descriptor, 3, "one")

    with lock:
        with lock, lock:
            assert not is_free_for_others(descriptor, 3)
        assert not is_free_for_others(descriptor, 3)
        assert not is_free_for_threads(lock)

    assert is_free(descriptor, lock)


def test_it_can_be_taken_without_a_with(descriptor: int) -> None:
    lock = ByteLock(descriptor, 3, "one")

    lock.__enter__()
    lock.__enter__()
    lock.__exit__(None, None, None)
    assert not is_free_for_others(descriptor, 3)
    lock.__exit__(None, None, None)
    assert is_free(descriptor, lock)

    with contextlib.ExitStack() as stack:
        stack.enter_context(lock)
        assert not is_free_for_others(descriptor, 3)
    assert is_free(descriptor, lock)


def test_an_exception_lets_go(descriptor: int) -> None:
    lock = ByteLock(descriptor, 3, "one")

    with pytest.raises(ZeroDivisionError), lock:
        _ = 1 / 0

    assert is_free(descriptor, lock)


def test_it_is_freed_when_its_holder_is_killed(descriptor: int, processes: list[Process]) -> None:
    processes.append(Process(descriptor, PRELUDE + "with one:\n    say('held')\n    hear()"))
    assert processes[0].hear() == "held"
    assert not is_free_for_others(descriptor, 3)

    os.kill(processes[0].pid, signal.SIGKILL)

    with ByteLock(descriptor, 3, "one"):  # or pytest's timeout
        pass


def test_who_waits_has_it_when_its_holder_is_killed(
    descriptor: int, processes: list[Process]
) -> None:
    processes.append(Process(descriptor, PRELUDE + "with one:\n    say('held')\n    hear()"))
    processes[0].hear()
    has_it = threading.Event()

    def wait() -> None:
        with ByteLock(descriptor, 3, "one"):
            has_it.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not has_it.wait(0.05)

    os.kill(processes[0].pid, signal.SIGKILL)

    assert has_it.wait(DEADLINE)
    thread.join(DEADLINE)


def test_a_fork_does_not_inherit_it(descriptor: int, processes: list[Process]) -> None:
    script = """
with one:
    child = os.fork()
    if not child:  # as a Share does it after a fork
        one.renew()
        say("child")
        with one:
            say("has it")
        os._exit(0)
    hear()
    say("lets go")
os.waitpid(child, 0)
"""
    processes.append(Process(descriptor, PRELUDE + script))
    assert processes[0].hear() == "child"
    assert not is_free_for_others(descriptor, 3)

    processes[0].say("let go")

    assert sorted(processes[0].hear() for _ in range(2)) == ["has it", "lets go"]
    assert processes[0].wait() == 0


def test_a_fork_inside_it_leaves_it_alone(descriptor: int, processes: list[Process]) -> None:
    script = """
with one:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        say("parent")
        hear()
    else:
        one.renew()
if not child:  # it has left the `with`, which was its parent's
    say("free" if one.threads.acquire(blocking=False) else "held")
"""
    processes.append(Process(descriptor, PRELUDE + script))

    assert processes[0].hear() == "free"
    assert processes[0].hear() == "parent"
    assert not is_free_for_others(descriptor, 3)
    processes[0].say("let go")
    assert processes[0].wait() == 0
    assert is_free_for_others(descriptor, 3)


# The kernel's deadlock detection

CROSSED = """
_locks.PATIENCE = {patience}
def first():
    with {first}:
        say("held")
        released.wait()
def second():
    with {second}:
        say("taken")
released = threading.Event()
threads = [threading.Thread(target=first), threading.Thread(target=second)]
threads[0].start()
hear()
threads[1].start()
hear()
released.set()
for thread in threads: thread.join()
say("done")
"""


def test_a_circle_of_processes_that_is_none_of_threads_is_waited_out(
    descriptor: int, processes: list[Process]
) -> None:
    for first, second in (("one", "other"), ("other", "one")):
        script = CROSSED.format(first=first, second=second, patience=0.01)
        processes.append(Process(descriptor, PRELUDE + script))
    assert [process.hear() for process in processes] == ["held", "held"]

    for process in processes:  # each waits for what the other holds
        process.say("wait")
    time.sleep(0.3)  # far longer than the patience with a deadlock
    for process in processes:
        process.say("let go")

    assert sorted(process.hear() for process in processes) == ["taken", "taken"]
    assert [process.hear() for process in processes] == ["done", "done"]


DEADLOCK = """
_locks.PATIENCE = 0.2
with {first}:
    say("held")
    hear()
    try:
        with {second}:
            say("taken")
    except RuntimeError as error:
        say(str(error))
"""


def test_a_deadlock_is_an_error_in_one_and_the_other_goes_on(
    descriptor: int, processes: list[Process]
) -> None:
    for first, second in (("one", "other"), ("other", "one")):
        processes.append(Process(descriptor, PRELUDE + DEADLOCK.format(first=first, second=second)))
    assert [process.hear() for process in processes] == ["held", "held"]

    for process in processes:
        process.say("go on")
    answers = sorted(process.hear() for process in processes)

    assert answers[0].startswith("deadlock: this process waits for o")
    assert answers[0].endswith("take locks in the same order everywhere")
    assert answers[1] == "taken"
    assert [process.wait() for process in processes] == [0, 0]


# Interrupts


def test_no_interrupt_leaves_it_held(descriptor: int) -> None:
    lock = ByteLock(descriptor, 3, "one")
    caught: list[BaseException] = []
    number, has_struck = 0, True

    while has_struck:
        number += 1
        interrupter = Interrupter("/_locks.py", number)
        with interrupter:
            try:
                with lock:
                    pass
            except BaseException as error:
                caught.append(error)  # its traceback refers to all frames
                raise
        has_struck = interrupter.has_struck

        assert lock.depth == 0
        assert not lock.is_held()
        assert is_free_for_threads(lock)
        assert is_free_for_others(descriptor, 3)
    assert number > 100


def test_no_interrupt_in_an_inner_with_changes_the_outer(descriptor: int) -> None:
    lock = ByteLock(descriptor, 3, "one")
    number, has_struck = 0, True

    while has_struck:
        number += 1
        interrupter = Interrupter("/_locks.py", number)
        with lock:
            with interrupter, lock:
                pass
            has_struck = interrupter.has_struck
            assert lock.depth == 1
            assert lock.is_held()
            assert not is_free_for_others(descriptor, 3)
        assert not lock.is_held()
    assert is_free(descriptor, lock)


def test_no_interrupt_of_hold_leaves_a_byte_held(descriptor: int) -> None:
    number, has_struck = 0, True
    threads = threading.Lock()

    while has_struck:
        number += 1
        interrupter = Interrupter("/_locks.py", number)
        with interrupter, threads:
            try:
                hold(descriptor, 3)
            finally:
                lockf(descriptor, LOCK_UN, 1, 3)
        has_struck = interrupter.has_struck

        assert not threads.locked()
        assert is_free_for_others(descriptor, 3)


def test_an_interrupt_ends_the_wait(descriptor: int, processes: list[Process]) -> None:
    processes.append(Process(descriptor, PRELUDE + "with one:\n    say('held')\n    hear()"))
    processes[0].hear()
    lock = ByteLock(descriptor, 3, "one")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt), lock:
            pass
    finally:
        signal.signal(signal.SIGALRM, before)

    assert is_free_for_threads(lock)
    processes[0].say("let go")
    processes[0].wait()
    assert is_free_for_others(descriptor, 3)


@pytest.mark.parametrize("rounds", [300, pytest.param(5_000, marks=pytest.mark.endurance)])
def test_a_storm_of_signals_leaves_it_free(descriptor: int, rounds: int) -> None:
    lock = ByteLock(descriptor, 3, "one")
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupts = 0
    try:
        for number in range(rounds):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0001 + number % 97 * 0.000003)
                while True:
                    with lock, lock:
                        pass
            except KeyboardInterrupt:
                interrupts += 1
            assert lock.depth == 0
            assert not lock.is_held()
            if number % 50 == 0:
                assert is_free_for_others(descriptor, 3)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert interrupts == rounds
    assert is_free(descriptor, lock)


def test_a_signal_handler_may_take_it_while_it_is_being_taken(descriptor: int) -> None:
    """Whichever instruction it comes at: what it takes and leaves does not show."""
    lock = ByteLock(descriptor, 3, "one")
    number, has_struck = 0, True

    while has_struck:
        number += 1
        calls = 0

        def handle(stack: object, event: str, _argument: object, number: int = number) -> object:
            nonlocal calls
            if not stack.f_code.co_filename.endswith("/_locks.py"):  # type: ignore[attr-defined]
                return None
            stack.f_trace_opcodes = True  # type: ignore[attr-defined]
            if event == "opcode":
                calls += 1
                if calls == number:
                    sys.settrace(None)
                    with lock:
                        pass
                    return None
            return handle

        sys._getframe().f_trace_opcodes = True  # see Interrupter
        sys.settrace(handle)  # type: ignore[arg-type]
        with lock:
            sys.settrace(None)
            assert lock.depth == 1
            assert lock.is_held()
            assert not is_free_for_others(descriptor, 3)
        assert not lock.is_held()
        has_struck = calls >= number

    assert number > 30
    assert is_free(descriptor, lock)
