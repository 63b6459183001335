"""What carries users' objects: bytes or, for what is large or more than bytes, a parcel.

    sender    pack(thing)   -> Payload, part of a message
    receiver  unpack(Payload) -> the thing, in the thread that asked for it

A parcel's parts are the pickle stream and the memory that objects keep apart from it (protocol 5's
buffers: the elements of an array). They lie in a segment, so the socket carries only their sizes
and a descriptor. Where there is no segment to be had the parts ride inside the message.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from suitkaise import cucumber
from suitkaise.cucumber import SerializationError

from . import _segments
from ._segments import LARGE_BYTES, Descriptor, layout

_MOST_INLINE_BYTES = 2**31 - 2**16  # `marshal`, which frames a message, takes less than 2 GiB


class Parcel:
    """The parts of a payload, and the descriptors that its objects need.

    Attributes:
        is_raw: Whether the only part is a bytes object as it is, and not a pickle stream.
        sizes: The parts' sizes in bytes: the stream first, then the buffers.
        parts: The parts themselves, if they are not in a segment.
        segment: Else the segment that they are in.
        handles: Descriptors that belong to objects in the stream, in their order.
    """

    __slots__ = ("handles", "is_raw", "parts", "segment", "sizes")

    def __init__(
        self,
        is_raw: bool,
        sizes: tuple[int, ...],
        parts: tuple[bytes, ...] | None,
        segment: Descriptor | None,
        handles: tuple[Descriptor, ...],
    ) -> None:
        self.is_raw = is_raw
        self.sizes = sizes
        self.parts = parts
        self.segment = segment
        self.handles = handles

    def __len__(self) -> int:
        return sum(self.sizes)

    @property
    def descriptors(self) -> list[Descriptor]:
        """What must travel with it."""
        return [*([] if self.segment is None else [self.segment]), *self.handles]

    def to_wire(self) -> tuple[bool, tuple[int, ...], tuple[bytes, ...] | None, int]:
        """Return what `marshal` can write; the descriptors travel beside it."""
        return self.is_raw, self.sizes, self.parts, len(self.handles)

    @classmethod
    def from_wire(cls, wire: tuple[Any, ...], take: Callable[[], int]) -> Parcel:
        """Rebuild it; `take` gives the next descriptor that came along."""
        is_raw, sizes, parts, handles = wire
        segment = None if parts is not None else Descriptor(take())
        if segment is not None and _segments.is_scarce(segment.number):
            parts = tuple(_segments.read_parts(segment.number, sizes))
            segment = None
        return cls(is_raw, sizes, parts, segment, tuple(Descriptor(take()) for _ in range(handles)))

    def open(self) -> Any:
        """Rebuild the thing; the parcel is used up."""
        stream: bytes | memoryview
        if self.parts is not None:
            stream, *buffers = self.parts
            memory = [memoryview(bytearray(buffer)) for buffer in buffers]
        else:
            assert self.segment is not None
            number = self.segment.number
            offsets = layout(self.sizes)[:-1]
            read = _segments.read if self.is_raw else _segments.view
            stream = read(number, self.sizes[0])
            memory = _segments.writable(number, offsets[1:], self.sizes[1:])
            self.segment.close()
        if self.is_raw:
            return stream
        outer, _handles.opening = _handles.opening, self.handles
        try:
            return cucumber.deserialize(stream, buffers=memory)
        finally:
            _handles.opening = outer


Payload: TypeAlias = bytes | Parcel


class _Handles(threading.local):
    """The descriptors of the parcel that this thread is packing or opening.

    None: it is not, so what needs a descriptor cannot travel.
    """

    packing: list[Descriptor] | None = None
    opening: Sequence[Descriptor] | None = None


_handles = _Handles()


def pack(thing: Any) -> Payload:
    """Serialise a thing for a message. Its large memory is copied once, into a segment.

    Raises:
        SerializationError: If it cannot travel.
    """
    if type(thing) is bytes and len(thing) >= LARGE_BYTES:
        return _parcel(True, (thing,), ())
    buffers: list[memoryview] = []

    def offer(buffer: pickle.PickleBuffer) -> bool:
        memory = buffer.raw()
        if memory.nbytes < LARGE_BYTES:
            return True  # it stays in the stream
        buffers.append(memory)
        return False

    outer, _handles.packing = _handles.packing, []
    try:
        stream = cucumber.serialize(thing, buffers=offer)
        handles = _handles.packing
    finally:
        _handles.packing = outer
    if not buffers and not handles and len(stream) < LARGE_BYTES:
        return stream
    return _parcel(False, (stream, *buffers), tuple(handles))


def pack_named(name: str, thing: Any) -> Payload:
    """Serialise a thing, and let the error say which thing it was.

    Raises:
        SerializationError: If it cannot travel; the message begins with its name.
    """
    try:
        return pack(thing)
    except SerializationError as error:
        raise SerializationError(
            f"{name}: {error}", type_name=error.type_name, path=error.path
        ) from error.__cause__


def unpack(payload: Payload) -> Any:
    """Rebuild what was packed; a parcel is used up by it. Runs the objects' own code."""
    return cucumber.deserialize(payload) if isinstance(payload, bytes) else payload.open()


def _parcel(
    is_raw: bool, parts: Sequence[bytes | memoryview], handles: tuple[Descriptor, ...]
) -> Parcel:
    sizes = tuple(len(part) for part in parts)
    if sum(sizes) >= LARGE_BYTES:
        try:
            return Parcel(is_raw, sizes, None, _segments.lend(parts), handles)
        except OSError as error:
            if sum(sizes) > _MOST_INLINE_BYTES:
                raise SerializationError(
                    f"{sum(sizes):,} bytes need shared memory, and there is none to be had "
                    f"({error}); without it a message takes {_MOST_INLINE_BYTES:,}"
                ) from error
    return Parcel(is_raw, sizes, tuple(bytes(part) for part in parts), None, handles)
