"""What a service object typically holds, all at once."""

import collections
import logging
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from suitkaise.cucumber import deserialize, reconnect_all, serialize

DEADLINE = 30.0


def make_service():
    """Make a service; its class is known here only, and travels by value."""

    class Request(threading.local):
        def __init__(self, service):
            self.service = service
            self.number = 0

    class Service:
        def __init__(self):
            self.lock = threading.RLock()
            self.changed = threading.Condition(self.lock)
            self.ready = threading.Event()
            self.together = threading.Barrier(2, action=self.ready.set)
            self.jobs = queue.Queue(maxsize=100)
            self.urgent = queue.PriorityQueue()
            self.log = logging.getLogger("suitkaise.tests.service")
            self.recent = collections.deque(maxlen=3)
            self.request = Request(self)
            self.pool = ThreadPoolExecutor(2, thread_name_prefix="service", initializer=self.note)
            self.worker = threading.Thread(target=self.work, name="worker", daemon=True)
            self.timer = threading.Timer(0.0, self.jobs.put, args=(None,))
            self.done = []

        def note(self):
            self.recent.append(threading.current_thread().name)

        def work(self):
            self.together.wait(DEADLINE)
            while (job := self.jobs.get(timeout=DEADLINE)) is not None:
                self.request.number += 1
                with self.changed:
                    self.done.append(self.pool.submit(pow, job, 2).result(DEADLINE))
                    self.changed.notify_all()
                self.jobs.task_done()
            self.jobs.task_done()

        def run(self):
            """Do all jobs; the last comes from the timer."""
            self.worker.start()
            self.together.wait(DEADLINE)
            with self.changed:
                assert self.changed.wait_for(lambda: len(self.done) == 3, DEADLINE)
            self.timer.start()
            self.worker.join(DEADLINE)
            self.timer.join(DEADLINE)
            self.pool.shutdown()
            return self.done

    return Service()


@pytest.fixture
def service():
    service = make_service()
    for number in (1, 2, 3):
        service.jobs.put(number)
    service.request.number = 7
    yield service
    service.pool.shutdown(cancel_futures=True)


def check(service):
    """Run a service that arrived."""
    assert service.run() == [1, 4, 9]
    assert service.jobs.unfinished_tasks == 0
    assert service.ready.is_set()
    assert service.changed._lock is service.lock
    assert service.request.service is service
    assert service.request.number == 7
    assert {*service.recent} <= {"service_0", "service_1"}


def test_a_service_at_rest_works_at_the_receiver_and_at_the_sender(service):
    copied = reconnect_all(deserialize(serialize(service)))

    check(copied)
    check(service)


def test_a_service_that_runs_begins_anew_at_the_receiver_while_it_goes_on_here(service):
    service.worker.start()  # and waits at the barrier
    while not service.together.n_waiting and service.worker.is_alive():
        service.worker.join(0.01)

    with service.lock:
        copied = reconnect_all(deserialize(serialize(service)))
    service.together.wait(DEADLINE)
    service.timer.start()
    service.worker.join(DEADLINE)
    service.timer.join(DEADLINE)

    assert service.done == [1, 4, 9]
    check(copied)


def test_a_service_works_in_another_process(service, load_elsewhere):
    lines = (
        "from suitkaise.cucumber import reconnect_all\n"
        "service = reconnect_all(value)\n"
        "print(service.run(), service.request.number, list(service.jobs.queue))"
    )

    assert load_elsewhere(serialize(service), lines) == "[1, 4, 9] 7 []"
