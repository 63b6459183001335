"""What carries users' objects: bytes or, for what is large or more than bytes, a parcel.

    sender    pack(thing)   -> Payload, part of a message
    receiver  unpack(Payload) -> the thing, in the thread that asked for it

A parcel's parts are the pickle stream and the memory that objects keep apart from it (protocol 5's
buffers: the elements of an array). They lie in a segment, so the socket carries only their sizes
and a descriptor. Where there is no segment to be had the parts ride inside the message.
"""

from __future__ import annotations

import errno
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from suitkaise import cucumber
from suitkaise.cucumber import SerializationError
from suitkaise.cucumber._siblings import Series, TooDeepError, serialize_flat, serialize_once

from . import _segments
from ._recurring import Recurring
from ._segments import LARGE_BYTES, LOST, Descriptor, layout

if TYPE_CHECKING:
    from ._checkpoints import Draft

_MOST_INLINE_BYTES = 2**31 - 2**16  # `marshal`, which frames a message, takes less than 2 GiB


class Traveller(Protocol):
    """An object that is in one process at a time: it moves, and is not copied."""

    def on_moved(self) -> None:
        """Learn that it is on its way to another process."""


class Lent(NamedTuple):
    """A buffer that several parcels refer to, in a segment of its own."""

    position: int  # among the buffers of the parcel
    size: int  # bytes
    segment: Descriptor


class Parcel:
    """The parts of a payload, and the descriptors that its objects need.

    Attributes:
        is_raw: Whether the only part is a bytes object as it is, and not a pickle stream.
        sizes: The parts' sizes in bytes: the stream first, then the buffers.
        parts: The parts themselves, if they are not in a segment.
        segment: Else the segment that they are in.
        lent: Buffers that are none of its parts.
        handles: Descriptors that belong to objects in the stream, in their order.
    """

    __slots__ = ("_travellers", "handles", "is_raw", "lent", "parts", "segment", "sizes")

    def __init__(
        self,
        is_raw: bool,
        sizes: tuple[int, ...],
        parts: tuple[bytes, ...] | None,
        segment: Descriptor | None,
        handles: tuple[Descriptor, ...],
        travellers: tuple[Traveller, ...] = (),
        lent: tuple[Lent, ...] = (),
    ) -> None:
        self._travellers = travellers
        self.lent = lent
        self.is_raw = is_raw
        self.sizes = sizes
        self.parts = parts
        self.segment = segment
        self.handles = handles

    def __len__(self) -> int:
        return sum(self.sizes) + sum(lent.size for lent in self.lent)

    @property
    def is_lost(self) -> bool:
        """Whether descriptors of it were lost on the way: the receiver had no room for them."""
        return any(descriptor.number == LOST for descriptor in self.descriptors)

    @property
    def descriptors(self) -> list[Descriptor]:
        """What must travel with it."""
        own = [] if self.segment is None else [self.segment]
        return [*own, *(lent.segment for lent in self.lent), *self.handles]

    def set_out(self) -> None:
        """Tell the objects that move with it that they are on their way."""
        travellers, self._travellers = self._travellers, ()
        for traveller in travellers:
            traveller.on_moved()

    def to_wire(self) -> tuple[Any, ...]:
        """Return what `marshal` can write; the descriptors travel beside it."""
        lent = tuple(lent[:2] for lent in self.lent)
        return self.is_raw, self.sizes, self.parts, lent, len(self.handles)

    @classmethod
    def from_wire(cls, wire: tuple[Any, ...], take: Callable[[], int]) -> Parcel:
        """Rebuild it; `take` gives the next descriptor that came along."""
        is_raw, sizes, parts, lent, handles = wire
        segment = None if parts is not None else Descriptor(take())
        if segment is not None and _segments.is_scarce(segment.number):
            parts = tuple(_segments.read_parts(segment.number, sizes))
            segment = None
        borrowed = tuple(Lent(position, size, Descriptor(take())) for position, size in lent)
        taken = tuple(Descriptor(take()) for _ in range(handles))
        return cls(is_raw, sizes, parts, segment, taken, lent=borrowed)

    def open(self) -> Any:
        """Rebuild the thing; the parcel is used up.

        Raises:
            OSError: It is lost.
        """
        if self.is_lost:
            raise OSError(
                errno.EMFILE,
                "what came is lost: it came with descriptors, of which this process had as many "
                "open as it may (ulimit -n)",
            )
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
        for position, size, segment in self.lent:
            memory[position:position] = _segments.writable(segment.number, (0,), (size,))
            segment.close()
        if self.is_raw:
            return stream
        outer, _now.opening = _now.opening, iter(self.handles)
        try:
            return cucumber.deserialize(stream, buffers=memory)
        finally:
            _now.opening = outer


Payload: TypeAlias = bytes | Parcel


