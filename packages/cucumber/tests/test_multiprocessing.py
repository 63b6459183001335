import contextlib
import ctypes
import multiprocessing
import multiprocessing.pool
import subprocess
import sys
import threading
from multiprocessing import connection, sharedctypes

import pytest

from suitkaise.cucumber import (
    DeserializationError,
    SerializationError,
    deserialize,
    serialize,
)

DEADLINE = 60.0
FORK = multiprocessing.get_context("fork")
SPAWN = multiprocessing.get_context("spawn")


def travel(obj):
    return deserialize(serialize(obj))


@pytest.mark.comes_back(
    "multiprocessing.Lock",
    "multiprocessing.RLock",
    "multiprocessing.Semaphore",
    "multiprocessing.BoundedSemaphore",
    "multiprocessing.Condition",
    "multiprocessing.Event",
    how="**the same one**, opened by its name, if it is of a `spawn` or `forkserver` context; of a "
    "`fork` context (the default before Python 3.14) it has no name and is refused",
)
@pytest.mark.parametrize("make", [SPAWN.Lock, SPAWN.RLock, SPAWN.Semaphore, SPAWN.BoundedSemaphore])
def test_a_semaphore_with_a_name_is_the_same_in_another_process(make, load_elsewhere):
    semaphore = make()
    payload = serialize(semaphore)
    lines = "print(value.acquire(timeout=0))"

    with semaphore:
        assert load_elsewhere(payload, lines) == "False"

    assert load_elsewhere(payload, lines + "; value.release()") == "True"
    assert semaphore.acquire(timeout=DEADLINE)
    semaphore.release()


def test_a_semaphore_travels_on_with_its_attributes():
    semaphore = SPAWN.Semaphore(3)
    semaphore.purpose = "connections"

    copy = travel(travel(semaphore))

    copy.acquire()
    assert (semaphore.get_value(), copy.purpose) == (2, "connections")


def test_an_event_is_set_from_another_process(load_elsewhere):
    event = SPAWN.Event()

    load_elsewhere(serialize([event]), "value[0].set()")

    assert event.is_set()


def test_a_condition_is_notified_from_another_process(load_elsewhere):
    lock = SPAWN.RLock()
    condition = SPAWN.Condition(lock)
    payload = serialize((condition, lock))
    notified = []

    def wait():
        with condition:
            waiting.set()
            notified.append(condition.wait(DEADLINE))

    waiting = threading.Event()
    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wait(DEADLINE)
    lines = (
        "condition, lock = value\nwith lock:\n    print(condition._lock is lock)\n"
        "    condition.notify()"
    )

    assert load_elsewhere(payload, lines) == "True"
    thread.join(DEADLINE)
    assert notified == [True]


def test_a_semaphore_that_is_gone_is_an_error_that_says_so():
    semaphore = SPAWN.Lock()
    payload = serialize(semaphore)
    del semaphore

    with pytest.raises(DeserializationError, match=r"no longer there: who made it must keep it"):
        deserialize(payload)


@contextlib.contextmanager
def closing(obj):
    """Close what has to be closed."""
    try:
        yield obj
    finally:
        if isinstance(obj, multiprocessing.pool.Pool):
            obj.terminate()
            obj.join()
        elif hasattr(obj, "close"):
            obj.close()


@pytest.mark.comes_back(
    "multiprocessing.Queue",
    "multiprocessing.SimpleQueue",
    "multiprocessing.JoinableQueue",
    "multiprocessing.Pipe",
    "multiprocessing.Value",
    "multiprocessing.Array",
    "multiprocessing.Barrier",
    "multiprocessing.Process",
    "multiprocessing.Pool",
    how="refused: only what multiprocessing starts itself inherits them; use `tell` and `listen`, "
    "`Share`, `Pipe.pair`, `Skprocess`, `Pool` of suitkaise.processing",
)
@pytest.mark.parametrize(
    ("make", "remedy"),
    [
        (FORK.Queue, r"tell\(\) and listen\(\)"),
        (FORK.JoinableQueue, r"tell\(\) and listen\(\)"),
        (FORK.SimpleQueue, r"tell\(\) and listen\(\)"),
        (FORK.Lock, r"lock\(\) of a Share"),
        (FORK.RLock, r"lock\(\) of a Share"),
        (FORK.Semaphore, r"get_context\(\"spawn\"\)"),
        (FORK.BoundedSemaphore, r"lock\(\) of a Share"),
        (FORK.Condition, r"lock\(\) of a Share"),
        (FORK.Event, r"lock\(\) of a Share"),
        (lambda: FORK.Barrier(2), "barrier of a multiprocessing.Manager"),
        (lambda: FORK.Value("i", 1), "a Share"),
        (lambda: FORK.Array("i", 3), "a Share"),
        (lambda: sharedctypes.RawValue(ctypes.c_int, 1), "a Share"),
        (lambda: sharedctypes.RawArray(ctypes.c_int, 3), "a Share"),
        (lambda: connection.Listener(), r"Pipe\.pair\(\)"),
        (lambda: FORK.Process(target=print), "Skprocess"),
        (multiprocessing.current_process, "Skprocess"),
        (lambda: multiprocessing.current_process().authkey, "secrets do not travel"),
        (lambda: multiprocessing.pool.ThreadPool(1), "Pool of suitkaise.processing"),
    ],
)
def test_what_has_no_name_is_refused_with_a_remedy(make, remedy):
    refusal = pytest.raises(SerializationError, match=rf"\['it'\].*{remedy}")

    with closing(make()) as obj, refusal:
        serialize({"it": obj})


