"""Large memory on its way to workers and back: how often it travels, and whose it is there."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from suitkaise.processing import Pool, ProcessDiedError, _recurring, _segments

pytestmark = pytest.mark.timeout(60)

np = pytest.importorskip("numpy")
Array = Any
SIZE = 1 << 20  # elements, 8 MiB
MAPS = ["map", "unordered_map", "imap", "unordered_imap"]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(workers=2) as pool:
        pool.map(abs, range(10))
        yield pool


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were copied into segments, each time."""
    sizes: list[int] = []

    def lend(parts: Sequence[bytes | memoryview]) -> Any:
        sizes.append(sum(len(part) for part in parts))
        return real(parts)

    real = _segments.lend
    monkeypatch.setattr(_segments, "lend", lend)
    return sizes


def add(array: Array, number: int) -> tuple[float, float, bool]:
    array[:2] += number
    return float(array[0]), float(array[-1]), array.flags.writeable


@pytest.mark.parametrize("name", MAPS)
def test_an_array_that_many_items_refer_to_is_copied_twice_at_most(
    pool: Pool, copied: list[int], name: str
) -> None:
    array = np.arange(SIZE, dtype=float)

    results = list(getattr(pool.star(), name)(add, [(array, number) for number in range(30)]))

    assert sorted(results) == [(float(number), SIZE - 1.0, True) for number in range(30)]
    assert sum(copied) < 2.1 * array.nbytes
    assert array[0] == 0


def test_it_may_be_anywhere_in_the_items(pool: Pool, copied: list[int]) -> None:
    first, second = np.ones(SIZE), np.asfortranarray(np.full((1000, 1000), 2.0))
    items = [{"pair": [first, {"number": number, "other": second}]} for number in range(20)]

    results = pool.map(lambda item: (item["pair"][0].sum(), item["pair"][1]["other"].sum()), items)

    assert results == [(SIZE, 2_000_000.0)] * 20
    assert sum(copied) < 2 * first.nbytes + 20 * 2 * second.nbytes


def test_the_item_itself_may_be_it(pool: Pool, copied: list[int]) -> None:
    array = np.ones(SIZE)

    assert pool.map(np.sum, [array] * 20) == [SIZE] * 20

    assert sum(copied) < 2.1 * array.nbytes


def test_no_item_sees_what_another_writes(pool: Pool) -> None:
    array = np.zeros(SIZE)

    results = pool.map(partial(add, number=1), [array] * 40)

    assert results == [(1.0, 0.0, True)] * 40


def test_what_an_iterator_changes_in_between_arrives_changed(pool: Pool) -> None:
    def arrays() -> Iterator[Array]:
        array = np.zeros(SIZE)
        for number in range(10):
            array[:] = number
            yield array

    assert pool.map(np.max, arrays()) == [float(number) for number in range(10)]


def test_the_next_map_sees_what_has_changed_since(pool: Pool) -> None:
    array = np.zeros(SIZE)
    for number in range(4):
        array[:] = number
        assert pool.map(np.max, [array] * 6) == [float(number)] * 6


def test_different_arrays_are_not_taken_for_one(pool: Pool) -> None:
    class Made:
        """Has its memory made when it is packed, perhaps where another's was."""

        def __init__(self, number: int) -> None:
            self.number = number

        def __reduce__(self) -> tuple[Any, ...]:
            return np.max, (np.full(SIZE, self.number),)

    assert pool.map(float, [Made(number) for number in range(20)]) == [*map(float, range(20))]


def test_a_large_array_in_a_closure_travels_once(pool: Pool, copied: list[int]) -> None:
    array = np.ones(SIZE)

    results = pool.map(lambda number: (number * array[number], array.flags.writeable), range(1000))

    assert results == [(number, True) for number in range(1000)]
    assert sum(copied) < 1.1 * array.nbytes


def test_a_share_given_to_many_items_is_one_share(pool: Pool) -> None:
    from suitkaise.processing import Share

    share = Share()
    share.count = 0

    def count(share: Share) -> None:
        share.count += 1

    pool.map(count, [share] * 100)

    assert share.count == 100


@pytest.mark.parametrize("size", [1 << 14, 1 << 18, 1 << 21])
def test_arrays_arrive_writable_in_both_directions(pool: Pool, size: int) -> None:
    def double(array: Array) -> Array:
        array *= 2
        return array

    results = pool.map(double, [np.full(size, number) for number in range(8)])

    for number, result in enumerate(results):
        assert (result == 2 * number).all()
        result += 1
        assert result.flags.writeable


@pytest.mark.parametrize("name", ["imap", "unordered_imap"])
def test_a_lazy_map_of_any_length_takes_the_same_memory(pool: Pool, name: str) -> None:
    process = psutil.Process()

    def grown_by(count: int) -> int:
        before = most = process.memory_info().rss
        for number, _ in enumerate(getattr(pool, name)(str, iter(range(count)))):
            if number % 1000 == 0:
                most = max(most, process.memory_info().rss)
        return most - before

    grown_by(20_000)
    assert grown_by(300_000) < 16 << 20  # the results alone would be 17 MiB, the items 8


def test_all_of_it_is_given_back_after_the_map(pool: Pool) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    array = np.ones(SIZE)
    pool.map(np.sum, [array] * 5)
    before = descriptors()
    for _ in range(30):
        pool.map(np.sum, [np.ones(SIZE)] * 5)
        results = pool.imap(np.sum, [array] * 100)
        next(results)
        results.close()
    del results
    gc.collect()

    assert descriptors() <= before + _segments._MOST_KEPT  # segments that are kept to be used again


def test_a_worker_that_dies_takes_none_of_it_along(pool: Pool) -> None:
    array = np.ones(SIZE)

    def task(array: Array, number: int) -> float:
        if number == 7:
            os._exit(1)
        return float(array.sum())

    results = pool.star().imap(task, [(array, number) for number in range(20)])
    sums = []
    for number in range(20):
        if number == 7:
            with pytest.raises(ProcessDiedError, match="item 7"):
                next(results)
        else:
            sums.append(next(results))

    assert sums == [SIZE] * 19


def test_without_descriptors_to_spare_it_travels_with_each_item(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(parts: Any) -> Any:
        raise OSError("no descriptor is left")

    monkeypatch.setattr(_recurring._segments, "lend", refuse)
    array = np.ones(SIZE)

    assert pool.map(np.sum, [array] * 10) == [SIZE] * 10
