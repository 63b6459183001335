"""Statistics of durations, and a frozen snapshot of them.

The functions take at least one duration, in float seconds. They use `math.fsum` alone:
importing the standard `statistics` would cost every process that imports a timer several
milliseconds, and its exact fractions are slow on a million measurements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, fsum, sqrt


def mean(times: Sequence[float]) -> float:
    """Give the arithmetic mean."""
    return fsum(times) / len(times)


def variance(times: Sequence[float]) -> float | None:
    """Give the sample variance, or None for a single duration.

    The corrected two-pass algorithm of Chan, Golub and LeVeque, "Algorithms for Computing the
    Sample Variance" (1983): the second term takes back the rounding error of the mean.
    """
    if len(times) < 2:
        return None
    center = mean(times)
    deviations = [time - center for time in times]
    squares = fsum(deviation * deviation for deviation in deviations)
    correction = fsum(deviations)
    return max(0.0, squares - correction * correction / len(times)) / (len(times) - 1)


def stdev(times: Sequence[float]) -> float | None:
    """Give the sample standard deviation, or None for a single duration."""
    spread = variance(times)
    return None if spread is None else sqrt(spread)


def percentile(times: Sequence[float], percent: float) -> float:
    """Interpolate linearly between the closest ranks; ``percent`` is from 0 to 100."""
    ordered = sorted(times)
    rank = (len(ordered) - 1) * (percent / 100.0)
    below = floor(rank)
    lower = ordered[below]
    if below + 1 == len(ordered):
        return lower
    upper = ordered[below + 1]
    return min(upper, lower + (upper - lower) * (rank - below))


def checked_percent(percent: float) -> float:
    """Give ``percent`` back, or raise.

    Raises:
        ValueError: It is outside 0 to 100.
    """
    if not 0.0 <= percent <= 100.0:
        raise ValueError(f"percentile needs a percent from 0 to 100, got {percent!r}")
    return percent


@dataclass(frozen=True, kw_only=True, repr=False)
class TimerStats:
    """All statistics of a timer at one moment.

    Made by `Sktimer.get_statistics`; it does not change when the timer goes on, can be shared
    between threads and pickled. All durations are float seconds. Nothing here blocks.

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

    def get_time(self, index: int) -> float | None:
        """Give one duration.

        Args:
            index: Which one, from 0, oldest first; negative counts from the end.

        Returns:
            Seconds, or None if there is no such duration.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> timer.add_time(1.5)
            >>> timer.get_stats().get_time(-1)
            1.5
        """
        try:
            return self.times[index]
        except IndexError:
            return None

    def percentile(self, percent: float) -> float:
        """Give a percentile, linear between closest ranks.

        Args:
            percent: From 0 (the shortest) to 100 (the longest).

        Returns:
            Seconds.

        Raises:
            ValueError: ``percent`` is outside 0 to 100.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.get_stats().percentile(75)
            1.75
        """
        return percentile(self.times, checked_percent(percent))


def summarize(times: Sequence[float], total_time_paused: float) -> TimerStats:
    """Compute every statistic of ``times``, which holds at least one duration."""
    shortest, longest = min(times), max(times)
    return TimerStats(
        times=tuple(times),
        num_times=len(times),
        most_recent=times[-1],
        result=times[-1],
        total_time=fsum(times),
        total_time_paused=total_time_paused,
        mean=mean(times),
        median=percentile(times, 50.0),
        min=shortest,
        max=longest,
        fastest_time=shortest,
        slowest_time=longest,
        fastest_index=times.index(shortest),
        slowest_index=times.index(longest),
        stdev=stdev(times),
        variance=variance(times),
    )
