"""A slow item holds up nobody: what is finished is delivered, what has not begun runs elsewhere."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packages.processing.tests.diary import Diary
from packages.processing.tests.pool_tasks import Moody, Sleeper

from suitkaise.processing import Pipe, Pool, ProcessDiedError, ProcessTimeoutError, Skprocess
from suitkaise.processing._page import MOST_TICKS

pytestmark = pytest.mark.timeout(100)

PAUSE = 1.5  # seconds that a slow item takes
PATIENCE = 30.0  # and that one takes at most which waits for all others


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(workers=2) as pool:
        yield pool


def is_over(until: Path) -> bool:
    """Whether all others have come, or should have."""
    return until.exists() or time.time() > until.parent.stat().st_ctime + PATIENCE


def by_sleeping(until: Path) -> None:
    while not is_over(until):
        time.sleep(0.5)


def by_computing(until: Path) -> None:
    while not is_over(until):
        sum(range(100))


def by_waiting_for_a_process(until: Path) -> None:
    program = (
        "import os, time\n"
        f"while time.time() < {time.time() + PATIENCE} and not os.path.exists({str(until)!r}):\n"
        "    time.sleep(0.05)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def by_printing(until: Path) -> None:
    with Path(os.devnull).open("w") as nowhere:
        while not is_over(until):
            print("here", file=nowhere, flush=True)


SLOW = [by_sleeping, by_computing, by_waiting_for_a_process, by_printing]


@pytest.mark.parametrize("pause", SLOW)
@pytest.mark.parametrize("result", ["plain", "object"])
def test_everything_else_comes_before_a_slow_item(
    pool: Pool, tmp_path: Path, pause: Callable[[Path], None], result: str
) -> None:
    diary = Diary(tmp_path / "calls")
    end = tmp_path / "end"
    slow = 3000
    # To pack an object runs its code, which is not done in the middle of another: the last of what
    # was finished less than half a millisecond before may wait.
    held = 0 if result == "plain" else 2 * MOST_TICKS

    def task(number: int) -> Any:
        diary.note(number)
        if number == slow:
            pause(end)
        return number if result == "plain" else Sleeper(number)

    pool.map(abs, range(1000))  # a chunk in advance, and long ones
    came: list[int] = []
    for each in pool.unordered_imap(task, range(6000)):
        came.append(getattr(each, "number", each))
        if len(came) == 5999 - held:
            end.touch()

    assert sorted(came) == list(range(6000))
    assert diary.calls() == Counter(range(6000))
    behind = came[came.index(slow) + 1 :]
    assert len(behind) <= held, (min(behind), max(behind))


def test_a_loop_in_compiled_code_holds_up_its_chunk_alone(pool: Pool, tmp_path: Path) -> None:
    diary = Diary(tmp_path / "calls")

    def task(number: int) -> int:
        diary.note(number)
        if number == 3000:
            sum(range(60_000_000))
        return number

    assert pool.map(task, range(6000)) == list(range(6000))
    assert diary.calls() == Counter(range(6000))


@pytest.mark.parametrize("name", ["map", "unordered_map", "imap", "unordered_imap"])
@pytest.mark.parametrize("seed", range(4))
def test_every_item_runs_once_whoever_is_slow(
    pool: Pool, tmp_path: Path, name: str, seed: int
) -> None:
    moody = Moody(tmp_path / "calls", seed=seed)

    results = list(getattr(pool, name)(moody, range(3000)))

    assert sorted(each if type(each) is int else each.number for each in results) == [*range(3000)]
    assert moody.diary.calls() == Counter(range(3000))


@pytest.mark.parametrize("seed", range(4))
def test_slow_items_that_fail_and_die_are_the_only_ones_that_do(
    pool: Pool, tmp_path: Path, seed: int
) -> None:
    moody = Moody(tmp_path / "calls", seed=seed, fails=20, dies=4)
    came: list[int] = []
    failed = died = 0
    results = pool.unordered_imap(moody, range(2000))
    while True:
        try:
            each = next(results)
            came.append(each if type(each) is int else each.number)
        except StopIteration:
            break
        except LookupError:
            failed += 1
        except ProcessDiedError:
            died += 1

    assert (failed, died) == (20, 4)
    assert len(came) == len(set(came)) == 2000 - 24
    calls = moody.diary.calls()
    assert set(calls) == set(range(2000))
    assert calls.total() - 2000 <= 4 * 60  # beside what was finished just before a death


def test_an_item_that_logs_all_the_time_makes_way(
    pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    end = tmp_path / "end"

    def task(number: int) -> int:
        if number == 300:
            while not is_over(end):
                logging.getLogger("busy").info("%s", "x" * 1000)
                time.sleep(0.0005)
        return number

    caplog.set_level(logging.INFO, "busy")
    came: list[int] = []
    for number in pool.unordered_imap(task, range(2000)):
        came.append(number)
        if len(came) == 1999:
            end.touch()

    assert sorted(came) == list(range(2000))
    assert came[-1] == 300
    assert caplog.records


class Punctual(Skprocess):
    def __init__(self, number: int) -> None:
        self.number = number
        self.process_config.runs = 1
        self.process_config.timeouts.run = 0.3

    def __run__(self) -> None:
        if self.number % 40 == 13:
            time.sleep(60)

    def __result__(self) -> int:
        return self.number


def test_section_timeouts_fire_in_the_middle_of_it(pool: Pool) -> None:
    results = pool.unordered_imap(Punctual, range(200))
    came: list[int] = []
    late = 0
    while True:
        try:
            came.append(next(results))
        except StopIteration:
            break
        except ProcessTimeoutError:
            late += 1

    assert late == 5
    assert sorted(came) == [number for number in range(200) if number % 40 != 13]


def test_a_task_that_has_a_timer_of_its_own_keeps_it(pool: Pool) -> None:
    def task(number: int) -> int:
        if number % 50 != 7:
            return number
        signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError(number)))
        signal.setitimer(signal.ITIMER_REAL, random.random() * 0.3)
        try:
            time.sleep(60)
        except TimeoutError as error:
            return -error.args[0]  # type: ignore[no-any-return]
        return 0

    came = list(pool.unordered_imap(task, range(400)))

    late = [number for number in range(400) if number % 50 == 7]
    assert sorted(came) == sorted(
        [-number for number in late] + [number for number in range(400) if number % 50 != 7]
    )


@pytest.mark.parametrize("name", ["imap", "unordered_imap"])
def test_a_timer_that_a_task_has_forgotten_spoils_no_other_result(name: str) -> None:
    def raise_late(*_: object) -> None:
        raise TimeoutError("late")

    def task(number: int) -> int:
        signal.signal(signal.SIGALRM, raise_late)
        signal.setitimer(signal.ITIMER_REAL, random.random() * 0.002)
        return number

    for _ in range(15):
        came: list[int | None] = []
        with Pool(workers=2) as pool:
            results = getattr(pool, name)(task, range(400))
            while True:
                try:
                    came.append(next(results))
                except StopIteration:
                    break
                except Exception:  # it strikes whatever runs, a worker's own code included
                    came.append(None)
        assert len(came) == 400
        left = [number for number in came if number is not None]
        assert len(set(left)) == len(left)
        assert name == "unordered_imap" or all(n in (None, at) for at, n in enumerate(came))


def test_what_moves_is_not_lost_behind_a_slow_item(pool: Pool) -> None:
    pipes = [Pipe.pair() for _ in range(60)]

    def task(number: int, point: Any) -> int:
        if number == 30:
            time.sleep(PAUSE)
        point.send(number)
        return number

    results = pool.star().map(task, [(number, point) for number, (_, point) in enumerate(pipes)])

    assert results == list(range(60))
    assert [anchor.recv() for anchor, _ in pipes] == list(range(60))


def test_a_map_waits_for_its_own_slow_item_alone(pool: Pool) -> None:
    slow = pool.map.background()(Sleeper.sleep, [Sleeper(0, PAUSE)])
    time.sleep(0.1)

    assert pool.map(abs, range(-5000, 0)) == list(range(5000, 0, -1))

    assert not slow.done()
    assert slow.result(60) == [0]
