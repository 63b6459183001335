"""Code travels as marshal writes it, and is read without being made."""

from __future__ import annotations

import array
import inspect as standard_inspect
import marshal
import math
import random
import traceback
import types
from pathlib import Path

import pytest

from suitkaise.cucumber import deserialize, inspect, serialize
from suitkaise.cucumber._marshalled import Code, read_code

VERSION = 2

EVERY_CONSTANT = """
def outer(a, /, b, *c, d, **e):
    x = a
    def inner():
        return x, None, True, ..., 7, -7, 10**30, -2**70, 1.5, 2j, b"bytes", "text", "\\udcff", "é"
    class Inner:
        '''A class.'''
        def method(self): return __class__
    try:
        return inner, Inner, {1, 2} & {3}, x in {"a", "b"}, x in (1, (2, 3))
    except* ValueError:
        raise
"""


def codes_of(module: types.ModuleType) -> types.CodeType:
    file = module.__file__
    assert file is not None
    return compile(Path(file).read_text(), file, "exec")


def check(code: types.CodeType, told: Code) -> None:
    assert told[:2] == (code.co_qualname, code.co_filename)
    assert told.names == code.co_names
    for constant, read in zip(code.co_consts, told.constants, strict=True):
        if isinstance(constant, types.CodeType):
            assert isinstance(read, Code)
            check(constant, read)
        elif isinstance(constant, frozenset):
            assert set(read) == constant
        else:
            assert (type(read), read) == (type(constant), constant)


@pytest.mark.parametrize(
    "code",
    [
        compile(EVERY_CONSTANT, "every.py", "exec"),
        *map(codes_of, (standard_inspect, random, traceback)),
    ],
    ids=["every constant", "inspect", "random", "traceback"],
)
def test_code_is_told_and_arrives_as_it_was(code):
    check(code, read_code(marshal.dumps(code, VERSION)))
    assert deserialize(serialize(code)) == code


def test_damaged_code_is_told_without_harm():
    sound = marshal.dumps(compile(EVERY_CONSTANT, "every.py", "exec"), VERSION)
    chance = random.Random(1)
    errors = 0

    for _ in range(5_000):
        damaged = bytearray(sound[: chance.randint(1, len(sound))])
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            read_code(bytes(damaged))
        except ValueError:
            errors += 1

    assert errors > 3_000


def test_what_is_nested_without_end_is_an_error():
    with pytest.raises(ValueError, match="depth"):
        read_code(b"(\x01\x00\x00\x00" * 10_000)
    with pytest.raises(ValueError, match="something else"):
        read_code(marshal.dumps((1, 2), VERSION))


def return_constant():
    return "constant"


@pytest.mark.parametrize(
    "constant",
    [bytearray(b"abc"), array.array("i", [1, 2]), math.inf - math.inf, range(3), Path("a")],
    ids=["bytearray", "array", "not a number", "range", "path"],
)
def test_constants_that_no_compiler_makes_arrive(constant):
    constants = tuple(
        constant if each == "constant" else each for each in return_constant.__code__.co_consts
    )
    code = return_constant.__code__.replace(co_consts=constants)

    payload = serialize(code)
    arrived = types.FunctionType(deserialize(payload), {})()

    assert type(arrived) is type(constant)
    assert repr(arrived) == repr(constant)
    assert "return_constant" in inspect(payload).functions


def test_a_traceback_of_what_arrived_shows_the_lines():
    def fail():
        raise ValueError("here")  # the line that is looked for

    with pytest.raises(ValueError, match="here") as caught:
        deserialize(serialize(fail))()

    lines = "".join(traceback.format_exception(caught.value))
    assert "the line that is looked for" in lines
