"""What is remembered of how long an item took."""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from suitkaise.processing import Pool, Skprocess
from suitkaise.processing._paces import Paces, callee

pytestmark = pytest.mark.timeout(60)


def double(number: int) -> int:
    return 2 * number


class Doubler:
    def double(self, number: int) -> int:
        return 2 * number

    def __call__(self, number: int) -> int:
        return 2 * number

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class Process(Skprocess):
    pass


def make() -> Callable[[int], int]:
    return lambda number: 2 * number


def test_a_function_is_told_by_where_it_stands() -> None:
    assert callee(make()) == callee(make())
    assert callee(functools.partial(double)) == callee(double)
    assert callee(Doubler().double) == callee(Doubler.double)
    assert callee(Doubler()) == callee(Doubler())

    different = (double, make(), Doubler.double, Doubler(), Process, len, abs)
    assert len({callee(function) for function in different}) == len(different)


def test_the_latest_are_remembered() -> None:
    paces = Paces()

    for number in range(1_000):
        paces.note(number, 0.1)
        paces.note("often", 0.2)

    assert paces.of(0) is None
    assert (paces.of(999), paces.of("often")) == (0.1, 0.2)


def test_a_second_map_of_quick_items_takes_a_chunk_for_each_worker() -> None:
    chunks: list[int] = []
    with Pool(2) as pool:
        submit = pool._dispatcher.submit

        def watch(job: Any, first: int, cargo: Any) -> None:
            chunks.append(len(cargo.items))
            submit(job, first, cargo)

        pool._dispatcher.submit = watch  # type: ignore[method-assign]
        for _ in range(3):
            assert pool.map(double, range(1_000)) == list(range(0, 2_000, 2))
            last = chunks[:]
            chunks.clear()

    assert last[0] > 100


def test_items_that_are_large_are_tried_one_by_one_at_first() -> None:
    chunks: list[int] = []
    with Pool(2) as pool:
        pool.map(len, ["a"] * 1_000)
        pool.map(len, ["a"] * 1_000)
        submit = pool._dispatcher.submit

        def watch(job: Any, first: int, cargo: Any) -> None:
            chunks.append(len(cargo.items))
            submit(job, first, cargo)

        pool._dispatcher.submit = watch  # type: ignore[method-assign]
        text = "a" * 600_000
        assert pool.map(len, [text] * 20) == [600_000] * 20

    assert chunks[0] == 1
    assert max(chunks) <= 2


def test_nothing_is_kept_alive() -> None:
    function = make()
    gone = weakref.ref(function)
    with Pool(1) as pool:
        pool.map(function, range(10))
        del function
        gc.collect()

        assert gone() is None


def test_items_that_take_longer_than_the_last_time_are_shared_out_all_the_same() -> None:
    with Pool(2) as pool:
        pool.map(_work_for, [0.0] * 1_000)
        pool.map(_work_for, [0.0] * 1_000)

        workers = pool.map(_work_for, [0.05] * 20)

    assert len(set(workers)) == 2
    assert max(workers.count(worker) for worker in workers) < 18


def _work_for(seconds: float) -> int:
    import os
    import time

    if seconds:
        time.sleep(seconds)
    return os.getpid()
