"""A process that dies goes on from the state of one run boundary, whole, and loses no timing."""

from __future__ import annotations

import collections
import ctypes
import mmap
import os
import random
import resource
import signal
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from suitkaise.processing import (
    Pipe,
    ProcessDiedError,
    ProcessError,
    ProcessTimeoutError,
    RunError,
    Skprocess,
    _checkpoints,
)
from suitkaise.processing._checkpoints import CheckpointWriter, newest, state_of
from suitkaise.processing._parent_end import ParentEnd
from suitkaise.processing._platform import PAGE_BYTES, anonymous_file
from suitkaise.processing._segments import Descriptor

DEADLINE = 60.0
MIB = 1 << 20


# -- in memory


class Area:
    """The memory that a process and its parent see, and what each does with it."""

    def __init__(self) -> None:
        self.file = Descriptor(anonymous_file(PAGE_BYTES))
        self.words = memoryview(mmap.mmap(self.file.number, PAGE_BYTES)).cast("Q")
        self.writer = CheckpointWriter(self.file, self.words)

    def write(self, run: int, *pieces: bytes, timings: bytes = b"", told: int = 0) -> None:
        draft = self.writer.draft(timings)
        for piece in pieces:
            draft.write(piece)
        self.writer.commit(draft, run, told, 0)

    def read(self) -> tuple[int, bytes, int, bytes] | None:
        found = newest(self.file, self.words)
        if found is None:
            return None
        with state_of(found, self.file) as state:
            return found.run, bytes(state), found.told, found.timings

    @property
    def used_bytes(self) -> int:
        return os.fstat(self.file.number).st_blocks * 512


def test_there_is_no_checkpoint_before_the_first() -> None:
    assert Area().read() is None


pieces = st.lists(st.binary(max_size=9000) | st.integers(0, 300_000).map(bytes), max_size=4)


@given(st.lists(st.tuples(pieces, st.binary(max_size=200), st.integers(0, 2**60)), max_size=8))
def test_what_is_found_is_what_was_written_last(
    checkpoints: list[tuple[list[bytes], bytes, int]],
) -> None:
    area = Area()
    for run, (state, timings, told) in enumerate(checkpoints, 1):
        area.write(run, *state, timings=timings, told=told)

        assert area.read() == (run, b"".join(state), told, timings)


@given(
    before=st.lists(pieces, max_size=4),
    last=pieces,
    timings=st.binary(max_size=200),
)
def test_a_draft_gives_back_what_was_written_to_it(
    before: list[list[bytes]], last: list[bytes], timings: bytes
) -> None:
    area = Area()
    for run, state in enumerate(before, 1):
        area.write(run, *state)
    draft = area.writer.draft(timings)
    for piece in last:
        draft.write(piece)

    assert draft.state() == b"".join(last)


class Death(BaseException):
    """Nothing more is done."""


def dying_at(step: int, work: Callable[[], None]) -> bool:
    """Do the work, but die before the given line of the module; False if it has not so many."""
    left = step

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != _checkpoints.__file__:
            return None
        if event == "line":
            left -= 1
            if left < 0:
                raise Death
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Death:
        return True
    finally:
        sys.settrace(outer)
    return False


sizes = st.integers(0, 3 * PAGE_BYTES)


@settings(deadline=None, max_examples=50)
@given(st.lists(sizes, max_size=5), st.lists(sizes, min_size=1, max_size=3))
@example([], [5])
@example([2 * MIB] * 2, [100])
def test_a_death_at_any_step_leaves_the_last_checkpoint_or_the_new_one(
    before: list[int], last: list[int]
) -> None:
    step, outcomes = 0, collections.Counter[bool]()
    has_died = True
    while has_died:
        area = Area()
        for run, size in enumerate(before, 1):
            area.write(run, bytes([run]) * size)
        earlier, run = area.read(), len(before) + 1
        new = [bytes([run]) * size for size in last]

        has_died = dying_at(step, partial(area.write, run, *new, timings=b"t"))

        found = area.read()
        assert found in (earlier, (run, b"".join(new), 0, b"t"))
        outcomes[found == earlier] += 1
        step += 1

    assert outcomes[True] > 10  # steps that it did not survive
    assert outcomes[False] >= 1


