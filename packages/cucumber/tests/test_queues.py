import collections
import queue
import threading

import pytest

from suitkaise.cucumber import deserialize, serialize


class Labelled(queue.Queue):
    def __init__(self, label):
        super().__init__(maxsize=5)
        self.label = label


class Simple(queue.SimpleQueue):
    pass


def drain(waiting):
    return [waiting.get(timeout=10) for _ in range(waiting.qsize())]


@pytest.mark.comes_back(
    "queue.Queue",
    "queue.LifoQueue",
    "queue.PriorityQueue",
    "queue.SimpleQueue",
    how="with what waits in them and their counts; nobody waits for them",
)
@pytest.mark.parametrize(
    "kind", [queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue]
)
def test_a_queue_keeps_what_waits_in_it_and_its_order(kind):
    waiting = kind()
    for number in (3, 1, 2):
        waiting.put(number)

    copy = deserialize(serialize(waiting))

    copy.put(0)
    waiting.put(0)
    assert type(copy) is kind
    assert drain(copy) == drain(waiting)


def test_a_bound_and_unfinished_tasks_are_kept():
    waiting = queue.Queue(maxsize=2)
    waiting.put(1)
    waiting.put(2)
    waiting.get()

    copy = deserialize(serialize(waiting))

    copy.put(3, timeout=10)
    assert copy.full()
    assert (waiting.unfinished_tasks, copy.unfinished_tasks) == (2, 3)
    for _ in range(3):
        copy.task_done()
    copy.join()


def test_a_queue_whose_lock_is_held_travels_with_its_own():
    waiting = queue.Queue()
    waiting.put("item")

    with waiting.mutex:
        copy = deserialize(serialize(waiting))

    assert copy.get(timeout=10) == "item"


def test_a_queue_that_threads_use_meanwhile_travels():
    waiting = queue.Queue()
    stop = threading.Event()

    def use():
        while not stop.is_set():
            waiting.put(1)
            waiting.get(timeout=10)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            assert deserialize(serialize(waiting)).qsize() <= 2
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def test_a_queue_in_itself_and_in_two_places_stays_one():
    waiting, simple = queue.Queue(), queue.SimpleQueue()
    waiting.put(waiting)
    simple.put(simple)

    copy, again, simple_copy = deserialize(serialize([waiting, waiting, simple]))

    assert copy.get(timeout=10) is copy is again
    assert simple_copy.get(timeout=10) is simple_copy
    assert simple.get(timeout=10) is simple


def test_a_subclass_keeps_its_type_and_attributes_and_its_init_is_not_called():
    waiting = Labelled("jobs")
    waiting.put(1)
    simple = Simple()
    simple.label = "simple"

    copy, simple_copy = deserialize(serialize([waiting, simple]))

    assert (type(copy), copy.label, copy.maxsize, drain(copy)) == (Labelled, "jobs", 5, [1])
    assert (type(simple_copy), simple_copy.label) == (Simple, "simple")


def test_a_simple_queue_written_in_python_travels():
    waiting = queue._PySimpleQueue()
    waiting.put(1)

    assert deserialize(serialize(waiting)).get(timeout=10) == 1


@pytest.mark.comes_back("collections.deque", how="with maxlen")
def test_a_deque_keeps_its_bound():
    ends = collections.deque([1, 2], maxlen=2)
    ends.append(ends)

    copy = deserialize(serialize(ends))

    assert (copy.maxlen, copy[0]) == (2, 2)
    assert copy[1] is copy


def test_a_queue_arrives_in_another_process(load_elsewhere):
    waiting = queue.PriorityQueue()
    waiting.put((2, "b"))
    waiting.put((1, "a"))

    assert load_elsewhere(serialize(waiting), "print(value.get()[1])") == "a"


@pytest.mark.skipif(not hasattr(queue.Queue, "shutdown"), reason="new in Python 3.13")
def test_a_queue_that_was_shut_down_stays_so():
    waiting = queue.Queue()
    waiting.shutdown()

    with pytest.raises(queue.ShutDown):
        deserialize(serialize(waiting)).put(1)
