import collections
import dataclasses
import datetime
import enum
import io
import mmap
import pickle
import pickletools
import threading
import typing
from array import array
from decimal import Decimal
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.cucumber import DeserializationError, deserialize, serialize
from suitkaise.cucumber._payload import HEADER, serialize_flat
from suitkaise.cucumber._pickler import Pickler

keys = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
leaves = keys | st.floats(allow_nan=False) | st.complex_numbers(allow_nan=False) | st.dates()
nested = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner)
        | st.sets(keys)
        | st.frozensets(keys)
    ),
    max_leaves=30,
)


class Plain:
    def __init__(self, value):
        self.value = value


class Slotted:
    __slots__ = ("left", "right")


class SlottedAndMore(Slotted):
    pass


class Counted(list):
    count = 0


class Keeping(dict):
    def __getstate__(self):
        return {"kept": True}


class WithArguments:
    def __new__(cls, value):
        made = super().__new__(cls)
        made.value = value
        return made

    def __getnewargs__(self):
        return (self.value,)


class Reduced:
    def __reduce__(self):
        return Plain, ("reduced",)


class Colour(enum.Enum):
    RED = 1


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


class Point(typing.NamedTuple):
    x: int
    y: int


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    name: str
    size: int = 3


class Memory:
    """Offers its memory out of band, as arrays do."""

    def __init__(self, memory):
        self.memory = memory

    def __reduce_ex__(self, protocol):
        return Memory, (pickle.PickleBuffer(self.memory),)


def travel(obj):
    return deserialize(serialize(obj))


@pytest.mark.comes_back(
    "numbers, texts, bytes, built-in containers",
    how="equal, shared and cyclic references included",
)
@given(nested)
def test_nested_built_ins_arrive_equal(value):
    copy = travel(value)

    assert copy == value
    assert type(copy) is type(value)


@given(nested)
def test_a_payload_is_a_pickle_that_pickle_itself_can_read(value):
    payload = serialize(value)

    assert payload.startswith(HEADER)
    assert pickle.loads(payload) == value
    pickletools.dis(payload, out=io.StringIO())


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1.5"),
        datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC),
        PurePosixPath("a/b"),
        Colour.RED,
        Permission.READ | Permission.WRITE,
        Point(1, 2),
        Frozen("a"),
        array("d", [1.0, 2.0]),
        collections.deque([1, 2], maxlen=2),
        collections.OrderedDict(b=1, a=2),
        range(3),
        slice(1, 2),
        len,
        str.upper,
        Plain,
        NotImplemented,
        ...,
        bytearray(b"abc"),
    ],
    ids=repr,
)
def test_values_with_equality_arrive_equal(value):
    copy = travel(value)

    assert copy == value
    assert type(copy) is type(value)


def test_instances_keep_class_and_attributes():
    copy = travel(Plain([1, 2]))

    assert type(copy) is Plain
    assert vars(copy) == {"value": [1, 2]}


def test_slots_travel():
    value = SlottedAndMore()
    value.left, value.more = 1, 2

    copy = travel(value)

    assert (copy.left, copy.more) == (1, 2)
    assert not hasattr(copy, "right")


def test_subclasses_of_built_ins_keep_content_and_attributes():
    value = Counted([1, 2])
    value.count = 7

    copy = travel(value)

    assert (type(copy), copy, copy.count) == (Counted, [1, 2], 7)


@pytest.mark.comes_back(
    "your classes with `__reduce__`, `__getstate__`, `__getnewargs__`",
    how="as they say",
)
def test_getstate_getnewargs_and_reduce_are_honoured():
    assert travel(Keeping(a=1)).kept
    assert travel(WithArguments(5)).value == 5
    assert travel(Reduced()).value == "reduced"


def test_a_reduce_that_a_class_gains_later_is_honoured(monkeypatch):
    travel(Plain(1))

    monkeypatch.setattr(Plain, "__reduce__", lambda self: (str, ("later",)))

    assert travel(Plain(1)) == "later"


def test_shared_and_cyclic_references_are_kept():
    shared = Plain(None)
    value = [shared, shared]
    shared.value = value

    copy = travel(value)

    assert copy[0] is copy[1]
    assert copy[0].value is copy


