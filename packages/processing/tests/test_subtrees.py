"""Processes start processes, to any depth; whoever ends takes along what is below."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from suitkaise.processing import Pool, ProcessDiedError, ProcessError, Skprocess

DEADLINE = 60.0
AT_MOST = 5.0  # seconds until nothing of a subtree is left
SLEEP = [sys.executable, "-c", "import time; time.sleep(1000)"]


class Node(Skprocess):
    """Starts an ordinary program, and another node below it; tells who is where; lives on."""

    def __init__(self, depth: int) -> None:
        self.depth = depth

    def __run__(self) -> None:
        program = subprocess.Popen(SLEEP)
        below = []
        child = None
        if self.depth > 1:
            child = Node(self.depth - 1)
            child.start()
            below = child.listen(timeout=DEADLINE)
        self.tell([(os.getpid(), program.pid), *below])
        if child is not None:
            try:
                child.result()
            except ProcessDiedError as error:
                self.tell(("lost", error.exitcode))
        time.sleep(1000)


class Tree:
    """A chain of nodes, and every process that belongs to it."""

    def __init__(self, depth: int) -> None:
        self.top = Node(depth)
        self.top.start()
        levels = self.top.listen(timeout=DEADLINE)
        self.levels = [tuple(map(psutil.Process, level)) for level in levels]
        self.members = self.below(0)

    def node(self, level: int) -> psutil.Process:
        return self.levels[level][0]

    def below(self, level: int) -> list[psutil.Process]:
        """The node at this level and its subtree, servers and spare processes included."""
        node = self.node(level)
        return [node, *node.children(recursive=True)]


@pytest.fixture
def trees() -> Iterator[Callable[[int], Tree]]:
    made: list[Tree] = []

    def grow(depth: int) -> Tree:
        made.append(Tree(depth))
        return made[-1]

    yield grow
    for tree in made:
        if tree.top.is_alive:
            tree.top.kill()
        assert tree.top.wait(DEADLINE)


def left_of(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that are still there when the time is up; a zombie has ended."""
    deadline = time.monotonic() + AT_MOST
    while left := [process for process in processes if is_running(process)]:
        if time.monotonic() > deadline:
            return left
        time.sleep(0.01)
    return []


def is_running(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_chain_of_three_is_what_the_tests_below_take_it_for(
    trees: Callable[[int], Tree],
) -> None:
    tree = trees(3)

    assert len(tree.levels) == 3
    nodes_and_programs = {process.pid for level in tree.levels for process in level}
    assert len(nodes_and_programs) == 6
    assert nodes_and_programs < {process.pid for process in tree.members}
    assert all(map(is_running, tree.members))


def test_killing_the_top_takes_everything_along(trees: Callable[[int], Tree]) -> None:
    tree, sibling = trees(3), trees(1)

    tree.top.kill()

    assert tree.top.wait(AT_MOST)
    assert left_of(tree.members) == []
    assert all(map(is_running, sibling.members))


@pytest.mark.parametrize("level", [0, 1, 2])
def test_losing_a_node_takes_what_is_below_along_and_no_one_else(
    level: int, trees: Callable[[int], Tree]
) -> None:
    tree, sibling = trees(3), trees(1)
    lost = tree.below(level)

    tree.node(level).kill()

    assert left_of(lost) == []
    assert all(map(is_running, sibling.members))
    if level == 0:
        with pytest.raises(ProcessDiedError, match="SIGKILL"):
            tree.top.result()
    else:
        nodes = [tree.levels[above] for above in range(level)]
        assert all(is_running(process) for processes in nodes for process in processes)
    if level == 1:
        assert tree.top.listen(timeout=DEADLINE) == ("lost", -signal.SIGKILL)


def test_a_stopped_process_can_be_killed_with_all_that_is_below(
    trees: Callable[[int], Tree],
) -> None:
    tree = trees(3)
    for process in tree.members:
        process.suspend()

    tree.top.kill()

    assert tree.top.wait(AT_MOST)
    assert left_of(tree.members) == []


def test_a_subtree_that_is_stopped_does_not_outlive_the_node_above_it(
    trees: Callable[[int], Tree],
) -> None:
    tree = trees(3)
    for process in tree.below(1):
        process.suspend()
    servers = [process for process in tree.members if "_server" in " ".join(process.cmdline())]
    for server in servers:
        server.suspend()

    tree.node(0).kill()

    assert left_of(tree.members) == []


def test_a_process_that_ends_in_good_order_ends_the_processes_that_it_started() -> None:
    class Leaves(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.child = Node(2)
            self.child.start()
            self.levels = self.child.listen(timeout=DEADLINE)

        def __result__(self) -> Any:
            return self.levels

    levels = Leaves().run()

    assert pids_left(pid for level in levels for pid in level) == []


def pids_left(pids: Any) -> list[psutil.Process]:
    processes = []
    for pid in pids:
        try:
            processes.append(psutil.Process(pid))
        except psutil.NoSuchProcess:
            continue
    return left_of(processes)


# -- pools


def start_a_node(folder: str) -> None:
    node = Node(2)
    node.start()
    levels = node.listen(timeout=DEADLINE)
    pids = [os.getpid(), *(pid for level in levels for pid in level)]
    unfinished = Path(folder) / f"{os.getpid()}.new"
    unfinished.write_text(" ".join(map(str, pids)))
    unfinished.rename(Path(folder) / str(os.getpid()))
    time.sleep(1000)


class Busy:
    """A pool of two workers, each with a subtree of its own."""

    def __init__(self, folder: Path) -> None:
        self.pool = Pool(2)
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._map, args=(str(folder),))
        self.thread.start()
        deadline = time.monotonic() + DEADLINE
        while len(reports := [path for path in folder.iterdir() if path.suffix != ".new"]) < 2:
            assert time.monotonic() < deadline, reports
            time.sleep(0.01)
        self.subtrees = [
            [psutil.Process(int(pid)) for pid in report.read_text().split()] for report in reports
        ]

    def _map(self, folder: str) -> None:
        try:
            self.pool.unordered_map(start_a_node, [folder, folder])
        except BaseException as error:
            self.error = error


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Busy]:
    busy = Busy(tmp_path)
    yield busy
    busy.pool.terminate()
    busy.thread.join(DEADLINE)
    assert not busy.thread.is_alive()


def test_losing_a_worker_takes_what_it_has_started_along(busy: Busy) -> None:
    lost, other = busy.subtrees

    lost[0].kill()

    assert left_of(lost) == []
    busy.thread.join(DEADLINE)
    assert isinstance(busy.error, ProcessDiedError)
    assert all(map(is_running, other))


def test_terminating_a_pool_takes_what_its_workers_have_started_along(busy: Busy) -> None:
    busy.pool.terminate()

    assert left_of([process for subtree in busy.subtrees for process in subtree]) == []
    busy.thread.join(DEADLINE)
    assert isinstance(busy.error, ProcessError)


def test_pools_and_processes_work_three_levels_down() -> None:
    class Counting(Skprocess):
        def __init__(self, depth: int) -> None:
            self.depth = depth
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.total = 1
            if self.depth:
                with Pool(2) as pool:
                    self.total += sum(pool.map(type(self), [self.depth - 1] * 2))

        def __result__(self) -> int:
            return self.total

    assert Counting(2).run() == 1 + 2 * (1 + 2 * 1)
