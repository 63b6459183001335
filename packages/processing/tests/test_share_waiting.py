"""Locks, conditions, events, semaphores, barriers and queues in a Share, between processes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from packages.processing.tests.elsewhere import Elsewhere, elsewhere, everywhere

from suitkaise.processing import Pool, ProcessError, Share

pytestmark = pytest.mark.timeout(100)

DEADLINE = 30.0
TIMES = 25  # by each of the four of `everywhere`


@pytest.fixture
def share() -> Iterator[Any]:
    with Share() as share:
        yield share


class Account:
    """As one writes it for threads: with a lock of its own."""

    def __init__(self, lock: Any) -> None:
        self.lock = lock
        self.balance = 0

    def pay(self) -> int:
        with self.lock:
            self.balance += 1
            return self.balance

    def pay_slowly(self) -> None:
        self.lock.acquire()
        try:
            balance = self.balance
            time.sleep(0.0005)
            self.balance = balance + 1
        finally:
            self.lock.release()


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock, threading.Condition])
def test_a_lock_of_an_object_keeps_other_processes_out(share: Any, make: Any) -> None:
    share.account = Account(make())

    def pay() -> None:
        for _ in range(TIMES):
            share.account.pay_slowly()
            share.account.pay()

    everywhere(pay)

    assert share.account.balance == 4 * 2 * TIMES


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock, threading.Condition])
def test_a_lock_by_itself_keeps_other_processes_out(share: Any, make: Any) -> None:
    share.gates = {"door": make()}
    share.count = 0

    def count() -> None:
        for _ in range(TIMES):
            with share.gates["door"]:
                seen = int(share.count)
                time.sleep(0.0005)
                share.count = seen + 1

    everywhere(count)

    assert share.count == 4 * TIMES


def test_a_lock_is_used_as_outside_of_a_share(share: Any) -> None:
    share.gate = threading.Lock()
    gate = share.gate

    assert isinstance(gate, type(threading.Lock()))
    assert gate.acquire()
    assert gate.locked()
    assert elsewhere(lambda: (share.gate.locked(), share.gate.acquire(blocking=False))) == (
        True,
        False,
    )
    assert elsewhere(lambda: share.gate.acquire(timeout=0.05)) is False
    gate.release()
    assert elsewhere(lambda: (share.gate.locked(), share.gate.acquire(timeout=5))) == (False, True)
    with pytest.raises(RuntimeError, match="release unlocked lock"):
        gate.release()
    with pytest.raises(ValueError, match="timeout"):
        gate.acquire(blocking=False, timeout=3)


def test_a_lock_whose_holder_was_killed_is_free(share: Any) -> None:
    share.gate = threading.Lock()
    share.is_held = False

    def hold() -> None:
        share.gate.acquire()
        share.is_held = True
        time.sleep(DEADLINE)

    holder = Elsewhere(hold)
    _until(lambda: share.is_held)
    assert not share.gate.acquire(timeout=0.05)
    holder.kill()

    assert share.gate.acquire(timeout=DEADLINE)
    share.gate.release()


@pytest.mark.parametrize("make", [queue.Queue, queue.LifoQueue, queue.PriorityQueue])
def test_a_queue_passes_each_item_to_one_process(share: Any, make: Any) -> None:
    share.jobs = make(maxsize=3)  # so that who puts has to wait as well
    share.done = []

    def work() -> None:
        while (job := share.jobs.get(timeout=DEADLINE)) is not None:
            share.done.append(job)
            share.jobs.task_done()

    workers = [Elsewhere(work) for _ in range(2)]
    for number in range(40):
        share.jobs.put(number, timeout=DEADLINE)
    share.jobs.join()

    assert sorted(share.done) == list(range(40))
    assert share.jobs.empty()
    for worker in workers:
        worker.kill()


def test_a_queue_and_a_lock_can_be_handed_to_tasks(share: Any) -> None:
    share.jobs = queue.Queue()
    share.gate = threading.Lock()

    def put(jobs: Any, gate: Any) -> bool:
        jobs.put(1)
        return bool(gate.acquire(timeout=0.02))

    with share.gate, Pool(workers=2) as pool:
        is_entered = pool.star().map(put, [(share.jobs, share.gate)] * 4)

    assert share.jobs.qsize() == 4
    assert is_entered == [False] * 4
    share.others = [share.jobs]  # what is put in is copied, here as well
    share.others[0].get(timeout=DEADLINE)
    assert (share.others[0].qsize(), share.jobs.qsize()) == (3, 4)


def test_a_simple_queue_waits_for_an_item(share: Any) -> None:
    share.jobs = queue.SimpleQueue()

    waiting = Elsewhere(lambda: share.jobs.get())
    share.jobs.put({"a": [1]})

    assert waiting.result() == {"a": [1]}
    assert share.jobs.empty()
    with pytest.raises(queue.Empty):
        share.jobs.get(timeout=0.02)
    with pytest.raises(queue.Empty):
        share.jobs.get(block=False)


def test_an_empty_and_a_full_queue_say_so(share: Any) -> None:
    share.jobs = queue.Queue(maxsize=1)

    with pytest.raises(queue.Empty):
        share.jobs.get(timeout=0.02)
    share.jobs.put(1)
    with pytest.raises(queue.Full):
        share.jobs.put_nowait(2)
    assert (share.jobs.qsize(), share.jobs.get_nowait()) == (1, 1)


class Desk:
    """Holds a queue, and knows nothing of processes."""

    def __init__(self) -> None:
        self.jobs: queue.Queue[int] = queue.Queue()
        self.taken = 0

    def add(self, job: int) -> None:
        self.jobs.put(job)

    def take(self) -> int:
        job = self.jobs.get()
        self.taken += 1
        return job


def test_a_method_that_waits_at_a_queue_of_its_object_holds_up_nobody(share: Any) -> None:
    share.desk = Desk()

    waiting = Elsewhere(lambda: share.desk.take())
    time.sleep(0.05)  # most likely it waits by now; the outcome is the same if not
    share.desk.add(7)

    assert waiting.result() == 7
    assert share.desk.taken == 1


def test_an_event_wakes_all(share: Any) -> None:
    share.ready = threading.Event()

    assert share.ready.wait(0.02) is False
    waiting = [Elsewhere(lambda: share.ready.wait(DEADLINE)) for _ in range(2)]
    share.ready.set()

    assert [each.result() for each in waiting] == [True, True]
    assert share.ready.is_set()
    share.ready.clear()
    assert elsewhere(lambda: share.ready.is_set()) is False


@pytest.mark.parametrize("make", [threading.Semaphore, threading.BoundedSemaphore])
def test_a_semaphore_lets_so_many_in(share: Any, make: Any) -> None:
    share.places = make(2)
    share.inside = 0
    share.most = 0

    def enter() -> None:
        for _ in range(5):
            with share.places:
                share.inside += 1
                with share.lock():
                    share.most = max(int(share.most), int(share.inside))
                time.sleep(0.001)
                share.inside -= 1

    everywhere(enter)

    assert 1 <= share.most <= 2
    assert share.inside == 0
    assert share.places.acquire(blocking=False)


def test_a_barrier_holds_until_all_are_there(share: Any) -> None:
    share.line_up = threading.Barrier(3)
    share.there = 0

    def come() -> int:
        share.there += 1
        share.line_up.wait(DEADLINE)
        return int(share.there)

    others = [Elsewhere(come) for _ in range(2)]

    assert come() == 3
    assert [other.result() for other in others] == [3, 3]


def test_a_condition_tells_of_a_change(share: Any) -> None:
    share.changed = threading.Condition()
    share.items = []

    def wait() -> int:
        with share.changed:
            assert share.changed.wait_for(lambda: len(share.items) == 3, DEADLINE)
            return len(share.items)

    waiting = Elsewhere(wait)
    for number in range(3):
        with share.changed:
            share.items.append(number)
            share.changed.notify_all()

    assert waiting.result() == 3
    with share.changed:
        assert share.changed.wait(0.02) is False
    for use in (share.changed.notify, share.changed.wait):
        with pytest.raises(RuntimeError, match="un-acquired lock"):
            use()


def test_who_waits_hears_of_the_end_of_the_share() -> None:
    shares: list[Any] = [Share()]
    shares[0].jobs = queue.Queue()
    shares[0].is_waiting = False

    def wait() -> str:
        shares[0].is_waiting = True
        try:
            shares[0].jobs.get()
        except ProcessError as error:
            return str(error)
        return "got something"

    waiting = Elsewhere(wait)
    _until(lambda: shares[0].is_waiting)
    shares.clear()

    assert "has ended" in waiting.result()


def _until(condition: Any) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
