"""Large memory travels behind the stream, and is copied once at each side."""

from __future__ import annotations

import mmap
import pickle
import random
import subprocess
import sys

import pytest

from suitkaise.cucumber import DeserializationError, _appendix, deserialize, inspect, serialize

np = pytest.importorskip("numpy")

HEADER_BYTES = 8


@pytest.fixture
def is_large_from_100_bytes(monkeypatch):
    monkeypatch.setattr(_appendix, "LARGE", 100)


def test_a_large_array_arrives_in_memory_of_its_own():
    array = np.arange(_appendix.LARGE // 8, dtype=np.float64)

    payload = serialize({"array": array, "again": array, "small": array[:3]})
    copy = deserialize(payload)

    assert payload[HEADER_BYTES : HEADER_BYTES + 1] == pickle.BINBYTES
    assert np.array_equal(copy["array"], array)
    assert copy["again"] is copy["array"]
    assert copy["small"].tolist() == [0, 1, 2]
    assert isinstance(owner_of_memory(copy["array"]), mmap.mmap)
    copy["array"][:] = 7  # it is writable, and nobody else's
    assert np.array_equal(deserialize(payload)["array"], array)


def owner_of_memory(array):
    while isinstance(array, np.ndarray):
        array = array.base
    return array.obj if isinstance(array, memoryview) else array


LITTLE_MEMORY = """
import resource
import numpy
from suitkaise.cucumber import deserialize, serialize

payload = serialize(numpy.zeros(64 << 17))
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (32 << 20),) * 2)
try:
    deserialize(payload)
except MemoryError as error:
    print(error)
"""


def test_an_array_that_does_not_fit_is_a_memory_error():
    done = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "no room for 67,108,864 bytes" in done.stdout, done.stderr


@pytest.mark.parametrize("error", [OSError(22, "Invalid argument"), AttributeError("madvise")])
def test_a_kernel_without_huge_pages_has_others(monkeypatch, error):
    class Map(mmap.mmap):
        def madvise(self, *_):
            raise error

    monkeypatch.setattr(mmap, "mmap", Map)
    monkeypatch.setattr(_appendix, "LARGE", 100)

    assert deserialize(serialize(np.arange(100))).sum() == 4950


@pytest.mark.usefixtures("is_large_from_100_bytes")
@pytest.mark.parametrize(
    "make",
    [
        lambda: np.arange(100),
        lambda: np.asfortranarray(np.arange(100.0).reshape(10, 10)),
        lambda: np.zeros(50, dtype=[("name", "U8"), ("n", "i4")]),
        lambda: np.array(["2026-01-01", "2026-01-02"] * 50, dtype="datetime64[D]"),
        lambda: np.arange(200)[::2],
        lambda: np.ma.masked_array(np.arange(100), mask=np.arange(100) % 2),
    ],
    ids=["integers", "by column", "structures", "dates", "every other", "masked"],
)
def test_every_kind_of_array(make):
    copy = deserialize(serialize([make(), make()]))

    assert [array.dtype for array in copy] == [make().dtype] * 2
    assert all(np.array_equal(array, make()) for array in copy)
    assert copy[0].flags.f_contiguous >= make().flags.f_contiguous


@pytest.mark.usefixtures("is_large_from_100_bytes")
def test_a_read_only_array_stays_so():
    array = np.arange(100)
    array.flags.writeable = False

    copy = deserialize(serialize(array))

    assert not copy.flags.writeable
    assert np.array_equal(copy, array)


@pytest.mark.usefixtures("is_large_from_100_bytes")
def test_what_follows_the_payload_does_not_matter():
    payload = serialize(np.arange(100)) + b"padding"

    assert deserialize(memoryview(payload)).sum() == 4950
    assert deserialize(bytearray(payload), buffers=[]).sum() == 4950


class Blob:
    """Is to be given a bytearray, as PEP 574 says of memory in band."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, _protocol):
        return Blob, (pickle.PickleBuffer(self.data),)


@pytest.mark.usefixtures("is_large_from_100_bytes")
def test_memory_of_other_classes_stays_in_the_stream():
    copy = deserialize(serialize([Blob(bytearray(200)), np.arange(100)]))

    assert type(copy[0].data) is bytearray


@pytest.mark.usefixtures("is_large_from_100_bytes")
def test_memory_that_is_handed_out_is_not_in_the_payload():
    buffers: list[pickle.PickleBuffer] = []

    payload = serialize(np.arange(100), buffers=buffers.append)

    assert len(payload) < 800
    assert deserialize(payload, buffers=buffers).sum() == 4950


@pytest.mark.usefixtures("is_large_from_100_bytes")
def test_inspect_tells_how_much_memory_there_is():
    found = inspect(serialize([np.arange(100), np.arange(50)]))

    assert found.buffers == 0
    assert "memory of 800 bytes" in str(found)
    assert "memory of 400 bytes" in str(found)


@pytest.mark.usefixtures("is_large_from_100_bytes")
def test_a_payload_that_is_cut_short_is_told_so():
    payload = serialize([np.arange(100), np.arange(50)])

    for end in range(HEADER_BYTES, len(payload)):
        with pytest.raises(DeserializationError, match="damaged or cut short"):
            deserialize(payload[:end])
    with pytest.raises(DeserializationError, match="damaged or cut short: its memory ends at byte"):
        inspect(payload[:-1])


@pytest.mark.usefixtures("is_large_from_100_bytes")
def test_a_damaged_table_ends_in_an_error_or_in_numbers():
    payload = bytearray(serialize([np.arange(100), np.arange(50)]))
    chance = random.Random(5)
    errors = 0

    for _ in range(2_000):
        damaged = payload.copy()
        damaged[chance.randrange(HEADER_BYTES + 1, HEADER_BYTES + 60)] = chance.randrange(256)
        for read in (deserialize, inspect):
            try:
                read(damaged)
            except DeserializationError:
                errors += 1

    assert errors > 1_000
