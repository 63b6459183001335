"""How often durations of about the same length occur, and that as a drawing."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from suitkaise.timing._durations import short
from suitkaise.timing._ordered import percentile

_MOST_BINS = 40
_LONG_TAIL = 10.0
"""A longest that is so many times the median would press all the others into the first bin."""

_WIDTH, _HEIGHT = 420, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 10, 410, 22, 145
_BAR, _MEDIAN = "#0b7a75", "#d9822b"


class Histogram(NamedTuple):
    """How many durations lie between each edge and the next."""

    edges: list[float]
    """In seconds, one more than there are counts."""
    counts: list[int]
    is_log: bool
    """Whether each edge is a multiple of the one before, for a long tail."""

    def place(self, seconds: float) -> float:
        """Give where a duration lies: 0 is the first edge, 1 the last."""
        low, high = self.edges[0], self.edges[-1]
        if self.is_log:
            return (math.log(seconds) - math.log(low)) / (math.log(high) - math.log(low))
        return (seconds - low) / (high - low)

    def label(self, seconds: float) -> str:
        """Write a duration with as many digits as tell the edges apart."""
        low, high = self.edges[0], self.edges[-1]
        digits = next((n for n in (3, 6, 9, 12) if short(low, n) != short(high, n)), 15)
        return short(seconds, digits)


def histogram(ordered: Sequence[float], bins: int | None = None) -> Histogram:
    """Count durations that are in order of length; there is at least one.

    Args:
        ordered: The durations.
        bins: How many bars; None for the Rice rule, 40 at most.
    """
    low, high = ordered[0], ordered[-1]
    if low == high:
        return Histogram([0.5 * low, 1.5 * low] if low else [0.0, 1e-9], [len(ordered)], False)
    if bins is None:
        bins = min(_MOST_BINS, math.ceil(2.0 * len(ordered) ** (1.0 / 3.0)))
    is_log = low > 0.0 and high > _LONG_TAIL * percentile(ordered, 50.0)
    if is_log:
        inner = [low ** (1.0 - edge / bins) * high ** (edge / bins) for edge in range(1, bins)]
    else:
        inner = [low + (high - low) * (edge / bins) for edge in range(1, bins)]
    ranks = [0, *(bisect_left(ordered, edge) for edge in inner), len(ordered)]
    counts = [after - before for before, after in pairwise(ranks)]
    return Histogram([low, *inner, high], counts, is_log)


def svg(ordered: Sequence[float]) -> str:
    """Draw the histogram of durations that are in order of length."""
    bars = histogram(ordered)
    median = percentile(ordered, 50.0)
    tallest = max(bars.counts)
    marks = [_bar(bars, number, tallest) for number in range(len(bars.counts))]
    line = _x(bars, median)
    anchor = "start" if line < _WIDTH / 2 else "end"
    low, high = bars.edges[0], bars.edges[-1]
    middle = math.sqrt(low) * math.sqrt(high) if bars.is_log else (low + high) / 2.0
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" font-size="11" '
        f'fill="currentColor"><title>Histogram of {len(ordered):,} durations, '
        f"{bars.label(ordered[0])} to {bars.label(ordered[-1])}</title>"
        f"{''.join(marks)}"
        f'<path d="M{_LEFT} {_BOTTOM}.5H{_RIGHT}" stroke="currentColor" opacity="0.5"/>'
        f'<path d="M{line:.1f} {_TOP - 6}V{_BOTTOM}" stroke="{_MEDIAN}" stroke-dasharray="4 3"/>'
        f'<text x="{line:.1f}" y="{_TOP - 10}" text-anchor="{anchor}">'
        f"median {bars.label(median)}</text>"
        f'<text x="{_LEFT}" y="{_BOTTOM + 16}">{bars.label(low)}</text>'
        f'<text x="{(_LEFT + _RIGHT) / 2}" y="{_BOTTOM + 16}" text-anchor="middle">'
        f"{bars.label(middle)}{' (logarithmic)' if bars.is_log else ''}</text>"
        f'<text x="{_RIGHT}" y="{_BOTTOM + 16}" text-anchor="end">{bars.label(high)}</text></svg>'
    )


def _x(bars: Histogram, seconds: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * bars.place(seconds)


def _bar(bars: Histogram, number: int, tallest: int) -> str:
    left, right = _x(bars, bars.edges[number]), _x(bars, bars.edges[number + 1])
    height = (_BOTTOM - _TOP) * bars.counts[number] / tallest
    return (
        f'<rect x="{left:.1f}" y="{_BOTTOM - height:.1f}" width="{max(right - left - 1, 0.5):.1f}" '
        f'height="{height:.1f}" fill="{_BAR}"><title>{bars.label(bars.edges[number])} to '
        f"{bars.label(bars.edges[number + 1])}: {bars.counts[number]:,}</title></rect>"
    )
