from __future__ import annotations

import gc
import itertools
import os
import signal
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from suitkaise.cucumber import DeserializationError
from suitkaise.processing import Pool, ProcessDiedError, ProcessError, RunError, Skprocess
from suitkaise.processing._scheduler import MOST_ITEMS

DEADLINE = 60.0
MAPS = ["map", "unordered_map", "imap", "unordered_imap"]


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[Pool]:
    with Pool(workers=2) as pool:
        yield pool


@pytest.fixture
def pool(shared_pool: Pool) -> Pool:
    """The same warm pool for all tests: each must leave it usable."""
    return shared_pool


def square(number: int) -> int:
    return number * number


def add(first: int, second: int = 100) -> int:
    return first + second


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


# -- the four maps


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("size", [0, 1, 2, 1000])
def test_every_map_applies_the_function_to_every_item(pool: Pool, name: str, size: int) -> None:
    results = list(getattr(pool, name)(square, range(size)))

    if "unordered" in name:
        results.sort()
    assert results == [square(number) for number in range(size)]


@pytest.mark.parametrize("name", ["map", "unordered_map"])
def test_the_eager_maps_return_lists(pool: Pool, name: str) -> None:
    assert isinstance(getattr(pool, name)(square, (1, 2)), list)


@pytest.mark.parametrize("name", MAPS)
def test_an_input_without_a_length_will_do(pool: Pool, name: str) -> None:
    results = list(getattr(pool, name)(square, (number for number in range(50))))

    assert sorted(results) == [square(number) for number in range(50)]


def test_ordered_maps_keep_the_order_although_the_first_is_the_last_to_finish(pool: Pool) -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.2 if number == 0 else 0)
        return number

    assert pool.map(slow_first, range(20)) == list(range(20))
    assert list(pool.imap(slow_first, range(20))) == list(range(20))


