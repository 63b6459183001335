"""Exceptions that are odd, most of them in their own methods.

A module of its own: a child need not import pytest with it.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import NoReturn


class FailsInStr(Exception):
    def __str__(self) -> str:
        raise LookupError


class FailsInRepr(Exception):
    def __repr__(self) -> str:
        raise LookupError


class FailsInEq(Exception):
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise LookupError


class FailsInBool(Exception):
    def __bool__(self) -> bool:
        raise LookupError


class FailsInReduce(Exception):
    def __reduce__(self) -> NoReturn:
        raise LookupError


class ExitsInReduce(Exception):
    def __reduce__(self) -> NoReturn:
        sys.exit(3)


def plain() -> ValueError:
    return ValueError("plain")


def its_own_cause() -> ValueError:
    error = ValueError("its own cause")
    error.__cause__ = error
    return error


def two_that_cause_each_other() -> ValueError:
    error, other = ValueError("one"), ValueError("other")
    error.__cause__, other.__cause__ = other, error
    return error


def long_chain() -> ValueError:
    error = ValueError(0)
    for number in range(1, 1000):
        cause, error = error, ValueError(number)
        error.__cause__ = cause
    return error


def with_much_data() -> ValueError:
    error = ValueError("much")
    error.data = bytes(20_000_000)  # type: ignore[attr-defined]
    return error


def with_a_compressor() -> ValueError:
    error = ValueError("a compressor")
    error.compressor = zlib.compressobj()  # type: ignore[attr-defined]
    return error


TRAVELLING: list[Callable[[], BaseException]] = [
    plain,
    its_own_cause,
    two_that_cause_each_other,
    long_chain,
    with_much_data,
    FailsInStr,
    FailsInRepr,
    FailsInEq,
    FailsInBool,
    GeneratorExit,
    StopIteration,
]
DESCRIBED: list[Callable[[], BaseException]] = [with_a_compressor, FailsInReduce, ExitsInReduce]