def test_two_slots_of_the_states_size_are_all_that_it_takes() -> None:
    area = Area()
    for run in range(1, 60):
        area.write(run, bytes([run]) * (run * MIB // 16))
        assert area.used_bytes <= 2.5 * run * MIB // 16 + 8 * PAGE_BYTES
    for run in range(60, 70):
        area.write(run, b"small")
    assert area.used_bytes > 6 * MIB  # it may well grow again

    for run in range(70, 200):
        area.write(run, b"small")

    assert area.used_bytes <= 4 * PAGE_BYTES
    assert area.read() == (199, b"small", 0, b"")


def test_a_state_that_changes_its_size_each_time_keeps_its_slots() -> None:
    area = Area()
    for run in range(1, 9):
        area.write(run, bytes(2 * MIB))
    end = os.fstat(area.file.number).st_size

    for run in range(9, 200):
        area.write(run, bytes(2 * MIB if run % 10 < 2 else 100))

    assert os.fstat(area.file.number).st_size == end


@pytest.fixture
def no_memory() -> Iterator[Callable[[], None]]:
    """What makes files larger than half a MiB impossible, until the test has ended."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MIB // 2, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_where_there_is_no_memory_the_last_checkpoint_stays(
    no_memory: Callable[[], None],
) -> None:
    area = Area()
    area.write(1, b"one")
    area.write(2, b"two")
    no_memory()

    for _ in range(3):
        with pytest.raises(OSError, match="too large"):
            area.write(3, bytes(MIB))
        assert area.read() == (2, b"two", 0, b"")
    area.write(4, b"four")
    assert area.read() == (4, b"four", 0, b"")


def test_a_descriptor_that_the_program_has_closed_is_not_used() -> None:
    area = Area()
    area.write(1, b"one")
    with tempfile.TemporaryFile() as other:
        os.dup2(other.fileno(), area.file.number)

        with pytest.raises(OSError, match="has closed"):
            area.write(2, b"two")

        assert os.fstat(other.fileno()).st_size == 0


# -- in a process


class Steady(Skprocess):
    """Every byte of its state is the number of the run, so that a mixture shows."""

    def __init__(self, lives: int) -> None:
        self.process_config.lives = lives
        self.state = bytearray(MIB)
        self.runs = 0
        self.restarts: list[int] = []
        self.faults: list[str] = []
        self.pid = 0

    def __prerun__(self) -> None:
        run = self.current_run
        if self.pid != os.getpid():
            self.pid = os.getpid()
            self.restarts.append(run)
        if self.runs != run or self.state.count(run % 251) != len(self.state):
            self.faults.append(f"in run {run} the state is of run {self.runs}, {self.state[:3]!r}")

    def __run__(self) -> None:
        self.runs += 1
        value = self.runs % 251
        for begin in range(0, MIB, MIB // 8):
            self.state[begin : begin + MIB // 8] = bytes([value]) * (MIB // 8)

    def __result__(self) -> tuple[list[str], list[int], int]:
        return self.faults, self.restarts, self.current_run


@pytest.mark.endurance
def test_killed_at_random_moments_it_goes_on_from_the_whole_state_of_one_boundary() -> None:
    kills = 15
    chance = random.Random(7)
    process = Steady(lives=kills + 1)
    process.start()
    deadline = time.monotonic() + DEADLINE
    killed, highest = set[int](), 0
    began: dict[int, int] = {}  # the run that a life was first seen in
    while len(killed) < kills:
        assert time.monotonic() < deadline, (len(killed), began, process)
        assert process.is_alive, process.error
        pid = process._end.pid  # type: ignore[union-attr]
        # Every other life comes past two boundaries, so that there is one to go on from.
        least = 2 * (len(killed) % 2 == 0)
        run = process.current_run
        assert run >= highest - 1, "a life goes on from the last boundary, also to who asks"
        highest = max(highest, run)
        if pid is None or pid in killed or run < began.setdefault(pid, run) + least:
            time.sleep(0.0005)
            continue
        time.sleep(chance.random() * 0.01)
        os.kill(pid, signal.SIGKILL)
        killed.add(pid)

    process.stop()
    faults, restarts, runs = process.result()

    assert faults == []
    assert len(restarts) > kills / 2  # all the others may have died before their first boundary
    assert restarts == sorted(restarts)
    timers = process.timers
    assert timers is not None
    assert timers.run is not None
    # Besides the run that was going on at each death, no time is lost, and none is counted twice.
    assert runs <= timers.run.num_times <= runs + kills + 1
    assert timers.full_run.num_times == runs


class Failing(Skprocess):
    """Fails once, in its third run, in one of many ways."""

    def __init__(self, fail: Callable[[], Any]) -> None:
        self.process_config.runs = 5
        self.process_config.lives = 2
        self.process_config.timeouts.run = 0.3
        self.fail = fail
        self.seen: list[int] = []

    def __run__(self) -> None:
        self.seen.append(self.current_run)
        if self.current_run == 2 and self._end.lives == 2:  # type: ignore[union-attr]
            self.fail()

    def __result__(self) -> list[int]:
        return self.seen


def too_much() -> None:
    bytearray(1 << 62)


def key_error() -> None:
    raise KeyError("key")


@pytest.mark.parametrize(
    "fail",
    [
        lambda: ctypes.string_at(0),
        lambda: os._exit(3),
        lambda: sys.exit(3),
        lambda: os.kill(os.getpid(), signal.SIGKILL),
        lambda: os.kill(os.getpid(), signal.SIGTERM),
        lambda: sum(range(10**15)),
    ],
    ids=["segfault", "_exit", "sys.exit", "SIGKILL", "SIGTERM", "deaf to its timeout"],
)
def test_a_death_spends_a_life_and_takes_back_what_the_run_has_done(
    fail: Callable[[], Any],
) -> None:
    process = Failing(fail)

    assert process.run() == [0, 1, 2, 3, 4]
    assert repr(process) == "<Failing (finished, run=5, lives=1)>"
    timers = process.timers
    assert timers is not None
    assert timers.run is not None
    assert (timers.run.num_times, timers.full_run.num_times) == (5, 5)


@pytest.mark.parametrize("fail", [too_much, key_error, lambda: time.sleep(1000)])
def test_an_exception_spends_a_life_and_leaves_the_state_as_it_is(fail: Callable[[], Any]) -> None:
    process = Failing(fail)

    assert process.run() == [0, 1, 2, 2, 3, 4]
    assert repr(process) == "<Failing (finished, run=5, lives=1)>"


def test_what_a_class_by_value_and_its_functions_remember_is_of_the_state() -> None:
    calls: list[int] = []

    class Counting(Failing):
        runs_made = 0

        def __run__(self) -> None:
            type(self).runs_made += 1
            calls.append(self.current_run)
            super().__run__()

        def __result__(self) -> Any:
            return self.runs_made, calls

    process = Counting(lambda: os._exit(1))
    process.process_config.runs = 20

    assert process.run() == (20, list(range(20)))


def test_exceptions_and_deaths_spend_lives_of_the_same_number(tmp_path: Path) -> None:
    class Unlucky(Skprocess):
        def __init__(self, tries: Path) -> None:
            self.process_config.lives = 3
            self.tries = tries

        def __run__(self) -> None:
            if self.current_run == 2:
                with self.tries.open("a") as file:
                    file.write(f"{self._end.lives} ")  # type: ignore[union-attr]
                if self._end.lives == 3:  # type: ignore[union-attr]
                    raise ValueError("a life less")
                os._exit(1)

    process = Unlucky(tmp_path / "tries")

    with pytest.raises(ProcessDiedError):
        process.run()
    assert process.tries.read_text() == "3 2 1 "
    assert (process.current_run, repr(process)) == (2, "<Unlucky (failed, run=2, lives=0)>")


def test_a_death_after_the_last_life_is_spent_is_the_end() -> None:
    class Worse(Skprocess):
        def __init__(self) -> None:
            self.process_config.lives = 2

        def __run__(self) -> None:
            if self.current_run == 1:
                raise ValueError("each time")

        def __error__(self) -> None:
            os._exit(1)

    with pytest.raises(ProcessDiedError, match="__error__"):
        Worse().run()


def test_a_state_may_grow_and_shrink() -> None:
    class Breathing(Skprocess):
        sizes = (10, 5 * MIB, 100, 3 * MIB, 3 * MIB, 0, 40_000, 9 * MIB, 1, 33_000)

        def __init__(self) -> None:
            self.process_config.runs = len(self.sizes)
            self.process_config.lives = len(self.sizes) + 1
            self.state = b""
            self.lives_before = self.process_config.lives
            self.faults: list[int] = []

        def __run__(self) -> None:
            run = self.current_run
            if run and self.state != bytes([run]) * self.sizes[run - 1]:
                self.faults.append(run)
            if self._end.lives == len(self.sizes) + 1 - run:  # type: ignore[union-attr]
                os._exit(1)
            self.state = bytes([run + 1]) * self.sizes[run]

        def __result__(self) -> tuple[int, list[int]]:
            return len(self.state), self.faults

    process = Breathing()

    assert process.run() == (33_000, [])
    assert repr(process) == "<Breathing (finished, run=10, lives=1)>"


def test_without_shared_memory_the_state_goes_by_message(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Poor(Failing):
        def __run__(self) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))
            self.state = bytes([self.current_run]) * (self.current_run * 3 * MIB)
            super().__run__()

        def __result__(self) -> Any:
            return self.seen, len(self.state)

    assert Poor(lambda: os._exit(1)).run() == ([0, 1, 2, 3, 4], 12 * MIB)
    assert "Warning" not in capfd.readouterr().err


def test_one_that_closes_all_it_has_opened_harms_no_file(tmp_path: Path) -> None:
    class Tidy(Failing):
        def __run__(self) -> None:
            if self.current_run == 1:
                for link in Path("/proc/self/fd").iterdir():
                    if link.is_symlink() and "memfd:suitkaise" in str(link.readlink()):
                        file = os.open(tmp_path / link.name, os.O_RDWR | os.O_CREAT)
                        os.dup2(file, int(link.name))
            self.state = bytes(self.current_run * MIB)
            super().__run__()

    assert Tidy(lambda: os._exit(1)).run() == [0, 1, 2, 3, 4]
    assert {file.stat().st_size for file in tmp_path.iterdir()} == {0}


def test_a_checkpoint_takes_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = collections.Counter[str]()
    on_message = ParentEnd.on_message

    def counting(end: ParentEnd, child: Any, message: Any) -> None:
        kinds[type(message).__name__] += 1
        on_message(end, child, message)

    monkeypatch.setattr(ParentEnd, "on_message", counting)
    process = Failing(lambda: None)
    process.process_config.runs = 300
    process.run()

    # For the first, and for every 64 runs with their timings.
    assert kinds == {"Noted": 1 + 299 // 64, "Finished": 1}


def test_what_cannot_travel_warns_once_and_the_next_life_begins_where_it_could(
    capfd: pytest.CaptureFixture[str],
) -> None:
    class Stuck(Failing):
        def __prerun__(self) -> None:
            if self.current_run < 2:
                self.compressor = zlib.compressobj()
            else:
                self.__dict__.pop("compressor", None)

    process = Stuck(lambda: os._exit(1))
    process.process_config.runs = 6

    assert process.run() == [0, 1, 2, 3, 4, 5]
    shown = capfd.readouterr().err
    assert shown.count("RuntimeWarning: Stuck has become something that cannot travel") == 1
    assert "compressor" in shown


def test_a_point_that_the_process_has_closed_is_closed(capfd: pytest.CaptureFixture[str]) -> None:
    class Closing(Skprocess):
        def __init__(self, point: Any) -> None:
            self.point: Any = point
            self.process_config.lives = 2

        def __run__(self) -> None:
            if self.current_run < 2:
                self.point.send(self.current_run)
            elif self.current_run == 2:
                self.point.close()
                self.point = None
            elif self.listen() == "die":
                os._exit(1)

        def __result__(self) -> Any:
            return self.point, self.current_run

    anchor, point = Pipe.pair()
    process = Closing(point)
    process.start()

    assert (anchor.recv(DEADLINE), anchor.recv(DEADLINE)) == (0, 1)
    with pytest.raises(EOFError):  # nobody else keeps it, neither for a next life
        anchor.recv(DEADLINE)
    process.tell("die")
    process.tell("end")
    process.stop()
    assert process.result()[0] is None


def test_the_newer_of_a_message_and_the_memory_wins() -> None:
    class Changing(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 8
            self.process_config.lives = 9
            self.done = 0
            self.faults: list[Any] = []
            self.point: Any = None

        def __run__(self) -> None:
            run = self.current_run
            if run != self.done or (self.point is None) == (run % 2):
                self.faults.append((run, self.done, self.point))
            if self._end.lives == 9 - run:  # type: ignore[union-attr]
                os._exit(1)
            self.done += 1
            self.point = None if run % 2 else Pipe.pair()[1]

        def __result__(self) -> Any:
            return self.faults

    assert Changing().run() == []


def test_timers_are_known_up_to_the_last_boundary_while_a_run_goes_on_and_after_a_kill() -> None:
    class Busy(Skprocess):
        def __init__(self) -> None:
            self.process_config.lives = 2

        def __run__(self) -> None:
            if self.current_run == 150:
                self.tell("here")
                time.sleep(1000)

    process = Busy()
    process.start()
    assert process.listen(DEADLINE) == "here"

    running = process.timers
    process.kill()
    process.wait()

    for timers in (running, process.timers):
        assert timers is not None
        assert timers.run is not None
        assert timers.run.num_times == timers.full_run.num_times == 150
        assert [s.run for s in timers.timeline if s.section is None] == list(range(150))


def test_a_process_that_it_forks_takes_no_checkpoint() -> None:
    class Forking(Failing):
        def __postrun__(self) -> None:
            if self.current_run == 1 and os.fork() == 0:
                self.seen.append(-1)  # and it goes on, here too

    process = Forking(lambda: (time.sleep(0.2), os._exit(1)))

    assert process.run() == [0, 1, 2, 3, 4]


def test_with_one_life_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Single(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 3
            self.state = bytes(MIB)

        def __run__(self) -> None:
            self.page = self._end.page.words[10]  # type: ignore[union-attr]

        def __result__(self) -> Any:
            mapped = Path("/proc/self/maps").read_text().count("memfd:suitkaise")
            return self.page, mapped

    assert {Single().run() for _ in range(3)} == {(0, 1)}  # the last ones are rehearsed spares


def test_an_error_of_the_last_life_is_the_error() -> None:
    class Always(Skprocess):
        def __init__(self) -> None:
            self.process_config.lives = 3
            self.process_config.timeouts.run = 0.05

        def __run__(self) -> None:
            if self._end.lives == 1:  # type: ignore[union-attr]
                raise ValueError("the last")
            time.sleep(1000)

    with pytest.raises(RunError, match="the last") as caught:
        Always().run()
    assert not isinstance(caught.value, ProcessTimeoutError)


def test_a_next_life_that_cannot_begin_is_an_error() -> None:
    class Waiting(Skprocess):
        def __init__(self) -> None:
            self.process_config.lives = 2

        def __run__(self) -> None:
            self.tell(os.getpid())
            time.sleep(1000)

    process = Waiting()
    process.start()
    pid = process.listen(DEADLINE)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
        os.kill(pid, signal.SIGKILL)
        assert process.wait(DEADLINE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    with pytest.raises(ProcessError, match="next life could not begin: OSError") as caught:
        process.result()
    assert isinstance(caught.value.original_error, OSError)
