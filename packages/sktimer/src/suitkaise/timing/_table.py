"""The statistics of a snapshot as people read them: a small table of text, or of HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from suitkaise.timing import _histogram
from suitkaise.timing._durations import in_unit

if TYPE_CHECKING:
    from suitkaise.timing._stats import TimerStats

_RIGHT = 'style="text-align: right; font-variant-numeric: tabular-nums; padding: 0 0.3em 0 1.5em"'
_LEFT = 'style="text-align: left; padding: 0"'


def text(stats: TimerStats) -> str:
    """Write an aligned table: what, the number, its unit."""
    rows = stats.rows()
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(
        f"{name:<{widths[0]}}  {number:>{widths[1]}} {unit}".rstrip() for name, number, unit in rows
    )


def html(stats: TimerStats, ordered: Sequence[float]) -> str:
    """Write the table beside a histogram; it takes the colours of the page around it.

    Args:
        stats: The snapshot.
        ordered: Its durations in order of length.
    """
    rows = "".join(
        f'<tr style="background: none"><th {_LEFT}>{name}</th>'
        f"<td {_RIGHT}>{number}</td><td {_LEFT}>{unit}</td></tr>"
        for name, number, unit in stats.rows()
    )
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 2em; align-items: center">'
        f'<table style="border: none; margin: 0">{rows}</table>'
        f"{_histogram.svg(ordered)}</div>"
    )


def rows(stats: TimerStats) -> list[tuple[str, str, str]]:
    """Give what, the number and its unit, for each statistic that a table shows."""
    written = [
        ("num_times", f"{stats.num_times:,}", ""),
        ("total_time", *in_unit(stats.total_time)),
    ]
    if stats.total_time_paused:
        written.append(("paused", *in_unit(stats.total_time_paused)))
    written.append(("mean", *in_unit(stats.mean)))
    if stats.stdev is not None:
        written.append(("stdev", *in_unit(stats.stdev)))
    written += [
        ("min", *in_unit(stats.min)),
        ("median", *in_unit(stats.median)),
        ("95 % below", *in_unit(stats.percentile(95))),
        ("max", *in_unit(stats.max)),
    ]
    return written
