"""Read the whole standard library on all your cores: `hatch run demo [FOLDER]`.

Every `.py` file is parsed by a pool of processes. What they find goes to a tally, a process of its
own that adds up, tells how far it is, and has a timer for each part of its life. The workers also
add up by themselves, all at once, in a Share:

    this process ---- paths ---> pool: examine(path), in every worker ---.
         |       <--- facts ---- (and moves a progress bar)              |
         |                                                               v
         |------- facts -------> tally: listens, adds up, tells        share: files, totals,
         |<--- lines so far ----                                       timer, longest

At the end a plain loop parses the same files once more: to show what the pool was worth, and that
what the processes shared is exactly right.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import platform
import shutil
import signal
import sys
import sysconfig
import time
import warnings
from functools import partial
from heapq import nlargest
from io import TextIOWrapper
from operator import itemgetter
from pathlib import Path
from typing import Any


def end_at_once(*_: object) -> None:
    """Answer Ctrl-C with one line; whatever ends this process, the others end with it."""
    os.write(2, b"\ndemo.py: interrupted\n" if sys.stderr.isatty() else b"demo.py: interrupted\n")
    os._exit(130)  # as shells have it


if __name__ == "__main__":
    signal.signal(signal.SIGINT, end_at_once)  # here, because the import below takes a moment

from tqdm import tqdm  # noqa: E402

from suitkaise.processing import Pool, Share, Skprocess  # noqa: E402
from suitkaise.timing import Sktimer  # noqa: E402

MEASURES = {
    "longest": "Longest functions (of each file the longest), in lines",
    "functions": "Most functions and methods",
    "classes": "Most classes",
    "imports": "Most import statements",
    "lines": "Longest files, in lines",
}


def examine(path: Path) -> dict[str, Any]:
    """Parse one file and count what is in it; a `problem` if it cannot be parsed."""
    facts: dict[str, Any] = {"path": path, "function": "", **dict.fromkeys(MEASURES, 0)}
    try:
        source = path.read_bytes()
        facts["lines"] = len(source.splitlines())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in a file is not our business
            nodes = list(ast.walk(ast.parse(source, path.name)))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
        facts["problem"] = f"{type(error).__name__}: {error}".removesuffix(": ")
        return facts
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            facts["functions"] += 1
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > facts["longest"]:
                facts |= {"longest": length, "function": f"{node.name}, line {node.lineno}"}
        elif isinstance(node, ast.ClassDef):
            facts["classes"] += 1
        elif isinstance(node, ast.Import | ast.ImportFrom):
            facts["imports"] += 1
    return facts


class TopTen:
    """The ten files that have most of something."""

    def __init__(self) -> None:
        self.best: list[tuple[int, str]] = []

    def enter(self, amount: int, path: Path) -> None:
        """Take a file, if it is among the ten."""
        self.best = nlargest(10, [*self.best, (amount, str(path))])


def shared_tally() -> Share:
    """Return a Share for all workers to add up in."""
    share = Share()
    share.files = 0
    share.totals = dict.fromkeys(MEASURES, 0)
    share.timer = Sktimer()
    share.longest = TopTen()
    return share


def examine_and_add(share: Share, path: Path) -> dict[str, Any]:
    """Examine a file, and add what is found to what all workers share."""
    share.timer.start()
    facts = examine(path)
    share.timer.stop()
    share.files += 1
    for measure in MEASURES:
        share.totals[measure] += facts[measure]
    share.longest.enter(facts["lines"], path)
    return facts


class Tally(Skprocess):
    """Adds up the facts, in a process of its own: one run for each file, and then it ends."""

    def __init__(self, file_count: int) -> None:
        self.process_config.runs = file_count
        self.files: list[dict[str, Any]] = []
        self.totals = dict.fromkeys(MEASURES, 0)

    def __prerun__(self) -> None:  # wait for the facts of a file
        self.facts = self.listen()

    def __run__(self) -> None:  # add them
        self.files.append(self.facts)
        for measure in MEASURES:
            self.totals[measure] += self.facts[measure]

    def __postrun__(self) -> None:  # tell how far we are
        if len(self.files) % 20 == 0:
            self.tell(f"{self.totals['lines']:,} lines")

    def __onfinish__(self) -> None:  # after the last file
        self.files.sort(key=itemgetter("path"))
        self.top = {name: nlargest(10, self.files, key=itemgetter(name)) for name in MEASURES}

    def __result__(self) -> dict[str, Any]:
        problems = [facts for facts in self.files if "problem" in facts]
        return {"totals": self.totals, "top": self.top, "problems": problems}


def parse_in_pool(files: list[Path], pool: Pool, share: Share) -> Tally:
    """Parse the files in the pool's workers, with a tally beside them; return it, ended."""
    tally = Tally(len(files))
    tally.start()
    bar = tqdm(
        total=len(files),
        desc="parsing",
        unit=" files",
        file=sys.stdout,
        disable=None,  # unless it is a terminal
        leave=False,
    )
    with bar:
        for facts in pool.unordered_imap(partial(examine_and_add, share), files, progress=bar):
            tally.tell(facts)
            while lines := tally.listen(timeout=0):
                bar.set_postfix_str(lines)
    tally.wait()
    return tally


