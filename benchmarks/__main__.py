"""`python -m benchmarks`: hold the contests, print the table, write it and the charts."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import chart, machine, report
from .contest import GROUPS, contests_of
from .referee import Standing, hold

_RESULTS = Path(__file__).parent / "results"
_QUICK_ROUNDS = 3


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    rounds = _QUICK_ROUNDS if options.quick else options.rounds
    facts = machine.describe()
    page = [report.heading(facts)]
    print(page[0])
    standings: list[Standing] = []
    for group in options.only or GROUPS:
        for number, contest in enumerate(contests_of(group)):
            print(f"... {contest.title}", file=sys.stderr)
            standings.append(hold(group, number, contest, rounds))
            page.append(report.section(standings[-1]))
            print(page[-1], flush=True)
    folder = options.output
    if folder is None and not (options.only or rounds):
        folder = _RESULTS
    if folder is None:
        print("A part only: nothing written (--output FOLDER writes it).", file=sys.stderr)
    else:
        _write(folder, facts, page, standings)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hatch run bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=GROUPS, metavar="GROUP", help=", ".join(GROUPS)
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="samples of each contender")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_ROUNDS} rounds")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where to write; by default benchmarks/results, for complete runs only",
    )
    return parser.parse_args()


def _write(folder: Path, facts: dict[str, str], page: list[str], standings: list[Standing]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text("\n".join(page))
    samples = {
        standing.contest.title: {
            score.name: score.failure or score.samples for score in standing.scores
        }
        for standing in standings
    }
    (folder / "samples.json").write_text(json.dumps({**facts, "samples": samples}, indent=1))
    where = f"{facts['CPU']}, {facts['Python']}."
    serialising = [standing for standing in standings if standing.group == "serialise"]
    timing = [standing for standing in standings if standing.group == "timing"]
    sharing = [standing for standing in standings if standing.group == "sharing"]
    apart = ("serialise", "runs", "timing", "sharing")
    processes = [standing for standing in standings if standing.group not in apart]
    for name, what, panels in (
        ("processing", "Processes and pools", processes),
        ("cucumber", "Serialise and back", serialising),
        ("sktimer", "Timers", timing),
        ("share", "Shared state", sharing),
    ):
        if panels:
            chart.draw(what, where, panels, folder, name)
    print(f"Written to {folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
