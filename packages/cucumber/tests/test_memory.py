import array

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize


@pytest.mark.comes_back(
    "memoryview", how="of a copy of its memory, with format and shape; writable if it was"
)
@pytest.mark.parametrize(
    "view",
    [
        memoryview(b"abc"),
        memoryview(bytearray(b"abc")),
        memoryview(b"abcdef")[2:4],
        memoryview(array.array("d", [1.5, 2.5])),
        memoryview(array.array("i", range(6))).cast("B").cast("i", (2, 3)),
        memoryview(bytearray(b"abcdef"))[::2],
        memoryview(b"abcdef")[::-1],
        memoryview(b""),
    ],
)
def test_a_view_keeps_content_format_shape_and_whether_it_is_writable(view):
    copy = deserialize(serialize(view))

    assert copy.tolist() == view.tolist()
    assert (copy.format, copy.shape, copy.readonly) == (view.format, view.shape, view.readonly)


def test_writing_to_the_copy_leaves_the_original_alone():
    origin = bytearray(b"abc")

    copy = deserialize(serialize(memoryview(origin)))
    copy[0] = 0

    assert origin == b"abc"


def test_its_memory_travels_out_of_band():
    buffers = []
    payload = serialize(memoryview(bytearray(100_000)), buffers=buffers.append)

    assert len(payload) < 500
    assert deserialize(payload, buffers=buffers).nbytes == 100_000


def test_a_released_view_is_refused():
    view = memoryview(b"abc")
    view.release()

    with pytest.raises(SerializationError, match="released"):
        serialize([view])


@pytest.mark.comes_back("array.array", how="as it was")
def test_arrays_of_numbers_travel():
    assert deserialize(serialize(array.array("d", [1.5, 2.5]))) == array.array("d", [1.5, 2.5])
