import multiprocessing
import subprocess
import sys
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import ShareableList, SharedMemory

import pytest

from suitkaise.cucumber import DeserializationError, deserialize, serialize

DEADLINE = 60


class NamedMemory(SharedMemory):
    def __init__(self, purpose):
        super().__init__(create=True, size=100)
        self.purpose = purpose


@pytest.fixture
def opened():
    """What is to be closed at the end."""
    opened = []
    yield opened
    for each in opened:
        getattr(each, "shm", each).close()


@pytest.fixture
def travel(opened):
    def through(obj):
        opened.append(deserialize(serialize(obj)))
        return opened[-1]

    return through


@pytest.fixture
def memory():
    memory = SharedMemory(create=True, size=100)
    memory.buf[:5] = b"hello"
    yield memory
    memory.close()
    memory.unlink()


@pytest.fixture
def items():
    items = ShareableList([1, 2.5, "text", b"bytes", None, True])
    yield items
    items.shm.close()
    items.shm.unlink()


@pytest.mark.comes_back(
    "multiprocessing.shared_memory.SharedMemory",
    "multiprocessing.shared_memory.ShareableList",
    how="**the same memory**, opened by its name; it is the sender's to unlink",
)
def test_shared_memory_arrives_as_the_same_memory(memory, travel):
    copy = travel(memory)

    assert (type(copy), copy.name, copy.size) == (SharedMemory, memory.name, memory.size)
    copy.buf[:5] = b"there"
    assert bytes(memory.buf[:5]) == b"there"


def test_a_process_that_opened_it_leaves_it_alone_when_it_ends(memory, run_python):
    payload = serialize(memory)
    program = (
        "import sys\n"
        "from suitkaise.cucumber import deserialize\n"
        "value = deserialize(sys.stdin.buffer.read())\n"
        "value.buf[5] = ord('!')\n"
        "from multiprocessing import resource_tracker\n"
        "print(resource_tracker._resource_tracker._fd)"
    )

    tracker = run_python(program, payload)
    assert run_python(program, payload) == tracker == b"None"

    assert bytes(memory.buf[:6]) == b"hello!"
    again = SharedMemory(memory.name)
    again.close()


def test_the_receiver_may_unlink_it_and_no_resource_tracker_complains():
    memory = SharedMemory(create=True, size=10)
    payload = serialize(memory)
    program = (
        "import sys\n"
        "from multiprocessing import resource_tracker\n"
        "from suitkaise.cucumber import deserialize\n"
        "resource_tracker.ensure_running()\n"
        "memory = deserialize(sys.stdin.buffer.read())\n"
        "memory.close()\n"
        "memory.unlink()"
    )

    # Its resource tracker writes to the same stderr, and has ended when that ends.
    done = subprocess.run(
        [sys.executable, "-c", program], input=payload, capture_output=True, timeout=DEADLINE
    )

    assert (done.returncode, done.stderr.decode()) == (0, "")
    with pytest.raises(DeserializationError, match="no longer there"):
        deserialize(payload)
    memory.close()
    resource_tracker.unregister(f"/{memory.name}", "shared_memory")


def test_memory_that_is_gone_is_an_error_that_names_it():
    memory = SharedMemory(create=True, size=10)
    payload = serialize(memory)
    memory.close()
    memory.unlink()

    with pytest.raises(DeserializationError, match=f"{memory.name}.*no longer there"):
        deserialize(payload)


def test_memory_that_was_closed_arrives_closed(memory, travel):
    memory.close()

    copy = travel(memory)

    assert (copy.buf, copy.name, copy.size) == (None, memory.name, memory.size)
    copy.close()


def test_memory_travels_on(memory, travel):
    copy = travel(travel(travel(memory)))

    copy.buf[:2] = b"HE"

    assert bytes(memory.buf[:5]) == b"HEllo"


def test_a_subclass_keeps_its_type_and_attributes(travel):
    memory = NamedMemory("cache")
    memory.itself = memory
    try:
        copy = travel(memory)

        assert (type(copy), copy.purpose, copy.itself) == (NamedMemory, "cache", copy)
    finally:
        memory.close()
        memory.unlink()


def test_a_shareable_list_arrives_as_the_same_list(items, travel):
    copy = travel(items)

    copy[2] = "TEXT"
    items[0] = 7

    assert list(copy) == list(items) == [7, 2.5, "TEXT", b"bytes", None, True]


def test_a_shareable_list_and_its_memory_stay_together(items, travel):
    copy, memory = deserialize(serialize((items, items.shm)))

    assert copy.shm is memory
    memory.close()


def test_a_shareable_list_is_the_same_in_another_process(items, load_elsewhere):
    lines = "value[0] += 1\nprint(list(value))\nvalue.shm.close()"

    assert load_elsewhere(serialize(items), lines) == "[2, 2.5, 'text', b'bytes', None, True]"
    assert items[0] == 2


def test_a_child_of_multiprocessing_does_not_take_it_along_when_it_ends(memory):
    def use(payload):
        copy = deserialize(payload)
        copy.buf[5] = ord("?")
        copy.close()

    context = multiprocessing.get_context("fork")
    child = context.Process(target=use, args=(serialize(memory),))
    child.start()
    child.join(DEADLINE)

    assert child.exitcode == 0
    assert bytes(memory.buf[:6]) == b"hello?"
