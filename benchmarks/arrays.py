"""Large arrays to a pool, and back."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

from . import pools, tasks
from .contest import FASTEST_PEER, Contest, Trial

_ARRAYS = 16
_NUMBERS = 2 * 2**20  # of eight bytes: 16 MiB
_seeds = itertools.count()


def _arrays() -> tuple[list[float], list[Any]]:
    """Make new arrays, so that no library can find them in a cache from the last time."""
    import numpy

    values = [float(next(_seeds)) for _ in range(_ARRAYS)]
    return values, [numpy.full(_NUMBERS, value) for value in values]


def _prepare_one_way() -> Trial:
    values, arrays = _arrays()
    sums = [value * _NUMBERS for value in values]
    return Trial(pools.Work(tasks.add_up, arrays, 1), lambda answer: answer == sums)


def _prepare_both_ways() -> Trial:
    values, arrays = _arrays()

    def is_right(answer: Any) -> bool:
        return [(a[0], a[-1], len(a)) for a in answer] == [(2 * v, 2 * v, _NUMBERS) for v in values]

    return Trial(pools.Work(tasks.double, arrays, 1), is_right)


def _prepare_closure() -> Trial:
    import numpy

    table = numpy.full(4 * _NUMBERS, float(next(_seeds)))
    numbers = list(range(100))
    right = [float(table[number]) + number for number in numbers]
    function = partial(tasks.look_up, table)
    return Trial(pools.Work(function, numbers, 25), lambda answer: answer == right)


_contest = partial(
    Contest, contenders=pools.POOLS, reference=FASTEST_PEER, aim=0.4, rounds=9, max_loops=1
)

CONTESTS = (
    _contest(
        "16 arrays of 16 MiB to a pool",
        "NumPy arrays there, their sums back; one array at a time.",
        _prepare_one_way,
    ),
    _contest(
        "16 arrays of 16 MiB to a pool, and back",
        "NumPy arrays there, twice as much in each back; one array at a time.",
        _prepare_both_ways,
    ),
    _contest(
        "a function with an array of 64 MiB, for 100 items",
        "A `functools.partial` of a function and a NumPy array; chunks of 25 items. suitkaise "
        "sends the function once to each worker.",
        _prepare_closure,
    ),
)
