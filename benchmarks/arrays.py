"""Large arrays to a pool."""

from __future__ import annotations

import itertools

from . import pools, tasks
from .contest import Contest, Trial

_ARRAYS = 16
_NUMBERS = 2 * 2**20  # of eight bytes: 16 MiB
_seeds = itertools.count()


def _prepare() -> Trial:
    """Make new arrays, so that no library can find them in a cache from the last time."""
    import numpy

    values = [float(next(_seeds)) for _ in range(_ARRAYS)]
    arrays = [numpy.full(_NUMBERS, value) for value in values]
    sums = [value * _NUMBERS for value in values]
    return Trial(pools.Work(tasks.add_up, arrays, 1), lambda answer: answer == sums)


CONTESTS = (
    Contest(
        "16 arrays of 16 MiB to a pool",
        "NumPy arrays there, their sums back; one array at a time.",
        _prepare,
        pools.POOLS,
        reference=pools.MULTIPROCESSING.name,
        rounds=9,
        max_loops=1,
    ),
)