class _Packing:
    """What the parcel that a thread is packing gets beside its stream."""

    __slots__ = ("buffers", "handles", "is_going_on", "lent", "recurring", "travellers")

    def __init__(self) -> None:
        self.is_going_on = False
        self.recurring: Recurring | None = None
        self.clear()

    def clear(self) -> None:
        self.buffers: list[memoryview] = []
        self.lent: list[Lent] = []
        self.handles: list[Descriptor] = []
        self.travellers: list[Traveller] = []

    def offer(self, buffer: pickle.PickleBuffer) -> bool:
        """Take an object's memory, or have it stay in the stream."""
        memory = buffer.raw()
        if memory.nbytes < LARGE_BYTES:
            return True
        segment = None if self.recurring is None else self.recurring.lend(memory)
        if segment is None:
            self.buffers.append(memory)
        else:
            self.lent.append(Lent(len(self.buffers) + len(self.lent), memory.nbytes, segment))
        return False


class _Now(threading.local):
    """What this thread is packing, and the handles of what it is opening."""

    opening: Iterator[Descriptor] = iter(())

    def __init__(self) -> None:
        self.packing = _Packing()


_now = _Now()


def attach_handles(traveller: Traveller, handles: Sequence[Descriptor]) -> None:
    """Have descriptors travel with the thing that is being packed; for `__reduce__` methods.

    Raises:
        TypeError: The thing is serialised for something else than a message.
    """
    packing = _now.packing
    if not packing.is_going_on:
        raise TypeError(
            "it needs a process to move to: give it to an Skprocess or a Pool, or send it with "
            "tell() or through a Pipe"
        )
    packing.handles += handles
    packing.travellers.append(traveller)


def next_handle() -> Descriptor:
    """Return the next descriptor that was attached, where the thing is rebuilt."""
    return next(_now.opening)


def pack(thing: Any, recurring: Recurring | None = None) -> Payload:
    """Serialise a thing for a message. Its large memory is copied once, into a segment.

    What can only move stays here until the message is on its way, see `set_out`.

    Args:
        thing: The thing.
        recurring: Knows memory that other messages may refer to as well.

    Raises:
        SerializationError: If it cannot travel.
    """
    if type(thing) is bytes and len(thing) >= LARGE_BYTES:
        return _parcel((thing,), is_raw=True)
    flat = serialize_flat(thing)
    if flat is not None and len(flat) < LARGE_BYTES:
        return flat
    packing = _now.packing
    if packing.is_going_on:  # the thing's own code sends something
        _now.packing = _Packing()
        try:
            return pack(thing, recurring)
        finally:
            _now.packing = packing
    packing.is_going_on = True
    packing.recurring = recurring
    try:
        try:
            stream = serialize_once(thing, packing.offer)
        except TooDeepError as shallow:
            packing.clear()
            stream = shallow.serialize(packing.offer)
        buffers, lent, handles = packing.buffers, packing.lent, packing.handles
        if not buffers and not lent and not handles and len(stream) < LARGE_BYTES:
            return stream
        return _parcel(
            [stream, *buffers], tuple(handles), tuple(packing.travellers), lent=tuple(lent)
        )
    finally:
        packing.is_going_on = False
        if packing.buffers or packing.handles or packing.lent:
            packing.clear()


def write_copy(thing: Any, file: Draft, series: Series) -> tuple[Descriptor, ...]:
    """Serialise a thing into a file; for a process that may take the place of this one.

    Nothing of it moves: all stays here too.

    Returns:
        The descriptors that must travel with what was written, see `carrying`.

    Raises:
        SerializationError: If it cannot travel.
    """
    packing = _now.packing
    packing.is_going_on = True
    try:
        try:
            series.write(thing, file)
        except TooDeepError as shallow:
            packing.clear()
            file.restart()
            file.write(shallow.serialize())
        return tuple(packing.handles)
    finally:
        packing.is_going_on = False
        packing.clear()


def carrying(stream: bytes | memoryview, handles: tuple[Descriptor, ...] = ()) -> Payload:
    """Make a payload of what was serialised before.

    Raises:
        SerializationError: If it is too large for the shared memory that is left.
    """
    if len(stream) < LARGE_BYTES and not handles:
        return bytes(stream)
    parts: list[bytes | memoryview] = [stream]
    return _parcel(parts, handles)


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


def set_out(payload: Payload) -> None:
    """Say that a message with this payload is on its way, with all that can only move."""
    if type(payload) is Parcel:
        payload.set_out()


def _parcel(
    parts: Sequence[bytes | memoryview],
    handles: tuple[Descriptor, ...] = (),
    travellers: tuple[Traveller, ...] = (),
    *,
    is_raw: bool = False,
    lent: tuple[Lent, ...] = (),
) -> Parcel:
    """Make a parcel of a stream and its buffers or, raw, of a bytes object."""
    sizes = tuple(len(part) for part in parts)
    if sum(sizes) >= LARGE_BYTES:
        try:
            return Parcel(is_raw, sizes, None, _segments.lend(parts), handles, travellers, lent)
        except OSError as error:
            if sum(sizes) > _MOST_INLINE_BYTES:
                raise SerializationError(
                    f"{sum(sizes):,} bytes need shared memory, and there is none to be had "
                    f"({error}); without it a message takes {_MOST_INLINE_BYTES:,}"
                ) from error
    inside = tuple(bytes(part) for part in parts)
    return Parcel(is_raw, sizes, inside, None, handles, travellers, lent)
