import threading

import pytest

from suitkaise.cucumber import deserialize, serialize

numpy = pytest.importorskip("numpy")

LARGE = 100_000


def beside(thing):
    """Send a thing with its memory out of band; says how much of it was there."""
    buffers = []
    payload = serialize(thing, buffers=buffers.append)
    copy = deserialize(payload, buffers=buffers)
    return copy, sum(buffer.raw().nbytes for buffer in buffers), len(payload)


@pytest.mark.comes_back(
    "numpy.ndarray", how="as it was; its memory out of band where a transport takes it"
)
@pytest.mark.parametrize(
    "array",
    [
        numpy.arange(LARGE, dtype="f8"),
        numpy.asfortranarray(numpy.arange(LARGE).reshape(100, -1)),
        numpy.zeros(LARGE, dtype=[("a", "i4"), ("b", "f8")]),
    ],
    ids=["C", "Fortran", "structured"],
)
def test_large_arrays_travel_in_band_and_out_of_band(array):
    copy, outside, inside = beside(array)

    assert numpy.array_equal(deserialize(serialize(array)), array)
    assert numpy.array_equal(copy, array)
    assert (copy.dtype, copy.shape, copy.flags.f_contiguous) == (
        array.dtype,
        array.shape,
        array.flags.f_contiguous,
    )
    assert outside >= array.nbytes
    assert inside < 1000


def test_what_may_only_be_read_may_only_be_read():
    array = numpy.arange(LARGE)
    array.flags.writeable = False

    assert not beside(array)[0].flags.writeable
    assert beside(numpy.arange(LARGE))[0].flags.writeable


@pytest.mark.parametrize(
    "array",
    [
        numpy.arange(20)[::3],
        numpy.array(5),
        numpy.array([], dtype="i8"),
        numpy.float32(1.5),
        numpy.ma.masked_array([1, 2], mask=[0, 1]),
        numpy.array(["a", "bc"]),
        numpy.array(["2020-01-02"], dtype="datetime64[s]"),
    ],
)
def test_small_and_odd_arrays_travel(array):
    copy = deserialize(serialize(array))

    assert type(copy) is type(array)
    assert copy.tolist() == array.tolist()


def test_objects_in_arrays_travel_by_their_handlers():
    array = numpy.array([lambda x: x + 1, threading.Lock(), None], dtype=object)

    copy = deserialize(serialize(array))

    assert copy[0](1) == 2
    assert copy[1].acquire(blocking=False)


def test_generators_dtypes_and_functions_travel():
    random = numpy.random.default_rng(1)
    vectorised = numpy.vectorize(lambda x: x * 2)

    copy, dtype, add, double = deserialize(
        serialize([random, numpy.dtype("i4"), numpy.add, vectorised])
    )

    assert copy.integers(100, size=5).tolist() == random.integers(100, size=5).tolist()
    assert (dtype, add(1, 2), double([1, 2]).tolist()) == (numpy.dtype("i4"), 3, [2, 4])


def test_views_of_one_array_in_a_container_keep_their_values():
    array = numpy.arange(10)

    whole, part = deserialize(serialize([array, array[2:5]]))

    assert (whole.tolist(), part.tolist()) == (list(range(10)), [2, 3, 4])


@pytest.mark.comes_back("numpy.memmap", how="a plain array: a copy of its content")
def test_a_memmap_arrives_with_its_content(tmp_path):
    mapped = numpy.memmap(tmp_path / "data", dtype="i4", mode="w+", shape=5)
    mapped[:] = range(5)

    assert deserialize(serialize(mapped)).tolist() == [0, 1, 2, 3, 4]
