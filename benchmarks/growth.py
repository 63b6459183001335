"""How a map grows with its input: the time of each task, and the memory of the program."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import pools, tasks
from .contest import Call, Contender, Contest, Measured, Trial

_SIZES = (1_000, 10_000, 100_000, 1_000_000)
_PAGE = 4096  # bytes: less is not measured
_BETWEEN_LOOKS = 1000  # results

Imap = Callable[[Callable[[Any], Any], Any], Iterator[Any]]


def _contest(size: int) -> Contest:
    def prepare() -> Trial:
        numbers = range(size)
        right = [number * number for number in numbers]
        work = pools.Work(tasks.square, numbers, None)
        return Trial(work, lambda answer: answer == right)

    return Contest(
        f"{size:,} tiny tasks, the time of each",
        "A function of a module squares a number; everybody chooses the chunks.",
        prepare,
        (pools.SUITKAISE, pools.MULTIPROCESSING),
        reference=pools.MULTIPROCESSING.name,
        rounds=9,
        max_loops=100_000 // size or 1,
        per=size,
    )


def _grown_by(imap: Imap, size: int) -> Measured:
    """Take the results one by one, and see how much this process has grown meanwhile."""
    import psutil

    process = psutil.Process()
    before = most = process.memory_info().rss
    total = 0
    for number, result in enumerate(imap(tasks.square, iter(range(size)))):
        total += result
        if number % _BETWEEN_LOOKS == 0:
            most = max(most, process.memory_info().rss)
    return Measured(max(most - before, _PAGE), total)


@contextmanager
def _suitkaise() -> Iterator[Call]:
    from suitkaise.processing import Pool

    with Pool(workers=pools.WORKERS) as pool:
        list(pool.imap(tasks.square, range(1000)))
        yield lambda size: _grown_by(pool.imap, size)


@contextmanager
def _multiprocessing() -> Iterator[Call]:
    with multiprocessing.Pool(pools.WORKERS) as pool:
        list(pool.imap(tasks.square, range(1000), 100))
        yield lambda size: _grown_by(lambda task, items: pool.imap(task, items, 100), size)


def _memory_contest(size: int) -> Contest:
    right = sum(number * number for number in range(size))
    multiprocessing_imap = Contender("multiprocessing.Pool.imap", _multiprocessing)
    return Contest(
        f"{size:,} tiny tasks through imap, the memory for them",
        "By how much the program grows while it adds up the results; its input is an iterator.",
        lambda: Trial(size, lambda total: total == right),
        (Contender("suitkaise Pool.imap", _suitkaise, is_ours=True), multiprocessing_imap),
        reference=multiprocessing_imap.name,
        rounds=3,
        max_loops=1,
        is_first=True,
        is_of_memory=True,
        deadline=120.0,
    )


CONTESTS = (*map(_contest, _SIZES), *map(_memory_contest, _SIZES))
