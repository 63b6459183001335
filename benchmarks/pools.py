"""Pools of two warm workers, each as its documentation has it, with one map in common.

The call takes a `Work`. Peers get its chunk size, the best that fits the contest (measured; where a
library's own choice is better, it keeps it); suitkaise's Pool has none to set.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from .contest import Call, Contender

WORKERS = 2


class Work(NamedTuple):
    """Apply a function to items, so many at a time (None: as the library likes)."""

    function: Callable[[Any], Any]
    items: Sequence[Any]
    chunk: int | None


@contextmanager
def _suitkaise() -> Iterator[Call]:
    from suitkaise.processing import Pool

    with Pool(workers=WORKERS) as pool:
        yield lambda work: pool.map(work.function, work.items)


@contextmanager
def _multiprocessing() -> Iterator[Call]:
    with multiprocessing.Pool(WORKERS) as pool:
        yield lambda work: pool.map(work.function, work.items, work.chunk)


@contextmanager
def _multiprocessing_defaults() -> Iterator[Call]:
    with multiprocessing.Pool(WORKERS) as pool:
        yield lambda work: pool.map(work.function, work.items)


@contextmanager
def _concurrent_futures() -> Iterator[Call]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(WORKERS) as pool:
        yield lambda work: list(pool.map(work.function, work.items, chunksize=work.chunk or 1))


@contextmanager
def _loky() -> Iterator[Call]:
    import loky

    pool = loky.get_reusable_executor(max_workers=WORKERS, timeout=None)
    try:
        yield lambda work: list(pool.map(work.function, work.items, chunksize=work.chunk or 1))
    finally:
        pool.shutdown()


@contextmanager
def _joblib() -> Iterator[Call]:
    from joblib import Parallel, delayed

    def call(work: Work) -> Any:
        parallel = Parallel(WORKERS, batch_size=work.chunk or "auto", pre_dispatch="all")
        return parallel(delayed(work.function)(item) for item in work.items)

    yield call


@contextmanager
def _mpire() -> Iterator[Call]:
    from mpire import WorkerPool

    with WorkerPool(WORKERS, keep_alive=True) as pool:
        yield lambda work: pool.map(work.function, work.items, chunk_size=work.chunk)


@contextmanager
def _mpire_dill() -> Iterator[Call]:
    from mpire import WorkerPool

    with WorkerPool(WORKERS, keep_alive=True, use_dill=True) as pool:
        yield lambda work: pool.map(work.function, work.items, chunk_size=work.chunk)


@contextmanager
def _multiprocess() -> Iterator[Call]:
    import multiprocess

    with multiprocess.Pool(WORKERS) as pool:
        yield lambda work: pool.map(work.function, work.items, work.chunk)


@contextmanager
def _pebble() -> Iterator[Call]:
    from pebble import ProcessPool

    with ProcessPool(WORKERS) as pool:
        yield lambda work: list(
            pool.map(work.function, work.items, chunksize=work.chunk or 1).result()
        )


SUITKAISE = Contender("suitkaise Pool.map", _suitkaise, is_ours=True)
MULTIPROCESSING = Contender("multiprocessing.Pool", _multiprocessing)
MULTIPROCESSING_DEFAULTS = Contender("multiprocessing.Pool, own chunks", _multiprocessing_defaults)
CONCURRENT_FUTURES = Contender("ProcessPoolExecutor", _concurrent_futures)
LOKY = Contender("loky", _loky)
JOBLIB = Contender("joblib", _joblib)
MPIRE = Contender("mpire", _mpire)
MPIRE_DILL = Contender("mpire with dill", _mpire_dill)
MULTIPROCESS = Contender("multiprocess.Pool (dill)", _multiprocess)
PEBBLE = Contender("pebble", _pebble)

POOLS = (SUITKAISE, MULTIPROCESSING, CONCURRENT_FUTURES, LOKY, JOBLIB, MPIRE, PEBBLE)
