"""A frozen snapshot of everything that a timer has measured."""

from __future__ import annotations

import operator
from array import array
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from suitkaise.timing import _ordered, _table
from suitkaise.timing._extremes import Extremes
from suitkaise.timing._moments import Moments


@dataclass(frozen=True, kw_only=True, repr=False)
class TimerStats:
    """All statistics of a timer at one moment.

    Made by `Sktimer.get_statistics`; it does not change when the timer goes on, can be shared
    between threads and pickled. All durations are float seconds. Nothing here blocks. Printed, it
    is a table; in a notebook, a table and a histogram.

    Attributes:
        times: The durations, oldest first.
        num_times: How many there are, at least 1.
        most_recent: The last duration recorded.
        result: The same as `most_recent`.
        total_time: Their sum.
        total_time_paused: Seconds spent in pauses, which the durations leave out.
        mean: The arithmetic mean.
        median: The middle duration, or the mean of the middle two.
        min: The shortest duration.
        max: The longest duration.
        fastest_time: The same as `min`.
        slowest_time: The same as `max`.
        fastest_index: The index in `times` of the first shortest duration.
        slowest_index: The index in `times` of the first longest duration.
        stdev: The sample standard deviation; None for a single duration.
        variance: The sample variance, in seconds squared; None for a single duration.

    Example:
        >>> from suitkaise.timing import Sktimer
        >>> timer = Sktimer()
        >>> for seconds in (1.0, 2.0, 6.0):
        ...     timer.add_time(seconds)
        >>> stats = timer.get_stats()
        >>> timer.reset()
        >>> stats.num_times, stats.mean, stats.median
        (3, 3.0, 2.0)
        >>> print(stats)
        num_times      3
        total_time  9.00 s
        mean        3.00 s
        stdev       2.65 s
        min         1.00 s
        median      2.00 s
        95 % below  5.60 s
        max         6.00 s
    """

    times: tuple[float, ...]
    num_times: int
    most_recent: float
    result: float
    total_time: float
    total_time_paused: float
    mean: float
    median: float
    min: float
    max: float
    fastest_time: float
    slowest_time: float
    fastest_index: int
    slowest_index: int
    stdev: float | None
    variance: float | None

    def __repr__(self) -> str:
        return (
            f"TimerStats(num_times={self.num_times}, mean={self.mean:g}, median={self.median:g}, "
            f"min={self.min:g}, max={self.max:g}, total_time={self.total_time:g})"
        )

    def __str__(self) -> str:
        return _table.text(self)

    def _repr_html_(self) -> str:
        return _table.html(self, self._in_order)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_in_order"}

    def get_time(self, index: int) -> float | None:
        """Give one duration.

        Args:
            index: Which one, from 0, oldest first; negative counts from the end.

        Returns:
            Seconds, or None if there is no such duration.

        Raises:
            TypeError: ``index`` is not a whole number.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> timer.add_time(1.5)
            >>> timer.get_stats().get_time(-1)
            1.5
        """
        checked = checked_index(index)
        return self.times[checked] if -self.num_times <= checked < self.num_times else None

    def percentile(self, percent: float) -> float:
        """Give a percentile, linear between closest ranks.

        Args:
            percent: From 0 (the shortest) to 100 (the longest).

        Returns:
            Seconds.

        Raises:
            ValueError: ``percent`` is outside 0 to 100.
            TypeError: ``percent`` is no real number.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.get_stats().percentile(75)
            1.75
        """
        return _ordered.percentile(self._in_order, _ordered.checked_percent(percent))

    def rows(self) -> list[tuple[str, str, str]]:
        """Give the table that is printed, for tables of one's own.

        Returns:
            For each row what it is, the number, and its unit (empty for `num_times`). There is
            none for the spread of a single duration, nor for pauses if there were none.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> timer.add_time(0.0015)
            >>> timer.get_stats().rows()[:2]
            [('num_times', '1', ''), ('total_time', '1.50', 'ms')]
        """
        return _table.rows(self)

    @cached_property
    def _in_order(self) -> array[float]:
        return _ordered.extended(None, self.times)


def summarize(
    times: array[float],
    total_time_paused: float,
    moments: Moments,
    extremes: Extremes,
    ordered: array[float],
) -> TimerStats:
    """Put every statistic of ``times`` into a snapshot."""
    stats = TimerStats(
        times=tuple(times),
        num_times=moments.num_times,
        most_recent=times[-1],
        result=times[-1],
        total_time=moments.total,
        total_time_paused=total_time_paused,
        mean=moments.mean,
        median=_ordered.percentile(ordered, 50.0),
        min=extremes.shortest,
        max=extremes.longest,
        fastest_time=extremes.shortest,
        slowest_time=extremes.longest,
        fastest_index=extremes.shortest_index,
        slowest_index=extremes.longest_index,
        stdev=moments.stdev,
        variance=moments.variance,
    )
    vars(stats)["_in_order"] = ordered  # sorted for the median already
    return stats


def checked_index(index: int) -> int:
    """Give ``index`` back as an int.

    Raises:
        TypeError: It is not a whole number.
    """
    try:
        return operator.index(index)
    except TypeError:
        raise TypeError(
            f"index must be a whole number, got {index!r} ({type(index).__name__})"
        ) from None
