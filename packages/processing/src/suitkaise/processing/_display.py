"""What a process and its timers look like when they are shown: a table of text, or of HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._skprocess import Skprocess
    from ._timers import ProcessTimers

_NUMBERS = (
    'style="text-align: right; font-variant-numeric: tabular-nums; '
    'border: none; border-spacing: 1em 0; margin: 0"'
)
_LEFT = 'style="text-align: left"'


def timers_text(timers: ProcessTimers) -> str:
    """Write an aligned table, a line for each timer."""
    rows = _rows(timers)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            f"{cell:>{width}}" if place else f"{cell:<{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def timers_html(timers: ProcessTimers) -> str:
    """Write the same table for a notebook; it takes the colours of the page around it."""
    head, *body = _rows(timers)
    lines = ["".join(f"<th>{escape(cell)}</th>" for cell in head)]
    lines += [
        f"<th {_LEFT}>{escape(name)}</th>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        for name, *cells in body
    ]
    rows = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table {_NUMBERS}>{rows}</table>"


def process_html(process: Skprocess, timers: ProcessTimers | None) -> str:
    """Write what a notebook shows of a process: its repr, and the timers if there are some."""
    heading = f"<code>{escape(repr(process))}</code>"
    return f"<div>{heading}{'' if timers is None else timers_html(timers)}</div>"


def _rows(timers: ProcessTimers) -> list[list[str]]:
    """Return the header and a row for each timer; a cell without a value is empty."""
    cells: dict[str, dict[str, str]] = {}
    for name, timer in timers.by_name().items():
        stats = timer.get_stats()
        cells[name] = (
            {"num_times": "0"}
            if stats is None
            else {what: f"{number} {unit}".strip() for what, number, unit in stats.rows()}
        )
    fullest = max(cells.values(), key=len)
    columns = dict.fromkeys(what for row in (fullest, *cells.values()) for what in row)
    body = [[name, *(row.get(what, "") for what in columns)] for name, row in cells.items()]
    return [["", *columns], *body]
