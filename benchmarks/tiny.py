"""20,000 tiny tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from . import pools, tasks
from .contest import Contest, Trial

_TASKS = 20_000
_CHUNK = _TASKS // (4 * pools.WORKERS)  # what multiprocessing.Pool chooses by itself


def _prepare(function: Callable[[int], int]) -> Trial:
    numbers = list(range(_TASKS))
    right = [function(number) for number in numbers]
    return Trial(pools.Work(function, numbers, _CHUNK), lambda answer: answer == right)


def _make_lambda() -> Callable[[int], int]:
    offset = 1
    return lambda number: number + offset


_LAMBDA = _make_lambda()

CONTESTS = (
    Contest(
        "20,000 tiny tasks",
        f"A function of a module squares a number; chunks of {_CHUNK:,}, which is what "
        "multiprocessing.Pool chooses by itself.",
        partial(_prepare, tasks.square),
        pools.POOLS,
        reference=pools.MULTIPROCESSING.name,
        aim=1.1,
    ),
    Contest(
        "20,000 tiny tasks of a lambda",
        "The same with a lambda that uses a variable around it.",
        partial(_prepare, _LAMBDA),
        (*pools.POOLS[:-2], pools.MPIRE, pools.MPIRE_DILL, pools.MULTIPROCESS, pools.PEBBLE),
        reference=pools.MULTIPROCESS.name,
    ),
)
