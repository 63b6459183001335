"""One task at a time, and many calls at once, each with its own future."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from . import pools, tasks
from .contest import Call, Contender, Contest, Trial

_ONE_BY_ONE = 200
_AT_ONCE = 20_000

Apply = Callable[[int], int]
Submit = Callable[[int], Callable[[], int]]  # returns what waits for the result


@contextmanager
def _suitkaise() -> Iterator[Submit]:
    from suitkaise.processing import Pool

    with Pool(workers=pools.WORKERS) as pool:
        yield lambda number: pool.submit(tasks.square, number).result


@contextmanager
def _multiprocessing() -> Iterator[Submit]:
    with multiprocessing.Pool(pools.WORKERS) as pool:
        yield lambda number: pool.apply_async(tasks.square, (number,)).get


@contextmanager
def _concurrent_futures() -> Iterator[Submit]:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(pools.WORKERS) as pool:
        yield lambda number: pool.submit(tasks.square, number).result


@contextmanager
def _loky() -> Iterator[Submit]:
    import loky

    pool = loky.get_reusable_executor(max_workers=pools.WORKERS, timeout=None)
    try:
        yield lambda number: pool.submit(tasks.square, number).result
    finally:
        pool.shutdown()


@contextmanager
def _mpire() -> Iterator[Submit]:
    from mpire import WorkerPool

    with WorkerPool(pools.WORKERS, keep_alive=True) as pool:
        yield lambda number: pool.apply_async(tasks.square, (number,)).get


@contextmanager
def _pebble() -> Iterator[Submit]:
    from pebble import ProcessPool

    with ProcessPool(max_workers=pools.WORKERS) as pool:
        yield lambda number: pool.schedule(tasks.square, args=(number,)).result


def _one_by_one(
    open_it: Callable[[], AbstractContextManager[Submit]],
) -> Callable[[], AbstractContextManager[Call]]:
    @contextmanager
    def contend() -> Iterator[Call]:
        with open_it() as submit:
            yield lambda size: [submit(number)() for number in range(size)]

    return contend


def _at_once(
    open_it: Callable[[], AbstractContextManager[Submit]],
) -> Callable[[], AbstractContextManager[Call]]:
    @contextmanager
    def contend() -> Iterator[Call]:
        with open_it() as submit:
            yield lambda size: [get() for get in [submit(number) for number in range(size)]]

    return contend


_OPENERS: dict[str, Callable[[], AbstractContextManager[Submit]]] = {
    "suitkaise Pool.submit": _suitkaise,
    "multiprocessing.Pool": _multiprocessing,
    "ProcessPoolExecutor": _concurrent_futures,
    "loky": _loky,
    "mpire": _mpire,
    "pebble": _pebble,
}


def _contenders(way: Any) -> tuple[Contender, ...]:
    return tuple(
        Contender(name, way(open_it), is_ours=name.startswith("suitkaise"))
        for name, open_it in _OPENERS.items()
    )


def _prepare(size: int) -> Trial:
    right = [tasks.square(number) for number in range(size)]
    return Trial(size, lambda answer: answer == right)


CONTESTS = (
    Contest(
        "one task at a time",
        "A function of a module squares a number; the next call is made when its result is there. "
        "`submit(...).result()`, or what comes to the same: `apply` of multiprocessing and mpire.",
        lambda: _prepare(_ONE_BY_ONE),
        _contenders(_one_by_one),
        reference="multiprocessing.Pool",
        aim=1.0,
        max_loops=1,
        per=_ONE_BY_ONE,
    ),
    Contest(
        "20,000 calls at once",
        "All are submitted, each with a future of its own; then each result is asked for.",
        lambda: _prepare(_AT_ONCE),
        _contenders(_at_once),
        reference="ProcessPoolExecutor",
        aim=1.0,
        max_loops=1,
        per=_AT_ONCE,
    ),
)
