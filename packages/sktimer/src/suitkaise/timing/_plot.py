"""A histogram with Matplotlib, which comes with the extra ``plot``."""
# mypy: disable-error-code="import-not-found, import-untyped"

from __future__ import annotations

import operator
from array import array
from typing import TYPE_CHECKING

from suitkaise.timing._durations import short
from suitkaise.timing._histogram import histogram
from suitkaise.timing._ordered import percentile

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes

_BAR, _MEDIAN, _TAIL = "#0b7a75", "#d9822b", "#6e7781"


def draw(ordered: array[float] | None, axes: Axes | None, bins: int | None) -> Axes:
    """Draw durations that are in order of length; see `Sktimer.plot`."""
    if bins is not None:
        bins = _checked_bins(bins)
    try:
        from matplotlib import pyplot
        from matplotlib.ticker import FuncFormatter, NullFormatter
    except ImportError as error:
        raise ImportError(
            "Sktimer.plot() needs Matplotlib: pip install 'suitkaise-sktimer[plot]'",
            name=error.name,
        ) from error
    if axes is None:
        axes = pyplot.subplots(layout="constrained")[1]
    axes.set_xlabel("duration")
    axes.set_ylabel("measurements")
    if ordered is None:
        axes.set_title("no measurements")
        return axes
    bars = histogram(ordered, bins)
    if bars.is_log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: short(seconds, 6)))
    axes.stairs(bars.counts, bars.edges, fill=True, color=_BAR)
    for seconds, name, color in (
        (percentile(ordered, 50.0), "median", _MEDIAN),
        (percentile(ordered, 95.0), "95 % below", _TAIL),
    ):
        axes.axvline(seconds, color=color, linestyle="--", label=f"{name} {bars.label(seconds)}")
    axes.set_title(f"{len(ordered):,} measurement{'s' if len(ordered) > 1 else ''}")
    axes.legend()
    return axes


def _checked_bins(bins: int) -> int:
    """Give ``bins`` back as an int, or raise what `Sktimer.plot` says."""
    try:
        checked = operator.index(bins)
    except TypeError:
        raise TypeError(
            f"bins must be a whole number, 1 or more, or None; got {bins!r} ({type(bins).__name__})"
        ) from None
    if checked < 1:
        raise ValueError(f"bins must be 1 or more, or None; got {bins!r}")
    return checked