def test_unordered_maps_deliver_what_is_done(pool: Pool, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    def gated(number: int) -> int:
        while number == 0 and not gate.exists():
            time.sleep(0.005)
        return number

    results = pool.unordered_imap(gated, range(5))
    first = next(results)
    gate.touch()

    assert first != 0
    assert sorted([first, *results]) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", MAPS)
def test_star_unpacks_tuples_and_nothing_else(pool: Pool, name: str) -> None:
    results = list(getattr(pool.star(), name)(add, [(1, 2), (3, 4), 5, (6,)]))

    assert sorted(results) == [3, 7, 105, 106]


def test_without_star_a_tuple_is_one_argument(pool: Pool) -> None:
    assert pool.map(len, [(1, 2), (3, 4, 5)]) == [2, 3]


def test_lambdas_closures_and_methods_travel(pool: Pool) -> None:
    offset = 10

    class Scaler:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        def scale(self, number: int) -> int:
            return number * self.factor

        def __call__(self, number: int) -> int:
            return -self.scale(number)

    assert pool.map(lambda number: number + offset, [1, 2]) == [11, 12]
    assert pool.map(Scaler(3).scale, [1, 2]) == [3, 6]
    assert pool.map(Scaler(3), [1, 2]) == [-3, -6]


def test_workers_stay_warm_between_maps(pool: Pool) -> None:
    first = set(pool.map(lambda _: os.getpid(), range(100)))
    second = set(pool.map(lambda _: os.getpid(), range(100)))

    assert first | second <= {process.pid for process in psutil.Process().children(recursive=True)}
    assert len(first | second) <= pool.workers


def test_something_that_cannot_be_called_is_refused(pool: Pool) -> None:
    with pytest.raises(TypeError, match="callable"):
        pool.map(3, [1])  # type: ignore[call-overload]


# -- Skprocess classes


class Tripler(Skprocess):
    def __init__(self, number: int, extra: int = 0) -> None:
        self.number = number
        self.extra = extra
        self.process_config.runs = 3
        self.total = 0

    def __run__(self) -> None:
        if self.number < 0:
            raise ValueError("negative")
        self.total += self.number

    def __result__(self) -> int:
        return self.total + self.extra


@pytest.mark.parametrize("name", MAPS)
def test_an_skprocess_class_is_run_for_every_item(pool: Pool, name: str) -> None:
    assert sorted(getattr(pool, name)(Tripler, [1, 2, 3])) == [3, 6, 9]


def test_star_unpacks_tuples_into_an_skprocess(pool: Pool) -> None:
    assert pool.star().map(Tripler, [(1, 10), (2,), 3]) == [13, 6, 9]


def test_an_skprocess_that_fails_raises_its_error(pool: Pool) -> None:
    with pytest.raises(RunError, match=r"Tripler\.__run__ failed in run 0: ValueError: negative"):
        pool.map(Tripler, [1, -1])


def test_an_skprocess_in_a_pool_has_no_one_to_talk_to(pool: Pool) -> None:
    class Talking(Tripler):
        def __run__(self) -> None:
            self.tell("anyone?")

    with pytest.raises(RunError, match="inside a Pool") as caught:
        pool.map(Talking, [1])
    assert isinstance(caught.value.original_error, ProcessError)


# -- failing tasks


class Odd(Exception):
    def __init__(self, code: int, *, hint: str) -> None:
        super().__init__(f"code {code}")
        self.code = code
        self.hint = hint


def fail_at(bad: int) -> Callable[[int], int]:
    def task(number: int) -> int:
        if number == bad:
            raise Odd(number, hint="look there")
        return number

    return task


@pytest.mark.parametrize("name", MAPS)
def test_an_exception_is_raised_as_itself_with_its_remote_traceback(pool: Pool, name: str) -> None:
    with pytest.raises(Odd, match="code 7") as caught:
        list(getattr(pool, name)(fail_at(7), range(20)))

    assert (caught.value.code, caught.value.hint) == (7, "look there")
    assert "in task" in str(caught.value.__cause__)
    assert "_worker.py" not in str(caught.value.__cause__)
    assert pool.map(square, [2]) == [4]


def test_map_raises_the_first_error_by_the_order_of_the_items(pool: Pool) -> None:
    def late_then_early(number: int) -> int:
        if number == 0:
            time.sleep(0.2)
        raise LookupError(number)

    with pytest.raises(LookupError, match=r"^0$"):
        pool.map(late_then_early, range(6))


def test_map_takes_no_more_of_an_endless_input_after_an_error(pool: Pool) -> None:
    with pytest.raises(Odd, match="code 3"):
        pool.map(fail_at(3), itertools.count())


@pytest.mark.parametrize("name", ["imap", "unordered_imap"])
def test_lazy_maps_raise_at_the_item_and_go_on(pool: Pool, name: str) -> None:
    results = getattr(pool, name)(fail_at(2), range(6))
    came = []
    errors = 0
    while True:
        try:
            came.append(next(results))
        except StopIteration:
            break
        except Odd:
            errors += 1

    assert (sorted(came), errors) == ([0, 1, 3, 4, 5], 1)


def test_sys_exit_in_a_task_is_an_error(pool: Pool) -> None:
    with pytest.raises(ProcessDiedError, match=r"sys\.exit\(5\)") as caught:
        pool.map(lambda number: sys.exit(5), [1])

    assert caught.value.exitcode == 5
    assert pool.map(square, [3]) == [9]


DEATHS = {
    "os._exit": (lambda: os._exit(3), 3, "status 3"),
    "SIGKILL": (lambda: os.kill(os.getpid(), signal.SIGKILL), -9, "SIGKILL"),
    "SIGSEGV": (lambda: os.kill(os.getpid(), signal.SIGSEGV), -11, "SIGSEGV"),
}


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("death", DEATHS)
def test_a_worker_that_dies_fails_its_item_and_the_pool_goes_on(
    pool: Pool, name: str, death: str
) -> None:
    die, exitcode, words = DEATHS[death]

    def task(number: int) -> int:
        if number == 13:
            die()
        return number

    message = rf"for item 13 .*{words}.*the item was 13"
    with pytest.raises(ProcessDiedError, match=message) as caught:
        list(getattr(pool, name)(task, range(50)))

    assert caught.value.exitcode == exitcode
    assert pool.map(square, range(100)) == [square(number) for number in range(100)]


def test_a_worker_killed_from_outside_raises_and_the_pool_goes_on(tmp_path: Path) -> None:
    def task(number: int) -> int:
        (tmp_path / f"{number}-{os.getpid()}").touch()
        time.sleep(1000)
        return number

    caught: list[BaseException] = []

    def run_map() -> None:
        try:
            pool.map(task, [1, 2])
        except ProcessDiedError as error:
            caught.append(error)

    with Pool(workers=2) as pool:
        thread = threading.Thread(target=run_map)
        thread.start()
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        victims = {path.name.split("-")[0]: path.name.split("-")[1] for path in tmp_path.iterdir()}

        os.kill(int(victims["1"]), signal.SIGKILL)

        thread.join(5)
        assert not thread.is_alive()
        assert "for item 0" in str(caught[0])
        os.kill(int(victims["2"]), signal.SIGKILL)
        assert pool.map(square, [4, 5]) == [16, 25]


@pytest.mark.parametrize("name", ["imap", "unordered_imap"])
def test_the_items_beside_the_victim_all_come_out(pool: Pool, name: str) -> None:
    def task(number: int) -> int:
        if number % 100 == 50:
            os._exit(1)
        return number

    results = getattr(pool, name)(task, range(1000))
    came: list[int] = []
    died = 0
    while True:
        try:
            came.append(next(results))
        except StopIteration:
            break
        except ProcessDiedError:
            died += 1

    assert sorted(came) == [number for number in range(1000) if number % 100 != 50]
    assert died == 10


# -- things that do not travel


class Bad:
    """Misbehaves at a chosen step of its travels."""

    def __init__(self, step: str) -> None:
        self.step = step
        self.home = os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.step == "pickle" or (self.step == "repickle" and os.getpid() != self.home):
            raise ValueError(f"bad at {self.step}")
        return (rebuild_bad, (self.step, self.home))


def rebuild_bad(step: str, home: int) -> Bad:
    if step == "unpickle" or (step == "return" and os.getpid() == home):
        raise ValueError(f"bad at {step}")
    if step == "kill" and os.getpid() != home:
        os._exit(9)
    bad = Bad(step)
    bad.home = home
    return bad


def identity(item: Any) -> Any:
    return item


@pytest.mark.parametrize("name", ["imap", "unordered_imap"])
@pytest.mark.parametrize("step", ["pickle", "unpickle", "kill", "repickle", "return"])
def test_only_the_item_that_does_not_travel_fails(pool: Pool, name: str, step: str) -> None:
    items: list[Any] = [*range(40), Bad(step), *range(40, 80)]

    results = getattr(pool, name)(identity, items)
    came: list[int] = []
    errors: list[Exception] = []
    while True:
        try:
            came.append(next(results))
        except StopIteration:
            break
        except Exception as error:
            errors.append(error)

    assert sorted(came) == list(range(80))
    assert len(errors) == 1
    assert ("status 9" if step == "kill" else f"bad at {step}") in str(errors[0])
    assert step not in ("pickle", "kill", "return") or "item 40" in str(errors[0])
    assert pool.map(square, [2]) == [4]


def test_a_function_that_does_not_travel_is_refused_at_the_call(pool: Pool) -> None:
    compressor = zlib.compressobj()

    with pytest.raises(Exception, match="Compress"):
        pool.map(lambda number: compressor, [1])


def test_a_function_that_cannot_be_rebuilt_fails_the_map(pool: Pool) -> None:
    bad = Bad("unpickle")

    with pytest.raises(DeserializationError, match="bad at unpickle"):
        pool.map(lambda number: bad, range(100))


# -- lazy and bounded


@pytest.mark.parametrize("name", ["imap", "unordered_imap"])
def test_an_endless_input_is_pulled_as_results_are_taken(pool: Pool, name: str) -> None:
    pulled = 0

    def count() -> Iterator[int]:
        nonlocal pulled
        for number in itertools.count():
            pulled = number
            yield number

    results = getattr(pool, name)(square, count())
    taken = [next(results) for _ in range(100)]
    few = 2 * 6 * MOST_ITEMS  # chunks: two ready, one run, one in advance, two not yet taken
    assert pulled <= few

    results.close()

    assert len(taken) == 100
    assert len(list(results)) <= few, "it ends although its input does not"


def test_an_error_of_the_input_itself_arrives_at_the_caller(pool: Pool) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("the input broke")

    with pytest.raises(OSError, match="the input broke"):
        pool.map(square, broken())
    with pytest.raises(OSError, match="the input broke"):
        list(pool.imap(square, broken()))
    assert pool.map(square, [3]) == [9]


def test_dropping_an_iterator_cancels_its_work(pool: Pool) -> None:
    results = pool.imap(square, itertools.count())
    next(results)

    del results
    gc.collect()

    assert pool.map(square, [5]) == [25]


def test_maps_from_several_threads_share_the_workers(pool: Pool) -> None:
    outcomes: dict[int, list[int]] = {}

    def run(offset: int) -> None:
        outcomes[offset] = pool.map(square, range(offset, offset + 500))

    threads = [threading.Thread(target=run, args=(offset,)) for offset in range(0, 4000, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)

    assert outcomes == {
        offset: [square(number) for number in range(offset, offset + 500)]
        for offset in range(0, 4000, 500)
    }


# -- its life


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, "2"])
def test_a_number_of_workers_that_makes_no_sense_is_refused(workers: Any) -> None:
    with pytest.raises(ValueError, match="workers"):
        Pool(workers=workers)