@pytest.mark.comes_back(
    "lambdas",
    "functions inside functions",
    how="by value, with the variables that they use",
)
def test_lambdas_and_closures_travel_by_value(load_elsewhere):
    offset = 40

    payload = serialize(lambda number: number + offset)

    assert load_elsewhere(payload, "print(value(2))") == "42"


def test_many_threads_can_serialise_at_once():
    wanted = [Plain(index) for index in range(200)]
    found = []

    def work():
        found.append([item.value for item in travel(wanted)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [list(range(200))] * 8


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda data: array("B", data)])
def test_any_buffer_can_be_deserialised(kind):
    assert deserialize(kind(serialize([1, 2]))) == [1, 2]


def test_mapped_memory_can_be_deserialised():
    payload = serialize({"a": 1})
    with mmap.mmap(-1, len(payload)) as mapped:
        mapped[:] = payload

        assert deserialize(mapped) == {"a": 1}


def test_out_of_band_memory_stays_out_of_the_payload():
    memory = bytearray(b"x" * 100_000)
    buffers = []

    payload = serialize([Memory(memory), 1], buffers=buffers.append)

    assert len(payload) < 1000
    copy = deserialize(payload, buffers=buffers)
    memory[0] = 0
    assert memoryview(copy[0].memory)[0] == 0, "the receiver uses the very memory it was given"


def test_out_of_band_memory_is_writable_where_sender_and_buffer_are():
    buffers = []
    payload = serialize([Memory(bytearray(b"abc")), Memory(b"abc")], buffers=buffers.append)
    given = [bytearray(buffers[0]), bytearray(buffers[1])]

    writable, readonly = deserialize(payload, buffers=given)

    assert not memoryview(writable.memory).readonly
    assert memoryview(readonly.memory).readonly


def test_a_true_answer_keeps_the_memory_in_the_payload():
    payload = serialize(Memory(b"abc" * 1000), buffers=lambda buffer: True)

    assert bytes(deserialize(payload).memory) == b"abc" * 1000


def test_missing_buffers_are_an_error():
    payload = serialize(Memory(bytearray(9)), buffers=lambda buffer: None)

    with pytest.raises(DeserializationError, match="buffers"):
        deserialize(payload)


def test_the_error_of_a_transport_is_the_cause():
    def refuse(buffer):
        raise ConnectionError("gone")

    with pytest.raises(pickle.PicklingError, match="ConnectionError: gone") as caught:
        serialize(Memory(bytearray(9)), buffers=refuse)

    assert isinstance(caught.value.__cause__, ConnectionError)


flat = keys | st.lists(keys) | st.tuples(keys, keys) | st.dictionaries(keys, keys)


@given(flat)
def test_what_is_flat_has_the_bytes_that_it_has_anyway(value):
    file = io.BytesIO()
    Pickler(file, 5, True).dump(value)

    payload = serialize_flat(value)

    assert payload in (None, HEADER + file.getvalue())
    assert payload == serialize(value) or payload is None


@pytest.mark.parametrize(
    "value", [[[]], (1, {}), {"a": []}, {1, 2}, list(range(17)), collections.OrderedDict(), 1j]
)
def test_what_is_not_flat_is_left_to_the_pickler(value):
    assert serialize_flat(value) is None
    assert deserialize(serialize(value)) == value


class Wrapping:
    def __init__(self, things):
        self.things = things

    def __getattr__(self, name):
        return self.things[name]  # asks itself for ever, as long as it has none


class WrappingWithSlots:
    __slots__ = ("things",)
    __init__ = Wrapping.__init__
    __getattr__ = Wrapping.__getattr__


class WrappingDict(dict):
    __init__ = Wrapping.__init__
    __getattr__ = Wrapping.__getattr__


@pytest.mark.parametrize("kind", [Wrapping, WrappingWithSlots, WrappingDict])
def test_an_object_is_not_asked_for_attributes_before_it_has_any(kind):
    thing = kind({"a": 1})
    thing.things["me"] = thing

    copy = deserialize(serialize(thing))

    assert (type(copy), copy.a) == (kind, 1)
    assert copy.me is copy
