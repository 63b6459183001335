"""Tasks that take their time, even and uneven, and what it costs to watch them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from . import pools, tasks
from .contest import FASTEST_PEER, Call, Contender, Contest, Trial

_SHORT_MS = [1] * 400
_MIXED_MS = [1 + number * 99 // 59 for number in range(60)]
random.Random(0).shuffle(_MIXED_MS)


def _prepare(lengths_ms: list[int], chunk: int) -> Trial:
    return Trial(pools.Work(tasks.work, lengths_ms, chunk), lambda answer: answer == lengths_ms)


def _best(lengths_ms: list[int]) -> str:
    return f"{sum(lengths_ms) / 1000 / pools.WORKERS:.2f} s would be perfect on idle CPUs"


@contextmanager
def _suitkaise_with_progress() -> Iterator[Call]:
    from suitkaise.processing import Pool

    with Pool(workers=pools.WORKERS) as pool:
        yield lambda work: pool.map(work.function, work.items, progress="working")


@contextmanager
def _mpire_with_progress() -> Iterator[Call]:
    from mpire import WorkerPool

    with WorkerPool(pools.WORKERS, keep_alive=True) as pool:
        yield lambda work: pool.map(
            work.function, work.items, chunk_size=work.chunk, progress_bar=True
        )


_contest = partial(Contest, reference=FASTEST_PEER, aim=1.0, rounds=9, max_loops=1)

CONTESTS = (
    _contest(
        "400 tasks of 1 ms",
        f"Of CPU time, in chunks of 10; {_best(_SHORT_MS)}.",
        lambda: _prepare(_SHORT_MS, 10),
        contenders=pools.POOLS,
    ),
    _contest(
        "60 tasks of 1 to 100 ms",
        f"Of CPU time, in a random order, one task at a time; {_best(_MIXED_MS)}.",
        lambda: _prepare(_MIXED_MS, 1),
        contenders=(*pools.POOLS[:2], pools.MULTIPROCESSING_DEFAULTS, *pools.POOLS[2:]),
    ),
    _contest(
        "400 tasks of 1 ms with a progress bar",
        "A bar of tqdm that goes to a file; the reference is our own map without one.",
        lambda: _prepare(_SHORT_MS, 10),
        contenders=(
            Contender("suitkaise Pool.map, with a bar", _suitkaise_with_progress, is_ours=True),
            pools.SUITKAISE,
            Contender("mpire, with a bar", _mpire_with_progress),
        ),
        reference=pools.SUITKAISE.name,
        aim=1.02,
        rounds=15,
    ),
)
