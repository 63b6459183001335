"""The server keeps a spare process, and nobody can tell it from one forked at the call."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from suitkaise.processing import Pool, Skprocess

DEADLINE = 30.0


class Facts(Skprocess):
    """Returns what it finds in its process."""

    def __init__(self) -> None:
        self.process_config.runs = 1

    def __run__(self) -> None:
        self.facts: dict[str, Any] = {
            "pid": os.getpid(),
            "random": random.random(),
            "folder": str(Path.cwd()),
            "variable": os.environ.get("SUITKAISE_TEST_SPARE"),
        }

    def __result__(self) -> dict[str, Any]:
        return self.facts


def server() -> psutil.Process:
    return next(
        process
        for process in psutil.Process().children()
        if "suitkaise.processing._server" in " ".join(process.cmdline())
    )


def wait_for_spare() -> psutil.Process:
    """Return the one child of the server that nothing runs in."""
    deadline = time.monotonic() + DEADLINE
    while True:
        children = server().children()
        if len(children) == 1 and children[0].status() == psutil.STATUS_SLEEPING:
            return children[0]
        assert time.monotonic() < deadline, children
        time.sleep(0.01)


def test_the_spare_becomes_the_next_process() -> None:
    Facts().run()
    spare = wait_for_spare()

    assert Facts().run()["pid"] == spare.pid


def test_a_spare_that_was_killed_is_replaced() -> None:
    Facts().run()
    spare = wait_for_spare()

    spare.kill()
    spare.wait(DEADLINE)
    pid = Facts().run()["pid"]

    assert pid != spare.pid
    assert wait_for_spare().pid not in (pid, spare.pid)


def test_a_burst_of_starts_gets_a_process_each() -> None:
    processes = [Facts() for _ in range(12)]
    for process in processes:
        process.start()

    assert len({process.result()["pid"] for process in processes}) == 12


def test_processes_do_not_share_their_random_numbers() -> None:
    assert len({Facts().run()["random"] for _ in range(4)}) == 4


def test_what_changed_after_the_spare_was_forked_reaches_it(
    monkeypatch: Any, tmp_path: Path
) -> None:
    Facts().run()
    wait_for_spare()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUITKAISE_TEST_SPARE", "set later")
    facts = Facts().run()

    assert (facts["folder"], facts["variable"]) == (str(tmp_path), "set later")


def test_output_goes_where_the_parents_went_at_the_call(tmp_path: Path) -> None:
    script = (
        "import os, time\n"
        "from suitkaise.processing import Skprocess\n"
        "class Printer(Skprocess):\n"
        "    def __init__(self): self.process_config.runs = 1\n"
        "    def __run__(self): print('printed by', self.name)\n"
        "def run(name):\n"
        "    printer = Printer(); printer.name = name; printer.run()\n"
        "run('the first')\n"
        "time.sleep(0.5)  # for the spare\n"
        "os.dup2(os.open('redirected', os.O_WRONLY | os.O_CREAT), 1)\n"
        "run('the second')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )

    assert done.stdout == "printed by the first\n"
    assert (tmp_path / "redirected").read_text() == "printed by the second\n"


def test_a_worker_can_come_from_a_spare() -> None:
    Facts().run()
    spare = wait_for_spare()

    with Pool(2) as pool:
        pids = pool.map(lambda _: (time.sleep(0.05), os.getpid())[1], range(8))

    assert spare.pid in pids
