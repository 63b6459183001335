import multiprocessing
import threading
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize


class Labelled(ThreadPoolExecutor):
    def __init__(self, label):
        super().__init__(max_workers=1)
        self.label = label


def set_up(names, name):
    names.append(name)


@pytest.mark.comes_back(
    "concurrent.futures.ThreadPoolExecutor",
    "concurrent.futures.ProcessPoolExecutor",
    how="a new one with the same settings; refused while work waits in it",
)
def test_threads_are_set_up_as_they_were():
    with ThreadPoolExecutor(3, "worker", set_up, ([], "here")) as executor:
        executor.submit(abs, -1).result(30)

        copy = deserialize(serialize(executor))

    with copy:
        assert copy.submit(lambda: threading.current_thread().name).result(30) == "worker_0"
        assert copy._max_workers == 3
        assert copy._initargs == (["here", "here"], "here")  # called there, and here


def test_processes_are_set_up_as_they_were():
    executor = ProcessPoolExecutor(
        2, multiprocessing.get_context("spawn"), initargs=(), max_tasks_per_child=3
    )

    with deserialize(serialize(executor)) as copy:
        assert copy._max_workers == 2
        assert copy._max_tasks_per_child == 3
        assert copy.submit(abs, -5).result(60) == 5
    executor.shutdown()


def test_work_that_waits_is_not_lost_but_refused():
    go_on = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        futures = [executor.submit(go_on.wait, 30) for _ in range(3)]

        with pytest.raises(SerializationError, match="would be lost"):
            serialize(executor)
        go_on.set()
        assert all(future.result(30) for future in futures)


def test_one_that_was_shut_down_stays_so():
    executor = ThreadPoolExecutor(1)
    executor.submit(abs, -1)
    executor.shutdown()

    with pytest.raises(RuntimeError, match="shutdown"):
        deserialize(serialize(executor)).submit(abs, -1)


def test_a_subclass_keeps_its_type_and_attributes():
    with Labelled("jobs") as executor, deserialize(serialize(executor)) as copy:
        assert (type(copy), copy.label) == (Labelled, "jobs")


@pytest.mark.comes_back(
    "concurrent.futures.Future",
    how="if done, with its result, its error, or cancelled; refused if pending",
)
def test_a_future_that_is_done_keeps_its_outcome(load_elsewhere):
    given, failed, gone = Future(), Future(), Future()
    given.set_result([1, 2])
    failed.set_exception(ValueError("no"))
    gone.cancel()
    given.me = given

    copy, error, cancelled = deserialize(serialize([given, failed, gone]))

    assert copy.result(0) == [1, 2]
    assert copy.me is copy
    assert error.exception(0).args == ("no",)
    assert cancelled.cancelled()
    called = []
    copy.add_done_callback(called.append)
    assert called == [copy]
    assert load_elsewhere(serialize(failed), "print(repr(value.exception(0)))") == (
        "ValueError('no')"
    )


def test_a_future_that_is_pending_is_refused_with_the_remedy():
    with pytest.raises(SerializationError, match="wait for its result"):
        serialize([Future()])
