"""Damaged payloads: an object or a DeserializationError, never a crash, a hang or another error.

Code that loading runs by itself (`__hash__`, `__setstate__` by value) can do anything, and is left
out.
"""

import collections
import dataclasses
import datetime
import decimal
import pickle
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from suitkaise.cucumber import serialize
from suitkaise.cucumber._payload import HEADER

DEADLINE = 100
OPCODES = [value for name, value in vars(pickle).items() if name.isupper() and type(value) is bytes]


def corpus():
    """Payloads of many kinds of objects, each with its buffers."""

    @dataclasses.dataclass
    class Point:
        x: int
        label: str = "a"

    def by_value(number):
        return [number + step for step in range(3)]

    cycle = []
    cycle.append(cycle)
    error = ValueError("outer", 1)
    error.__cause__ = KeyError("inner")
    things = [
        None,
        2**100,
        "text" * 20,
        b"bytes" * 100,
        [1, 2.5, "x", None, True, (1, (2, 3)), {4}],
        {"a": [1, {"b": {2, 3}}], (1, 2): frozenset({4})},
        cycle,
        list(range(2000)),
        [Point(1), Point(2, "b")],
        by_value,
        lambda x: x * 2,
        type("Made", (), {"value": 1, "method": lambda self: 2}),
        error,
        [threading.Lock(), threading.Event()],
        (number for number in range(5)),
        collections.OrderedDict(a=1),
        [decimal.Decimal("1.5"), datetime.datetime(2020, 1, 2), range(3)],
        collections.deque([1, 2], maxlen=3),
    ]
    payloads = [(serialize(thing), None) for thing in things]
    buffers = []
    payload = serialize([pickle.PickleBuffer(bytearray(10))] * 2, buffers=buffers.append)
    payloads.append((payload, [bytes(buffer) for buffer in buffers]))
    payloads.append((payload, [b"one"]))
    return payloads


def mutate(payload, chance, others):
    """Damage a payload behind its header."""
    data = bytearray(payload)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        at = chance.randrange(len(HEADER), len(data) + 1)
        kind = chance.randrange(8)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + chance.randrange(1, 9)]
        elif kind == 4:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 5:
            data[at : at + 1] = chance.choice(OPCODES)
        elif kind == 6:  # a length or an index, much too large
            data[at : at + 4] = b"\xff" * chance.choice((1, 4, 8))
        else:
            other = chance.choice(others)[0]
            begin = chance.randrange(len(HEADER), len(other))
            data[at:at] = other[begin : begin + chance.randrange(1, 60)]
    return bytes(data)


def outcomes_of(payloads, folder):
    """Load payloads elsewhere; says what became of each."""
    file = folder / "payloads"
    file.write_bytes(pickle.dumps(payloads))
    outcomes = []
    with (folder / "said").open("w+") as said:
        process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("fuzzed.py"), str(file)],
            stdout=said,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            ended = f"died with {process.wait(DEADLINE)}"
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            ended = "hung"
        said.seek(0)
        outcomes = [line.rstrip("\n").partition(" ")[2] for line in said]
    if len(outcomes) < len(payloads) or "" in outcomes:
        outcomes = [outcome for outcome in outcomes if outcome]
        outcomes.append(ended)
    return outcomes


def check(seed, count, folder):
    """Damage so many payloads, and show the first that was not handled."""
    chance = random.Random(seed)
    sound = corpus()
    payloads = []
    for _ in range(count):
        payload, buffers = chance.choice(sound)
        payloads.append((mutate(payload, chance, sound), buffers))

    outcomes = outcomes_of(payloads, folder)

    for (payload, _), outcome in zip(payloads, outcomes, strict=False):
        assert outcome in ("made", "refused"), f"seed {seed}, {payload!r}: {outcome}"
    assert len(outcomes) == count
    return Counter(outcomes)


def test_sound_payloads_are_loaded(tmp_path):
    sound = corpus()[:-1]

    assert outcomes_of(sound, tmp_path) == ["made"] * len(sound)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_payloads_are_an_object_or_an_error_that_says_so(seed, tmp_path):
    outcomes = check(seed, 1_000, tmp_path)

    assert outcomes["refused"] > 100
    assert outcomes["made"] > 10


@pytest.mark.endurance
@pytest.mark.parametrize("seed", range(100, 110))
def test_many_damaged_payloads_are_an_object_or_an_error_that_says_so(seed, tmp_path):
    check(seed, 5_000, tmp_path)
