"""Who may join a Share gets its descriptors; whatever else comes to the door changes nothing."""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from suitkaise.processing import ProcessError, ResultTimeoutError, Skprocess
from suitkaise.processing._platform import PACKETS, anonymous_file
from suitkaise.processing._segments import Descriptor
from suitkaise.processing._share._admission import (
    _PROVE,
    _REFUSED,
    _TO_COORDINATOR,
    _TO_JOINER,
    _WELCOME,
    Candidate,
    Door,
    join,
)
from suitkaise.processing._share._coordinator import MOST_CANDIDATES, PATIENCE
from suitkaise.processing._share._guardian import Guardian

pytestmark = pytest.mark.timeout(100)

DEADLINE = 30.0
CONTENTS = (b"the data", b"the lock")


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline, is_so
        time.sleep(0.01)


def descriptors_of(pid: int | None) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def make_descriptors() -> list[Descriptor]:
    descriptors = [Descriptor(anonymous_file(4096)) for _ in CONTENTS]
    for descriptor, content in zip(descriptors, CONTENTS, strict=True):
        os.pwrite(descriptor.number, content, 0)
    return descriptors


def contents_and_close(numbers: list[int]) -> tuple[bytes, ...]:
    try:
        return tuple(os.pread(number, len(CONTENTS[0]), 0) for number in numbers)
    finally:
        for number in numbers:
            os.close(number)


def enter(guardian: Guardian, timeout: float = DEADLINE) -> tuple[bytes, ...]:
    return contents_and_close(join(guardian.address, guardian.secret, timeout))


def connect(address: str) -> socket.socket:
    stranger = socket.socket(socket.AF_UNIX, PACKETS)
    stranger.settimeout(DEADLINE)
    stranger.connect(address)
    return stranger


def end_of(stranger: socket.socket) -> bytes:
    """Return the last thing that is said to a stranger, up to the end."""
    last = b""
    while True:
        try:
            said = stranger.recv(1000)
        except ConnectionResetError:
            said = b""
        if not said:
            return last
        last = said


@pytest.fixture
def guardian() -> Iterator[Guardian]:
    guardian = Guardian(make_descriptors(), on_change=lambda _pid, _error: None)
    guardian.start()
    assert guardian.wait(DEADLINE)
    yield guardian
    guardian.stop(DEADLINE)
    guardian.close()


class Joiner(Skprocess):
    def __init__(self, guardian: Guardian) -> None:
        self.address, self.secret = guardian.address, guardian.secret
        self.process_config.runs = 1

    def __run__(self) -> None:
        numbers = join(self.address, self.secret, DEADLINE)
        self.are_inheritable = [os.get_inheritable(number) for number in numbers]
        self.contents = contents_and_close(numbers)

    def __result__(self) -> tuple[tuple[bytes, ...], list[bool]]:
        return self.contents, self.are_inheritable


def test_a_joiner_gets_the_descriptors_in_their_order(guardian: Guardian) -> None:
    assert enter(guardian) == CONTENTS


def test_an_skprocess_joins_and_its_own_children_inherit_nothing(guardian: Guardian) -> None:
    assert Joiner(guardian).run() == (CONTENTS, [False, False])


def test_twenty_join_at_once(guardian: Guardian) -> None:
    with ThreadPoolExecutor(20) as threads:
        assert list(threads.map(lambda _: enter(guardian), range(20))) == [CONTENTS] * 20


def test_joining_leaves_no_descriptor_on_either_side(guardian: Guardian) -> None:
    here, there = descriptors_of(os.getpid()), descriptors_of(guardian.pid)

    for _ in range(50):
        enter(guardian)

    until(lambda: descriptors_of(guardian.pid) == there)
    until(lambda: descriptors_of(os.getpid()) <= here)


