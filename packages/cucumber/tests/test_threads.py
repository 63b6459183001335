import threading

import pytest

from suitkaise.cucumber import (
    Reconnector,
    SerializationError,
    deserialize,
    reconnect_all,
    serialize,
)

DEADLINE = 30.0


class Worker(threading.Thread):
    """A subclass with a constructor of its own."""

    def __init__(self, box):
        super().__init__(name="worker", daemon=True)
        self.box = box

    def run(self):
        self.box.append("ran")


class Service:
    """The usual case: the thread runs a method of the object that holds it."""

    def __init__(self):
        self.said = []
        self.thread = threading.Thread(target=self.loop, args=("hello",), kwargs={"times": 2})

    def loop(self, word, times):
        self.said += [word] * times


def travel(thing):
    return deserialize(serialize(thing))


def run(thread):
    thread.start()
    thread.join(DEADLINE)


@pytest.fixture
def running():
    """A thread that runs until the test has ended."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, args=(DEADLINE,), name="patient", daemon=True)
    thread.start()
    yield thread
    end.set()
    thread.join(DEADLINE)


def test_a_thread_that_was_not_started_is_one_again():
    service = Service()

    copied = reconnect_all(travel(service))

    assert copied.thread.ident is None
    run(copied.thread)
    assert copied.said == ["hello", "hello"]
    assert service.said == []


@pytest.mark.comes_back(
    "threading.Thread",
    "threading.Timer",
    how="Reconnector: a new thread with the same target and arguments, not started "
    "(`start_threads=True`); one that had ended, ended",
)
def test_a_running_thread_comes_back_not_started(running):
    copied = travel(running)

    assert isinstance(copied, Reconnector)
    thread = reconnect_all(copied)
    assert (thread.ident, thread.name, thread.daemon) == (None, "patient", True)


@pytest.mark.parametrize("was_started", [False, True])
def test_threads_are_started_on_request_wherever_they_are(was_started):
    release = threading.Event()

    def wait(event, box):
        event.wait(DEADLINE)
        box.append("ran")

    box = []
    thread = threading.Thread(target=wait, args=(release, box))
    if was_started:
        thread.start()
    payload = serialize({"deep": [(thread,)], "release": release, "box": box})
    release.set()

    copied = reconnect_all(deserialize(payload), start_threads=True)

    started = copied["deep"][0][0]
    assert started.is_alive()
    copied["release"].set()
    started.join(DEADLINE)
    assert copied["box"] == ["ran"]
    if was_started:
        thread.join(DEADLINE)


def test_a_thread_that_has_ended_comes_back_ended_and_is_not_started_again():
    worker = Worker([])
    run(worker)

    copied = reconnect_all(travel(worker), start_threads=True)

    assert copied.ident is not None
    assert not copied.is_alive()
    copied.join(DEADLINE)
    assert copied.box == ["ran"]
    with pytest.raises(RuntimeError, match="once"):
        copied.start()


def test_a_subclass_keeps_its_type_name_daemon_flag_and_attributes():
    copied = reconnect_all(travel(Worker(["before"])))

    assert (type(copied), copied.name, copied.daemon) == (Worker, "worker", True)
    run(copied)
    assert copied.box == ["before", "ran"]


def test_a_thread_and_what_holds_it_may_lead_to_each_other():
    worker = Worker([])
    worker.owner = {"worker": worker}

    copied = reconnect_all(travel(worker))

    assert copied.owner["worker"] is copied


def note_type(db, box):
    box.append(type(db).__name__)
    db.close()


def test_resources_among_a_thread_s_arguments_are_live_when_it_starts(memory_db):
    box = []
    thread = threading.Thread(target=note_type, args=(memory_db, box))

    copied = reconnect_all(travel({"thread": thread, "box": box}), start_threads=True)

    copied["thread"].join(DEADLINE)
    assert copied["box"] == ["Connection"]


def test_a_timer_counts_anew_unless_it_was_cancelled():
    box = []
    timer, cancelled = threading.Timer(0.01, box.append, (1,)), threading.Timer(0.01, box.append)
    cancelled.cancel()

    copied = reconnect_all(travel([timer, cancelled, box]), start_threads=True)

    copied[0].join(DEADLINE)
    copied[1].join(DEADLINE)
    assert copied[2] == [1]


def test_an_unstarted_thread_can_be_used_without_reconnect_all():
    service = travel(Service())

    service.thread.start()
    service.thread.join(DEADLINE)

    assert service.said == ["hello", "hello"]


@pytest.mark.comes_back("the main thread", how="the receiver's own")
def test_the_main_thread_is_the_receiver_s_own(load_elsewhere):
    payload = serialize(threading.main_thread())

    assert deserialize(payload) is threading.main_thread()
    program = "import threading; print(value is threading.main_thread())"
    assert load_elsewhere(payload, program) == "True"


def test_a_thread_that_python_did_not_start_is_refused():
    import _thread

    found, done = [], threading.Event()

    def look():
        found.append(threading.current_thread())
        done.set()

    _thread.start_new_thread(look, ())
    assert done.wait(DEADLINE)

    with pytest.raises(SerializationError, match="not started by Python"):
        serialize(found[0])


def test_a_thread_takes_no_secret():
    with pytest.warns(RuntimeWarning, match="takes no secret"):
        reconnect_all(travel([Worker([])]), **{"threading.Thread": {"*": "hunter22"}})


def test_the_names_of_new_threads_count_on_from_one(run_python):
    program = "import suitkaise.cucumber, threading; print(threading.Thread().name)"

    assert run_python(program) == b"Thread-1"
