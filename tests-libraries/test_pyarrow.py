import pytest

from suitkaise.cucumber import deserialize, serialize

pyarrow = pytest.importorskip("pyarrow")


@pytest.mark.comes_back(
    "pyarrow.Table",
    "pyarrow.RecordBatch",
    "pyarrow.Array",
    "pyarrow.Buffer",
    how="as it was; its memory out of band where a transport takes it",
)
@pytest.mark.parametrize(
    "thing",
    [
        pyarrow.table({"a": range(50_000), "b": ["x"] * 50_000}),
        pyarrow.record_batch({"a": range(50_000)}),
        pyarrow.array(range(50_000)),
        pyarrow.py_buffer(bytes(400_000)),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_arrow_travels_in_band_and_out_of_band(thing):
    buffers = []

    payload = serialize(thing, buffers=buffers.append)

    assert deserialize(payload, buffers=buffers).equals(thing)
    assert deserialize(serialize(thing)).equals(thing)
    assert len(payload) < 5_000
    assert sum(buffer.raw().nbytes for buffer in buffers) >= 100_000


def test_schemas_and_types_travel():
    schema = pyarrow.schema([("a", pyarrow.int64()), ("b", pyarrow.list_(pyarrow.string()))])

    assert deserialize(serialize(schema)) == schema
