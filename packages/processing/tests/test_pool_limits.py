"""Workers that are replaced, tried again with, ended when idle, and held to few threads."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packages.processing.tests.pool_tasks import (
    FatalAtFirst,
    blas_threads,
    hoard,
    own_id,
    pass_on,
    variable,
)
from packages.processing.tests.share_programs import is_gone, until
from packages.processing.tests.struck import strike_and_leave
from packages.processing.tests.struck_items import (
    ARGUMENT_REBUILT,
    RESULT_PICKLED,
    TASK,
    Item,
    Task,
)

from suitkaise.processing import Pool, ProcessDiedError, ResultTimeoutError
from suitkaise.processing._cpus import usable_cpus

pytestmark = pytest.mark.timeout(60)

DEADLINE = 30.0
MAPS = ["map", "unordered_map", "imap", "unordered_imap"]


# -- retries


@pytest.mark.parametrize("name", MAPS)
def test_an_item_whose_worker_died_is_run_again(tmp_path: Path, name: str) -> None:
    task = FatalAtFirst(tmp_path, deaths=2)
    with Pool(workers=2, retries=2) as pool:
        results = list(getattr(pool, name)(task, range(30)))

    assert sorted(results) == list(range(30))
    assert "unordered" in name or results == list(range(30))
    assert [task.calls(item) for item in (3, 13, 23)] == [3, 3, 3]


def test_an_item_that_kills_once_more_than_it_may_fails_alone(tmp_path: Path) -> None:
    task = FatalAtFirst(tmp_path, deaths=3)
    came: list[Any] = []
    with Pool(workers=2, retries=2) as pool:
        results = pool.imap(task, range(30))
        while len(came) < 30:
            try:
                came.append(next(results))
            except ProcessDiedError as error:
                came.append(str(error))

    for item in (3, 13, 23):
        assert f"item {item} " in came[item]
        assert ", as did 2 before it; " in came[item]
        came[item] = item
    assert came == list(range(30))
    assert [task.calls(item) for item in (3, 13, 23)] == [3, 3, 3]


@pytest.mark.parametrize("step", [ARGUMENT_REBUILT, TASK, RESULT_PICKLED])
def test_retries_end_at_every_step(tmp_path: Path, step: str) -> None:
    items = [Item(number) for number in range(10)]
    items[4] = Item(4, step, strike_and_leave)
    task = Task(tmp_path / "calls")
    with Pool(workers=2, retries=3) as pool, pytest.raises(ProcessDiedError, match="item 4"):
        pool.map(task, items)

    calls = task.calls()
    assert calls.pop(4, 0) == (0 if step == ARGUMENT_REBUILT else 4)
    assert set(calls.values()) <= {1}


def test_a_submitted_call_is_run_again(tmp_path: Path) -> None:
    with Pool(workers=1, retries=1) as pool:
        assert pool.submit(FatalAtFirst(tmp_path, deaths=1), 3).result(DEADLINE) == 3
        with pytest.raises(ProcessDiedError, match="status 5"):
            pool.submit(FatalAtFirst(tmp_path, deaths=9), 13).result(DEADLINE)


def test_what_runs_over_its_time_is_not_run_again(tmp_path: Path) -> None:
    def sleep(item: int) -> None:
        with (tmp_path / str(item)).open("a") as file:
            file.write("x")
        time.sleep(60)

    with Pool(workers=1, retries=5) as pool, pytest.raises(ResultTimeoutError):
        next(pool.imap.timeout(0.2)(sleep, [1]))

    assert (tmp_path / "1").read_text() == "x"


# -- workers that are replaced


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("max_tasks", [1, 7])
def test_a_worker_is_replaced_after_so_many_items(name: str, max_tasks: int) -> None:
    with Pool(workers=2, max_tasks=max_tasks) as pool:
        pids = list(getattr(pool, name)(own_id, range(40)))

    assert len(pids) == 40
    assert max(Counter(pids).values()) <= max_tasks
    assert len(set(pids)) >= 40 // max_tasks


def test_max_tasks_counts_over_maps_and_calls() -> None:
    with Pool(workers=1, max_tasks=3) as pool:
        first = pool.map(own_id, [0, 0])
        second = pool.submit(own_id).result(DEADLINE)
        third = pool.map(own_id, [0])

    assert {*first, second} == {first[0]}
    assert third[0] != second


def test_the_items_of_a_replaced_worker_run_once_each(tmp_path: Path) -> None:
    task = Task(tmp_path / "calls")
    with Pool(workers=2, max_tasks=3) as pool:
        results = pool.map(task, map(Item, range(50)))

    assert [item.number for item in results] == list(range(50))
    assert task.calls() == Counter(range(50))


def test_a_worker_that_has_grown_too_large_is_replaced_between_items() -> None:
    with Pool(workers=1, max_memory=150 << 20) as pool:
        pids = pool.map(hoard, [20 << 20] * 30)

    runs = Counter(pids)
    assert len(runs) >= 4
    assert max(runs.values()) <= 8  # with the seventh it is above
    assert [pid for number, pid in enumerate(pids) if pid not in pids[:number]] == list(runs)


def test_what_comes_and_goes_does_not_count_as_grown() -> None:
    with Pool(workers=1, max_memory=150 << 20) as pool:
        pids = {pid for _, pid in pool.map(pass_on, [bytes(50 << 20)] * 6)}

    assert len(pids) == 1


def test_a_worker_that_is_too_large_from_the_start_still_gets_on() -> None:
    with Pool(workers=2, max_memory=1) as pool:
        pids = pool.map(own_id, range(10))

    assert len(set(pids)) == 10


# -- idle workers


def test_idle_workers_end_and_the_next_map_starts_others() -> None:
    with Pool(workers=2, idle_timeout=0.2) as pool:
        first = {*pool.map(lambda _: (time.sleep(0.1), os.getpid())[1], range(4))}
        until(lambda: all(map(is_gone, first)))
        second = {*pool.map(own_id, range(4))}
        call = pool.submit(own_id).result(DEADLINE)
        until(lambda: all(map(is_gone, {*second, call})))

    assert not first & second


def test_a_worker_that_is_busy_is_not_idle() -> None:
    with Pool(workers=1, idle_timeout=0.1) as pool:
        assert pool.map(lambda _: (time.sleep(0.5), os.getpid())[1], [0]) != []
        pids = set()
        for _ in range(10):
            pids |= {*pool.map(own_id, range(100))}
        assert len(pids) == 1


def test_maps_run_while_workers_end_for_being_idle() -> None:
    with Pool(workers=2, idle_timeout=0.01) as pool:
        for number in range(60):
            time.sleep(0.001 * (number % 20))
            assert pool.map(abs, range(-3, 0)) == [3, 2, 1]


def test_without_an_idle_timeout_workers_stay() -> None:
    with Pool(workers=1) as pool:
        before = pool.map(own_id, [0])
        time.sleep(0.5)
        assert pool.map(own_id, [0]) == before


# -- threads of numerical libraries

needs_libraries = pytest.mark.skipif(
    not all(map(find_spec, ("numpy", "threadpoolctl"))), reason="needs NumPy and threadpoolctl"
)


@needs_libraries
def test_the_workers_share_the_cpus_among_their_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith("_NUM_THREADS"):
            monkeypatch.delenv(name)
    for workers in (1, 2):
        with Pool(workers=workers) as pool:
            assert pool.map(blas_threads, [0]) == [max(1, usable_cpus() // workers)]


@needs_libraries
@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_can_be_chosen(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with Pool(workers=2, blas_threads=threads) as pool:
        names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
        assert pool.map(variable, names) == [str(threads)] * 3
        assert pool.submit(blas_threads).result(DEADLINE) == threads


def test_the_environment_goes_before_what_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    with Pool(workers=2) as pool:
        assert pool.map(variable, ["OPENBLAS_NUM_THREADS"]) == ["3"]
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    with Pool(workers=2, blas_threads=0) as pool:
        assert pool.map(variable, ["OPENBLAS_NUM_THREADS"]) == [None]


def test_a_changed_environment_keeps_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with Pool(workers=1, blas_threads=1) as pool:
        assert pool.map(variable, ["OMP_NUM_THREADS", "SOMETHING_NEW"]) == ["1", None]
        monkeypatch.setenv("SOMETHING_NEW", "here")
        assert pool.map(variable, ["OMP_NUM_THREADS", "SOMETHING_NEW"]) == ["1", "here"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_by_default_there_are_as_many_workers_as_the_affinity_allows() -> None:
    program = (
        "import os\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from suitkaise.processing import Pool\n"
        "with Pool() as pool:\n"
        "    print(pool.workers, *pool.map(lambda _: len(os.sched_getaffinity(0)), [0]))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    assert answer.stdout.split() == ["1", "1"]


def limited_group(cpus: int) -> Path:
    """Make a control group that may use so many CPUs, below this process's own."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        place = Path("/sys/fs/cgroup", controllers, group.lstrip("/"), f"limited-{os.getpid()}")
        try:
            place.mkdir()
            try:
                if controllers:
                    (place / "cpu.cfs_quota_us").write_text(str(cpus * 100_000))
                else:
                    (place / "cpu.max").write_text(f"{cpus * 100_000} 100000")
            except OSError:
                place.rmdir()
            else:
                return place
        except OSError:
            continue
    pytest.skip("this process may not make control groups with a quota")


