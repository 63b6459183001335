"""Serialise and back: dumps, then loads, in one process."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from .contest import Call, Contender, Contest, Trial

_MIB = 2**20


@contextmanager
def _pickle() -> Iterator[Call]:
    yield lambda thing: pickle.loads(pickle.dumps(thing, 5))


@contextmanager
def _cloudpickle() -> Iterator[Call]:
    import cloudpickle

    yield lambda thing: cloudpickle.loads(cloudpickle.dumps(thing, 5))


@contextmanager
def _dill() -> Iterator[Call]:
    import dill

    yield lambda thing: dill.loads(dill.dumps(thing, 5))


@contextmanager
def _cucumber() -> Iterator[Call]:
    from suitkaise.cucumber import deserialize, serialize

    yield lambda thing: deserialize(serialize(thing))


@dataclass
class Particle:
    """An ordinary object: a class of a module, five attributes."""

    number: int
    name: str
    mass: float
    position: tuple[float, float]
    tags: list[str]


def _equal(make: Callable[[], Any]) -> Trial:
    thing = make()
    return Trial(thing, lambda copy: type(copy) is type(thing) and copy == thing)


def _small_dict() -> dict[str, Any]:
    return {"id": 7, "name": "a task", "score": 0.5, "tags": ["x", "y"], "parent": None}


def _instances() -> list[Particle]:
    return [
        Particle(n, f"particle {n}", n / 7, (n / 3, -n / 3), ["new", f"group {n % 9}"])
        for n in range(1000)
    ]


def _nested() -> dict[str, Any]:
    return {
        f"section {a}": [
            {"numbers": set(range(b, b + 5)), "pair": (a, b), "names": {f"{a}.{b}": [None, True]}}
            for b in range(50)
        ]
        for a in range(20)
    }


def _closure() -> Trial:
    factor, offsets = 3, [1, 2, 3]

    def scale(number: int) -> int:
        return sum(number * factor + offset for offset in offsets)

    return Trial(scale, lambda copy: copy is not scale and copy(5) == scale(5))


def _array() -> Trial:
    import numpy

    array = numpy.arange(2 * _MIB, dtype=numpy.float64)
    return Trial(array, lambda copy: copy is not array and numpy.array_equal(copy, array))


_CONTENDERS = (
    Contender("suitkaise.cucumber", _cucumber, is_ours=True),
    Contender("pickle", _pickle),
    Contender("cloudpickle", _cloudpickle),
    Contender("dill", _dill),
)
_contest = partial(Contest, contenders=_CONTENDERS, reference="cloudpickle")

CONTESTS = (
    _contest("a small dict", "Five keys.", partial(_equal, _small_dict)),
    _contest("1,000 instances of a class", "A list of them.", partial(_equal, _instances)),
    _contest("a closure", "A function inside a function, with two cells.", _closure),
    _contest("nested containers", "1,000 dicts of sets, tuples, dicts.", partial(_equal, _nested)),
    _contest("16 MiB of bytes", "One object.", partial(_equal, lambda: bytes(range(256)) * 65536)),
    _contest("16 MiB NumPy array", "In band, into bytes and back.", _array),
)
