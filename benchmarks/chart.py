"""The charts: horizontal bars, ours in colour, a panel per contest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .referee import Standing
from .report import amount, multiple, ranked

_OURS, _PEER, _INK, _FAINT = "#0b7a75", "#c4c9cf", "#24292f", "#6e7781"
_LOG_FROM = 20.0  # a slowest this many times the fastest needs a logarithmic scale
_FAILURE_LETTERS = 34
_COLUMNS = 2
# Inches: a panel is a title, names, and bars with their labels.
_PANEL_WIDTH, _NAMES_WIDTH, _BARS_WIDTH = 6.0, 2.75, 3.05
_BAR_HEIGHT, _TITLE_HEIGHT, _HEADING_HEIGHT = 0.25, 0.5, 0.7


def draw(
    title: str, where: str, standings: Sequence[Standing], folder: Path, name: str
) -> list[Path]:
    """Draw one chart and return its files, an SVG and a PNG.

    Args:
        title: Above it all.
        where: The machine, in a few words.
        standings: A panel each.
        folder: Where to write.
        name: Of the files, without an ending.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams.update({"svg.hashsalt": "suitkaise", "font.family": "DejaVu Sans"})
    rows = [standings[at : at + _COLUMNS] for at in range(0, len(standings), _COLUMNS)]
    heights = [_BAR_HEIGHT * max(len(standing.scores) for standing in row) for row in rows]
    width = _COLUMNS * _PANEL_WIDTH
    height = _HEADING_HEIGHT + sum(heights) + _TITLE_HEIGHT * len(rows) + 0.1
    figure = pyplot.figure(figsize=(width, height))

    def write(y: float, text: str, **style: Any) -> None:
        figure.text(0.15 / width, 1 - y / height, text, va="top", **style)

    write(0.15, title, size=14, weight="bold", color=_INK)
    write(0.47, f"Medians, shorter is better; 2x is twice as long as the peer with 1x. {where}",
          size=9, color=_FAINT)  # fmt: skip
    top = _HEADING_HEIGHT
    for row, row_height in zip(rows, heights, strict=True):
        top += _TITLE_HEIGHT
        for column, standing in enumerate(row):
            left = column * _PANEL_WIDTH + _NAMES_WIDTH
            bars_height = _BAR_HEIGHT * len(standing.scores)
            bottom = height - top - bars_height
            _draw_panel(
                figure.add_axes(
                    (left / width, bottom / height, _BARS_WIDTH / width, bars_height / height)
                ),
                standing,
            )
        top += row_height
    files = [folder / f"{name}.svg", folder / f"{name}.png"]
    figure.savefig(files[0], metadata={"Date": None}, facecolor="white")
    figure.savefig(files[1], dpi=130, facecolor="white")
    pyplot.close(figure)
    return files


def _draw_panel(panel: Any, standing: Standing) -> None:
    scores = ranked(standing)
    medians = [score.median for score in scores if score.has_result]
    is_log = bool(medians) and max(medians) / min(medians) > _LOG_FROM
    right = max(medians, default=1.0)
    left = min(medians, default=1.0) / 3 if is_log else 0.0
    for place, score in enumerate(scores):
        weight = "bold" if score.is_ours else "normal"
        if score.has_result:
            end, colour = score.median, _INK
            label = amount(end, standing.contest)
            if ratio := multiple(standing, score):
                label += f"  {ratio}x"
            panel.barh(
                place, end - left, left=left, color=_OURS if score.is_ours else _PEER, height=0.74
            )
        else:
            end, colour = left, _FAINT
            label = (score.failure or "").partition(": ")[2] or score.failure or ""
            if len(label) > _FAILURE_LETTERS:
                label = f"{label[:_FAILURE_LETTERS]}..."
        panel.text(end, place, f" {label}", va="center", size=9, color=colour, weight=weight)
    if is_log:
        panel.set_xscale("log")
        panel.set_xlim(left, right * (right / left) ** 0.5)
    else:
        panel.set_xlim(0, right * 1.5)
    panel.set_ylim(len(scores) - 0.5, -0.5)
    panel.set_yticks(range(len(scores)), [score.name for score in scores], size=9.5, color=_INK)
    for label, score in zip(panel.get_yticklabels(), scores, strict=True):
        label.set_weight("bold" if score.is_ours else "normal")
    title = standing.contest.title
    panel.annotate(
        f"{title[0].upper()}{title[1:]}{' (log scale)' if is_log else ''}",
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=((0.15 - _NAMES_WIDTH) * 72, 7),
        textcoords="offset points",
        size=11,
        weight="bold",
        color=_INK,
    )
    panel.tick_params(left=False, bottom=False, labelbottom=False, which="both")
    panel.spines[:].set_visible(False)
