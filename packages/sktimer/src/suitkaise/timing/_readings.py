"""The statistics of a timer, one by one.

Only `percentile` and `median` look at every measurement after each new one; what the others need
is brought up to date by what is new alone (see `_fold`).
"""

from __future__ import annotations

from suitkaise.timing import _ordered, _stats
from suitkaise.timing._measurements import Measurements
from suitkaise.timing._stats import TimerStats


class Readings:
    """What can be asked of measurements; `Sktimer` adds how they are made."""

    _measurements: Measurements

    @property
    def max_times(self) -> int | None:
        """How many of the latest measurements are kept; None for all.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> Sktimer(max_times=1000).max_times
            1000
        """
        return self._measurements.max_times

    @property
    def num_times(self) -> int:
        """How many measurements are kept.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> timer.add_time(2.0)
            >>> timer.num_times
            1
        """
        return self._measurements.count()

    @property
    def most_recent(self) -> float | None:
        """The last measurement recorded by any thread, in seconds.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.most_recent
            2.0
        """
        return self._measurements.get(-1)

    @property
    def result(self) -> float | None:
        """The same as `most_recent`, in seconds.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.result
            2.0
        """
        return self._measurements.get(-1)

    @property
    def total_time(self) -> float | None:
        """The sum of the measurements, in seconds.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.total_time
            3.0
        """
        moments = self._measurements.moments()
        return moments.total if moments else None

    @property
    def total_time_paused(self) -> float | None:
        """Seconds that the measurements spent paused, which they leave out.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> timer.add_time(1.0)
            >>> timer.total_time_paused
            0.0
        """
        return self._measurements.total_paused()

    @property
    def mean(self) -> float | None:
        """The arithmetic mean, in seconds.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.mean
            1.5
        """
        moments = self._measurements.moments()
        return moments.mean if moments else None

    @property
    def median(self) -> float | None:
        """The middle measurement, or the mean of the middle two, in seconds.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0, 9.0):
            ...     timer.add_time(seconds)
            >>> timer.median
            2.0
        """
        return self.percentile(50.0)

    @property
    def min(self) -> float | None:
        """The shortest measurement, in seconds.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (2.0, 1.0):
            ...     timer.add_time(seconds)
            >>> timer.min
            1.0
        """
        extremes = self._measurements.extremes()
        return extremes.shortest if extremes else None

    @property
    def max(self) -> float | None:
        """The longest measurement, in seconds.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (2.0, 1.0):
            ...     timer.add_time(seconds)
            >>> timer.max
            2.0
        """
        extremes = self._measurements.extremes()
        return extremes.longest if extremes else None

    @property
    def fastest_time(self) -> float | None:
        """The same as `min`, in seconds.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (2.0, 1.0):
            ...     timer.add_time(seconds)
            >>> timer.fastest_time
            1.0
        """
        return self.min

    @property
    def slowest_time(self) -> float | None:
        """The same as `max`, in seconds.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (2.0, 1.0):
            ...     timer.add_time(seconds)
            >>> timer.slowest_time
            2.0
        """
        return self.max

    @property
    def fastest_index(self) -> int | None:
        """The index, for `get_time`, of the first shortest measurement.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (2.0, 1.0):
            ...     timer.add_time(seconds)
            >>> timer.fastest_index
            1
        """
        extremes = self._measurements.extremes()
        return extremes.shortest_index if extremes else None

    @property
    def slowest_index(self) -> int | None:
        """The index, for `get_time`, of the first longest measurement.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (2.0, 1.0):
            ...     timer.add_time(seconds)
            >>> timer.slowest_index
            0
        """
        extremes = self._measurements.extremes()
        return extremes.longest_index if extremes else None

    @property
    def stdev(self) -> float | None:
        """The sample standard deviation, in seconds; None below two measurements.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0, 3.0):
            ...     timer.add_time(seconds)
            >>> timer.stdev
            1.0
        """
        moments = self._measurements.moments()
        return moments.stdev if moments else None

    @property
    def variance(self) -> float | None:
        """The sample variance, in seconds squared; None below two measurements.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 3.0):
            ...     timer.add_time(seconds)
            >>> timer.variance
            2.0
        """
        moments = self._measurements.moments()
        return moments.variance if moments else None

    def get_time(self, index: int) -> float | None:
        """Give one measurement.

        Args:
            index: Which one, from 0, oldest kept first; negative counts from the end.

        Returns:
            Seconds, or None if there is no such measurement.

        Raises:
            TypeError: ``index`` is not a whole number.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.get_time(0), timer.get_time(-1), timer.get_time(2)
            (1.0, 2.0, None)
        """
        return self._measurements.get(_stats.checked_index(index))

    def percentile(self, percent: float) -> float | None:
        """Give a percentile, linear between closest ranks.

        The first one after new measurements puts those in order, in O(n); the next ones look it
        up.

        Args:
            percent: From 0 (the shortest) to 100 (the longest).

        Returns:
            Seconds, or None without a measurement.

        Raises:
            ValueError: ``percent`` is outside 0 to 100.
            TypeError: ``percent`` is no real number.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.percentile(75)
            1.75
        """
        checked = _ordered.checked_percent(percent)
        ordered = self._measurements.ordered()
        return _ordered.percentile(ordered, checked) if ordered else None

    def get_statistics(self) -> TimerStats | None:
        """Take a frozen snapshot of all statistics at one moment.

        Returns:
            The snapshot, or None without a measurement.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> timer = Sktimer()
            >>> for seconds in (0.0005, 0.0007, 0.0033):
            ...     timer.add_time(seconds)
            >>> print(timer.get_statistics())
            num_times        3
            total_time    4.50 ms
            mean          1.50 ms
            stdev         1.56 ms
            min         500.00 µs
            median      700.00 µs
            95 % below    3.04 ms
            max           3.30 ms
        """
        window = self._measurements.window()
        moments = self._measurements.moments(window)
        extremes = self._measurements.extremes(window)
        ordered = self._measurements.ordered(window)
        if moments is None or extremes is None or ordered is None:
            return None
        return _stats.summarize(window.times, window.paused, moments, extremes, ordered)

    def get_stats(self) -> TimerStats | None:
        """Do what `get_statistics` does, under a shorter name.

        Returns:
            The snapshot, or None without a measurement.

        Example:
            >>> from suitkaise.timing import Sktimer
            >>> Sktimer().get_stats() is None
            True
        """
        return self.get_statistics()
