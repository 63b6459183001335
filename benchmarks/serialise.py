"""Serialise and back: dumps, then loads, in one process; and the import of who does it."""

from __future__ import annotations

import importlib
import logging
import pickle
import sys
import threading
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


@contextmanager
def _pickle_beside() -> Iterator[Call]:
    def travel(thing: Any) -> Any:
        buffers: list[pickle.PickleBuffer] = []
        return pickle.loads(pickle.dumps(thing, 5, buffer_callback=buffers.append), buffers=buffers)

    yield travel


@contextmanager
def _cucumber_beside() -> Iterator[Call]:
    from suitkaise.cucumber import deserialize, serialize

    def travel(thing: Any) -> Any:
        buffers: list[pickle.PickleBuffer] = []
        return deserialize(serialize(thing, buffers=buffers.append), buffers=buffers)

    yield travel


@dataclass
class Particle:
    """An ordinary object: a class of a module, five attributes."""

    number: int
    name: str
    mass: float
    position: tuple[float, float]
    tags: list[str]


# What a user's script or notebook cell defines.
_IN_MAIN = """
class Point:
    def __init__(self, x, y, label):
        self.x, self.y, self.label = x, y, label

    def __eq__(self, other):
        return vars(self) == vars(other)


class Service:
    def __init__(self, name, lock, log):
        self.name = name
        self.lock = lock
        self.log = log
        self.retries = {"times": 3, "delay": 0.5}
        self.price = lambda amount: round(amount * 1.19, 2)
"""


def _define_in_main() -> dict[str, Any]:
    names = vars(sys.modules["__main__"])
    if "Point" not in names:
        exec(_IN_MAIN, names)
    return names


def _equal(make: Callable[[], Any]) -> Trial:
    thing = make()
    return Trial(thing, lambda copy: type(copy) is type(thing) and copy == thing)


def _small_dict() -> dict[str, Any]:
    return {"id": 7, "name": "a task", "score": 0.5, "tags": ["x", "y"], "parent": None}


def _points() -> list[Any]:
    point = _define_in_main()["Point"]
    return [point(n, n / 3, f"point {n}") for n in range(1000)]


def _particles() -> list[Particle]:
    return [
        Particle(n, f"particle {n}", n / 7, (n / 3, -n / 3), ["new", f"group {n % 9}"])
        for n in range(1000)
    ]


def _config() -> dict[str, Any]:
    """Make a service's configuration: 200 records."""
    return {
        "version": 3,
        "hosts": [
            {
                "name": f"host{n}.example.org",
                "port": 8000 + n,
                "weights": [n / 10, n / 20],
                "tls": {"enabled": n % 2 == 0, "ciphers": ("a", "b")},
                "tags": {"zone": f"z{n % 5}", "role": None},
            }
            for n in range(200)
        ],
    }


def _lambda() -> Trial:
    return Trial(lambda number: number * 2 + 1, lambda copy: copy(5) == 11)


def _closure() -> Trial:
    factor, offsets = 3, [1, 2, 3]

    def scale(number: int) -> int:
        return sum(number * factor + offset for offset in offsets)

    return Trial(scale, lambda copy: copy is not scale and copy(5) == scale(5))


def _service() -> Trial:
    service = _define_in_main()["Service"](
        "billing", threading.Lock(), logging.getLogger("benchmarks.billing")
    )

    def is_right(copy: Any) -> bool:
        return (
            copy.lock.acquire(blocking=False)
            and copy.log is service.log
            and copy.price(10) == 11.9
            and copy.retries == service.retries
        )

    return Trial(service, is_right)


def _array() -> Trial:
    import numpy

    array = numpy.arange(8 * _MIB, dtype=numpy.float64)
    return Trial(array, lambda copy: copy is not array and numpy.array_equal(copy, array))


def _module(name: str) -> Contender:
    @contextmanager
    def open_() -> Iterator[Call]:
        yield lambda _: importlib.import_module(name)

    return Contender(name, open_, is_ours=name.startswith("suitkaise"))


_CUCUMBER = Contender("suitkaise.cucumber", _cucumber, is_ours=True)
_PICKLE = Contender("pickle", _pickle)
_CLOUDPICKLE = Contender("cloudpickle", _cloudpickle)
_DILL = Contender("dill", _dill)
_BESIDE = (
    Contender("suitkaise.cucumber, out of band", _cucumber_beside, is_ours=True),
    Contender("pickle, out of band", _pickle_beside),
)
# One thread that never waits: its CPU time is what it takes on a machine that is idle.
_contest = partial(Contest, contenders=(_CUCUMBER, _PICKLE, _CLOUDPICKLE, _DILL), in_cpu_time=True)
_to_cloudpickle = partial(_contest, reference="cloudpickle")
_to_pickle = partial(_contest, reference="pickle")

CONTESTS = (
    _to_cloudpickle("an int", "One number.", partial(_equal, lambda: 12345), aim=0.4),
    _to_cloudpickle("a short text", "One.", partial(_equal, lambda: "a short text"), aim=0.4),
    _to_cloudpickle("a small dict", "Five keys.", partial(_equal, _small_dict)),
    _to_pickle(
        "a list of 1,000 ints", "One list.", partial(_equal, lambda: list(range(1000))), aim=1.15
    ),
    _to_pickle(
        "a dict of 1,000",
        "Texts to numbers.",
        partial(_equal, lambda: {f"key {n}": n for n in range(1000)}),
        aim=1.15,
    ),
    _to_pickle(
        "a nested config",
        "200 records of dicts, lists and tuples.",
        partial(_equal, _config),
        aim=1.15,
    ),
    _to_cloudpickle(
        "1,000 instances of a class of the script",
        "A list of them; the class is one of `__main__`.",
        partial(_equal, _points),
        aim=0.9,
    ),
    _to_cloudpickle(
        "1,000 dataclasses",
        "A list of instances of a dataclass of a module.",
        partial(_equal, _particles),
        aim=0.9,
    ),
    _to_cloudpickle("a lambda", "Of two operations.", _lambda, aim=1.0),
    _to_cloudpickle(
        "a closure", "A function inside a function, with two cells.", _closure, aim=1.0
    ),
    _to_cloudpickle(
        "16 MiB of bytes", "One object.", partial(_equal, lambda: bytes(range(256)) * 65536)
    ),
    _to_cloudpickle("a NumPy array of 64 MiB, in band", "Into bytes and back.", _array, aim=1.0),
    _to_cloudpickle(
        "a NumPy array of 64 MiB, out of band",
        "Its memory is handed over as a buffer; cloudpickle has it in the bytes.",
        _array,
        contenders=(*_BESIDE, _CLOUDPICKLE),
        aim=0.05,
    ),
    _contest(
        "a service object",
        "An instance of a class of the script, with a lock, a logger, a lambda and a dict.",
        _service,
        reference="dill",
        aim=0.3,
    ),
    Contest(
        "import",
        "What a program waits for at its start.",
        lambda: Trial(None, bool),
        tuple(map(_module, ("suitkaise.cucumber", "cloudpickle", "dill"))),
        reference="cloudpickle",
        is_first=True,
    ),
)