def test_a_joiner_with_a_wrong_secret_is_refused(guardian: Guardian) -> None:
    before = descriptors_of(os.getpid())

    for secret in (bytes(32), guardian.secret[:-1], guardian.secret + b"x", b""):
        with pytest.raises(PermissionError, match="refused this process"):
            join(guardian.address, secret, DEADLINE)

    assert descriptors_of(os.getpid()) <= before
    assert enter(guardian) == CONTENTS


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused_even_with_the_secret(guardian: Guardian) -> None:
    script = (
        "import hmac, os, sys; from suitkaise.processing._share._admission import join\n"
        "os.setuid(65534)\n"
        "try: join(chr(0) + sys.argv[1], bytes.fromhex(sys.argv[2]), 30)\n"
        "except PermissionError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, guardian.address[1:], guardian.secret.hex()],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )

    # The other user's process does not go as far: who listens is not of its user.
    assert "is not the coordinator" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_not_even_asked_for_a_proof(guardian: Guardian) -> None:
    script = (
        "import os, socket, sys; os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(30)\n"
        "s.connect(chr(0) + sys.argv[1]); print(s.recv(1000).hex(), s.recv(1000))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, guardian.address[1:]],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )

    assert done.stdout.split() == [_TO_JOINER.pack(_REFUSED, 0, bytes(32)).hex(), "b''"]


def test_garbage_of_any_size_changes_nothing(guardian: Guardian) -> None:
    pid = guardian.pid
    before = descriptors_of(pid)
    noise = random.Random(1)

    for size in [*range(201), 1 << 14]:
        with connect(guardian.address) as stranger:
            stranger.send(noise.randbytes(size))
            said = end_of(stranger)
            assert _TO_JOINER.unpack(said)[0] in (_PROVE, _REFUSED)
    with connect(guardian.address) as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        with ExitStack() as quiet:
            quiet.callback(stranger.close)
            try:
                stranger.send(bytes(1 << 20))
            except OSError:  # the kernel takes no message of that size
                stranger.send(bytes(1 << 16))
            end_of(stranger)

    assert enter(guardian) == CONTENTS
    assert guardian.pid == pid
    until(lambda: descriptors_of(pid) == before)


def test_descriptors_that_a_stranger_sends_are_not_taken(guardian: Guardian) -> None:
    before = descriptors_of(guardian.pid)
    read, write = os.pipe()

    with connect(guardian.address) as stranger:
        socket.send_fds(stranger, [bytes(_TO_COORDINATOR.size)], [write] * 100)
        os.close(write)
        assert _TO_JOINER.unpack(end_of(stranger))[0] == _REFUSED

    assert os.read(read, 1) == b""  # nobody has the other end
    os.close(read)
    until(lambda: descriptors_of(guardian.pid) == before)


def test_half_a_handshake_blocks_nobody(guardian: Guardian) -> None:
    before = descriptors_of(guardian.pid)

    with ExitStack() as strangers:
        for number in range(20):
            stranger = strangers.enter_context(connect(guardian.address))
            if number % 3 == 0:
                stranger.recv(1000)
            if number % 2 == 0:
                stranger.shutdown(socket.SHUT_WR if number % 4 else socket.SHUT_RDWR)
        assert enter(guardian) == CONTENTS

    until(lambda: descriptors_of(guardian.pid) == before)


def test_a_silent_stranger_is_dropped_after_a_while(guardian: Guardian) -> None:
    before = descriptors_of(guardian.pid)

    with connect(guardian.address) as stranger:
        began = time.monotonic()
        assert enter(guardian) == CONTENTS
        end_of(stranger)

        assert time.monotonic() - began >= PATIENCE - 1
        until(lambda: descriptors_of(guardian.pid) == before)


def test_more_silent_strangers_than_there_is_room_for_keep_nobody_out(guardian: Guardian) -> None:
    before = descriptors_of(guardian.pid)

    with ExitStack() as strangers:
        for _ in range(2 * MOST_CANDIDATES):
            strangers.enter_context(connect(guardian.address))
        until(lambda: descriptors_of(guardian.pid) >= before + MOST_CANDIDATES)
        assert enter(guardian) == CONTENTS
        assert descriptors_of(guardian.pid) <= before + MOST_CANDIDATES

    until(lambda: descriptors_of(guardian.pid) == before)


def test_a_coordinator_without_descriptors_left_lets_in_who_waits_when_it_has(
    guardian: Guardian,
) -> None:
    pid = guardian.pid
    assert pid is not None
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, limits[1]))
    with ThreadPoolExecutor(1) as thread, ExitStack() as strangers:
        for _ in range(highest + 1):  # there may be gaps below the highest
            strangers.enter_context(connect(guardian.address))
        with pytest.raises(ResultTimeoutError):
            enter(guardian, 0.3)
        joining = thread.submit(enter, guardian)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        assert joining.result(DEADLINE) == CONTENTS

    assert guardian.pid == pid


def test_who_has_ended_is_said_to_have_ended() -> None:
    door = Door()
    door.close()

    with pytest.raises(ProcessError, match=r"the Share's owner has ended .* must go on"):
        join(door.address, bytes(32), DEADLINE)


