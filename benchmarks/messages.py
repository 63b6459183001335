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


def _same(data: Any) -> Trial:
    return Trial(data, lambda answer: bool(answer == data))


_contest = partial(
    Contest,
    contenders=(
        Contender("suitkaise tell and listen", _skprocess, is_ours=True),
        Contender("two multiprocessing.Queues", _queues),
        Contender("multiprocessing.Pipe", _pipe),
    ),
    reference="two multiprocessing.Queues",
)

CONTESTS = (
    _contest(
        "a small message there and back",
        "A dict of two keys to a running process, which sends it back. A Pipe blocks its writer "
        "and serves one thread at each end; queues and tell do not and serve any.",
        partial(_same, {"number": 7, "name": "a message"}),
    ),
    _contest(
        "1 MiB there and back",
        "The same with bytes.",
        partial(_same, bytes(range(256)) * 4096),
    ),
)
