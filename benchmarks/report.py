"""The table, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .contest import Contest
from .referee import Score, Standing

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_SIZES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))
_HOW_TO_READ = """\
Every round takes one sample of each contender, in a shuffled order, each in a process of its own,
warm unless it says otherwise; answers are checked. *Median* is over the rounds, *middle half* the
quartiles. *Ratio* is the median divided by that of the contender with 1; below is faster.
Ratios of one run can be compared with each other, times of different machines cannot.
"""


def amount(value: float, contest: Contest) -> str:
    """Write what a contest measures, with three digits and a unit that fits."""
    units = _SIZES if contest.is_of_memory else _UNITS
    size, unit = next(((s, u) for s, u in units if value >= s), units[-1])
    value /= size
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"


def multiple(standing: Standing, score: Score) -> str:
    """Write a score as a multiple of the reference's, which is 1; empty if there is none."""
    ratio = standing.ratio(score)
    if ratio is None:
        return ""
    if score is standing.reference:
        return "1"
    return _two_digits(ratio) if ratio < 10 else f"{ratio:.0f}"


def ranked(standing: Standing) -> list[Score]:
    """Return the scores, the fastest first, those without a result last."""
    return sorted(standing.scores, key=lambda score: score.median if score.has_result else math.inf)


def heading(facts: Mapping[str, str]) -> str:
    """Write the beginning of the page: where it was measured, how to read it."""
    lines = ["# Benchmarks", "", "`hatch run bench` writes this page.", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {fact} |" for name, fact in facts.items()]
    return "\n".join([*lines, "", _HOW_TO_READ])


def section(standing: Standing) -> str:
    """Write one contest: what was timed, the table, whether the aim is met."""
    contest = standing.contest
    lines = [f"## {contest.title[0].upper()}{contest.title[1:]}", "", contest.about, ""]
    lines += ["| | median | middle half | ratio |", "|---|--:|--:|--:|"]
    lines += [_row(standing, score) for score in ranked(standing)]
    if contest.aim is not None:
        lines += ["", _aim(standing, contest.aim)]
    return "\n".join([*lines, ""])


def _row(standing: Standing, score: Score) -> str:
    name = f"**{score.name}**" if score.is_ours else score.name
    if not score.has_result:
        return f"| {name} | | {(score.failure or '').replace('|', '/')} | |"
    low, high = score.middle_half
    median, low_end, high_end = (
        amount(value, standing.contest) for value in (score.median, low, high)
    )
    ratio = multiple(standing, score)
    return f"| {name} | {median} | {low_end} to {high_end} | {ratio} |"


def _aim(standing: Standing, aim: float) -> str:
    ours = next(score for score in standing.scores if score.is_ours)
    ratio = standing.ratio(ours)
    verdict = "not measured"
    if ratio is not None:
        verdict = f"{multiple(standing, ours)}x here: {'met' if ratio <= aim else 'not met'}"
    return f"Aim: at most {aim:.3g}x {standing.contest.reference}; {verdict}."


def _two_digits(ratio: float) -> str:
    return f"{ratio:.{max(2, 1 - math.floor(math.log10(ratio)))}f}"
