from __future__ import annotations

import gc
import os
import pickle
import resource
import zlib
from typing import Any

import pytest

from suitkaise.cucumber import SerializationError
from suitkaise.processing import _segments
from suitkaise.processing._parcels import Parcel, pack, pack_named, unpack
from suitkaise.processing._segments import LARGE_BYTES, Descriptor, is_scarce, layout


class Block:
    """Memory that leaves the pickle stream, as an array's elements do."""

    def __init__(self, memory: Any) -> None:
        self.memory = memory

    def __reduce_ex__(self, _protocol: int) -> Any:
        return Block, (pickle.PickleBuffer(self.memory),)


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    _segments._keep.forget_after_fork()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_a_small_thing_is_bytes_alone() -> None:
    assert isinstance(pack({"number": 7}), bytes)
    assert unpack(pack({"number": 7})) == {"number": 7}


@pytest.mark.parametrize("size", [LARGE_BYTES, 1 << 20, (1 << 20) + 1, 5 << 20])
@pytest.mark.parametrize("kind", [bytes, list, bytearray])
def test_a_large_thing_arrives_as_it_was(kind: Any, size: int) -> None:
    thing = kind(os.urandom(size))

    packed = pack(thing)

    assert isinstance(packed, Parcel)
    assert len(packed) >= size
    assert unpack(packed) == thing


@pytest.mark.parametrize("size", [LARGE_BYTES, 3 << 20])
def test_memory_arrives_writable_and_apart_from_its_origin(size: int) -> None:
    origin = bytearray(os.urandom(size))

    copy = unpack(pack([Block(origin), "beside"]))[0].memory
    before = bytes(copy)
    copy[0:4] = b"mine"
    origin[4:8] = b"ours"

    assert before != origin
    assert bytes(copy[4:]) == before[4:]
    assert len(copy) == size


def test_a_segment_is_not_used_again_while_something_of_it_is_in_use() -> None:
    first = unpack(pack(Block(bytearray(b"a" * (2 << 20)))))
    for letter in b"bcdef":
        other = pack(Block(bytearray([letter]) * (2 << 20)))
        assert set(bytes(unpack(other).memory)) == {letter}

    assert set(bytes(first.memory)) == {ord("a")}


def test_what_is_in_use_elsewhere_survives_any_number_of_further_sends() -> None:
    held = [pack(bytes([number]) * 100_000) for number in range(30)]
    opened = [unpack(parcel) for parcel in held]

    assert opened == [bytes([number]) * 100_000 for number in range(30)]


def test_a_segment_is_used_again_once_nobody_has_it() -> None:
    lent = _segments.lend([b"a" * 100_000])
    inode = os.fstat(lent.number).st_ino
    lent.close()

    assert os.fstat(_segments.lend([b"b" * 100_000]).number).st_ino == inode


def test_nothing_stays_open_when_a_parcel_is_dropped() -> None:
    pack(b"x" * 100_000)
    before = descriptors()

    for _ in range(20):
        pack([b"x" * 100_000])
    gc.collect()

    assert descriptors() <= before + 16  # those that are kept for reuse, with a mapping each


def test_without_descriptors_the_parts_ride_inside() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    taken: list[int] = []
    try:
        while not taken or not is_scarce(taken[-1]):
            taken.append(os.dup(0))

        packed = pack([Block(bytearray(b"a" * 100_000)), b"b" * 100_000])

        assert isinstance(packed, Parcel)
        assert packed.segment is None
        block, rest = unpack(packed)
        assert (bytes(block.memory), rest) == (b"a" * 100_000, b"b" * 100_000)
        block.memory[0] = 0  # writable here as well
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for number in taken:
            os.close(number)


def test_the_parts_of_a_segment_are_aligned() -> None:
    assert layout([1, 64, 65]) == [0, 64, 128, 256]


def test_a_segment_that_is_too_short_is_an_error() -> None:
    lent = _segments.lend([b"x" * 10])

    with pytest.raises(OSError, match="ends after"):
        _segments.read(lent.number, 1 << 20)


def test_a_descriptor_is_closed_once() -> None:
    read_end, write_end = os.pipe()
    owner = Descriptor(write_end)

    owner.close()
    owner.close()

    assert os.read(read_end, 1) == b""
    os.close(read_end)


def test_the_error_names_what_cannot_travel() -> None:
    with pytest.raises(SerializationError, match=r"^the job: "):
        pack_named("the job", [zlib.compressobj()])
