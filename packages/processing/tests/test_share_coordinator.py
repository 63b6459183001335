"""A Share has a coordinator from `start` to `stop`, whatever happens to it, and no longer."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Self

import psutil
import pytest

from suitkaise.processing import ProcessDiedError, ProcessError
from suitkaise.processing._engine import Engine, engine
from suitkaise.processing._platform import anonymous_file
from suitkaise.processing._segments import Descriptor
from suitkaise.processing._share import _guardian
from suitkaise.processing._share._admission import join
from suitkaise.processing._share._guardian import MOST_DEATHS, Guardian

pytestmark = pytest.mark.timeout(100)

DEADLINE = 30.0

OWNER = """
import os, signal, sys
from suitkaise.processing import ProcessError
from suitkaise.processing._platform import anonymous_file
from suitkaise.processing._segments import Descriptor
from suitkaise.processing._share._admission import join
from suitkaise.processing._share._guardian import Guardian

descriptors = [Descriptor(anonymous_file(4096)) for _ in range(2)]
guardian = Guardian(descriptors, on_change=lambda pid, error: None)
guardian.start()
pid = guardian.wait(30)

def say(*words):
    print(*words, flush=True)
"""
INTRODUCE = "say(guardian.address[1:], guardian.secret.hex(), pid)\n"


def until(is_so: Callable[[], object], within: float = DEADLINE) -> None:
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, is_so
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Changes:
    """What a guardian tells, to be waited for."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[tuple[int | None, Exception | None]] = SimpleQueue()

    def next(self) -> tuple[int | None, Exception | None]:
        return self.queue.get(timeout=DEADLINE)

    def __call__(self, pid: int | None, error: Exception | None) -> None:
        self.queue.put((pid, error))


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def guardian(changes: Changes) -> Iterator[Guardian]:
    descriptors = [Descriptor(anonymous_file(4096)) for _ in range(2)]
    guardian = Guardian(descriptors, on_change=changes)
    yield guardian
    guardian.close()


def enter(guardian: Guardian) -> None:
    numbers = join(guardian.address, guardian.secret, DEADLINE)
    assert len(numbers) == 2
    for number in numbers:
        os.close(number)


