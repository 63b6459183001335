"""`Pool` as an Executor: `submit`, its Futures, `shutdown`."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    as_completed,
    wait,
)
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from suitkaise.cucumber import SerializationError
from suitkaise.processing import Pipe, Pool, ProcessDiedError, ProcessError, Share, Skprocess

DEADLINE = 60.0


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[Pool]:
    with Pool(workers=2) as pool:
        yield pool


@pytest.fixture
def pool(shared_pool: Pool) -> Iterator[Pool]:
    """The same warm pool for all tests: each must leave it usable."""
    yield shared_pool
    assert shared_pool.submit(square, 7).result(DEADLINE) == 49


@pytest.fixture
def busy_pool(tmp_path: Path) -> Iterator[tuple[Pool, Future[None], Callable[[], None]]]:
    """A pool whose only worker runs a call that ends when it is released."""
    with Pool(workers=1) as pool:
        gate = tmp_path / "gate"
        running = pool.submit(wait_for_file, gate)
        wait_until(running.running)
        yield pool, running, gate.touch
        gate.touch()


def square(number: int) -> int:
    return number * number


def add(first: int, second: int = 100) -> int:
    return first + second


def fail(message: str) -> None:
    raise LookupError(message)


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.005)


def wait_until(is_true: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


# -- what comes of a call


def test_a_call_comes_back_as_a_future_of_its_result(pool: Pool) -> None:
    future = pool.submit(add, 1, second=2)

    assert isinstance(future, Future)
    assert future.result(DEADLINE) == 3
    assert future.done()
    assert not future.running()
    assert not future.cancelled()
    assert future.exception() is None
    assert future.result() == 3


def test_a_pool_is_an_executor(pool: Pool) -> None:
    assert isinstance(pool, Executor)


def test_whatever_is_callable_can_be_submitted(pool: Pool) -> None:
    offset = 10

    class Adder:
        def __init__(self, first: int) -> None:
            self.first = first

        def __call__(self, second: int) -> int:
            return self.first + second

    assert pool.submit(lambda: offset + 1).result(DEADLINE) == 11
    assert pool.submit(partial(add, 1), 2).result(DEADLINE) == 3
    assert pool.submit(Adder(5), 2).result(DEADLINE) == 7
    assert pool.submit([3, 1, 3].count, 3).result(DEADLINE) == 2
    assert pool.submit(dict, a=1).result(DEADLINE) == {"a": 1}


def test_a_function_may_take_arguments_of_any_name(pool: Pool) -> None:
    def names(**names: int) -> dict[str, int]:
        return names

    given: Any = {"fn": 1, "function": 2, "self": 3}

    assert pool.submit(names, **given).result(DEADLINE) == given


def test_each_call_sees_what_its_function_refers_to_now(pool: Pool) -> None:
    number = 0

    def current() -> int:
        return number

    first = pool.submit(current)
    number = 1

    assert pool.submit(current).result(DEADLINE) == 1
    assert first.result(DEADLINE) == 0


def test_a_call_leaves_no_trace_in_the_object_of_its_method(pool: Pool) -> None:
    class Counter:
        count = 0

        def increment(self) -> int:
            self.count += 1
            return self.count

    increment = Counter().increment

    assert [pool.submit(increment).result(DEADLINE) for _ in range(6)] == [1] * 6


def test_large_memory_arrives_whole_in_both_directions(pool: Pool) -> None:
    data = bytearray(os.urandom(1 << 20))

    def reverse(data: bytearray) -> bytearray:
        data.reverse()
        return data

    assert pool.submit(reverse, data).result(DEADLINE) == bytes(reversed(data))


def test_thousands_of_calls_all_come_back(pool: Pool) -> None:
    futures = [pool.submit(square, number) for number in range(3000)]

    assert [future.result(DEADLINE) for future in futures] == [n * n for n in range(3000)]


def test_context_variables_reach_the_call(pool: Pool) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")

    def read() -> str:
        return variable.get()

    variable.set("set by the caller")
    first = pool.submit(read)
    variable.set("set anew")

    assert first.result(DEADLINE) == "set by the caller"
    assert pool.submit(read).result(DEADLINE) == "set anew"


# -- failures stay with their Future


def test_what_a_call_raises_is_raised_as_itself(pool: Pool) -> None:
    future = pool.submit(fail, "nothing there")

    with pytest.raises(LookupError, match="nothing there") as caught:
        future.result(DEADLINE)
    assert "raise LookupError(message)" in str(caught.value.__cause__)
    assert "run_call" not in str(caught.value.__cause__)
    assert future.exception() is caught.value


def test_a_worker_that_dies_fails_its_call_alone(pool: Pool) -> None:
    before = [pool.submit(square, number) for number in range(50)]
    exited = pool.submit(os._exit, 3)
    killed = pool.submit(lambda: os.kill(os.getpid(), signal.SIGKILL))
    after = [pool.submit(square, number) for number in range(50)]

    with pytest.raises(ProcessDiedError, match=r"ran _exit .*exited with status 3") as exit_error:
        exited.result(DEADLINE)
    with pytest.raises(ProcessDiedError, match=r"<lambda>.*SIGKILL") as kill_error:
        killed.result(DEADLINE)
    assert exit_error.value.exitcode == 3
    assert kill_error.value.signal_name == "SIGKILL"
    squares = [number * number for number in range(50)]
    assert [future.result(DEADLINE) for future in before] == squares
    assert [future.result(DEADLINE) for future in after] == squares


def test_sys_exit_in_a_call_does_not_end_the_caller(pool: Pool) -> None:
    with pytest.raises(ProcessDiedError, match="exit"):
        pool.submit(exit, 2).result(DEADLINE)


class Unpicklable:
    def __reduce__(self) -> Any:
        raise ValueError("it stays here")


class Unopenable:
    def __reduce__(self) -> Any:
        return fail, ("it cannot be rebuilt",)


@pytest.mark.parametrize(
    ("submit", "name"),
    [
        (lambda pool: pool.submit(square, Unpicklable()), "argument 0 of square"),
        (lambda pool: pool.submit(add, 1, second=Unpicklable()), "argument second of add"),
        (lambda pool: pool.submit(partial(add, Unpicklable())), "the function partial"),
    ],
)
def test_what_cannot_travel_is_named_by_its_future_alone(
    pool: Pool, submit: Callable[[Pool], Future[Any]], name: str
) -> None:
    other = pool.submit(square, 3)
    future = submit(pool)

    with pytest.raises(SerializationError, match=name) as caught:
        future.result(DEADLINE)
    assert "it stays here" in str(caught.value)
    assert other.result(DEADLINE) == 9


def test_an_argument_that_cannot_be_rebuilt_fails_its_call_alone(pool: Pool) -> None:
    futures = [pool.submit(square, 3), pool.submit(type, Unopenable()), pool.submit(square, 4)]

    with pytest.raises(Exception, match="it cannot be rebuilt"):
        futures[1].result(DEADLINE)
    assert [futures[0].result(DEADLINE), futures[2].result(DEADLINE)] == [9, 16]


def test_a_result_that_cannot_travel_fails_its_call_alone(pool: Pool) -> None:
    with pytest.raises(ProcessError, match="Unpicklable that cannot travel"):
        pool.submit(Unpicklable).result(DEADLINE)
    with pytest.raises(ProcessError, match="result of Unopenable arrived but cannot be rebuilt"):
        pool.submit(Unopenable).result(DEADLINE)


def test_what_is_no_function_is_refused(pool: Pool) -> None:
    class Life(Skprocess):
        pass

    with pytest.raises(TypeError, match="takes a callable"):
        pool.submit(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"pool\.map\(.*Life, \[item\]\)"):
        pool.submit(Life)


# -- cancelling


def test_cancelling_keeps_a_waiting_call_from_running(
    busy_pool: tuple[Pool, Future[None], Callable[[], None]], tmp_path: Path
) -> None:
    pool, running, release = busy_pool
    marks = [tmp_path / str(number) for number in range(20)]
    futures = [pool.submit(mark.touch) for mark in marks]
    called: list[Future[None]] = []
    futures[0].add_done_callback(called.append)

    assert all(future.cancel() for future in futures[:10])
    assert called == [futures[0]]
    assert all(future.cancelled() and future.done() for future in futures[:10])
    with pytest.raises(CancelledError):
        futures[3].result()
    release()
    assert running.result(DEADLINE) is None
    for future in futures[10:]:
        future.result(DEADLINE)
    assert [mark.exists() for mark in marks] == [False] * 10 + [True] * 10


def test_a_call_that_runs_cannot_be_cancelled(
    busy_pool: tuple[Pool, Future[None], Callable[[], None]],
) -> None:
    pool, running, release = busy_pool
    waiting = pool.submit(square, 3)

    assert running.running()
    assert not waiting.running()
    assert not running.cancel()
    assert not running.cancelled()
    release()
    assert running.result(DEADLINE) is None
    assert not running.cancel()
    assert waiting.result(DEADLINE) == 9


def test_an_await_that_is_cancelled_cancels_the_call(
    busy_pool: tuple[Pool, Future[None], Callable[[], None]], tmp_path: Path
) -> None:
    pool, running, release = busy_pool
    mark = tmp_path / "mark"

    async def give_up() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(loop.run_in_executor(pool, mark.touch), 0.05)

    asyncio.run(give_up())
    release()
    running.result(DEADLINE)
    assert pool.submit(square, 3).result(DEADLINE) == 9
    assert not mark.exists()


# -- those who take an Executor


def test_an_event_loop_runs_calls_in_it(pool: Pool) -> None:
    async def run() -> list[int]:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(pool, square, number) for number in range(100)]
        with pytest.raises(LookupError, match="in the loop"):
            await loop.run_in_executor(pool, fail, "in the loop")
        return await asyncio.gather(*calls)

    assert asyncio.run(run()) == [number * number for number in range(100)]


def test_as_completed_and_wait_take_its_futures(pool: Pool, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    slow = pool.submit(wait_for_file, gate)
    quick = [pool.submit(square, number) for number in range(20)]

    done, pending = wait([slow, quick[0]], DEADLINE, FIRST_COMPLETED)
    assert (done, pending) == ({quick[0]}, {slow})
    assert {future.result() for future in as_completed(quick, DEADLINE)} == {
        number * number for number in range(20)
    }
    gate.touch()
    assert wait([slow, *quick], DEADLINE).not_done == set()


def test_a_callback_is_called_with_the_future(pool: Pool) -> None:
    called: list[Future[int]] = []
    is_called = threading.Event()

    def note(future: Future[int]) -> None:
        called.append(future)
        is_called.set()

    future = pool.submit(square, 3)
    future.add_done_callback(note)

    assert is_called.wait(DEADLINE)
    assert called == [future]


def test_a_callback_may_submit_the_next_call(pool: Pool) -> None:
    results: list[int] = []
    is_over = threading.Event()

    def go_on(future: Future[int]) -> None:
        results.append(future.result())
        if len(results) < 20:
            pool.submit(add, results[-1], 1).add_done_callback(go_on)
        else:
            is_over.set()

    pool.submit(add, 0, 1).add_done_callback(go_on)

    assert is_over.wait(DEADLINE)
    assert results == list(range(1, 21))


def test_many_threads_may_submit_at_once(pool: Pool) -> None:
    results: list[list[int]] = []

    def submit() -> None:
        futures = [pool.submit(square, number) for number in range(200)]
        results.append([future.result(DEADLINE) for future in futures])

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)

    assert results == [[number * number for number in range(200)]] * 8


def test_calls_and_a_map_share_the_workers(pool: Pool) -> None:
    mapped = pool.map.background()(time.sleep, [0.002] * 2000)
    futures = [pool.submit(square, number) for number in range(5)]

    done, _ = wait(futures, DEADLINE)
    assert len(done) == 5
    assert not mapped.done(), "the calls waited for the whole map"
    assert len(mapped.result(DEADLINE)) == 2000


def test_no_call_waits_behind_one_that_needs_it(pool: Pool, tmp_path: Path) -> None:
    quick = [pool.submit(square, number) for number in range(100)]
    gate = tmp_path / "gate"
    needy = pool.submit(wait_for_file, gate)
    needed = [pool.submit(square, number) for number in range(100)] + [pool.submit(gate.touch)]

    assert wait([*quick, needy, *needed], DEADLINE).not_done == set()


def test_a_call_may_take_a_share_and_an_end_of_a_pipe(pool: Pool) -> None:
    share = Share()
    share.count = 0
    anchor, point = Pipe.pair()

    def count(share: Any) -> None:
        share.count += 1

    def answer(point: Any) -> None:
        point.send("here")

    for future in [pool.submit(count, share) for _ in range(20)]:
        future.result(DEADLINE)
    pool.submit(answer, point).result(DEADLINE)

    assert share.count == 20
    assert anchor.recv(DEADLINE) == "here"
    share.stop()


# -- the end


def test_submit_to_a_closed_pool_says_so() -> None:
    pool = Pool(workers=1)
    pool.close()

    with pytest.raises(ProcessError, match="closed"):
        pool.submit(square, 1)
    with pytest.raises(RuntimeError, match="closed"):  # as any Executor
        pool.submit(square, 1)


def test_closing_waits_for_all_that_was_submitted() -> None:
    pool = Pool(workers=2)
    futures = [pool.submit(square, number) for number in range(200)]

    pool.close()

    assert all(future.done() for future in futures)
    assert [future.result() for future in futures] == [number * number for number in range(200)]


def test_terminating_fails_what_was_submitted(tmp_path: Path) -> None:
    pool = Pool(workers=1)
    futures = [pool.submit(wait_for_file, tmp_path / "never") for _ in range(20)]
    wait_until(futures[0].running)

    pool.terminate()

    for future in futures:
        with pytest.raises(ProcessError, match="terminated"):
            future.result(DEADLINE)
        assert not future.cancel()


def test_shutdown_cancels_what_waits_and_finishes_what_runs(tmp_path: Path) -> None:
    pool = Pool(workers=1)
    gate = tmp_path / "gate"
    futures = [pool.submit(wait_for_file, gate) for _ in range(20)]
    wait_until(futures[0].running)

    pool.shutdown(wait=False, cancel_futures=True)

    assert [future.cancelled() for future in futures] == [False] + [True] * 19
    with pytest.raises(ProcessError, match="closed"):
        pool.submit(square, 1)
    gate.touch()
    assert futures[0].result(DEADLINE) is None
    pool.shutdown()


def test_shutdown_without_waiting_finishes_what_was_submitted() -> None:
    pool = Pool(workers=1)
    pids = {pool.submit(os.getpid).result(DEADLINE)}
    futures = [pool.submit(square, number) for number in range(100)]

    pool.shutdown(wait=False)

    assert [future.result(DEADLINE) for future in futures] == [n * n for n in range(100)]
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_a_pool_that_is_dropped_lives_until_its_calls_are_done() -> None:
    pid = Pool(workers=1).submit(os.getpid)
    future = Pool(workers=1).submit(square, 3)
    gc.collect()

    assert future.result(DEADLINE) == 9
    worker = pid.result(DEADLINE)
    gc.collect()
    wait_until(lambda: not psutil.pid_exists(worker))


def test_a_future_says_what_it_is_of(pool: Pool) -> None:
    future = pool.submit(square, 3)
    future.result(DEADLINE)

    assert repr(future) == "<Future of square (done)>"