def test_connections_are_refused_with_a_remedy():
    for end in multiprocessing.Pipe():
        with end, pytest.raises(SerializationError, match=r"\[0\].*Pipe\.pair\(\)"):
            serialize([end])


def test_what_a_pool_works_on_is_refused_with_a_remedy():
    with closing(multiprocessing.pool.ThreadPool(1)) as pool:
        result = pool.apply_async(pow, (2, 3))
        with pytest.raises(SerializationError, match=r"get\(\)"):
            serialize(result)
        assert result.get(DEADLINE) == 8
        with pytest.raises(SerializationError, match=r"Pool of suitkaise.processing"):
            serialize(pool.imap(abs, [-1]))


def test_contexts_travel():
    context = travel(SPAWN)

    assert context.get_start_method() == "spawn"


def test_a_child_of_multiprocessing_inherits_what_a_payload_within_its_arguments_holds(tmp_path):
    (tmp_path / "main.py").write_text(
        "import multiprocessing\n"
        "from suitkaise.cucumber import deserialize, serialize\n"
        "class Job:\n"
        "    def __init__(self, **tools):\n"
        "        self.tools = tools\n"
        "    def __reduce__(self):\n"
        "        return rebuild, (serialize(self.tools),)\n"
        "def rebuild(payload):\n"
        "    return Job(**deserialize(payload))\n"
        "def run(job):\n"
        "    with job.tools['lock']:\n"
        "        job.tools['value'].value += job.tools['proxy'][0]\n"
        "        job.tools['memory'].buf[0] = 7\n"
        "        job.tools['memory'].close()\n"
        "        job.tools['queue'].put('from the child')\n"
        "        job.tools['connection'].send('through the pipe')\n"
        "if __name__ == '__main__':\n"
        "    from multiprocessing.shared_memory import SharedMemory\n"
        "    context = multiprocessing.get_context('spawn')\n"
        "    memory = SharedMemory(create=True, size=10)\n"
        "    here, there = context.Pipe()\n"
        "    queue, value = context.Queue(), context.Value('i', 1)\n"
        "    with context.Manager() as manager:\n"
        "        proxy = manager.list([5])\n"
        "        job = Job(lock=context.Lock(), queue=queue, value=value, memory=memory,\n"
        "                  connection=there, proxy=proxy)\n"
        "        child = context.Process(target=run, args=(job,))\n"
        "        child.start()\n"
        "        print(queue.get(timeout=60), here.recv(), memory.buf[0])\n"
        "        child.join(60)\n"
        "        print(child.exitcode, value.value)\n"
        "    memory.close()\n"
        "    memory.unlink()\n"
    )

    done = subprocess.run(
        [sys.executable, "main.py"], capture_output=True, timeout=DEADLINE, cwd=tmp_path
    )

    assert done.stderr.decode() == ""
    assert done.stdout.decode() == "from the child through the pipe 7\n0 6\n"


def test_multiprocessing_is_not_imported_by_who_does_not_use_it(run_python):
    program = (
        "import sys, threading, collections, queue\n"
        "from suitkaise.cucumber import deserialize, serialize\n"
        "things = [threading.Lock(), threading.local(), collections.deque(), queue.Queue()]\n"
        "deserialize(serialize(things))\n"
        "unwanted = ('multiprocessing', 'asyncio', 'concurrent.futures', 'ctypes')\n"
        "print([name for name in unwanted if name in sys.modules])"
    )

    assert run_python(program) == b"[]"
