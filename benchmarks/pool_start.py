"""Start a pool, run one task, close it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager

from . import pools, tasks
from .contest import Call, Contender, Contest, Trial

_EXECUTOR = "ProcessPoolExecutor, fork"


@contextmanager
def _suitkaise() -> Iterator[Call]:
    from suitkaise.processing import Pool

    def call(number: int) -> list[int]:
        with Pool(workers=pools.WORKERS) as pool:
            return pool.map(tasks.square, [number])

    yield call


@contextmanager
def _multiprocessing() -> Iterator[Call]:
    def call(number: int) -> list[int]:
        with multiprocessing.get_context("fork").Pool(pools.WORKERS) as pool:
            answer = pool.map(tasks.square, [number])
            pool.close()
            pool.join()
        return answer

    yield call


@contextmanager
def _concurrent_futures(method: str) -> Iterator[Call]:
    from concurrent.futures import ProcessPoolExecutor

    context = multiprocessing.get_context(method)

    def call(number: int) -> list[int]:
        with ProcessPoolExecutor(pools.WORKERS, mp_context=context) as pool:
            return list(pool.map(tasks.square, [number]))

    yield call


@contextmanager
def _loky() -> Iterator[Call]:
    from loky import ProcessPoolExecutor

    def call(number: int) -> list[int]:
        with ProcessPoolExecutor(pools.WORKERS) as pool:
            return list(pool.map(tasks.square, [number]))

    yield call


@contextmanager
def _pebble() -> Iterator[Call]:
    from pebble import ProcessPool

    def call(number: int) -> list[int]:
        with ProcessPool(pools.WORKERS) as pool:
            return list(pool.map(tasks.square, [number]).result())

    yield call


@contextmanager
def _mpire() -> Iterator[Call]:
    from mpire import WorkerPool

    def call(number: int) -> list[int]:
        with WorkerPool(pools.WORKERS) as pool:
            answer: list[int] = pool.map(tasks.square, [number])
            return answer

    yield call


CONTESTS = (
    Contest(
        "start a pool, run one task, close it",
        "Until all its processes have ended. Servers run before. fork copies a program with one "
        "thread and little memory here.",
        lambda: Trial(7, lambda answer: answer == [49]),
        (
            Contender("suitkaise Pool", _suitkaise, is_ours=True),
            Contender("multiprocessing.Pool, fork", _multiprocessing),
            Contender(_EXECUTOR, lambda: _concurrent_futures("fork")),
            Contender("ProcessPoolExecutor, forkserver", lambda: _concurrent_futures("forkserver")),
            Contender("loky", _loky),
            Contender("mpire", _mpire),
            Contender("pebble", _pebble),
        ),
        reference=_EXECUTOR,
        aim=1.0,
        rounds=15,
        max_loops=1,
    ),
)
