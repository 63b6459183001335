"""Send a message to a process and get it back."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from . import tasks
from .contest import Call, Contender, Contest, Trial


@contextmanager
def _skprocess() -> Iterator[Call]:
    from .processes import Echo

    echo = Echo()
    echo.start()

    def call(data: Any) -> Any:
        echo.tell(data)
        return echo.listen()

    yield call
    echo.stop()
    echo.wait()


@contextmanager
def _queues() -> Iterator[Call]:
    there: multiprocessing.Queue[Any] = multiprocessing.Queue()
    back: multiprocessing.Queue[Any] = multiprocessing.Queue()
    process = multiprocessing.Process(target=tasks.echo_queues, args=(there, back))
    process.start()

    def call(data: Any) -> Any:
        there.put(data)
        return back.get()

    yield call
    there.put(None)
    process.join()


@contextmanager
def _pipe() -> Iterator[Call]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=tasks.echo_connection, args=(theirs,))
    process.start()

    def call(data: Any) -> Any:
        ours.send(data)
        return ours.recv()

    yield call
    ours.send(None)
    process.join()


@contextmanager
def _our_pipe() -> Iterator[Call]:
    from suitkaise.processing import Pipe

    from .processes import PipeEcho

    anchor, point = Pipe.pair()
    echo = PipeEcho(point)
    echo.start()

    def call(data: Any) -> Any:
        anchor.send(data)
        return anchor.recv()

    yield call
    anchor.send(None)
    echo.wait()


def _same(data: Any) -> Trial:
    return Trial(data, lambda answer: bool(answer == data))


def _array() -> Trial:
    import numpy

    data = numpy.arange(4 << 20, dtype=numpy.float64)
    return Trial(data, lambda answer: bool(numpy.array_equal(answer, data)))


_contest = partial(
    Contest,
    contenders=(
        Contender("suitkaise tell and listen", _skprocess, is_ours=True),
        Contender("suitkaise Pipe", _our_pipe, is_ours=True),
        Contender("two multiprocessing.Queues", _queues),
        Contender("multiprocessing.Pipe", _pipe),
    ),
    reference="two multiprocessing.Queues",
)

_pipes = partial(
    Contest,
    contenders=(
        Contender("suitkaise Pipe", _our_pipe, is_ours=True),
        Contender("multiprocessing.Pipe", _pipe),
    ),
    reference="multiprocessing.Pipe",
)

CONTESTS = (
    _contest(
        "a small message there and back",
        "A dict of two keys to a running process, which sends it back. A multiprocessing.Pipe "
        "blocks its writer and serves one thread at each end; queues, tell and our Pipe do not and "
        "serve any.",
        partial(_same, {"number": 7, "name": "a message"}),
        aim=0.6,
    ),
    _contest(
        "1 MiB there and back",
        "The same with bytes.",
        partial(_same, bytes(range(256)) * 4096),
    ),
    _pipes(
        "a pipe: a small message there and back",
        "A dict of two keys.",
        partial(_same, {"number": 7, "name": "a message"}),
        aim=1.0,
    ),
    _pipes(
        "a pipe: 1 MiB there and back",
        "Bytes.",
        partial(_same, bytes(range(256)) * 4096),
        aim=0.7,
    ),
    _pipes(
        "a pipe: an array of 32 MiB there and back",
        "A NumPy array of float64; the answer is compared element by element, which is not timed.",
        _array,
        aim=0.25,
    ),
)
