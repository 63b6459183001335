import threading

import pytest

from suitkaise.cucumber import deserialize, serialize


class NamedEvent(threading.Event):
    def __init__(self, name):
        super().__init__()
        self.name = name


class NamedCondition(threading.Condition):
    def __init__(self, name):
        super().__init__()
        self.name = name


def travel(obj):
    return deserialize(serialize(obj))


@pytest.mark.comes_back(
    "threading.Lock",
    "threading.RLock",
    "threading.Condition",
    how="unlocked, with nobody waiting",
)
@pytest.mark.parametrize(
    "make", [threading.Lock, threading.RLock, threading._PyRLock, threading.Condition]
)
def test_a_held_lock_arrives_unlocked_and_works(make):
    lock = make()
    with lock:
        copy = travel(lock)

    assert type(copy) is type(lock) or make is threading._PyRLock
    acquired = []
    thread = threading.Thread(target=lambda: acquired.append(copy.acquire(timeout=10)))
    thread.start()
    thread.join()
    assert acquired == [True]


def test_a_lock_in_two_places_stays_one_lock():
    lock = threading.Lock()

    first, second = travel([lock, {"lock": lock}])

    assert first is second["lock"]


@pytest.mark.comes_back("threading.Event", how="with its flag")
@pytest.mark.parametrize("is_set", [True, False])
def test_an_event_keeps_its_flag(is_set):
    event = threading.Event()
    if is_set:
        event.set()

    copy = travel(event)

    assert copy.is_set() is is_set
    copy.set()
    assert copy.wait(timeout=10)


@pytest.mark.comes_back("threading.Semaphore", "threading.BoundedSemaphore", how="with their count")
def test_semaphores_keep_their_counts():
    semaphore = threading.Semaphore(3)
    bounded = threading.BoundedSemaphore(2)
    semaphore.acquire()
    bounded.acquire()

    semaphore, bounded = travel((semaphore, bounded))

    assert [semaphore.acquire(blocking=False) for _ in range(3)] == [True, True, False]
    bounded.release()
    with pytest.raises(ValueError):
        bounded.release()


def test_a_condition_with_waiting_threads_arrives_with_none():
    condition = threading.Condition()
    waiting = threading.Event()

    def wait():
        with condition:
            waiting.set()
            condition.wait(timeout=60)

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait(timeout=10)
    with condition:
        copy = travel(condition)
        condition.notify_all()
    thread.join()

    with copy:
        copy.notify_all()
        assert not copy.wait(timeout=0)


def test_conditions_keep_sharing_their_lock():
    lock = threading.Lock()

    first, second = travel([threading.Condition(lock), threading.Condition(lock)])

    with first:
        assert not second.acquire(blocking=False)


@pytest.mark.comes_back("threading.Barrier", how="with nobody waiting; broken if it was")
def test_a_barrier_arrives_with_nobody_waiting():
    barrier = threading.Barrier(2, timeout=30)
    thread = threading.Thread(target=barrier.wait)
    thread.start()
    while barrier.n_waiting == 0 and thread.is_alive():
        thread.join(timeout=0.01)
    copy = travel(barrier)
    barrier.wait()
    thread.join()

    assert (copy.parties, copy.n_waiting, copy.broken) == (2, 0, False)
    thread = threading.Thread(target=copy.wait)
    thread.start()
    copy.wait()
    thread.join()


def test_a_broken_barrier_stays_broken():
    barrier = threading.Barrier(2)
    barrier.abort()

    assert travel(barrier).broken


def test_subclasses_keep_their_type_and_attributes():
    event, condition = NamedEvent("start"), NamedCondition("ready")

    event_copy, condition_copy = travel((event, condition))

    assert (type(event_copy), event_copy.name) == (NamedEvent, "start")
    assert (type(condition_copy), condition_copy.name) == (NamedCondition, "ready")


def test_locks_arrive_in_another_process(load_elsewhere):
    lock = threading.Lock()
    with lock:
        payload = serialize({"lock": lock, "done": threading.Event()})

    assert load_elsewhere(payload, "print(value['lock'].locked(), value['done'].is_set())") == (
        "False False"
    )
