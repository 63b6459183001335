"""`.timeout()`, `.background()` and `.asynced()` on the maps of a Pool."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import operator
import os
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator
from concurrent import futures
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from suitkaise.processing import Pool, ProcessError, ResultTimeoutError, Skprocess
from suitkaise.sk import SkModifierError

DEADLINE = 60.0
MAPS = ["map", "unordered_map", "imap", "unordered_imap"]
LAZY = ["imap", "unordered_imap"]
every_map = pytest.mark.parametrize("name", MAPS)


def light_functions() -> tuple[Any, ...]:
    """Make functions that travel by value: the workers need not import this module."""

    def square(number: int) -> int:
        return number * number

    def sleep_for(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    def note_and_sleep(item: tuple[str, float]) -> int:
        path, seconds = item
        with open(f"{path}.{os.getpid()}", "w"):  # noqa: PTH123
            pass
        time.sleep(seconds)
        return os.getpid()

    def fail(number: int) -> int:
        raise LookupError(number)

    def spin(forever: bool) -> bool:
        while forever:
            try:
                time.sleep(1000)
            except BaseException:
                continue
        return forever

    def add(first: int, second: int) -> int:
        return first + second

    return square, sleep_for, note_and_sleep, fail, spin, add


square, sleep_for, note_and_sleep, fail, spin, add = light_functions()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(workers=2) as pool:
        yield pool


def in_asyncio(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(main())


def in_uvloop(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def in_trio(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    trio = pytest.importorskip("trio")
    return trio.run(main)


run_in = pytest.mark.parametrize("run", [in_asyncio, in_uvloop, in_trio])


def eventually(is_so: Callable[[], object]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


# -- what comes of them


@every_map
def test_every_combination_gives_the_results(pool: Pool, name: str) -> None:
    items = range(200)
    expected = [number * number for number in items]
    chain = getattr(pool, name)

    async def main() -> tuple[Any, Any]:
        return (
            await chain.asynced()(square, items),
            await chain.timeout(DEADLINE).asynced()(square, items),
        )

    assert sorted(chain.timeout(DEADLINE)(square, items)) == expected
    assert sorted(chain.background()(square, items).result(DEADLINE)) == expected
    assert sorted(chain.background().timeout(DEADLINE)(square, items).result()) == expected
    for result in asyncio.run(main()):
        assert type(result) is list
        assert sorted(result) == expected


class Doubler(Skprocess):
    def __init__(self, number: int) -> None:
        self.number = number
        self.process_config.runs = 1

    def __result__(self) -> int:
        return 2 * self.number


class Factor:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def times(self, number: int) -> int:
        return self.factor * number

    def __call__(self, number: int) -> int:
        return self.factor * number


KINDS = {
    "builtin": operator.index,
    "method": Factor(2).times,
    "callable": Factor(2),
    "partial": functools.partial(operator.mul, 2),
    "lambda": lambda number: 2 * number,
    "Skprocess": Doubler,
}


@every_map
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_function_goes_through_every_combination(
    pool: Pool, name: str, kind: str
) -> None:
    task: Any = KINDS[kind]
    expected = [number if kind == "builtin" else 2 * number for number in range(12)]
    for maps, items in ((pool, range(12)), (pool.star(), [(number,) for number in range(12)])):
        chain = getattr(maps, name)

        async def awaited(*chains: Any, items: Any = items) -> list[Any]:
            return [await each(task, items) for each in chains]

        outcomes = [
            chain(task, items),
            chain.timeout(DEADLINE)(task, items),
            chain.background()(task, items).result(DEADLINE),
            chain.background().timeout(DEADLINE)(task, items).result(DEADLINE),
            chain.timeout(DEADLINE).background()(task, items).result(DEADLINE),
            *asyncio.run(
                awaited(
                    chain.asynced(),
                    chain.asynced().timeout(DEADLINE),
                    chain.timeout(DEADLINE).asynced(),
                )
            ),
        ]
        assert [sorted(outcome) for outcome in outcomes] == [expected] * 8


@every_map
def test_star_composes_with_all_modifiers(pool: Pool, name: str) -> None:
    chain = getattr(pool.star(), name)
    items = [(1, 2), (3, 4)]

    async def main() -> Any:
        return await chain.asynced().timeout(DEADLINE)(add, items)

    assert sorted(chain.timeout(DEADLINE)(add, items)) == [3, 7]
    assert sorted(chain.background()(add, items).result(DEADLINE)) == [3, 7]
    assert sorted(asyncio.run(main())) == [3, 7]


@pytest.mark.parametrize("name", ["map", "imap"])
def test_ordered_maps_keep_the_order_whichever_way(pool: Pool, name: str) -> None:
    chain = getattr(pool, name)
    seconds = [0.1, 0.0, 0.05, 0.0]

    assert chain.background()(sleep_for, seconds).result(DEADLINE) == seconds
    assert asyncio.run(chain.asynced()(sleep_for, seconds)) == seconds


@run_in
def test_maps_can_be_awaited_in_every_loop(pool: Pool, run: Any) -> None:
    async def main() -> None:
        assert await pool.map.asynced()(square, range(1000)) == [n * n for n in range(1000)]
        with pytest.raises(LookupError):
            await pool.map.asynced()(fail, [1])
        with pytest.raises(ResultTimeoutError):
            await pool.map.asynced().timeout(0.2)(sleep_for, [100])

    run(main)


@pytest.mark.parametrize("name", MAPS)
def test_modifiers_that_make_no_sense_are_refused(pool: Pool, name: str) -> None:
    chain = getattr(pool, name)

    with pytest.raises(SkModifierError):
        chain.background().asynced()
    with pytest.raises(ValueError, match="timeout"):
        chain.timeout(0)
    assert not hasattr(chain, "retry")


def test_the_maps_look_like_methods(pool: Pool) -> None:
    parameters = ["self", "function", "items", "window", "progress"]
    assert list(inspect.signature(Pool.map).parameters) == parameters
    assert list(inspect.signature(pool.map).parameters) == parameters[1:]
    assert "order of the items" in (Pool.map.__doc__ or "")
    assert "order of the items" in (pool.map.__doc__ or "")
    assert pool.map(function=square, items=[2]) == [4]
    assert pool.map.timeout(9)(function=square, items=[2]) == [4]


# -- errors


@every_map
def test_an_error_of_a_task_arrives_as_itself(pool: Pool, name: str) -> None:
    chain = getattr(pool, name)

    with pytest.raises(LookupError):
        chain.background()(fail, [1, 2]).result(DEADLINE)
    with pytest.raises(LookupError):
        asyncio.run(chain.asynced()(fail, [1, 2]))


def test_what_a_call_would_raise_is_in_its_future() -> None:
    pool = Pool(1)
    pool.close()

    with pytest.raises(ProcessError, match="closed"):
        pool.map.background()(square, [1]).result(DEADLINE)
    with pytest.raises(TypeError, match="callable"):
        pool.map.background()(5, [1]).result(DEADLINE)  # type: ignore[call-overload]


def broken_input() -> Iterator[int]:
    yield 1
    raise OSError("no more")


def test_an_error_of_the_input_arrives_with_its_traceback(pool: Pool) -> None:
    future = pool.map.background()(square, broken_input())

    for _ in range(3):
        with pytest.raises(OSError, match="no more") as caught:
            future.result(DEADLINE)
        frames = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert frames.count("broken_input") == 1
        assert len(frames) < 12

    with pytest.raises(OSError, match="no more"):
        asyncio.run(pool.map.asynced()(square, broken_input()))
    assert pool.map(square, [3]) == [9]


# -- timeouts


@pytest.mark.parametrize("name", ["map", "unordered_map"])
def test_a_timeout_is_for_the_whole_map_and_kills_what_runs(
    pool: Pool, name: str, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"

    with pytest.raises(ResultTimeoutError, match=rf"Pool.{name} of .*took longer .* 1 s") as caught:
        getattr(pool, name).timeout(1)(note_and_sleep, [(str(begun), 1000.0)] * 3)

    assert caught.value.timeout == 1
    assert isinstance(caught.value, TimeoutError)
    assert pool.map(square, [1, 2, 3]) == [1, 4, 9]
    begun_by = [int(path.suffix[1:]) for path in tmp_path.iterdir()]
    assert begun_by
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in begun_by))


def test_a_timeout_ends_a_map_whose_results_keep_coming(pool: Pool) -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 1

    with pytest.raises(ResultTimeoutError):
        pool.map.timeout(0.5)(square, endless())
    with pytest.raises(ResultTimeoutError):
        pool.map.background().timeout(0.5)(square, endless()).result(DEADLINE)
    assert pool.map(square, [5]) == [25]


@pytest.mark.parametrize("name", LAZY)
def test_a_timeout_is_for_each_item_of_a_lazy_map(pool: Pool, name: str) -> None:
    seconds = [0.0, 1000.0, 0.0, 0.0, 1000.0, 0.0]
    results = getattr(pool, name).timeout(0.5)(sleep_for, seconds)

    got: list[Any] = []
    while True:
        try:
            got.append(next(results))
        except StopIteration:
            break
        except ResultTimeoutError as error:
            got.append("late")
            late = error

    assert late.timeout == 0.5
    assert "took longer than its timeout of 0.5 s and was killed" in str(late)
    assert "the item was 1000.0" in str(late)
    assert sorted(map(str, got)) == ["0.0"] * 4 + ["late"] * 2
    if name == "imap":
        assert got == [0.0, "late", 0.0, 0.0, "late", 0.0]
    assert pool.map(square, [1, 2, 3]) == [1, 4, 9]


def test_items_that_take_long_together_are_not_late(pool: Pool) -> None:
    assert list(pool.imap.timeout(1.0)(sleep_for, [0.3] * 10)) == [0.3] * 10


def test_an_item_that_catches_everything_is_killed_too(pool: Pool) -> None:
    results = pool.imap.timeout(0.3)(spin, [True, False])

    with pytest.raises(ResultTimeoutError):
        next(results)
    assert list(results) == [False]


def test_every_item_runs_once_although_others_are_late(pool: Pool, tmp_path: Path) -> None:
    def note(item: int) -> int:
        with (tmp_path / str(item)).open("a") as file:
            file.write("x")
        if item % 10 == 3:
            time.sleep(1000)
        return item

    results = pool.unordered_imap.timeout(0.4)(note, range(30))
    late = 0
    got = []
    while True:
        try:
            got.append(next(results))
        except StopIteration:
            break
        except ResultTimeoutError:
            late += 1

    assert late == 3
    assert sorted(got) == [item for item in range(30) if item % 10 != 3]
    assert {path.read_text() for path in tmp_path.iterdir()} == {"x"}


@pytest.mark.parametrize("name", LAZY)
def test_a_late_item_ends_a_lazy_map_that_is_collected(pool: Pool, name: str) -> None:
    chain = getattr(pool, name).timeout(0.3)

    with pytest.raises(ResultTimeoutError):
        chain.background()(sleep_for, [0.0, 1000.0]).result(DEADLINE)
    with pytest.raises(ResultTimeoutError):
        asyncio.run(chain.asynced()(sleep_for, [0.0, 1000.0]))
    assert pool.map(square, [1]) == [1]


# -- cancelling


def test_cancelling_a_future_kills_what_runs_and_the_pool_goes_on(
    pool: Pool, tmp_path: Path
) -> None:
    items = [(str(tmp_path / "begun"), 1000.0)] * 50
    future = pool.map.background()(note_and_sleep, items)
    assert eventually(lambda: len(list(tmp_path.iterdir())) == 2)

    assert future.cancel()

    assert future.cancelled()
    begun_by = [int(path.suffix[1:]) for path in tmp_path.iterdir()]
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in begun_by))
    assert pool.map(square, [1, 2, 3]) == [1, 4, 9]
    assert eventually(lambda: "suitkaise-map" not in {t.name for t in threading.enumerate()})
    assert len(list(tmp_path.iterdir())) == 2, "what had not begun does not run"


@run_in
def test_cancelling_an_await_kills_what_runs_and_the_pool_goes_on(
    pool: Pool, run: Any, tmp_path: Path
) -> None:
    anyio = pytest.importorskip("anyio")
    items = [(str(tmp_path / "begun"), 1000.0)] * 50

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(pool.map.asynced(), note_and_sleep, items)
            while len(list(tmp_path.iterdir())) < 2:
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()

    run(main)

    begun_by = [int(path.suffix[1:]) for path in tmp_path.iterdir()]
    assert eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in begun_by))
    assert pool.map(square, [1, 2, 3]) == [1, 4, 9]


# -- side by side


def test_many_maps_in_the_background_share_the_workers(pool: Pool) -> None:
    asked = [pool.map.background()(square, range(50)) for _ in range(10)]

    done, rest = futures.wait(asked, DEADLINE)

    assert not rest
    assert all(future.result() == [n * n for n in range(50)] for future in done)


def test_awaited_maps_take_no_thread_and_let_others_run(pool: Pool) -> None:
    pool.map(square, [1])
    before = threading.active_count()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    async def main() -> list[Any]:
        ticking = asyncio.ensure_future(tick())
        results = await asyncio.gather(
            *(pool.map.asynced()(sleep_for, [0.02] * 10) for _ in range(5))
        )
        assert threading.active_count() == before
        ticking.cancel()
        return results

    assert asyncio.run(main()) == [[0.02] * 10] * 5
    assert ticks > 10


def test_a_map_in_the_background_sees_the_caller_s_context(pool: Pool) -> None:
    name: ContextVar[str] = ContextVar("name", default="none")
    name.set("caller")

    def items() -> Iterator[str]:
        yield name.get()

    assert pool.map.background()(str.upper, items()).result(DEADLINE) == ["CALLER"]


def test_a_pool_lives_as_long_as_what_it_does_in_the_background() -> None:
    future = Pool(1).map.background()(sleep_for, [0.2])

    assert future.result(DEADLINE) == [0.2]


def test_an_await_that_was_dropped_ends_its_map(pool: Pool) -> None:
    loop = asyncio.new_event_loop()
    task = loop.create_task(pool.map.asynced()(sleep_for, [0.1] * 1000))
    loop.call_later(0.2, loop.stop)
    loop.run_forever()
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]

    del task

    assert eventually(lambda: gc.collect() >= 0 and not pool._dispatcher.jobs)
    assert pool.map(square, [2]) == [4]
