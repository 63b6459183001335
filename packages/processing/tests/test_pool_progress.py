"""Progress that is told, the window of what is pulled, and the function that travels once."""

from __future__ import annotations

import asyncio
import builtins
import io
import itertools
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from suitkaise.processing import Pool

pytestmark = pytest.mark.timeout(60)

MAPS = ["map", "unordered_map", "imap", "unordered_imap"]
LAZY = ["imap", "unordered_imap"]


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(workers=2) as pool:
        yield pool


class Watcher:
    def __init__(self) -> None:
        self.told: list[int] = []

    def update(self, n: int) -> None:
        self.told.append(n)


def fail_sometimes(number: int) -> int:
    if number % 10 == 3:
        raise LookupError(number)
    return number


# -- progress


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_watcher_is_told_of_every_item(pool: Pool, name: str, size: int) -> None:
    watcher = Watcher()

    results = list(getattr(pool, name)(abs, range(size), progress=watcher))

    assert len(results) == size
    assert sum(watcher.told) == size
    assert all(n > 0 for n in watcher.told)
    assert len(watcher.told) <= max(1, size // 10)  # in batches


@pytest.mark.parametrize("name", LAZY)
def test_failed_items_count(pool: Pool, name: str) -> None:
    watcher = Watcher()
    results = getattr(pool, name)(fail_sometimes, range(100), progress=watcher)
    failed = 0
    while True:
        try:
            next(results)
        except StopIteration:
            break
        except LookupError:
            failed += 1

    assert failed == 10
    assert sum(watcher.told) == 100


@pytest.mark.parametrize("name", ["map", "unordered_map"])
def test_a_list_that_fails_was_told_of_no_more_than_is_done(pool: Pool, name: str) -> None:
    watcher = Watcher()
    with pytest.raises(LookupError):
        getattr(pool, name)(fail_sometimes, range(100_000), progress=watcher)

    assert 0 < sum(watcher.told) < 100_000


@pytest.mark.parametrize("name", MAPS)
def test_progress_composes_with_the_modifiers_and_star(pool: Pool, name: str) -> None:
    watcher = Watcher()
    pairs = [(number, 2) for number in range(50)]

    future = getattr(pool.star(), name).background()(pow, pairs, progress=watcher)
    assert sorted(future.result(30)) == [number**2 for number in range(50)]
    awaited = getattr(pool, name).asynced().timeout(30)(abs, range(50), progress=watcher)
    assert sorted(asyncio.run(awaited)) == list(range(50))

    assert sum(watcher.told) == 100


def test_an_abandoned_map_stops_telling(pool: Pool) -> None:
    watcher = Watcher()
    results = pool.imap(abs, itertools.count(), progress=watcher)
    for _ in range(100):
        next(results)
    results.close()

    told = sum(watcher.told)
    assert told >= 100
    pool.map(abs, range(1000))
    assert sum(watcher.told) == told


@pytest.mark.parametrize("name", MAPS)
def test_a_bar_shows_label_and_count(
    pool: Pool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tqdm")
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)

    assert len(list(getattr(pool, name)(abs, range(300), progress="counting"))) == 300
    assert len(list(getattr(pool, name)(abs, range(20), progress=True))) == 20

    lines = shown.getvalue().replace("\r", "\n").splitlines()
    assert any(line.startswith("counting: 100%") and " 300/300 " in line for line in lines)
    assert any(line.startswith("abs: 100%") and "20.0/20.0" in line for line in lines)


def test_a_bar_of_an_input_without_a_length_counts(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tqdm")
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)

    pool.map(abs, iter(range(70)), progress="counting")

    assert "counting: 70.0item" in shown.getvalue()


def test_the_bar_is_closed_where_a_failed_map_ended(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tqdm = pytest.importorskip("tqdm.auto").tqdm
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    with pytest.raises(LookupError):
        pool.map(fail_sometimes, range(100_000), progress="failing")

    assert shown.getvalue().endswith("\n")  # as a closed bar leaves the line
    assert "100%" not in shown.getvalue()
    assert not tqdm._instances


@pytest.mark.parametrize("name", MAPS)
def test_a_cancelled_map_stops_telling_and_its_bar_is_closed(
    pool: Pool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tqdm = pytest.importorskip("tqdm.auto").tqdm
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)

    future = getattr(pool, name).background()(
        lambda number: (time.sleep(0.01), number)[1], range(100_000), progress="cancelled"
    )
    deadline = time.monotonic() + 30
    while "?item/s" in shown.getvalue().rpartition("\r")[2] or not shown.getvalue():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert future.cancel()

    while tqdm._instances:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert shown.getvalue().endswith("\n")
    assert "100%" not in shown.getvalue()
    assert pool.map(abs, [-1]) == [1]


def test_without_tqdm_the_error_says_what_to_do(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("tqdm"):
            raise ModuleNotFoundError("No module named 'tqdm'", name="tqdm")
        return real(name, *args, **kwargs)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)

    with pytest.raises(ModuleNotFoundError, match=r"pip install 'suitkaise-processing\[progress\]"):
        pool.map(abs, [1], progress=True)
    monkeypatch.undo()
    assert pool.map(abs, [-1]) == [1]


@pytest.mark.parametrize("progress", [3, [1], Watcher], ids=["number", "list", "class"])
def test_what_cannot_be_told_is_refused(pool: Pool, progress: Any) -> None:
    with pytest.raises(TypeError, match=r"True, a label, or an object with update\(n\)"):
        pool.map(abs, [1], progress=progress)
    assert pool.map(abs, [-1]) == [1]


def test_what_a_watcher_raises_ends_the_map(pool: Pool) -> None:
    class Broken:
        def update(self, n: int) -> None:
            raise LookupError(n)

    with pytest.raises(LookupError):
        pool.map(abs, range(100), progress=Broken())
    assert pool.map(abs, [-1]) == [1]


# -- the window


@pytest.mark.parametrize("name", LAZY)
@pytest.mark.parametrize("window", [1, 2, 10, 1000])
def test_no_more_is_pulled_than_the_window_allows(pool: Pool, name: str, window: int) -> None:
    pulled = 0

    def numbers() -> Iterator[int]:
        nonlocal pulled
        for number in itertools.count():
            pulled += 1
            yield number

    results = getattr(pool, name)(abs, numbers(), window=window)
    most = 0
    for taken in range(500):
        next(results)
        most = max(most, pulled - taken)
    results.close()

    assert most <= window
    assert window > 10 or most == window


@pytest.mark.parametrize("name", MAPS)
def test_every_item_comes_out_of_a_narrow_window(pool: Pool, name: str) -> None:
    for window in (1, 3):
        results = list(getattr(pool, name)(abs, range(200), window=window))
        assert sorted(results) == list(range(200))
        assert "unordered" in name or results == list(range(200))


def test_a_wide_window_lets_the_workers_go_on_while_nothing_is_taken(pool: Pool) -> None:
    pulled = 0

    def numbers() -> Iterator[int]:
        nonlocal pulled
        for number in range(3000):
            pulled += 1
            yield number

    results = pool.imap(lambda number: (time.sleep(0.0001), number)[1], numbers(), window=10_000)
    assert [next(results) for _ in range(10)] == list(range(10))
    assert list(results) == list(range(10, 3000))
    assert pulled == 3000


@pytest.mark.parametrize("window", [0, -1, 2.5, "many"])
def test_a_window_that_makes_no_sense_is_named(pool: Pool, window: Any) -> None:
    with pytest.raises(ValueError, match=rf"^window={window!r}: it must be a whole number from 1"):
        pool.imap(abs, [1], window=window)


# -- what travels how often


def test_the_function_travels_once_to_each_worker() -> None:
    with Pool(workers=2) as pool:
        travelling = Travelling()
        results = pool.map(travelling, range(20_000))

    assert Travelling.packed == 1
    assert len({rebuilt for rebuilt, _ in results}) <= 2
    assert len({pid for _, pid in results}) == len({rebuilt for rebuilt, _ in results})


class Travelling:
    """Counts how often it is packed; what is rebuilt of it knows itself."""

    packed = 0

    def __reduce__(self) -> tuple[Any, ...]:
        type(self).packed += 1
        return _travelled, ()

    def __call__(self, _: int) -> tuple[int, int]:
        return os.getpid() * 1000 + self.number, os.getpid()  # type: ignore[attr-defined]


def _travelled() -> Travelling:
    travelling = Travelling()
    travelling.number = next(_numbers)  # type: ignore[attr-defined]
    return travelling


_numbers = itertools.count()
