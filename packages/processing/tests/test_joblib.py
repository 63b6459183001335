"""The joblib backend, with joblib itself where that is installed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from suitkaise.processing import Pool, ProcessDiedError, register_joblib

joblib: Any = pytest.importorskip("joblib")

DEADLINE = 60.0


@pytest.fixture
def parallel() -> Iterator[Any]:
    register_joblib()
    with joblib.parallel_config(backend="suitkaise", n_jobs=2):
        yield joblib.Parallel


def square(number: int) -> int:
    return number * number


def process(_: int) -> int:
    return os.getpid()


def fail(number: int) -> None:
    raise LookupError(f"nothing at {number}")


def die(_: int) -> None:
    os._exit(4)


def square_in_parallel(size: int) -> list[int]:
    squares: list[int] = joblib.Parallel(n_jobs=2)(
        joblib.delayed(square)(number) for number in range(size)
    )
    return squares


def calls(function: Any, size: int = 20) -> Iterator[Any]:
    return (joblib.delayed(function)(number) for number in range(size))


def test_parallel_runs_on_the_workers_of_one_pool(parallel: Any) -> None:
    first = set(parallel()(calls(process, 100)))
    second = set(parallel()(calls(process, 100)))

    assert len(first | second) <= 2
    assert os.getpid() not in first | second
    assert parallel()(calls(square)) == [number * number for number in range(20)]


def test_all_cpus_are_as_many_as_a_pool_has_workers(parallel: Any) -> None:
    assert joblib.effective_n_jobs(-1) == Pool().workers
    assert parallel(n_jobs=-1)(calls(square)) == [number * number for number in range(20)]
    assert parallel(n_jobs=1)(calls(process, 3)) == [os.getpid()] * 3


def test_results_may_come_as_a_generator(parallel: Any) -> None:
    squares = parallel(return_as="generator")(calls(square, 50))

    assert list(squares) == [number * number for number in range(50)]


def test_what_a_task_raises_is_raised_as_itself(parallel: Any) -> None:
    with pytest.raises(LookupError, match="nothing at"):
        parallel()(calls(fail))
    assert parallel()(calls(square)) == [number * number for number in range(20)]


def test_a_worker_that_dies_is_an_error(parallel: Any) -> None:
    with pytest.raises(ProcessDiedError, match="exited with status 4"):
        parallel()(calls(die))
    assert parallel()(calls(square)) == [number * number for number in range(20)]


def test_parallelism_inside_a_task_is_possible(parallel: Any) -> None:
    assert parallel()(calls(square_in_parallel, 4)) == [
        [number * number for number in range(size)] for size in range(4)
    ]


def test_the_pool_ends_with_the_block() -> None:
    register_joblib()
    with joblib.parallel_config(backend="suitkaise", n_jobs=2):
        workers = set(joblib.Parallel()(calls(process)))

    deadline = time.monotonic() + DEADLINE
    while any(psutil.pid_exists(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.01)


def test_without_joblib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "joblib", None)

    with pytest.raises(ImportError, match=r"suitkaise-processing\[joblib\]"):
        register_joblib()
