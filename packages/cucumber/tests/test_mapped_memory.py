import mmap
import os
from contextlib import closing

import pytest

from suitkaise.cucumber import DeserializationError, SerializationError, deserialize, serialize


class Labelled(mmap.mmap):
    """Has attributes."""


@pytest.fixture
def mapped(tmp_path):
    """Map a file of three pages."""
    path = tmp_path / "data"
    path.write_bytes(b"".join(bytes([65 + page]) * mmap.PAGESIZE for page in range(3)))
    maps = []

    def map_it(length=0, kind=mmap.mmap, **options):
        descriptor = os.open(path, os.O_RDWR)
        maps.append(kind(descriptor, length, **options))
        os.close(descriptor)
        return maps[-1]

    map_it.path = path
    yield map_it
    for each in maps:
        each.close()


@pytest.mark.comes_back(
    "mmap.mmap of a file", how="mapped again: the same place of the same file, with the same access"
)
def test_the_same_file_is_mapped_again(mapped):
    memory = mapped()
    memory.read(10)

    with closing(deserialize(serialize(memory))) as copy:
        copy[0:5] = b"hello"

        assert memory[0:5] == b"hello"
        assert (copy.tell(), len(copy)) == (10, len(memory))


def test_a_part_of_a_file_is_mapped_again(mapped):
    memory = mapped(mmap.PAGESIZE, offset=mmap.PAGESIZE)

    with closing(deserialize(serialize(memory))) as copy:
        assert (copy[0:3], len(copy)) == (b"BBB", mmap.PAGESIZE)


def test_what_may_only_be_read_may_only_be_read(mapped):
    memory = mapped(access=mmap.ACCESS_READ)

    with closing(deserialize(serialize(memory))) as copy:
        assert copy[0:3] == b"AAA"
        with pytest.raises(TypeError):
            copy[0:3] = b"new"


def test_a_file_is_mapped_in_another_process(mapped, load_elsewhere):
    memory = mapped()

    load_elsewhere(serialize(memory), "value[:3] = b'new'; value.close()")

    assert memory[:3] == b"new"


@pytest.mark.comes_back(
    "mmap.mmap without a file, or of a private copy", how="a copy of its content"
)
@pytest.mark.parametrize("flags", [mmap.MAP_SHARED, mmap.MAP_PRIVATE])
def test_memory_without_a_file_travels_with_its_content(flags):
    with closing(mmap.mmap(-1, 10_000, flags=flags | mmap.MAP_ANONYMOUS)) as memory:
        memory.write(b"content")

        with closing(deserialize(serialize(memory))) as copy:
            assert (copy[:7], copy.tell(), len(copy)) == (b"content", 7, 10_000)
            copy[:7] = b"another"
            assert memory[:7] == b"content"


def test_what_was_changed_in_a_private_copy_travels(mapped):
    memory = mapped(access=mmap.ACCESS_COPY)
    memory[:3] = b"mine"[:3]

    with closing(deserialize(serialize(memory))) as copy:
        assert copy[:6] == b"minAAA"


def test_a_subclass_keeps_its_type_and_attributes(mapped):
    memory = mapped(kind=Labelled)
    memory.label = "x"

    with closing(deserialize(serialize(memory))) as copy:
        assert (type(copy), copy.label) == (Labelled, "x")


def test_a_file_that_is_gone_or_shorter_is_an_error_that_names_it(mapped):
    payload = serialize(mapped())

    os.truncate(mapped.path, 10)
    with pytest.raises(DeserializationError, match=str(mapped.path)):
        deserialize(payload)
    mapped.path.unlink()
    with pytest.raises(DeserializationError, match=str(mapped.path)):
        deserialize(payload)


def test_a_closed_map_is_refused(mapped):
    memory = mapped()
    memory.close()

    with pytest.raises(SerializationError, match="closed"):
        serialize(memory)
