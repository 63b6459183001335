"""Shared memory: opened by its name, the same memory in both processes.

Who made it unlinks it. Opened here, it is no concern of this process's resource tracker, which
would else unlink it when the process ends; the sender must keep it until it is opened.
"""

import sys
from copyreg import __newobj__  # type: ignore[attr-defined]
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._attributes import attributes_of, set_attributes
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    from multiprocessing.shared_memory import ShareableList, SharedMemory

    from suitkaise.cucumber._pickler import Pickler

_OWN = frozenset({"_name", "_fd", "_mmap", "_buf", "_size", "_flags", "_mode", "_track", "unlink"})


def reduce_memory(memory: "SharedMemory") -> tuple[tuple[type], dict[str, Any]]:
    """Send the name, and whether it was closed here."""
    internal: Any = memory
    return (type(memory),), {
        "name": memory.name,
        "size": memory.size,
        "is_closed": internal._buf is None,
        "attributes": attributes_of(memory, except_for=_OWN),
    }


def rebuild_memory(cls: "type[SharedMemory]") -> "SharedMemory":
    """Make one that is yet to be opened."""
    return cls.__new__(cls)


def restore_memory(memory: "SharedMemory", state: dict[str, Any]) -> None:
    """Open the memory of that name, unless it was closed."""
    name: str = state["name"]
    if state["is_closed"]:
        vars(memory).update(_name=f"/{name}", _size=state["size"], _track=False)
    else:
        try:
            _open(memory, name)
        except FileNotFoundError as error:
            raise RefusalError(
                f"the shared memory {name!r} is no longer there: who made it must keep it until "
                "it is opened here"
            ) from error
    if sys.version_info < (3, 13):
        vars(memory)["unlink"] = partial(unlink, f"/{name}")
    set_attributes(memory, state["attributes"])


def _open(memory: Any, name: str) -> None:
    """Open it without the resource tracker's knowledge, which Python 3.13 has a parameter for."""
    from multiprocessing.shared_memory import SharedMemory

    if sys.version_info >= (3, 13):
        SharedMemory.__init__(memory, name, track=False)
        return
    import mmap
    import os

    memory._name = f"/{name}"
    memory._fd = _system_calls().shm_open(memory._name, os.O_RDWR, mode=0o600)
    memory._size = os.fstat(memory._fd).st_size
    memory._mmap = mmap.mmap(memory._fd, memory._size)
    memory._buf = memoryview(memory._mmap)


def unlink(name: str) -> None:
    """Destroy the memory, of which this process's resource tracker does not know."""
    _system_calls().shm_unlink(name)


def _system_calls() -> Any:
    return import_module("_posixshmem")


def reduce_list(pickler: "Pickler", items: "ShareableList[Any]") -> ReduceValue:
    """Send the memory, and where in it the items are."""
    return __newobj__, (type(items),), attributes_of(items)


# Without "multiprocessing.", as in `_multiprocessing`.
REDUCERS: dict[str, Reducer] = {
    "shared_memory.ShareableList": reduce_list,
    "shared_memory.SharedMemory": reducer_with_state(reduce_memory, rebuild_memory, restore_memory),
}