def test_by_default_it_uses_the_cpus_that_it_may() -> None:
    allowed = os.sched_getaffinity(0)
    one = {min(allowed)}
    os.sched_setaffinity(0, one)
    try:
        assert Pool().workers == 1
    finally:
        os.sched_setaffinity(0, allowed)


def worker_processes(pool: Pool) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in set(pool.map(lambda _: os.getpid(), range(50)))]


def test_closing_ends_the_workers_and_refuses_further_maps() -> None:
    pool = Pool(workers=2)
    workers = worker_processes(pool)

    pool.close()
    pool.close()

    _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == []
    with pytest.raises(ProcessError, match="closed"):
        pool.map(square, [1])
    assert "closed" in repr(pool)


def test_closing_waits_for_the_maps_that_run(tmp_path: Path) -> None:
    pool = Pool(workers=1)
    results: list[int] = []

    def slow(number: int) -> int:
        (tmp_path / str(number)).touch()
        time.sleep(0.05)
        return number

    thread = threading.Thread(target=lambda: results.extend(pool.map(slow, range(4))))
    thread.start()
    wait_until(lambda: (tmp_path / "0").exists())

    pool.close()

    thread.join(DEADLINE)
    assert results == [0, 1, 2, 3]


def test_closing_does_not_wait_for_an_iterator_that_nobody_takes_from() -> None:
    pool = Pool(workers=2)
    results = pool.imap(square, itertools.count())
    assert next(results) == 0

    pool.close()

    with pytest.raises(ProcessError, match="closed before this iterator came to its end"):
        list(results)