class Owner:
    """A program that has a Share, and goes on until its standard input ends."""

    def __init__(self, body: str = INTRODUCE + "sys.stdin.read()") -> None:
        self.program = subprocess.Popen(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", OWNER + body],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.program.stdout is not None
        words = self.program.stdout.readline().split()
        self.address, self.secret = f"\0{words[0]}", bytes.fromhex(words[1])
        self.coordinator = int(words[2])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.kill()
        self.program.communicate()

    def join(self) -> None:
        for number in join(self.address, self.secret, DEADLINE):
            os.close(number)


def test_a_start_returns_at_once_and_tells_of_the_coordinator(
    guardian: Guardian, changes: Changes
) -> None:
    assert guardian.pid is None

    guardian.start()
    guardian.start()  # there is one already
    pid, error = changes.next()

    assert error is None
    assert pid is not None
    assert guardian.pid == guardian.wait(DEADLINE) == pid
    assert not is_gone(pid)
    assert changes.queue.empty()


def test_who_joins_before_the_start_is_let_in_after_it(guardian: Guardian) -> None:
    thread = threading.Thread(target=enter, args=(guardian,))
    thread.start()

    guardian.start()
    thread.join(DEADLINE)

    assert not thread.is_alive()


def test_a_coordinator_that_is_killed_is_replaced_and_no_join_fails(
    guardian: Guardian, changes: Changes
) -> None:
    guardian.start()
    first, _ = changes.next()
    assert first is not None
    is_over = threading.Event()
    joined: list[int] = []
    failures: list[BaseException] = []

    def go_on_joining() -> None:
        count = 0
        try:
            while not is_over.is_set():
                enter(guardian)
                count += 1
        except BaseException as error:
            failures.append(error)
        joined.append(count)

    threads = [threading.Thread(target=go_on_joining) for _ in range(4)]
    for thread in threads:
        thread.start()
    last = first
    for _ in range(MOST_DEATHS - 1):
        os.kill(last, signal.SIGKILL)
        pid, error = changes.next()
        assert error is None
        assert pid is not None
        assert pid != last
        last = pid
    enter(guardian)
    is_over.set()
    for thread in threads:
        thread.join(DEADLINE)

    assert failures == []
    assert len(joined) == 4
    assert all(joined)


def test_too_many_deaths_in_quick_succession_are_an_error_until_the_next_start(
    guardian: Guardian, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_guardian, "DEATHS_WITHIN", 100.0)  # however busy the machine is
    guardian.start()
    for _ in range(MOST_DEATHS):
        pid, _ = changes.next()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    nobody, error = changes.next()

    assert nobody is None
    assert guardian.pid is guardian.wait(DEADLINE) is None
    assert isinstance(error, ProcessDiedError)
    assert error.signal_name == "SIGKILL"
    assert f"process {pid}" in str(error)
    assert "until start() is called" in str(error)

    guardian.start()
    enter(guardian)
    assert changes.next() == (guardian.pid, None)


def test_deaths_that_are_far_apart_are_no_error(
    guardian: Guardian, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_guardian, "DEATHS_WITHIN", 0.0)
    guardian.start()

    for _ in range(MOST_DEATHS + 2):
        pid, error = changes.next()
        assert error is None
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    enter(guardian)


def test_a_launch_that_fails_is_told_and_can_be_tried_again(
    guardian: Guardian, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    guardian.start()
    pid, _ = changes.next()
    assert pid is not None

    def fail(*_: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "launch", fail)
        os.kill(pid, signal.SIGKILL)
        nobody, error = changes.next()
        with pytest.raises(OSError, match="Too many open files"):
            guardian.start()

    assert nobody is None
    assert isinstance(error, ProcessError)
    assert isinstance(error.original_error, OSError)
    assert "could not be started: OSError: [Errno 24] Too many open files" in str(error)
    guardian.start()
    enter(guardian)


def test_a_coordinator_outlives_the_server_that_forked_it_by_another(
    guardian: Guardian, changes: Changes
) -> None:
    guardian.start()
    pid, _ = changes.next()
    assert pid is not None

    psutil.Process(pid).parent().kill()  # type: ignore[union-attr]
    other, error = changes.next()

    assert error is None
    assert other != pid
    enter(guardian)


def test_a_stop_ends_the_process_and_a_start_makes_another(
    guardian: Guardian, changes: Changes
) -> None:
    assert guardian.stop(DEADLINE)  # there is none
    guardian.start()
    first, _ = changes.next()
    assert first is not None

    assert guardian.stop(DEADLINE)
    assert guardian.pid is None
    until(lambda: is_gone(first))
    assert guardian.stop(DEADLINE)
    guardian.start()
    enter(guardian)

    assert changes.next() == (guardian.pid, None)
    assert guardian.pid != first
    assert changes.queue.empty()


def test_a_stop_right_after_the_start_ends_what_was_started(guardian: Guardian) -> None:
    for _ in range(5):
        guardian.start()
        assert guardian.stop(DEADLINE)
        assert guardian.pid is None


def test_a_coordinator_that_does_not_stop_in_time_is_killed(
    guardian: Guardian, changes: Changes
) -> None:
    guardian.start()
    pid, _ = changes.next()
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    assert not guardian.stop(0.2)

    assert is_gone(pid)
    guardian.start()
    enter(guardian)


def test_a_start_while_the_last_coordinator_is_ending_makes_another(
    guardian: Guardian, changes: Changes
) -> None:
    guardian.start()
    first, _ = changes.next()
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    stopping = threading.Thread(target=guardian.stop, args=(DEADLINE,))
    stopping.start()
    until(lambda: guardian._state.value == "stopping")

    guardian.start()
    os.kill(first, signal.SIGCONT)
    stopping.join(DEADLINE)
    second, error = changes.next()

    assert error is None
    assert second not in (None, first)
    enter(guardian)


def test_after_a_close_nobody_joins_and_nothing_starts(
    guardian: Guardian, changes: Changes
) -> None:
    guardian.start()
    pid, _ = changes.next()
    assert pid is not None

    guardian.close()
    guardian.close()
    until(lambda: is_gone(pid))

    with pytest.raises(ProcessError, match="owner has ended or has closed"):
        enter(guardian)
    with pytest.raises(ProcessError, match="closed and cannot be started again"):
        guardian.start()
    assert guardian.stop(DEADLINE)
    assert guardian.pid is None
    assert changes.queue.empty()


def test_a_close_by_the_garbage_collector_lets_go_of_all(changes: Changes) -> None:
    class Holder:
        def __init__(self, guardian: Guardian) -> None:
            self.cycle = self
            weakref.finalize(self, guardian.close)

    guardian = Guardian([Descriptor(anonymous_file(4096))], on_change=changes)
    guardian.start()
    pid, _ = changes.next()
    assert pid is not None
    Holder(guardian)

    gc.collect()

    until(lambda: is_gone(pid))


def test_it_closes_no_descriptor_of_the_lock_file(guardian: Guardian, tmp_path: Path) -> None:
    import fcntl

    path = tmp_path / "lock"
    lock = Descriptor(os.open(path, os.O_RDWR | os.O_CREAT))
    fcntl.lockf(lock.number, fcntl.LOCK_EX)
    owner = Guardian([lock], on_change=lambda _pid, _error: None)

    owner.start()
    assert owner.wait(DEADLINE)
    assert owner.stop(DEADLINE)
    owner.start()
    assert owner.wait(DEADLINE)
    owner.close()

    script = (
        "import fcntl, sys\n"
        "try: fcntl.lockf(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError: print('held')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, timeout=DEADLINE
    )
    assert done.stdout == "held\n"


def test_an_interrupt_does_not_reach_it(guardian: Guardian, changes: Changes) -> None:
    body = "signal.signal(signal.SIGINT, lambda *_: say('interrupted'))\n" + INTRODUCE
    with Owner(body + "sys.stdin.read()") as owner:
        os.killpg(owner.program.pid, signal.SIGINT)  # as a terminal does
        assert owner.program.stdout is not None
        assert owner.program.stdout.readline() == "interrupted\n"
        os.kill(owner.coordinator, signal.SIGINT)  # as who means all processes does
        owner.join()
        assert not is_gone(owner.coordinator)


def test_with_the_owner_all_is_gone_and_joins_say_so() -> None:
    with Owner() as owner:
        owner.join()

        owner.program.kill()
        owner.program.wait(DEADLINE)

        until(lambda: is_gone(owner.coordinator))
        with pytest.raises(ProcessError, match="the Share's owner has ended"):
            owner.join()


def test_joins_that_wait_while_the_owner_dies_say_so() -> None:
    with Owner() as owner:
        os.kill(owner.coordinator, signal.SIGSTOP)
        errors: SimpleQueue[BaseException] = SimpleQueue()

        def try_to_join() -> None:
            try:
                owner.join()
            except BaseException as error:
                errors.put(error)

        threads = [threading.Thread(target=try_to_join) for _ in range(5)]
        for thread in threads:
            thread.start()
        owner.program.kill()
        for thread in threads:
            thread.join(DEADLINE)

        for _ in threads:
            error = errors.get(timeout=DEADLINE)
            assert isinstance(error, ProcessError)
            assert "owner has ended" in str(error)


def test_an_owner_that_ends_in_good_order_leaves_nothing() -> None:
    with Owner() as owner:
        _, error = owner.program.communicate(timeout=DEADLINE)

        assert owner.program.returncode == 0
        assert not error
        until(lambda: is_gone(owner.coordinator))


def test_a_fork_of_the_owner_is_not_the_owner() -> None:
    body = """
if os.fork() == 0:
    for call in (guardian.start, guardian.stop):
        try:
            call()
        except ProcessError as error:
            assert "belongs to another process" in str(error), error
        else:
            os._exit(1)
    assert guardian.pid is None
    guardian.close()
    for number in join(guardian.address, guardian.secret, 30):
        os.close(number)
    say(guardian.address[1:], guardian.secret.hex(), pid)
    os.read(0, 1)  # outlives the owner
    os._exit(0)
signal.pause()
"""
    with Owner(body) as owner:
        assert not is_gone(owner.coordinator)
        owner.join()

        owner.program.kill()
        owner.program.wait(DEADLINE)

        until(lambda: is_gone(owner.coordinator))
        with pytest.raises(ProcessError, match="the Share's owner has ended"):
            owner.join()


def test_fifty_starts_and_stops_leave_everything_as_it_was(tmp_path: Path) -> None:
    body = """
import psutil, time
def state():
    guardian.start(); assert guardian.wait(30)
    for number in join(guardian.address, guardian.secret, 30):
        os.close(number)
    assert guardian.stop(30)
    return len(os.listdir("/proc/self/fd"))
before = state()
for _ in range(50):
    state()
deadline = time.monotonic() + 30
while (after := len(os.listdir("/proc/self/fd"))) > before:  # a reception takes a moment to end
    assert time.monotonic() < deadline, (before, after)
    time.sleep(0.01)
server, = psutil.Process().children()
deadline = time.monotonic() + 30
while len(server.children()) > 1:  # the spare
    assert time.monotonic() < deadline, server.children()
    time.sleep(0.01)
guardian.close()
descriptors.clear(); guardian = None
say(len(os.listdir("/proc/self/fd")), before)
"""
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-c", OWNER + body],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=False,
    )

    assert done.stderr == ""
    after, before = map(int, done.stdout.split())
    assert after < before
    assert list(tmp_path.iterdir()) == []
    shared = Path("/dev/shm")
    assert not shared.exists() or not list(shared.glob("*suitkaise*"))


def test_it_imports_none_of_the_users_modules(tmp_path: Path) -> None:
    module = tmp_path / "users_own.py"
    module.write_text("import os\nos.write(os.open(os.environ['LOG'], 0o2101), b'imported ')\n")
    log = tmp_path / "log"
    script = tmp_path / "script.py"
    script.write_text("import users_own\n" + OWNER)
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env={**os.environ, "LOG": str(log)},
        check=False,
    )

    assert done.stderr == ""
    assert log.read_text() == "imported "  # by the owner


def test_the_engine_is_not_held_up(guardian: Guardian) -> None:
    guardian.start()
    assert guardian.wait(DEADLINE)
    called = threading.Event()

    engine().supervisor.call_soon(called.set)

    assert called.wait(DEADLINE)
