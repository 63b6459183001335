import concurrent.futures
import multiprocessing
import os
import threading
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize

DEADLINE = 60.0


class NamedPool(ThreadPoolExecutor):
    __slots__ = ("label",)

    def __init__(self, name, label):
        super().__init__(max_workers=2, initializer=self.prepare)
        self.name = name
        self.label = label
        self.prepared = []

    def prepare(self):
        self.prepared.append(threading.current_thread().name)


class NamedFuture(Future):
    def __init__(self, name):
        super().__init__()
        self.name = name


def travel(obj):
    return deserialize(serialize(obj))


def fail(*arguments):
    raise ValueError("no")


@pytest.fixture
def pools():
    """What is to be shut down at the end."""
    pools = []
    yield pools
    for pool in pools:
        pool.shutdown(cancel_futures=True)


@pytest.mark.comes_back(
    "concurrent.futures.ThreadPoolExecutor",
    "concurrent.futures.ProcessPoolExecutor",
    how="a new one with the same settings; refused while it has work that has not begun",
)
def test_a_thread_pool_arrives_as_a_new_one_with_the_same_settings(pools):
    greetings = []
    pool = ThreadPoolExecutor(
        3, thread_name_prefix="diligent", initializer=greetings.append, initargs=("hello",)
    )
    pools.append(pool)
    assert pool.submit(pow, 2, 3).result(DEADLINE) == 8

    copy, said = travel((pool, greetings))
    pools.append(copy)

    name = copy.submit(lambda: threading.current_thread().name).result(DEADLINE)
    assert (type(copy), copy._max_workers, name) == (ThreadPoolExecutor, 3, "diligent_0")
    assert said == ["hello", "hello"]
    assert greetings == ["hello"]


@pytest.mark.parametrize(("method", "tasks"), [("fork", None), ("spawn", 1), ("forkserver", None)])
def test_a_process_pool_arrives_as_a_new_one_with_the_same_settings(pools, method, tasks):
    context = multiprocessing.get_context(method)
    pool = ProcessPoolExecutor(2, context, max_tasks_per_child=tasks)
    pools.append(pool)

    copy = travel(pool)
    pools.append(copy)

    assert copy._mp_context.get_start_method() == method
    assert (copy._max_workers, copy._max_tasks_per_child) == (2, tasks)


def test_a_process_pool_works_in_another_process(load_elsewhere, pools):
    pool = ProcessPoolExecutor(
        2, multiprocessing.get_context("spawn"), os.putenv, ("SUITKAISE_TEST", "x")
    )
    pools.append(pool)
    payload = serialize({"pool": pool})

    lines = (
        "with value['pool'] as pool:\n"
        "    print(pool.submit(pow, 2, 5).result(60), list(pool.map(abs, [-1, -2], timeout=60)))"
    )
    assert load_elsewhere(payload, lines) == "32 [1, 2]"


def test_a_subclass_keeps_its_type_attributes_and_initializer(pools):
    pool = NamedPool("crew", "slot")
    pools.append(pool)
    pool.itself = pool

    copy = travel(pool)
    pools.append(copy)

    assert (type(copy), copy.name, copy.label, copy.itself) == (NamedPool, "crew", "slot", copy)
    copy.submit(int).result(DEADLINE)
    assert len(copy.prepared) == 1
    assert pool.prepared == []


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_one_that_was_shut_down_arrives_shut_down(make):
    pool = make(1)
    pool.shutdown()

    copy = travel(pool)

    with pytest.raises(RuntimeError, match="after shutdown"):
        copy.submit(int)
    copy.shutdown()
    assert type(travel(copy)) is make


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork in a process with threads
def test_one_that_is_broken_arrives_broken(pools):
    pool = ThreadPoolExecutor(1, initializer=fail)
    pools.append(pool)
    with pytest.raises(BrokenExecutor):
        pool.submit(int).result(DEADLINE)

    copy = travel(pool)
    pools.append(copy)

    with pytest.raises(BrokenExecutor):
        copy.submit(int)


