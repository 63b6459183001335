"""Segments: memory for what is too large to go through a socket.

    sender    lend(parts)  -> a descriptor, which travels to the receiver
    receiver  read, view or writable(descriptor) -> its parts

A segment is a memfd: it has no name, so that the kernel frees it with its last user, however that
one ends. Most of what a new one costs is the kernel finding and clearing its pages: writing to
memory that was written to before takes a fifth of the time. So the sender keeps a few segments, and
has to know when a receiver is done with one. The kernel tells: what is sent is not the sender's own
descriptor but another opening of the same memory, with a read lock on it (F_OFD_SETLK, fcntl(2)).
Such a lock belongs to the opening; it goes when the last descriptor and the last mapping of it are
gone: closed, unmapped, unreceived, or lost with a process that was killed.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import resource
import select
import struct
import sys
import threading
from collections.abc import Sequence

from ._platform import anonymous_file

LARGE_BYTES = 1 << 15  # from here on a segment is faster than the socket
_MAPPED_BYTES = 1 << 20  # from here on a mapping is faster than a copy
_KEPT_BYTES = 3 << 25  # of segments that wait to be used again
_MOST_KEPT = 8
_WASTE = 4  # a segment is used again for what fills at least this part of it
_ALIGNMENT = 64  # of each part, as for what NumPy allocates
_MOST_AT_ONCE = 1 << 30  # bytes; the kernel writes less than 2 GiB per call

_Closer = select.epoll if hasattr(select, "epoll") else select.kqueue  # type: ignore[attr-defined]
LOST = -1  # stands for a descriptor that came when this process could open no more

_LOCK = struct.Struct("hhlli4x")  # struct flock: type, whence, start, length, process
_CAN_KEEP = hasattr(fcntl, "F_OFD_SETLK")


class Descriptor:
    """Owns a file descriptor: it is closed when nobody refers to this object any more.

    That happens in the middle of users' code. Ctrl-C there would interrupt a `__del__` in Python,
    where an exception is printed and forgotten: the program would go on. So an object of compiled
    code does the closing: an epoll object closes its descriptor silently, whatever that is.
    """

    __slots__ = ("_closer",)

    def __init__(self, number: int) -> None:
        self._closer = None if number == LOST else _Closer.fromfd(number)

    @property
    def number(self) -> int:
        """The descriptor; `LOST` once it is closed or taken."""
        closer = self._closer
        return LOST if closer is None or closer.closed else closer.fileno()

    def take(self) -> int:
        """Hand the descriptor over under another number: who calls owns it from now on.

        Raises:
            OSError: It is closed, or this process can open no more.
        """
        number = os.dup(self.number)
        self.close()
        return number

    def close(self) -> None:
        """Close it, if it is still owned."""
        if self._closer is not None:
            self._closer.close()


FLAG_BYTES = (1).to_bytes(8, sys.byteorder)


def flag() -> tuple[Descriptor, Descriptor]:
    """Make a flag to wait for: who writes `FLAG_BYTES` to the second has the first readable."""
    if hasattr(os, "eventfd"):
        number = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        return Descriptor(number), Descriptor(os.dup(number))
    first, second = os.pipe()
    return Descriptor(first), Descriptor(second)


def is_scarce(descriptor: int) -> bool:
    """Whether so many descriptors are open that the rest is to be left to the program.

    The kernel gives the lowest number that is free, so the number itself tells.
    """
    return descriptor >= resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2


def layout(sizes: Sequence[int]) -> list[int]:
    """Where each part of a segment begins, and where the next one would."""
    offsets = [0]
    for size in sizes:
        offsets.append((offsets[-1] + size + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT)
    return offsets


class _Segment:
    """Memory of this process, to be lent again and again."""

    def __init__(self, size: int) -> None:
        self.size = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE * mmap.PAGESIZE
        self.descriptor = Descriptor(anonymous_file(self.size))
        self._memory: mmap.mmap | None = None

    def is_free(self) -> bool:
        """Whether no receiver has it any more."""
        number = self.descriptor.number
        try:
            fcntl.fcntl(number, fcntl.F_OFD_SETLK, _LOCK.pack(fcntl.F_WRLCK, 0, 0, 0, 0))
            fcntl.fcntl(number, fcntl.F_OFD_SETLK, _LOCK.pack(fcntl.F_UNLCK, 0, 0, 0, 0))
        except OSError:
            return False
        return True

    def write(self, parts: Sequence[bytes | memoryview]) -> None:
        """Fill new memory: the kernel takes pages that it need not clear first."""
        offsets = layout([len(part) for part in parts])
        for offset, part in zip(offsets, parts, strict=False):
            view, end = memoryview(part), offset + len(part)
            while offset < end:
                written = os.pwrite(self.descriptor.number, view[:_MOST_AT_ONCE], offset)
                offset, view = offset + written, view[written:]

    def write_again(self, parts: Sequence[bytes | memoryview]) -> None:
        """Fill memory that has its pages: a plain copy is fastest."""
        if self._memory is None:
            self._memory = mmap.mmap(self.descriptor.number, self.size)
        for offset, part in zip(layout([len(part) for part in parts]), parts, strict=False):
            self._memory[offset : offset + len(part)] = part

    def lend(self) -> Descriptor:
        """Open it anew, with the lock that tells when the opening is gone."""
        opened = Descriptor(
            os.open(f"/proc/self/fd/{self.descriptor.number}", os.O_RDWR | os.O_CLOEXEC)
        )
        fcntl.fcntl(opened.number, fcntl.F_OFD_SETLK, _LOCK.pack(fcntl.F_RDLCK, 0, 0, 0, 0))
        return opened


class _Keep:
    """The segments that this process uses again. It owns them."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._segments: list[_Segment] = []  # the one used last is last

    def lend(self, parts: Sequence[bytes | memoryview]) -> Descriptor:
        size = layout([len(part) for part in parts])[-1]
        if size > _KEPT_BYTES or not _CAN_KEEP:
            return self._lend_once(size, parts)
        with self._lock:
            segment = next(
                (s for s in self._segments if size <= s.size <= size * _WASTE and s.is_free()), None
            )
            if segment is None:
                segment = _Segment(size)
                segment.write(parts)
                self._make_room(segment.size)
            else:
                segment.write_again(parts)
                self._segments.remove(segment)
            lent = segment.lend()
            self._segments.append(segment)
            return lent

    def _make_room(self, size: int) -> None:
        kept = self._segments
        while kept and (len(kept) >= _MOST_KEPT or sum(s.size for s in kept) + size > _KEPT_BYTES):
            del kept[0]  # its receivers keep it, if there are any

    @staticmethod
    def _lend_once(size: int, parts: Sequence[bytes | memoryview]) -> Descriptor:
        segment = _Segment(size)
        segment.write(parts)
        return segment.descriptor

    def forget_after_fork(self) -> None:
        """Leave the segments to the process that this one was forked from."""
        self.__init__()  # type: ignore[misc]


