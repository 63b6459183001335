import pytest

from suitkaise.cucumber import deserialize, serialize

pandas = pytest.importorskip("pandas")

import numpy  # noqa: E402


@pytest.mark.comes_back(
    "pandas.DataFrame",
    "pandas.Series",
    "pandas.Index",
    how="as it was; its memory out of band where a transport takes it",
)
def test_a_frame_travels_in_band_and_out_of_band():
    frame = pandas.DataFrame(numpy.random.default_rng(1).random((50_000, 4)), columns=list("abcd"))
    buffers = []

    payload = serialize(frame, buffers=buffers.append)

    pandas.testing.assert_frame_equal(deserialize(payload, buffers=buffers), frame)
    pandas.testing.assert_frame_equal(deserialize(serialize(frame)), frame)
    assert len(payload) < 5_000
    assert sum(buffer.raw().nbytes for buffer in buffers) >= 50_000 * 4 * 8


@pytest.mark.parametrize(
    "series",
    [
        pandas.Series(["a", None, "c"]),
        pandas.Series([1, None], dtype="Int64"),
        pandas.Series(["x", "y", "x"], dtype="category"),
        pandas.Series(pandas.date_range("2020", periods=3, tz="UTC")),
        pandas.Series([1.5], index=pandas.MultiIndex.from_tuples([("a", 1)])),
    ],
    ids=str,
)
def test_series_of_all_kinds_travel(series):
    pandas.testing.assert_series_equal(deserialize(serialize(series)), series)


def test_what_a_frame_holds_travels_by_its_handlers_and_attributes_stay():
    frame = pandas.DataFrame({"work": [lambda x: x + 1]})
    frame.attrs["unit"] = "m"

    copy = deserialize(serialize(frame))

    assert copy["work"][0](1) == 2
    assert copy.attrs == {"unit": "m"}
