"""mmap: mapped again from the same file with the same access; without a file, a copy of its memory.

A private copy of a file (ACCESS_COPY) travels with its content, too: its changes are in no file. So
does memory that is shared by a fork, which is then shared no more.
"""

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, reducer_with_state

if TYPE_CHECKING:
    from mmap import mmap


class _Area(NamedTuple):
    """What the kernel knows of mapped memory."""

    permissions: str  # such as "rw-s": the last says whether it is shared
    offset: int  # in the file, of the memory's first byte
    path: str


def reduce_map(memory: "mmap") -> tuple[tuple[Any, ...], tuple[int, dict[str, Any]]]:
    """Send path, place and access, or the content; and the position."""
    try:
        length = len(memory)
    except ValueError as error:
        raise RefusalError("it is closed; leave it out") from error
    position = memory.tell()
    state = position, dict(getattr(memory, "__dict__", {}))
    area = _area_of(memory)
    is_shared = area is not None and area.permissions.endswith("s")
    if area is None or not is_shared or not area.path.startswith("/") or _is_gone(area.path):
        return (type(memory), memory[:length]), state
    is_writable = "w" in area.permissions
    return (type(memory), None, area.path, area.offset, length, is_writable), state


def rebuild_map(
    kind: "type[mmap]",
    content: bytes | None,
    path: str = "",
    offset: int = 0,
    length: int = 0,
    is_writable: bool = True,
) -> "mmap":
    """Map the file, or memory of its own."""
    import mmap

    if content is not None:
        memory = kind(-1, len(content), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory[:] = content
        return memory
    try:
        descriptor = os.open(path, os.O_RDWR if is_writable else os.O_RDONLY)
    except OSError as error:
        raise RefusalError(
            f"the file {path!r} cannot be mapped here: {error.strerror}; it must be at the same "
            "path as at the sender"
        ) from error
    try:
        access = mmap.ACCESS_WRITE if is_writable else mmap.ACCESS_READ
        return kind(descriptor, length, access=access, offset=offset)
    except ValueError as error:
        raise RefusalError(f"the file {path!r} is shorter here: {error}") from error
    finally:
        os.close(descriptor)


def restore_map(memory: "mmap", state: tuple[int, dict[str, Any]]) -> None:
    """Go to its position."""
    position, attributes = state
    memory.seek(position)
    if attributes:
        vars(memory).update(attributes)


def _is_gone(path: str) -> bool:
    return path.endswith(" (deleted)") or not os.path.exists(path)  # noqa: PTH110


def _area_of(memory: "mmap") -> _Area | None:
    """Look up what is mapped at its address; None where the kernel does not tell."""
    address = _address_of(memory)
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:  # noqa: PTH123
            for line in lines:
                place, permissions, offset, _, _, *path = line.split(None, 5)
                start, end = (int(bound, 16) for bound in place.split("-"))
                if start <= address < end:
                    begin = int(offset, 16) + address - start
                    return _Area(permissions, begin, "".join(path).rstrip("\n"))
    except OSError:
        return None
    return None


def _address_of(memory: "mmap") -> int:
    """Return where its first byte is; also of one that may not be written to."""
    import ctypes

    class Buffer(ctypes.Structure):  # the beginning of a Py_buffer, and room for the rest
        _fields_ = (("address", ctypes.c_void_p), ("rest", ctypes.c_byte * 256))

    buffer = Buffer()
    ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(memory), ctypes.byref(buffer), 0)
    address = buffer.address or 0
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))
    return int(address)


REDUCERS: dict[str, Reducer] = {
    "mmap.mmap": reducer_with_state(reduce_map, rebuild_map, restore_map)
}