def test_a_join_that_nobody_serves_times_out() -> None:
    door = Door()

    began = time.monotonic()
    with pytest.raises(ResultTimeoutError, match=r"within 0\.2 s; the Share may be stopped"):
        join(door.address, bytes(32), 0.2)

    assert time.monotonic() - began >= 0.2
    door.close()


@pytest.fixture
def full() -> Iterator[socket.socket]:
    """A listening socket with a backlog that is full."""
    with socket.socket(socket.AF_UNIX, PACKETS) as listener, ExitStack() as waiting:
        listener.bind(f"\0suitkaise-test-{os.urandom(8).hex()}")
        listener.listen(0)
        listener.settimeout(DEADLINE)
        waiting.enter_context(connect(listener.getsockname().decode()))
        yield listener


def test_a_join_waits_where_the_backlog_is_full(full: socket.socket) -> None:
    secret, descriptors = os.urandom(32), make_descriptors()
    socket.setdefaulttimeout(DEADLINE)  # as a program may do
    try:
        with ThreadPoolExecutor(1) as thread:
            joining = thread.submit(join, full.getsockname().decode(), secret, DEADLINE)
            full.accept()[0].close()
            candidate = Candidate(full.accept()[0], 0.0)
            assert candidate.challenge()
            candidate.connection.settimeout(DEADLINE)
            candidate.decide(secret, descriptors)
            candidate.close()
            assert contents_and_close(joining.result(DEADLINE)) == CONTENTS
    finally:
        socket.setdefaulttimeout(None)


def test_signals_while_the_backlog_is_full_change_nothing(full: socket.socket) -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: came.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    try:
        with pytest.raises(ResultTimeoutError):
            join(full.getsockname().decode(), bytes(32), 0.5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert came


def impostor(replies: list[bytes], descriptors: list[int]) -> tuple[str, threading.Thread]:
    """Listen, and say these things to the first who comes; the last one with descriptors."""
    listener = socket.socket(socket.AF_UNIX, PACKETS)
    listener.bind(f"\0suitkaise-test-{os.urandom(8).hex()}")
    listener.listen()
    address = listener.getsockname().decode()

    def serve() -> None:
        with listener:
            listener.settimeout(DEADLINE)
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(DEADLINE)
                for reply in replies[:-1]:
                    connection.send(reply)
                    connection.recv(1000)
                socket.send_fds(connection, [replies[-1]], descriptors)

    thread = threading.Thread(target=serve)
    thread.start()
    return address, thread


@pytest.mark.parametrize(
    "replies",
    [
        [b"garbage"],
        [bytes(_TO_JOINER.size)],
        [bytes(_TO_JOINER.size + 1)],
        [_TO_JOINER.pack(_PROVE, 0, bytes(32)), _TO_JOINER.pack(_WELCOME, 2, bytes(32))],
        [_TO_JOINER.pack(_PROVE, 0, bytes(32)), _TO_JOINER.pack(_WELCOME, 2**32 - 1, bytes(32))],
        [_TO_JOINER.pack(_PROVE, 0, bytes(32)), b"x"],
        [_TO_JOINER.pack(_WELCOME, 0, bytes(32))],
    ],
)
def test_who_does_not_know_the_secret_is_not_trusted(replies: list[bytes]) -> None:
    descriptors = make_descriptors()
    before = descriptors_of(os.getpid())
    address, thread = impostor(replies, [descriptor.number for descriptor in descriptors])

    with pytest.raises(PermissionError, match="does not know its secret"):
        join(address, bytes(32), DEADLINE)

    thread.join(DEADLINE)
    assert descriptors_of(os.getpid()) <= before


def test_a_joiner_without_descriptors_left_says_so_and_keeps_none(
    guardian: Guardian, tmp_path: Path
) -> None:
    script = (
        "import hmac, os, resource, sys; from suitkaise.processing._share._admission import join\n"
        "arguments = chr(0) + sys.argv[1], bytes.fromhex(sys.argv[2]), 30\n"
        "for number in join(*arguments): os.close(number)\n"
        "free = os.dup(0); os.close(free)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (free + 2, free + 2))\n"
        "try: join(*arguments)\n"
        "except OSError as error: print(error)\n"
        "again = os.dup(0); assert again == free, (again, free)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, guardian.address[1:], guardian.secret.hex()],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        cwd=tmp_path,
    )

    assert done.stderr == ""
    assert "as many open as it may" in done.stdout
