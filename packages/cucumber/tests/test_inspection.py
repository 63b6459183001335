import collections
import contextlib
import decimal
import os
import pickle
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.cucumber import DeserializationError, deserialize, inspect, serialize
from suitkaise.cucumber._payload import HEADER


class Trap:
    """Leaves a trace when it is loaded."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


def by_value(number):
    return os.getpid() + number


def test_it_names_what_loading_would_import_and_does_not_import_it(run_python):
    payload = serialize({"price": decimal.Decimal("9.95"), "lock": threading.Lock()})
    program = (
        "import sys\nfrom suitkaise.cucumber import inspect\n"
        "found = inspect(sys.stdin.buffer.read())\n"
        "print(*found.names, 'decimal' in sys.modules)"
    )

    assert run_python(program, payload).decode() == (
        "decimal.Decimal suitkaise.cucumber._handlers._locks.rebuild_lock False"
    )


def test_nothing_is_called(tmp_path):
    folder = tmp_path / "sprung"

    found = inspect(serialize(Trap(str(folder))))

    assert found.names == ("posix.mkdir",)
    assert "posix.mkdir(...)" in str(found)
    assert not folder.exists()
    deserialize(serialize(Trap(str(folder))))
    assert folder.exists()


def test_the_code_in_a_payload_is_named_with_what_it_uses():
    def outer():
        def inner():
            return os.cpu_count()

        return inner

    found = inspect(serialize(outer))

    assert set(found.functions) == {outer.__qualname__, f"{outer.__qualname__}.<locals>.inner"}
    assert "os" in found.names  # what it uses is imported with it
    assert "'cpu_count'" in str(found)


def test_modules_that_travel_by_name_are_named():
    assert "decimal" in inspect(serialize([decimal])).names


def test_it_prints_what_is_built():
    pairs = collections.OrderedDict([("numbers", list(range(100))), (("a", 1), {2.5})])

    lines = str(inspect(serialize(pairs))).splitlines()

    assert lines[0] == f"payload of {len(serialize(pairs))} bytes, format version 1"
    assert lines[1:4] == ["imports:", "    collections.OrderedDict", "builds:"]
    assert lines[4:] == [
        "    collections.OrderedDict()",
        "    ├── 'numbers': list",
        "    │   ├── [0] 0",
        "    │   ├── [1] 1",
        "    │   ├── [2] 2",
        "    │   ├── [3] 3",
        "    │   ├── [4] 4",
        "    │   └── ... and 95 more numbers or texts",
        "    ├── key tuple",
        "    │   ├── [0] 'a'",
        "    │   └── [1] 1",
        "    └── tuple: set",
        "        └── [0] 2.5",
    ]


def test_a_cycle_and_a_deep_structure_print():
    cycle = []
    cycle.append(cycle)
    deep = []
    for _ in range(10_000):
        deep = [deep]

    assert "the same again" in str(inspect(serialize(cycle)))
    assert len(str(inspect(serialize(deep))).splitlines()) < 100


def test_buffers_are_counted():
    buffers = []
    payload = serialize([pickle.PickleBuffer(bytearray(10))] * 3, buffers=buffers.append)

    found = inspect(payload)

    assert found.buffers == len(buffers)
    assert f"buffers beside it: {len(buffers)}" in str(found)


def test_a_number_too_long_to_write_is_described():
    assert "bits" in str(inspect(serialize([10**10_000])))


def test_a_name_that_is_made_while_loading_is_told():
    stream = (
        pickle.PROTO + b"\x05c_operator\nconcat\n" + pickle.SHORT_BINUNICODE + b"\x02po"
        + pickle.SHORT_BINUNICODE + b"\x03six" + pickle.TUPLE2 + pickle.REDUCE
        + pickle.SHORT_BINUNICODE + b"\x06system" + pickle.STACK_GLOBAL + pickle.STOP
    )  # fmt: skip

    found = inspect(HEADER + stream)

    assert "a name that is only made while loading" in found.names


@pytest.mark.parametrize("data", [b"", b"something", pickle.dumps(1, 4)])
def test_foreign_bytes_are_an_error(data):
    with pytest.raises(DeserializationError):
        inspect(data)


def test_a_payload_cut_short_anywhere_is_an_error():
    payload = serialize({"a": [1, 2.5, "x"], "f": by_value, "e": ValueError("b")})

    for length in range(len(payload)):
        with pytest.raises(DeserializationError):
            inspect(payload[:length])


@given(st.integers(0, 2**64), st.integers(1, 8))
def test_whatever_the_bytes_are_it_answers_or_says_that_they_are_damaged(seed, changes):
    payload = bytearray(serialize({"a": [1, {2}, "x"], "f": by_value, "e": ValueError("b")}))
    chance = random.Random(seed)
    for _ in range(changes):
        payload[chance.randrange(len(HEADER), len(payload))] = chance.randrange(256)

    with contextlib.suppress(DeserializationError):
        str(inspect(payload))


def test_the_payload_may_be_any_kind_of_bytes():
    payload = serialize([decimal.Decimal(1)])

    assert inspect(bytearray(payload)).names == inspect(memoryview(payload)).names
    with pytest.raises(TypeError):
        inspect("text")
