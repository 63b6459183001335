"""Tasks of uneven length."""

from __future__ import annotations

import random

from . import pools, tasks
from .contest import Contest, Trial

_LENGTHS_MS = [1 + number % 20 for number in range(200)]
random.Random(0).shuffle(_LENGTHS_MS)
_BEST_SECONDS = sum(_LENGTHS_MS) / 1000 / pools.WORKERS

CONTESTS = (
    Contest(
        "200 tasks of 1 to 20 ms",
        f"Of CPU time, in a random order, one task at a time; {_BEST_SECONDS:.2f} s would be "
        "perfect on idle CPUs.",
        lambda: Trial(pools.Work(tasks.work, _LENGTHS_MS, 1), lambda answer: answer == _LENGTHS_MS),
        (*pools.POOLS[:2], pools.MULTIPROCESSING_DEFAULTS, *pools.POOLS[2:]),
        reference=pools.MULTIPROCESSING.name,
        rounds=7,
        max_loops=1,
    ),
)
