"""What a worker has finished outlives it: the ledger itself, and pools whose workers die."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packages.processing.tests.diary import Diary

from suitkaise.processing import Pool, ProcessDiedError, _ledger
from suitkaise.processing._ledger import Entry
from suitkaise.processing._page import (
    ITEM,
    MOST_TICKS,
    WORKER_BYTES,
    StatusPage,
    create_page,
    item_at,
    position_of,
)

ITEMS = 60
VICTIM = 43


def new_page() -> StatusPage:
    page, descriptor = create_page(WORKER_BYTES)
    os.close(descriptor)
    return page


def entry(start: int, count: int = 0) -> Entry:
    return Entry(start, count, b"p" * start, {start: b"failed"})


def note(page: StatusPage, entry: Entry) -> bool:
    return _ledger.note(page, entry.start, [(entry.values, entry.payload)], entry.failures)


def test_what_was_noted_of_a_chunk_is_read_in_order() -> None:
    page = new_page()
    _ledger.begin(page, 7)
    noted = [entry(0, 3), entry(3), entry(4, 100), Entry(104, 2, b"two", {})]

    assert all(note(page, each) for each in noted)

    assert _ledger.read(page, 7) == noted
    page.keep_copy()  # as when the worker has ended
    assert _ledger.read(page, 7) == noted


def test_what_was_noted_of_another_chunk_does_not_count() -> None:
    page = new_page()
    _ledger.begin(page, 7)
    note(page, entry(0))

    assert _ledger.read(page, 8) == []

    _ledger.begin(page, 8)
    assert _ledger.read(page, 8) == []


def test_a_full_ledger_says_so_and_keeps_what_it_has() -> None:
    page = new_page()
    _ledger.begin(page, 1)
    large = Entry(0, 1, bytes(len(page.ledger) // 2), {})
    assert note(page, large)

    assert not note(page, large)

    assert _ledger.read(page, 1) == [large]


def test_nothing_is_read_of_a_page_that_was_never_written() -> None:
    assert _ledger.read(new_page(), 1) == []


def test_the_item_that_runs_is_told_by_ticks() -> None:
    page = new_page()
    tick = page.tick()
    assert position_of(page.words[ITEM]) is None

    for position in (0, 1000, 10_000_000):
        page.words[ITEM] = item_at(position)
        for ticks in (0, 1, MOST_TICKS - 1):
            tick[0] = bytes([ticks])
            assert position_of(page.words[ITEM]) == position + ticks


# With real workers


class Task:
    """Notes each of its calls in a file, and dies of one item."""

    def __init__(self, log: Path, die: Callable[[], object], result: Any, seconds: float) -> None:
        self.diary = Diary(log)
        self.die = die
        self.result = result
        self.seconds = seconds

    def __call__(self, item: int) -> Any:
        self.diary.note(item)
        time.sleep(self.seconds)
        if item == VICTIM:
            self.die()
        if item % 10 == 1:
            raise LookupError(item)
        return item, self.result

    def calls(self) -> Counter[int]:
        return self.diary.calls()


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def segfault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def exit_at_once() -> None:
    os._exit(3)


DEATHS = {"killed": kill_itself, "segfault": segfault, "os._exit": exit_at_once}


@pytest.mark.parametrize("is_ordered", [True, False])
@pytest.mark.parametrize("size", [0, 1000, 50_000], ids=["small", "some", "large"])
@pytest.mark.parametrize("death", DEATHS)
def test_what_had_finished_before_its_worker_died_is_not_run_again(
    tmp_path: Path, death: str, size: int, is_ordered: bool
) -> None:
    task = Task(tmp_path / "calls", DEATHS[death], bytes(size), seconds=0.001)
    outcomes: list[int | BaseException] = []
    with Pool(workers=2) as pool:
        results = (pool.imap if is_ordered else pool.unordered_imap)(task, range(ITEMS))
        while True:
            try:
                item, result = next(results)
                assert result == bytes(size)
                outcomes.append(item)
            except StopIteration:
                break
            except Exception as error:
                outcomes.append(error)

    assert task.calls() == Counter(range(ITEMS))
    failed = [each for each in outcomes if isinstance(each, ProcessDiedError)]
    (died,) = failed
    assert f"item {VICTIM}" in str(died)
    raised = sorted(each.args[0] for each in outcomes if isinstance(each, LookupError))
    assert raised == list(range(1, ITEMS, 10))
    returned = sorted(each for each in outcomes if isinstance(each, int))
    assert returned == [item for item in range(ITEMS) if item % 10 != 1 and item != VICTIM]


@pytest.mark.parametrize("seed", range(3))
def test_of_a_worker_killed_at_any_moment_at_most_the_last_item_is_run_again(
    tmp_path: Path, seed: int
) -> None:
    task = Task(tmp_path / "calls", sys.getrecursionlimit, b"", seconds=0.002)
    outcomes = []
    with Pool(workers=1) as pool:
        (pid,) = pool.map(getpid, [None])
        results = pool.imap(task, range(ITEMS))
        for number in range(ITEMS):
            if number == 10 + 13 * seed:
                os.kill(pid, signal.SIGKILL)
            try:
                outcomes.append(next(results)[0])
            except LookupError as error:
                outcomes.append(error.args[0])
            except ProcessDiedError:
                outcomes.append(None)

    calls = task.calls()
    assert outcomes.count(None) <= 1
    assert all(item in (number, None) for number, item in enumerate(outcomes))
    assert all(calls[item] for item in outcomes if item is not None)
    # One that had ended half a millisecond before, or less, may have been run again.
    assert calls.total() <= ITEMS + 1


def getpid(_: object) -> int:
    return os.getpid()
