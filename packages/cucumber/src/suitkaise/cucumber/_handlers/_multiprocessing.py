"""multiprocessing: shared memory and managers' proxies by name; all else is refused.

`SharedMemory` and `ShareableList` are attached to by their name, and stay the sender's to unlink: a
receiver that ends leaves them alone. A proxy connects to its manager, if the receiver has the
manager's authkey (`multiprocessing.current_process().authkey`); that is in no payload. Queues,
locks and connections have no name: only what multiprocessing starts itself inherits them.
"""

from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer

if TYPE_CHECKING:
    from multiprocessing.shared_memory import ShareableList, SharedMemory

_INSTEAD = {
    "queues": "use tell(), listen() or Pipe.pair() of suitkaise.processing, or a Share",
    "synchronize": "use a Share, or share.lock(), of suitkaise.processing",
    "sharedctypes": "use a Share of suitkaise.processing, or SharedMemory",
    "heap": "use a Share of suitkaise.processing, or SharedMemory",
    "connection": "use Pipe.pair() of suitkaise.processing, or a socket",
    "context": "start an Skprocess of suitkaise.processing there",
    "process": "start an Skprocess of suitkaise.processing there",
    "pool": "make a Pool there",
    "managers": "send its proxies, or make a manager there",
}


def refuse_inherited(pickler: object, thing: Any) -> ReduceValue:
    """Say what to use instead."""
    modules = (base.__module__.rpartition(".")[2] for base in type(thing).__mro__)
    instead = next(_INSTEAD[module] for module in modules if module in _INSTEAD)
    raise RefusalError(
        f"it has no name by which another process could open it, only processes that "
        f"multiprocessing itself starts inherit it; {instead}"
    )


def reduce_memory(memory: "SharedMemory") -> tuple[str]:
    """Send the name."""
    return (memory.name,)


def rebuild_memory(name: str) -> "SharedMemory":
    """Attach to it, without a note that it is to be unlinked when this process ends."""
    import sys
    from multiprocessing.shared_memory import SharedMemory

    try:
        if sys.version_info >= (3, 13):
            return SharedMemory(name, track=False)
        memory: SharedMemory = _attach(SharedMemory, name)
        return memory
    except FileNotFoundError as error:
        raise RefusalError(
            f"the shared memory {name!r} is not there (any more): who made it must keep it until "
            "it is opened here"
        ) from error


def _attach(kind: Any, name: str) -> Any:
    """As the constructor does before Python 3.13, but for that note."""
    import mmap
    import os
    from _posixshmem import shm_open  # type: ignore[import-not-found]

    memory = kind.__new__(kind)
    memory._name = "/" + name
    memory._fd = shm_open(memory._name, os.O_RDWR, mode=0o600)
    memory._size = os.fstat(memory._fd).st_size
    memory._mmap = mmap.mmap(memory._fd, memory._size)
    memory._buf = memoryview(memory._mmap)
    return memory


def reduce_list(shared: "ShareableList[Any]") -> tuple[str]:
    """Send the name of its memory."""
    return (shared.shm.name,)


def rebuild_list(name: str) -> "ShareableList[Any]":
    """Attach to its memory; as its constructor does."""
    import struct
    from multiprocessing.shared_memory import ShareableList

    shared: Any = ShareableList.__new__(ShareableList)
    shared.shm = rebuild_memory(name)
    shared._list_len = len(shared)
    shared._allocated_offsets = list(
        struct.unpack_from(shared._format_size_metainfo, shared.shm.buf, 8)
    )
    return shared  # type: ignore[no-any-return]


def reduce_proxy(proxy: Any) -> tuple[Any, tuple[Any, ...]]:
    """Send what the proxy's own method says; outside of multiprocessing that has no authkey."""
    rebuild, arguments = proxy.__reduce__()
    return rebuild, arguments


def rebuild_proxy(rebuild: Any, arguments: tuple[Any, ...]) -> Any:
    """Connect to the manager."""
    from multiprocessing import AuthenticationError

    try:
        return rebuild(*arguments)
    except AuthenticationError as error:
        raise RefusalError(
            "its manager has another authkey than this process: set "
            "multiprocessing.current_process().authkey to the manager's before deserialising"
        ) from error
    except OSError as error:
        raise RefusalError(f"its manager cannot be reached: {error}; has it ended?") from error


REDUCERS: dict[str, Reducer] = {
    "multiprocessing.shared_memory.SharedMemory": reducer(reduce_memory, rebuild_memory),
    "multiprocessing.shared_memory.ShareableList": reducer(reduce_list, rebuild_list),
    "multiprocessing.managers.BaseProxy": reducer(reduce_proxy, rebuild_proxy),
    **dict.fromkeys(
        (
            "multiprocessing.queues.JoinableQueue",
            "multiprocessing.queues.Queue",
            "multiprocessing.queues.SimpleQueue",
            "multiprocessing.synchronize.SemLock",
            "multiprocessing.synchronize.Condition",
            "multiprocessing.synchronize.Event",
            "multiprocessing.sharedctypes.SynchronizedBase",
            "multiprocessing.heap.BufferWrapper",
            "multiprocessing.connection._ConnectionBase",
            "multiprocessing.connection.Listener",
            "multiprocessing.process.BaseProcess",
            "multiprocessing.pool.Pool",
            "multiprocessing.managers.BaseManager",
        ),
        refuse_inherited,
    ),
}
