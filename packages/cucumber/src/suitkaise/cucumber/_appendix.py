"""Memory of tens of mebibytes, behind the pickle stream that it belongs to.

    payload = HEADER + BINBYTES, table, POP + pickle stream + memory + memory ...

pickle would read it into a bytearray, page by page: malloc maps memory of this size anew each time,
and its first use takes longer than the copy. Behind the stream, it is copied into huge pages where
the kernel has them, in a third of the time. The table, which says where the memory lies, is a legal
beginning of a pickle, as the header is; what follows the last of the memory does not matter.
"""

import pickle
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmap import mmap

# glibc takes memory of this size from the kernel each time (DEFAULT_MMAP_THRESHOLD_MAX of
# mallopt(3)); what is smaller it has at hand after a while, and a plain copy is as quick.
LARGE = 32 << 20
_ENTRY = struct.Struct("<QQ")  # where it begins in the payload, and its bytes
_PREFIX = struct.Struct("<cI")


class Appendix:
    """Collects the large memory of arrays, as the `buffer_callback` of a pickler."""

    __slots__ = ("_memory",)

    def __init__(self) -> None:
        self._memory: list[memoryview] = []

    def __call__(self, buffer: pickle.PickleBuffer) -> bool:
        """Tell whether a buffer stays in the stream."""
        # Only NumPy is known not to care whether it is given a bytearray: PEP 574 promises one.
        with memoryview(buffer) as view:
            is_large = view.nbytes >= LARGE and type(view.obj).__module__ == "numpy"
        if is_large:
            self._memory.append(buffer.raw())
        return not is_large

    def __bool__(self) -> bool:
        return bool(self._memory)

    def payload(self, header: bytes, stream: memoryview) -> bytes:
        """Return a payload, the header and the stream, with this memory behind it."""
        table = bytearray()
        begin = len(stream) + _PREFIX.size + _ENTRY.size * len(self._memory) + len(pickle.POP)
        for view in self._memory:
            table += _ENTRY.pack(begin, len(view))
            begin += len(view)
        prefix = _PREFIX.pack(pickle.BINBYTES, len(table))
        stream = stream[len(header) :]
        return b"".join((header, prefix, table, pickle.POP, stream, *self._memory))


def has_appendix(payload: bytes | memoryview, header_bytes: int) -> bool:
    """Tell whether there should be memory behind the stream of a payload."""
    return payload[header_bytes : header_bytes + 1] == pickle.BINBYTES


def lengths(payload: bytes | memoryview, header_bytes: int) -> list[int]:
    """Return how many bytes each piece of memory behind the stream has.

    Raises:
        pickle.UnpicklingError: It is not all there.
    """
    return [length for _, length in _places(payload, header_bytes)]


def appendix(payload: memoryview, header_bytes: int) -> "Iterator[mmap]":
    """Give copies of the memory behind the stream of a payload, one by one.

    Raises:
        pickle.UnpicklingError: It is not all there.
    """
    for begin, length in _places(payload, header_bytes):
        yield _copied(payload[begin : begin + length])


def _places(payload: bytes | memoryview, header_bytes: int) -> Iterator[tuple[int, int]]:
    begin = header_bytes + _PREFIX.size
    if len(payload) < begin:
        raise pickle.UnpicklingError("the table of its memory is missing")
    _, size = _PREFIX.unpack_from(payload, header_bytes)
    table = payload[begin : begin + size]
    if size % _ENTRY.size or len(table) != size:
        raise pickle.UnpicklingError("the table of its memory is damaged")
    for start, length in _ENTRY.iter_unpack(table):
        if not length or start + length > len(payload):
            raise pickle.UnpicklingError(
                f"its memory ends at byte {start + length:,}, the payload at byte {len(payload):,}"
            )
        yield start, length


def _copied(view: memoryview) -> "mmap":
    import mmap  # here: few programs need it

    try:
        copy = mmap.mmap(-1, len(view), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError as error:
        raise MemoryError(f"no room for {len(view):,} bytes: {error}") from error
    with suppress(AttributeError, OSError):  # not every kernel has them
        copy.madvise(mmap.MADV_HUGEPAGE)
    copy.write(view)
    return copy
