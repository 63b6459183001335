"""Start a process and get a result back."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from . import tasks
from .contest import Call, Contender, Contest, Trial

_OURS = "suitkaise Skprocess"
_OURS_OF_A_SCRIPT = "suitkaise, class of a script"
_FORKSERVER = "multiprocessing forkserver"


@contextmanager
def _multiprocessing(method: str, *preload: str) -> Iterator[Call]:
    context: Any = multiprocessing.get_context(method)
    if preload:
        context.set_forkserver_preload(list(preload))

    def call(_: None) -> Any:
        receiver, sender = context.Pipe(duplex=False)
        context.Process(target=tasks.send_answer, args=(sender,)).start()
        sender.close()
        with receiver:
            return receiver.recv()

    yield call


@contextmanager
def _pebble(method: str, *preload: str) -> Iterator[Call]:
    from pebble import concurrent

    context: Any = multiprocessing.get_context(method)
    if preload:
        context.set_forkserver_preload(list(preload))
    start = concurrent.process(context=context)(  # type: ignore[call-overload]
        tasks.answer
    )
    yield lambda _: start().result()


@contextmanager
def _skprocess() -> Iterator[Call]:
    from .processes import Answer

    yield lambda _: Answer().run()


@contextmanager
def _skprocess_of_a_script() -> Iterator[Call]:
    from suitkaise.processing import Skprocess

    class Answer(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.answer = 42

        def __result__(self) -> int:
            return self.answer

    yield lambda _: Answer().run()


_FORK = Contender("multiprocessing fork", partial(_multiprocessing, "fork"))
_SPAWN = Contender("multiprocessing spawn", partial(_multiprocessing, "spawn"))
_OF_A_MODULE = (
    Contender(_OURS, _skprocess, is_ours=True),
    Contender(_OURS_OF_A_SCRIPT, _skprocess_of_a_script, is_ours=True),
    _FORK,
    Contender(_FORKSERVER, partial(_multiprocessing, "forkserver", "benchmarks.tasks")),
    _SPAWN,
    Contender("pebble, fork", partial(_pebble, "fork")),
    Contender("pebble, forkserver", partial(_pebble, "forkserver", "benchmarks.tasks", "pebble")),
)
_OF_A_SCRIPT = (
    Contender(_OURS_OF_A_SCRIPT, _skprocess_of_a_script, is_ours=True),
    _FORK,
    Contender(_FORKSERVER, partial(_multiprocessing, "forkserver", "benchmarks.tasks")),
    Contender(
        "forkserver, NumPy preloaded",
        partial(_multiprocessing, "forkserver", "benchmarks.tasks", "numpy"),
    ),
    _SPAWN,
)
_contest = partial(
    Contest,
    prepare=lambda: Trial(None, lambda answer: answer == tasks.ANSWER),
    reference=_FORKSERVER,
    max_loops=1,
)

CONTESTS = (
    _contest(
        "start a process, get a result back",
        "Until the result is in hand; nobody waits for the process to exit. Servers run, and have "
        "imported the peers' module, before. multiprocessing sends the result through a Pipe. "
        "`__main__` is empty. fork copies a program with one thread and little memory here; in one "
        "with threads it is unsafe, which is why Python 3.14 no longer forks by default.",
        contenders=_OF_A_MODULE,
        aim=0.8,
        rounds=40,
    ),
    _contest(
        "start a process from a script that imports NumPy",
        "The same; spawn and forkserver import the script again in each process.",
        contenders=_OF_A_SCRIPT,
        rounds=20,
        script=Path(__file__).parent / "script.py",
    ),
    _contest(
        "the first start in a program",
        "The very first call in a new program, with an empty `__main__`: the start of the server "
        "included, imports before it not.",
        contenders=tuple(c for c in _OF_A_MODULE if c.name != _OURS_OF_A_SCRIPT),
        rounds=9,
        is_first=True,
    ),
)