def test_what_an_iterator_has_ready_can_be_taken_after_the_pool_was_closed() -> None:
    with Pool(workers=2) as pool:
        results = pool.imap(square, range(4))
        first = next(results)
        wait_until(lambda: not pool._dispatcher.scheduler.has_chunks(1))

    assert [first, *results] == [0, 1, 4, 9]


def test_terminating_kills_the_workers_and_fails_the_maps_that_run(tmp_path: Path) -> None:
    pool = Pool(workers=1)
    caught: list[ProcessError] = []

    def forever(number: int) -> None:
        (tmp_path / "running").touch()
        time.sleep(1000)

    def run_map() -> None:
        try:
            pool.map(forever, [1])
        except ProcessError as error:
            caught.append(error)

    thread = threading.Thread(target=run_map)
    thread.start()
    wait_until(lambda: (tmp_path / "running").exists())

    pool.terminate()

    thread.join(DEADLINE)
    assert "terminated" in str(caught[0])


def test_leaving_the_block_closes_the_pool() -> None:
    with Pool(workers=1) as pool:
        workers = worker_processes(pool)

    _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == []


def test_dropping_a_pool_ends_its_workers() -> None:
    pool = Pool(workers=1)
    workers = worker_processes(pool)

    del pool
    gc.collect()

    _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == []


def test_a_pool_does_not_travel(pool: Pool) -> None:
    with pytest.raises(Exception, match="make a Pool there"):
        pool.map(lambda number: pool, [1])


def test_pools_work_inside_tasks(pool: Pool) -> None:
    def inner(number: int) -> list[int]:
        with Pool(workers=1) as nested:
            return nested.map(square, [number, number + 1])

    assert pool.map(inner, [1, 2]) == [[1, 4], [4, 9]]