_keep = _Keep()
os.register_at_fork(after_in_child=_keep.forget_after_fork)


def lend(parts: Sequence[bytes | memoryview]) -> Descriptor:
    """Copy parts into a segment, for one receiver.

    Args:
        parts: Flat memory.

    Returns:
        The descriptor to send; the segment is used again once it and all that was received or
        mapped through it are gone.

    Raises:
        OSError: There is no descriptor or no memory left, or descriptors are scarce.
    """
    lent = _keep.lend(parts)
    if is_scarce(lent.number):
        raise OSError(f"descriptors are scarce: {lent.number} are open")
    return lent


def read(descriptor: int, size: int) -> bytes:
    """Copy the first part out of a segment.

    Raises:
        OSError: It is not that long.
        MemoryError: There is no memory for the copy.
    """
    if size <= _MOST_AT_ONCE:
        data = os.pread(descriptor, size, 0)
        if len(data) == size:
            return data
    return bytes(_read_in(descriptor, 0, size))


def view(descriptor: int, size: int) -> memoryview:
    """Hand over the first part of a segment for reading, mapped or as a copy."""
    if size < _MAPPED_BYTES or is_scarce(descriptor):
        return memoryview(read(descriptor, size))
    return memoryview(_mapped(descriptor, size, prot=mmap.PROT_READ))


def writable(descriptor: int, offsets: Sequence[int], sizes: Sequence[int]) -> list[memoryview]:
    """Hand over parts of a segment as memory that this process may change, unseen by others.

    What is large is mapped, copy-on-write, and keeps the segment as long as it is used; the rest is
    copied out.
    """
    if not sizes:
        return []
    end = offsets[-1] + sizes[-1]
    if end < _MAPPED_BYTES or is_scarce(descriptor):  # a mapping keeps a descriptor of its own
        return [
            memoryview(_read_in(descriptor, offset, size))
            for offset, size in zip(offsets, sizes, strict=True)
        ]
    memory = memoryview(_mapped(descriptor, end, flags=mmap.MAP_PRIVATE))
    return [memory[offset : offset + size] for offset, size in zip(offsets, sizes, strict=True)]


def _mapped(descriptor: int, size: int, **options: int) -> mmap.mmap:
    try:
        return mmap.mmap(descriptor, size, **options)
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise MemoryError(f"{size:,} bytes that arrived do not fit into memory") from error
        raise


def read_parts(descriptor: int, sizes: Sequence[int]) -> list[bytes]:
    """Copy all parts out of a segment."""
    return [
        bytes(_read_in(descriptor, offset, size))
        for offset, size in zip(layout(sizes), sizes, strict=False)
    ]


def _read_in(descriptor: int, offset: int, size: int) -> bytearray:
    data = bytearray(size)
    with memoryview(data) as view:
        done = 0
        while done < size:
            count = os.preadv(descriptor, [view[done : done + _MOST_AT_ONCE]], offset + done)
            if not count:
                raise OSError(f"a segment ends after {offset + done} of {offset + size} bytes")
            done += count
    return data