def test_work_that_has_not_begun_is_refused_with_the_remedy_and_is_done_all_the_same(pools):
    release, begun = threading.Event(), threading.Event()
    pool = ThreadPoolExecutor(1)
    pools.append(pool)

    def work():
        begun.set()
        return release.wait(DEADLINE)

    running = pool.submit(work)
    begun.wait(DEADLINE)
    alone = travel(pool)
    waiting = [pool.submit(pow, 2, 3), pool.submit(pow, 2, 4)]
    with pytest.raises(SerializationError, match=r"\['pool'\].*2 of its jobs.*wait"):
        serialize({"pool": pool})
    waiting[1].cancel()
    with pytest.raises(SerializationError, match=r"1 of its jobs"):
        serialize(pool)
    release.set()

    assert (running.result(DEADLINE), waiting[0].result(DEADLINE)) == (True, 8)
    pools += [alone, travel(pool)]
    assert [each.submit(pow, 2, 5).result(DEADLINE) for each in pools] == [32, 32, 32]


def test_waiting_work_of_processes_is_refused(pools, tmp_path):
    os.mkfifo(tmp_path / "gate")
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    pools.append(pool)
    futures = [pool.submit((tmp_path / "gate").read_bytes)]
    # Some of them are handed to the only worker in advance.
    futures += [pool.submit(abs, -number) for number in range(5)]

    with pytest.raises(SerializationError, match="of its jobs have not begun"):
        serialize(pool)

    (tmp_path / "gate").write_bytes(b"open")  # waits for the reader
    assert [each.result(DEADLINE) for each in futures] == [b"open", 0, 1, 2, 3, 4]
    pools.append(travel(pool))


def test_a_pool_serialises_itself_from_its_own_thread(pools):
    pool = ThreadPoolExecutor(1)
    pools.append(pool)

    copy = pool.submit(travel, pool).result(DEADLINE)
    pools.append(copy)

    assert copy.submit(pow, 2, 3).result(DEADLINE) == 8


@pytest.mark.comes_back(
    "concurrent.futures.Future",
    how="if it has finished, with its result, exception or cancellation; refused if it is pending",
)
def test_a_finished_future_arrives_with_its_result(pools):
    pool = ThreadPoolExecutor(1)
    pools.append(pool)
    future = pool.submit(pow, 2, 3)
    future.add_done_callback(lambda future: pools)  # of no concern to the receiver
    concurrent.futures.wait([future], DEADLINE)

    copy, called = travel(future), []

    assert copy.done()
    assert copy.result(timeout=0) == 8
    copy.add_done_callback(called.append)
    assert called == [copy]
    assert concurrent.futures.wait([copy], DEADLINE).done == {copy}


def test_a_failed_future_arrives_with_its_exception(pools):
    pool = ThreadPoolExecutor(1)
    pools.append(pool)
    future = pool.submit(fail)
    concurrent.futures.wait([future], DEADLINE)

    copy = travel(future)

    with pytest.raises(ValueError, match="no"):
        copy.result(timeout=0)


@pytest.mark.parametrize("is_notified", [True, False])
def test_a_cancelled_future_arrives_cancelled_and_nobody_waits_for_it_in_vain(is_notified):
    future = Future()
    future.cancel()
    if is_notified:
        future.set_running_or_notify_cancel()

    copy = travel(future)

    assert copy.cancelled()
    with pytest.raises(CancelledError):
        copy.result(timeout=0)
    assert concurrent.futures.wait([copy], DEADLINE).done == {copy}


@pytest.mark.parametrize("is_running", [True, False])
def test_a_pending_future_is_refused_with_the_remedy(is_running):
    future = Future()
    if is_running:
        future.set_running_or_notify_cancel()

    with pytest.raises(SerializationError, match=r"\[0\].*not finished.*result\(\)"):
        serialize([future])


def test_a_subclass_of_a_future_keeps_its_attributes_and_may_contain_itself():
    future = NamedFuture("reply")
    future.set_result([future])

    copy = travel(future)

    assert (type(copy), copy.name) == (NamedFuture, "reply")
    assert copy.result(timeout=0) == [copy]