def show_progress(text: str) -> None:
    """Rewrite the last line of a terminal; elsewhere do nothing."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:width]:<{width}}\r", end="", flush=True)


def print_report(report: dict[str, Any], folder: Path) -> None:
    """Print the top ten by each measure, the totals, and what could not be parsed."""
    for measure, title in MEASURES.items():
        top = [facts for facts in report["top"][measure] if facts[measure]]
        print(f"\n{title}" if top else f"\n{title}: none")
        for facts in top:
            where = f" ({facts['function']})" if measure == "longest" else ""
            print(f"{facts[measure]:>10,}  {facts['path'].relative_to(folder)}{where}")
    print("\nIn all")
    for measure in ("lines", "functions", "classes", "imports"):
        print(f"{report['totals'][measure]:>10,}  {measure}")
    if report["problems"]:
        print(f"\nNot parsed: {len(report['problems']):,}")
        for facts in report["problems"]:
            print(f"  {facts['path'].relative_to(folder)}: {facts['problem']}")


def print_timers(tally: Tally) -> None:
    """Print what each section of the tally took."""
    print(f"\n{'The tally, in ms':<27} {'times':>9} {'mean':>10} {'total':>10}")
    for section in ("prerun", "run", "postrun", "onfinish", "result"):
        timer = getattr(tally.timers, section)
        mean_ms, total_ms = timer.mean * 1000, timer.total_time * 1000
        print(f"  {section:<25} {timer.num_times:>9,} {mean_ms:>10.3f} {total_ms:>10,.1f}")


def print_shared(share: Share, facts_of_loop: list[dict[str, Any]]) -> None:
    """Print what the workers have added up together, and whether the plain loop agrees."""
    totals = {name: sum(facts[name] for facts in facts_of_loop) for name in MEASURES}
    longest = TopTen()
    for facts in facts_of_loop:
        longest.enter(facts["lines"], facts["path"])
    is_right = (share.files, share.totals, share.longest.best) == (
        len(facts_of_loop),
        totals,
        longest.best,
    )
    timer = share.timer
    print("\nShared by all workers")
    print(f"{share.files:>10,}  files, parsed in {timer.mean * 1000:.2f} ms each, on average")
    for measure in ("lines", "functions", "classes", "imports"):
        print(f"{share.totals[measure]:>10,}  {measure}")
    if not is_right or timer.num_times != len(facts_of_loop):
        sys.exit("demo.py: what the workers shared is not what the plain loop finds")
    print("  exactly what the plain loop finds, which parses them once more")


def print_speed(seconds: dict[str, float], file_count: int, line_count: int, load: float) -> None:
    """Print how quick the pool was, and the plain loop, on a machine with this load."""
    print(f"\n{'Speed':<27} {'seconds':>9} {'files/s':>10} {'lines/s':>10}")
    for name, time_taken in seconds.items():
        rates = f"{file_count / time_taken:>10,.0f} {line_count / time_taken:>10,.0f}"
        print(f"  {name:<25} {time_taken:>9.2f} {rates}")
    pool, loop = seconds.values()
    print(f"  {'speed-up':<25} {loop / pool:>9.2f}")
    print("  All files were in the file cache; the pool's time includes starting its processes.")
    print(f"  Load in the minute before: {load:.1f}, on {os.cpu_count()} CPUs.")


def find_files(folder: Path, foreign: set[str]) -> tuple[list[Path], list[str]]:
    """Return the `.py` files below a folder, in order, and what is left out, with the reason."""
    files: list[Path] = []
    left_out: list[str] = []
    for parent, folders, names in os.walk(folder, onerror=lambda e: left_out.append(str(e))):
        for name in foreign.intersection(folders):
            folders.remove(name)
            left_out.append(f"{Path(parent, name)}: not of the standard library")
        for path in (Path(parent, name) for name in names if name.endswith(".py")):
            if path.is_file():
                files.append(path)
            else:
                left_out.append(f"{path}: neither a file nor a link to one")
    return sorted(files), left_out


def whole_number(text: str) -> int:
    """Read the value of an option."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it must be a whole number from 1 on, not {text!r}")
    return int(text)


def main(arguments: list[str] | None = None) -> None:
    """Run the demo with these arguments; None: those of the command line."""
    parser = argparse.ArgumentParser(description="Parse Python files on all cores.")
    parser.add_argument("folder", nargs="?", type=Path, help="default: the standard library")
    parser.add_argument("--limit", type=whole_number, metavar="N", help="only the first N files")
    parser.add_argument("--workers", type=whole_number, metavar="N", help="default: one per CPU")
    options = parser.parse_args(arguments)

    folder = options.folder or Path(sysconfig.get_path("stdlib"))
    if not folder.is_dir():
        parser.exit(2, f"demo.py: {folder} is not a folder\n")
    installed = {"site-packages", "dist-packages"}
    found, left_out = find_files(folder, foreign=set() if options.folder else installed)
    if not found:
        parser.exit(2, "; ".join([f"demo.py: no .py files in {folder}", *left_out]) + "\n")
    files = found[: options.limit]

    name = "" if options.folder else f", the library of Python {platform.python_version()}"
    first = f"the first {len(files):,} of " if len(files) < len(found) else ""
    print(f"Parsing {first}{len(found):,} files in {folder}{name}", flush=True)
    for reason in left_out:
        print(f"  left out: {reason}")
    for path in files:  # into the file cache, so that neither way of parsing pays for the disk
        with contextlib.suppress(OSError):
            path.read_bytes()

    load = os.getloadavg()[0]
    seconds = {}
    begin = time.perf_counter()
    share = shared_tally()
    with Pool(options.workers) as pool:
        tally = parse_in_pool(files, pool, share)
    seconds[f"pool, {pool.workers} workers"] = time.perf_counter() - begin

    show_progress("once more, in a plain loop ...")
    begin = time.perf_counter()
    facts_of_loop = [examine(path) for path in files]
    seconds["one process, a plain loop"] = time.perf_counter() - begin
    show_progress("")

    report = tally.result()
    print_report(report, folder)
    print_shared(share, facts_of_loop)
    print_timers(tally)
    print_speed(seconds, len(files), report["totals"]["lines"], load)


if __name__ == "__main__":
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file may have any name
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
