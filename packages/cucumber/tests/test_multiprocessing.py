import multiprocessing
import multiprocessing.pool
import sys
from multiprocessing.managers import SyncManager
from multiprocessing.shared_memory import ShareableList, SharedMemory

import pytest

from suitkaise.cucumber import (
    DeserializationError,
    SerializationError,
    deserialize,
    serialize,
)

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def memory():
    memory = SharedMemory(create=True, size=100)
    memory.buf[:5] = b"hello"
    yield memory
    memory.close()
    memory.unlink()


@pytest.mark.comes_back(
    "multiprocessing.shared_memory.SharedMemory",
    "multiprocessing.shared_memory.ShareableList",
    how="attached to by name; the sender's to unlink",
)
def test_shared_memory_is_the_same_memory(memory):
    copy = deserialize(serialize(memory))

    copy.buf[:5] = b"there"

    assert bytes(memory.buf[:5]) == b"there"
    assert copy.name == memory.name
    copy.close()


def test_a_receiver_that_ends_leaves_shared_memory_alone(memory, load_elsewhere):
    for _ in range(2):
        load_elsewhere(serialize(memory), "value.buf[5:7] = b'!!'")

    assert bytes(memory.buf[:7]) == b"hello!!"
    SharedMemory(memory.name).close()


def test_a_shared_list_is_the_same_list(load_elsewhere):
    shared = ShareableList([1, 2.5, "text", None])
    try:
        copy = deserialize(serialize(shared))
        copy[0] = 7
        lines = "value[1] = 9.5; print(list(value)); value.shm.close()"

        assert load_elsewhere(serialize(shared), lines) == "[7, 9.5, 'text', None]"
        assert list(shared) == list(copy) == [7, 9.5, "text", None]
        copy.shm.close()
    finally:
        shared.shm.close()
        shared.shm.unlink()


def test_shared_memory_that_is_gone_is_an_error_that_names_it():
    memory = SharedMemory(create=True, size=10)
    payload = serialize(memory)
    memory.close()
    memory.unlink()

    with pytest.raises(DeserializationError, match=f"{memory.name}.* not there"):
        deserialize(payload)


@pytest.mark.comes_back(
    "proxies of a multiprocessing.Manager",
    how="connected to the manager, where the process has its authkey; that is not in the bytes",
)
def test_a_proxy_connects_to_its_manager_if_the_process_has_the_authkey(load_elsewhere):
    key = multiprocessing.current_process().authkey
    with SyncManager(ctx=SPAWN) as manager:
        shared = manager.dict(a=1)
        payload = serialize(shared)

        deserialize(payload)["b"] = 2

        assert shared.copy() == {"a": 1, "b": 2}
        assert key not in payload
        with pytest.raises(AssertionError, match="authkey"):
            load_elsewhere(payload, "print(value)")
    with pytest.raises(DeserializationError, match="manager"):
        deserialize(payload)


@pytest.mark.comes_back(
    "multiprocessing.Queue",
    "multiprocessing.Lock",
    "multiprocessing.Event",
    "multiprocessing.Value",
    "multiprocessing.Pipe",
    "multiprocessing.Process",
    "multiprocessing.Pool",
    "multiprocessing.Manager",
    how="refused: nothing but multiprocessing's own children inherits them; "
    "`Share`, `Pipe.pair()`, `tell`, `Skprocess`, `Pool`",
)
@pytest.mark.parametrize(
    ("make", "instead"),
    [
        (SPAWN.Queue, "tell"),
        (SPAWN.SimpleQueue, "tell"),
        (SPAWN.JoinableQueue, "tell"),
        (SPAWN.Lock, "Share"),
        (SPAWN.RLock, "Share"),
        (SPAWN.Semaphore, "Share"),
        (SPAWN.Condition, "Share"),
        (SPAWN.Event, "Share"),
        (lambda: SPAWN.Barrier(2), "Share"),
        (lambda: SPAWN.Value("i", 1), "Share"),
        (lambda: SPAWN.Array("i", 3), "Share"),
        (lambda: SPAWN.RawValue("i", 1), "Share|pointers"),
        (lambda: SPAWN.Process(target=print), "Skprocess"),
        (lambda: multiprocessing.pool.ThreadPool(1), "Pool"),
        (SyncManager, "proxies"),
    ],
)
def test_what_has_no_name_is_refused_with_what_to_use_instead(make, instead):
    thing = make()

    with pytest.raises(SerializationError, match=instead):
        serialize({"thing": thing})
    if isinstance(thing, multiprocessing.pool.Pool):
        thing.terminate()
        thing.join()
    elif hasattr(thing, "close") and not isinstance(thing, SPAWN.Process):
        thing.close()


def test_a_connection_is_refused_with_what_to_use_instead():
    ends = SPAWN.Pipe()

    for end in ends:
        with pytest.raises(SerializationError, match=r"Pipe\.pair"):
            serialize(end)
        end.close()


def test_multiprocessing_is_not_imported_for_the_rest(run_python):
    program = (
        "import sys, threading\nfrom suitkaise.cucumber import deserialize, serialize\n"
        "deserialize(serialize([threading.Lock(), lambda: 0, ValueError()]))\n"
        "print([name for name in ('multiprocessing', 'asyncio', 'ctypes') if name in sys.modules])"
    )

    assert run_python(program) == b"[]"
    assert "multiprocessing" in sys.modules
