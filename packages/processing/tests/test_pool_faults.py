"""Every fault at every step of an item's way, in every map: it fails that item, and nothing else.

Faults are real: signals, crashes, memory that is not to be had.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from packages.processing.tests.odd_exceptions import FailsInReduce
from packages.processing.tests.struck import (
    Changed,
    Holding,
    strike_and_crash,
    strike_and_exit,
    strike_and_kill,
    strike_and_leave,
    strike_and_raise,
    strike_and_raise_changed,
    strike_and_raise_holding,
    strike_by_memory,
    strike_by_recursion,
)
from packages.processing.tests.struck_items import (
    IN_THE_CALLER,
    STEPS,
    TASK,
    Item,
    Strike,
    Task,
)

from suitkaise.cucumber import DeserializationError, SerializationError
from suitkaise.processing import Pool, ProcessDiedError, ProcessError

pytestmark = pytest.mark.timeout(60)

ITEMS, VICTIM = 40, 23


def strike_and_raise_what_fails_in_reduce() -> NoReturn:
    raise FailsInReduce("struck")


# what strikes -> what a task raises that is struck
RAISING: dict[Strike, type[BaseException]] = {
    strike_and_raise: ValueError,
    strike_and_raise_changed: Changed,
    strike_and_raise_holding: Holding,
    strike_and_raise_what_fails_in_reduce: Exception,
    strike_by_recursion: RecursionError,
    strike_by_memory: MemoryError,
    strike_and_exit: ProcessDiedError,
}
# what strikes -> what the error says
DEADLY: dict[Strike, str] = {
    strike_and_leave: "status 4",
    strike_and_crash: "SIGSEGV",
    strike_and_kill: "SIGKILL",
}
CASES = [
    pytest.param(step, strike, id=f"{step}-{strike.__name__}")
    for step in STEPS
    for strike in [*RAISING, *({} if step in IN_THE_CALLER else DEADLY)]
    # That ends the caller, who has asked for it.
    if (step, strike) != (IN_THE_CALLER[0], strike_and_exit)
]


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[Pool]:
    with Pool(workers=2) as pool:
        yield pool


@pytest.fixture
def pool(shared_pool: Pool) -> Iterator[Pool]:
    """The same warm pool for all: it must be whole after each."""
    yield shared_pool
    assert shared_pool.map(abs, range(-10, 0)) == list(range(10, 0, -1))


def items_with(step: str, strike: Strike) -> list[Item]:
    items = [Item(number) for number in range(ITEMS)]
    items[VICTIM] = Item(VICTIM, step, strike)
    return items


def check_error(error: BaseException, step: str, strike: Callable[[], None]) -> None:
    text = str(error)
    if strike in DEADLY:
        assert isinstance(error, ProcessDiedError)
        assert f"item {VICTIM}" in text
        assert DEADLY[strike] in text
    elif step == TASK:
        assert isinstance(error, RAISING[strike])
        assert "struck" in text or strike not in (strike_and_raise, strike_and_raise_holding)
    else:
        assert isinstance(error, ProcessError | SerializationError | DeserializationError)
        assert f"item {VICTIM}" in text
        assert not text.endswith(": ")


@pytest.mark.parametrize("name", ["imap", "unordered_imap"])
@pytest.mark.parametrize(("step", "strike"), CASES)
def test_a_lazy_map_fails_the_victim_alone_and_runs_each_other_item_once(
    pool: Pool, tmp_path: Path, name: str, step: str, strike: Strike
) -> None:
    task = Task(tmp_path / "calls")
    results = getattr(pool, name)(task, items_with(step, strike))
    came: list[Any] = []
    while True:
        try:
            came.append(next(results).number)
        except StopIteration:
            break
        except Exception as error:
            came.append(error)

    (error,) = [each for each in came if isinstance(each, Exception)]
    check_error(error, step, strike)
    if name == "imap":
        assert came[VICTIM] is error
    came.remove(error)
    others = [number for number in range(ITEMS) if number != VICTIM]
    assert (came if name == "imap" else sorted(came)) == others
    calls = task.calls()
    assert calls.pop(VICTIM, 0) <= 1
    assert calls == dict.fromkeys(others, 1)


@pytest.mark.parametrize("name", ["map", "unordered_map"])
@pytest.mark.parametrize(("step", "strike"), CASES)
def test_a_list_ends_with_the_error_of_the_victim(
    pool: Pool, tmp_path: Path, name: str, step: str, strike: Strike
) -> None:
    task = Task(tmp_path / "calls")
    with pytest.raises(BaseException) as caught:
        getattr(pool, name)(task, items_with(step, strike))

    check_error(caught.value, step, strike)
    assert set(task.calls().values()) <= {1}


def test_a_worker_that_is_killed_because_a_map_was_interrupted_takes_no_item_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    with Pool(1) as pool:
        pool.map(abs, [-1])
        dispatcher = pool._dispatcher
        (worker,) = dispatcher.crew.values()
        assert worker.child is not None
        kill, assign, end = worker.child.kill, worker.assign, dispatcher.end

        def be_interrupted(*chunk: Any) -> NoReturn:
            assign(*chunk)
            raise KeyboardInterrupt

        def end_when_it_is_done(job: Any, *, kill: bool) -> None:
            wait_until(lambda: dispatcher.scheduler.is_idle(worker.number))
            end(job, kill=kill)

        monkeypatch.setattr(worker.child, "kill", lambda: None)  # it comes late
        monkeypatch.setattr(worker, "assign", be_interrupted)
        monkeypatch.setattr(dispatcher, "end", end_when_it_is_done)
        with pytest.raises(KeyboardInterrupt):
            pool.map(abs, [-1])
        monkeypatch.undo()

        told = pool.map.background()(wait_the_first_time, [str(begun)])
        wait_until(begun.exists)
        kill()

        assert told.result(30) == ["the second time"]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_the_first_time(begun: str) -> str:
    if Path(begun).exists():
        return "the second time"
    Path(begun).touch()
    time.sleep(60)
    return "the first time"
