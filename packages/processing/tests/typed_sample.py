"""What a type checker knows of modified calls; checked by `hatch run types:check`, never run."""

from concurrent.futures import Future
from typing import Any, assert_type

from suitkaise.processing import Pool, Skprocess


class Countdown(Skprocess):
    def __run__(self) -> None:
        self.listen(timeout=1)


async def check_process(process: Countdown) -> None:
    assert_type(process.wait(), bool)
    assert_type(process.wait(timeout=1.5), bool)
    assert_type(process.wait.timeout(3)(), bool)
    assert_type(process.wait.timeout(3)(timeout=1), bool)
    assert_type(process.wait.background()(2.0), Future[bool])
    assert_type(await process.wait.asynced()(), bool)
    assert_type(process.result.timeout(3).background()(), Future[Any])
    assert_type(await process.run.asynced().timeout(3)(), Any)
    assert_type(process.listen.background()(timeout=5.0), Future[Any])
    process.wait.timeout("3")  # type: ignore[arg-type]
    process.wait.timeout(3)(until=5)  # type: ignore[call-arg]
    process.result(5)  # type: ignore[call-arg]
    process.listen.retry()  # type: ignore[attr-defined]


def halve(number: int) -> float:
    return number / 2


def add(first: int, second: int) -> int:
    return first + second


class Watcher:
    def update(self, n: int) -> None: ...


async def check_pool(pool: Pool) -> None:
    assert_type(pool.map(halve, [1, 2]), list[float])
    assert_type(pool.map(Countdown, [1, 2]), list[Any])
    assert_type(pool.unordered_map.timeout(3)(halve, [1, 2]), list[float])
    assert_type(pool.map.background().timeout(2)(halve, [1, 2]), Future[list[float]])
    assert_type(await pool.map.asynced()(halve, [1, 2]), list[float])
    assert_type(next(pool.imap(halve, [1, 2])), float)
    assert_type(list(pool.unordered_imap.timeout(3)(halve, [1, 2])), list[float])
    assert_type(pool.imap.background()(halve, [1, 2]), Future[list[float]])
    assert_type(await pool.imap.asynced().timeout(1)(halve, [1, 2]), list[float])
    assert_type(pool.star().map.timeout(3)(add, [(1, 2)]), list[int])
    assert_type(await pool.star().imap.asynced()(add, [(1, 2)]), list[int])
    assert_type(pool.map(halve, [1, 2], progress="halving"), list[float])
    assert_type(next(pool.imap.timeout(1)(halve, [1, 2], window=3, progress=True)), float)
    assert_type(pool.star().map(add, [(1, 2)], progress=Watcher()), list[int])
    pool.map(halve, [1, 2], progress=halve)  # type: ignore[call-overload]
    assert_type(pool.submit(halve, 1), Future[float])
    pool.submit(halve, "x")  # type: ignore[arg-type]
    pool.submit(add, 1)  # type: ignore[call-arg]
    pool.map(halve, ["x"])  # type: ignore[arg-type]
    pool.map.timeout("3")  # type: ignore[arg-type]
    pool.map.timeout(3)(halve)  # type: ignore[call-overload]
    pool.map.background().asynced()  # type: ignore[attr-defined]
