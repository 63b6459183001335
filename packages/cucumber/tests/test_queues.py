import queue
import sys
import threading
from collections import deque
from itertools import count

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize

DEADLINE = 30.0

QUEUES = [queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue]


class NamedQueue(queue.Queue):
    """A subclass with slots, attributes and a constructor of its own."""

    __slots__ = ("label",)

    def __init__(self, name, label):
        super().__init__(maxsize=5)
        self.name = name
        self.label = label
        self.ready = threading.Condition(self.mutex)


class UniqueQueue(queue.Queue):
    """A queue with a container of its own."""

    def _init(self, maxsize):
        self.queue = {}

    def _put(self, item):
        self.queue[item] = None

    def _get(self):
        item = next(iter(self.queue))
        del self.queue[item]
        return item


class Stubborn:
    def __reduce__(self):
        raise TypeError("it stays here")


class NamedSimpleQueue(queue.SimpleQueue):
    __slots__ = ("__dict__", "label")


class NamedDeque(deque):
    __slots__ = ("__dict__", "label")

    def __init__(self, name, label):
        super().__init__(maxlen=3)
        self.name = name
        self.label = label

    def extend(self, items):
        raise AssertionError("this is of no concern to who copies it")

    append = extend


class CountedDeque(deque):
    """A subclass that sets its state itself."""

    def __setstate__(self, state):
        vars(self).update(state, arrived=True)


def travel(obj):
    return deserialize(serialize(obj))


def drain(each):
    items = []
    while not each.empty():
        items.append(each.get_nowait())
    return items


def join_in_time(each):
    """Tell whether `join` returns."""
    thread = threading.Thread(target=each.join, daemon=True)
    thread.start()
    thread.join(DEADLINE)
    return not thread.is_alive()


@pytest.mark.comes_back(
    "queue.Queue",
    "queue.LifoQueue",
    "queue.PriorityQueue",
    "queue.SimpleQueue",
    how="with its contents and its count of unfinished tasks; nobody waits",
)
@pytest.mark.parametrize("make", QUEUES)
def test_a_queue_arrives_with_its_contents_and_the_sender_keeps_them(make):
    original = make()
    for number in (3, 1, 2):
        original.put(number)

    copy = travel(original)

    assert type(copy) is make
    assert copy.qsize() == 3
    assert drain(copy) == drain(original)


@pytest.mark.parametrize("make", QUEUES)
def test_an_empty_queue_arrives_empty_and_is_filled_there(make):
    copy = travel(make())

    with pytest.raises(queue.Empty):
        copy.get_nowait()
    copy.put("first")
    assert copy.get(timeout=DEADLINE) == "first"


def test_a_full_queue_stays_full():
    original = queue.Queue(maxsize=2)
    original.put("a")
    original.put("b")

    copy = travel(original)

    with pytest.raises(queue.Full):
        copy.put_nowait("c")
    assert copy.get_nowait() == "a"
    copy.put_nowait("c")


def test_join_waits_at_the_receiver_for_what_was_unfinished():
    original = queue.Queue()
    for item in "ab":
        original.put(item)
    original.get()

    copy = travel(original)

    assert copy.unfinished_tasks == 2
    copy.get()
    copy.task_done()
    copy.task_done()
    assert join_in_time(copy)
    with pytest.raises(ValueError):
        copy.task_done()


def test_a_queue_with_a_waiting_thread_arrives_with_nobody_waiting():
    original = queue.Queue()
    got = []
    thread = threading.Thread(target=lambda: got.append(original.get(timeout=DEADLINE)))
    thread.start()
    while not original.not_empty._waiters and thread.is_alive():
        thread.join(0.01)

    copy = travel(original)
    copy.put("there")
    original.put("here")
    thread.join(DEADLINE)

    assert got == ["here"]
    assert drain(copy) == ["there"]


def test_a_queue_whose_lock_is_held_is_serialised_all_the_same():
    original = queue.Queue()
    original.put(1)

    with original.mutex:
        copy = travel(original)

    assert not copy.mutex.locked()
    assert drain(copy) == [1]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="new in Python 3.13")
def test_a_queue_that_was_shut_down_arrives_shut_down():
    original = queue.Queue()
    original.put("last")
    original.shutdown()

    copy = travel(original)

    assert copy.get_nowait() == "last"
    with pytest.raises(queue.ShutDown):
        copy.get_nowait()
    with pytest.raises(queue.ShutDown):
        copy.put_nowait("more")


def test_a_subclass_keeps_its_type_attributes_and_slots():
    original = NamedQueue("jobs", "slot")
    original.put("item")

    copy = travel(original)

    assert (type(copy), copy.name, copy.label, copy.maxsize) == (NamedQueue, "jobs", "slot", 5)
    assert drain(copy) == ["item"]
    with copy.ready:
        assert copy.mutex.locked()