def test_by_default_there_are_as_many_workers_as_the_quota_of_the_group_allows() -> None:
    if usable_cpus() < 2:
        pytest.skip("there is one CPU anyhow")
    group = limited_group(cpus=1)
    program = (
        "import os, sys\n"
        "from suitkaise.processing import Pool\n"
        "print(Pool().workers)\n"
        "open(sys.argv[1], 'w').write(str(os.getpid()))\n"
        "print(Pool().workers)\n"
    )
    try:
        answer = subprocess.run(
            [sys.executable, "-c", program, group / "cgroup.procs"],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=True,
        )
        assert answer.stdout.split() == [str(usable_cpus()), "1"]
    finally:
        until(lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()


# -- neighbours


def test_pools_nest_and_share_the_time(tmp_path: Path) -> None:
    def outer(number: int) -> list[int]:
        with Pool(workers=2) as pool:
            return pool.map(lambda inner: number * inner, range(5))

    with Pool(workers=2) as pool:
        results = pool.map(outer, range(6))

    assert results == [[number * inner for inner in range(5)] for number in range(6)]


def test_a_quick_map_is_not_kept_waiting_by_a_long_one() -> None:
    with Pool(workers=2) as pool:
        long = pool.map.background()(lambda _: time.sleep(0.02), range(2000))  # 20 s of two workers
        for _ in range(5):
            assert pool.map(abs, range(-20, 0)) == list(range(20, 0, -1))
        assert not long.done()
        long.cancel()


# -- arguments


@pytest.mark.parametrize(
    "argument",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"max_tasks": 0},
        {"max_memory": 0},
        {"max_memory": "1 GB"},
        {"idle_timeout": 0},
        {"idle_timeout": "soon"},
        {"blas_threads": -1},
        {"workers": True},
    ],
    ids=repr,
)
def test_a_number_that_makes_no_sense_is_named(argument: dict[str, Any]) -> None:
    ((name, value),) = argument.items()
    with pytest.raises(ValueError, match=rf"^Pool\({name}={value!r}\): it must be a"):
        Pool(**argument)
