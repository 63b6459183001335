"""The demo as a newcomer runs it: real processes, real files, real Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import demo
import psutil
import pytest

DEMO = Path(demo.__file__)
PATIENCE = 60.0  # seconds for what takes a second or two on a machine that has nothing else to do
MARK = "SUITKAISE_TEST_DEMO"


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DEMO, *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=os.environ | environment,
        check=False,
    )


@contextlib.contextmanager
def started(
    *arguments: str, stdout: int = subprocess.PIPE, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, DEMO, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    (tree / "inner").mkdir(parents=True)
    (tree / "good.py").write_text(
        "import os\nfrom sys import path\n\n\nclass A:\n    def short(self): ...\n\n"
        "    async def long(self):\n        await x\n        return 1\n"
    )
    (tree / "inner" / "escape.py").write_text(r"pattern = '\d'" + "\n")
    (tree / "broken.py").write_text("def f(:\n")
    (tree / "encoding.py").write_bytes(b"# -*- coding: nonsense -*-\n")
    (tree / "latin.py").write_bytes(b"name = '\xff'\n")
    (tree / "null.py").write_bytes(b"x = 1\0\n")
    (tree / "deep.py").write_text("x = " + "-" * 100_000 + "1\n")
    (tree / "dangling.py").symlink_to("nowhere.py")
    (tree / "readme.txt").write_text("not Python\n")
    return tree


def test_it_parses_the_first_files_of_the_standard_library() -> None:
    ended = run("--limit", "30")

    assert ended.returncode == 0
    assert ended.stderr == ""
    assert ended.stdout.startswith("Parsing the first 30 of ")
    for title in demo.MEASURES.values():
        assert title in ended.stdout
    assert "speed-up" in ended.stdout


def test_it_counts_what_is_in_a_folder(folder: Path) -> None:
    report = run(folder, "--workers", "2").stdout

    assert report.startswith(f"Parsing 7 files in {folder}\n")
    assert "\n         3  good.py (long, line 8)\n" in report
    assert "\n         2  functions\n         1  classes\n         2  imports\n" in report


def test_it_names_what_does_not_parse_with_the_reason_and_goes_on(folder: Path) -> None:
    ended = run(folder)

    assert ended.returncode == 0
    assert "\nNot parsed: 5\n" in ended.stdout
    for line in (
        "  broken.py: SyntaxError: ",
        "  deep.py: ",
        "  encoding.py: SyntaxError: unknown encoding: nonsense",
        "  latin.py: SyntaxError: ",
        "  null.py: ",
    ):
        assert f"\n{line}" in ended.stdout


def test_it_says_what_it_leaves_out(folder: Path) -> None:
    report = run(folder).stdout

    left_out = folder / "dangling.py"
    assert f"\n  left out: {left_out}: neither a file nor a link to one\n" in report


def test_warnings_about_the_files_it_parses_do_not_litter_its_output(folder: Path) -> None:
    ended = run(folder, PYTHONWARNINGS="always")

    assert ended.stderr == ""
    assert "Warning" not in ended.stdout


def test_it_survives_a_file_name_that_cannot_be_printed(tmp_path: Path) -> None:
    name = os.fsdecode(b"broken\xff.py")
    try:
        (tmp_path / name).write_text("x =\n")
    except OSError:
        pytest.skip("this file system takes no such name")

    ended = run(tmp_path, PYTHONIOENCODING="ascii")

    assert ended.returncode == 0
    assert "\\udcff.py: SyntaxError" in ended.stdout


def test_its_timers_count_one_run_for_each_file(folder: Path) -> None:
    rows = [line.split() for line in run(folder).stdout.splitlines()]

    times = {row[0]: row[1] for row in rows if len(row) == 4}
    assert [times[section] for section in ("prerun", "run", "postrun")] == ["7", "7", "7"]
    assert times["onfinish"] == times["result"] == "1"


def test_a_folder_without_python_files_is_an_error_of_one_line(tmp_path: Path) -> None:
    ended = run(tmp_path)

    assert ended.returncode == 2
    assert ended.stderr == f"demo.py: no .py files in {tmp_path}\n"
    assert ended.stdout == ""


def test_a_folder_that_does_not_exist_is_an_error_of_one_line(tmp_path: Path) -> None:
    ended = run(tmp_path / "nowhere")

    assert ended.returncode == 2
    assert ended.stderr == f"demo.py: {tmp_path / 'nowhere'} is not a folder\n"


@pytest.mark.parametrize("option", ["--workers", "--limit"])
@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_an_option_that_is_no_whole_number_from_1_on_is_refused(option: str, value: str) -> None:
    ended = run(f"{option}={value}")

    assert ended.returncode == 2
    assert f"argument {option}: it must be a whole number from 1 on, not '{value}'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_writes_no_carriage_return_where_no_terminal_is(folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, DEMO, "--limit", "50"], capture_output=True, timeout=PATIENCE, check=True
    )

    assert b"\r" not in ended.stdout


def test_it_ends_silently_when_its_reader_has_seen_enough() -> None:
    with started("--limit", "30") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()

        process.wait(PATIENCE)

        assert process.stderr.read() == ""


def test_main_can_be_called_from_a_program(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.main([str(folder), "--workers=1"])

    assert "\nNot parsed: 5\n" in capsys.readouterr().out


def survivors(mark: str) -> list[psutil.Process]:
    """Return the processes that carry a mark in their environment, as children inherit it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def assert_nothing_survives(mark: str, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while left := survivors(mark):
        assert time.monotonic() < deadline, left
        psutil.wait_procs(left, timeout=max(0.0, deadline - time.monotonic()))


def read_until(descriptor: int, wanted: bytes) -> bytes:
    """Read from a terminal until something wanted has come."""
    deadline = time.monotonic() + PATIENCE
    text = b""
    while wanted not in text:
        readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        assert readable, text
        text += os.read(descriptor, 4096)
    return text


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: ours, and the program's."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))  # else it has no row for a bar
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def test_ctrl_c_amid_the_work_ends_it_at_once_with_one_line(terminal: tuple[int, int]) -> None:
    mark = str(uuid.uuid4())
    ours, theirs = terminal
    with started("--workers", "2", stdout=theirs, **{MARK: mark}) as process:
        seen = read_until(ours, b" lines]")  # the tally has told: every process is at work
        children = len(survivors(mark)) - 1

        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=PATIENCE)

        assert b"parsing: " in seen
        assert children >= 4  # the server, the tally and two workers
        assert process.returncode == 130
        assert error == "demo.py: interrupted\n"
        assert_nothing_survives(mark)


def test_ctrl_c_while_it_starts_its_processes_ends_it_with_one_line() -> None:
    mark = str(uuid.uuid4())
    with started(**{MARK: mark}) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Parsing ")

        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=PATIENCE)

        assert process.returncode == 130
        assert error == "demo.py: interrupted\n"
        assert_nothing_survives(mark)