def test_a_subclass_keeps_its_own_container():
    original = UniqueQueue()
    for letter in "abca":
        original.put(letter)

    copy = travel(original)
    original.put("d")

    assert drain(copy) == ["a", "b", "c"]


def test_a_subclass_of_a_simple_queue_keeps_its_attributes_and_slots():
    original = NamedSimpleQueue()
    original.name, original.label = "jobs", "slot"
    for item in (None, "a", None):
        original.put(item)

    copy = travel(original)

    assert (type(copy), copy.name, copy.label) == (NamedSimpleQueue, "jobs", "slot")
    assert drain(copy) == [None, "a", None] == drain(original)


@pytest.mark.parametrize("taken", [0, 1, 7, 99, 100])
def test_a_simple_queue_arrives_with_what_was_not_taken(taken):
    original = queue.SimpleQueue()
    for number in range(100):
        original.put(number)
    for _ in range(taken):
        original.get()

    assert drain(travel(original)) == list(range(taken, 100)) == drain(original)


@pytest.mark.parametrize("make", QUEUES)
def test_a_queue_can_contain_itself(make):
    original = make()
    original.put(original)

    copy = travel(original)

    assert copy.get_nowait() is copy


@pytest.mark.parametrize("make", QUEUES)
def test_a_queue_in_two_places_stays_one_queue(make):
    original = make()
    original.put("x")

    first, second = travel([original, {"queue": original}])

    assert first is second["queue"]


@pytest.mark.parametrize("make", [queue.Queue, queue.SimpleQueue])
def test_a_queue_in_use_arrives_as_it_was_at_one_moment(make):
    original = make()
    end = threading.Event()

    def put_and_get():
        for number in count():
            original.put(number)
            if number > 40:
                original.get()
                if make is queue.Queue:
                    original.task_done()
            if end.is_set():
                return

    thread = threading.Thread(target=put_and_get, daemon=True)
    thread.start()
    try:
        copies = [travel(original) for _ in range(300)]
    finally:
        end.set()
        thread.join(DEADLINE)

    for copy in copies:
        if make is queue.Queue:
            assert copy.unfinished_tasks - copy.qsize() in (0, 1)
        items = drain(copy)
        assert items == [items[0] + index for index in range(len(items))]
        assert len(items) <= 42


def test_an_item_that_cannot_travel_is_named_and_the_queue_keeps_all():
    original = queue.Queue()
    for item in (1, 2, 3, Stubborn()):
        original.put(item)

    with pytest.raises(SerializationError, match=r"\.queue\[3\] .*it stays here"):
        serialize(original)

    assert original.qsize() == 4


def test_queues_arrive_in_another_process(load_elsewhere):
    queues = [make() for make in QUEUES]
    for each in queues:
        each.put(7)

    payload = serialize(queues)

    assert load_elsewhere(payload, "print([each.get(timeout=30) for each in value])") == (
        "[7, 7, 7, 7]"
    )


def test_a_huge_queue_arrives():
    original = queue.SimpleQueue()
    for number in range(200_000):
        original.put(number)

    copy = travel(original)

    assert copy.qsize() == original.qsize() == 200_000


@pytest.mark.comes_back(
    "collections.deque", how="with its items and `maxlen`, as at one moment if others append"
)
@pytest.mark.parametrize("maxlen", [None, 0, 3, 10])
def test_a_deque_keeps_items_and_maxlen(maxlen):
    original = deque(range(5), maxlen)

    copy = travel(original)

    assert (copy, copy.maxlen) == (original, maxlen)


def test_a_deque_can_contain_itself():
    original = deque(["first"], maxlen=3)
    original.append(original)

    copy = travel(original)

    assert copy[1] is copy


def test_a_subclass_of_deque_keeps_type_maxlen_and_attributes():
    original = NamedDeque("recent", "slot")
    for number in range(5):
        deque.append(original, number)
    original.itself = original

    copy = travel(original)

    assert (type(copy), list(copy), copy.maxlen) == (NamedDeque, [2, 3, 4], 3)
    assert (copy.name, copy.label, copy.itself) == ("recent", "slot", copy)


def test_a_subclass_of_deque_may_set_its_state_itself():
    original = CountedDeque("ab")
    original.name = "letters"

    copy = travel(original)

    assert (list(copy), vars(copy)) == (["a", "b"], {"name": "letters", "arrived": True})


def test_a_deque_that_grows_meanwhile_arrives_as_it_was_at_one_moment():
    original = deque(maxlen=1000)
    end = threading.Event()

    def append():
        for number in count():
            original.append(number)
            if end.is_set():
                return

    thread = threading.Thread(target=append, daemon=True)
    thread.start()
    try:
        copies = [list(travel(original)) for _ in range(100)]
    finally:
        end.set()
        thread.join(DEADLINE)

    assert all(copy == list(range(copy[0], copy[0] + len(copy))) for copy in copies if copy)
