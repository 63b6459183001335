"""Count, sum, mean and spread of durations, in a form that new durations can be added to.

A batch is measured with the corrected two-pass algorithm, and two batches are put together with
the pairwise update of Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance"
(1983). It only ever adds squares, so nothing cancels; there is no update that takes durations
away, because that one would cancel. What rounding leaves out of the sum and of the mean is kept
beside them: around 1e9 the mean alone is only good to 1e-7.

`math.fsum` alone is used: importing the standard `statistics` would cost every process that
imports a timer several milliseconds, and its exact fractions are slow on a million durations.
"""

from __future__ import annotations

from array import array
from itertools import chain, repeat
from math import fsum, sqrt
from operator import mul, sub
from typing import NamedTuple


class Moments(NamedTuple):
    """What is known of one or more durations, in float seconds."""

    num_times: int
    total: float
    total_error: float
    """What rounding left out of `total`."""
    mean_error: float
    """What rounding left out of `mean`."""
    squares: float
    """The sum of the squared deviations from the mean."""

    @property
    def mean(self) -> float:
        """The arithmetic mean."""
        return self.total / self.num_times

    @property
    def variance(self) -> float | None:
        """The sample variance; None for a single duration."""
        return self.squares / (self.num_times - 1) if self.num_times > 1 else None

    @property
    def stdev(self) -> float | None:
        """The sample standard deviation; None for a single duration."""
        return sqrt(self.squares / (self.num_times - 1)) if self.num_times > 1 else None


def measure(times: array[float]) -> Moments:
    """Give the moments of one or more durations."""
    count = len(times)
    if count == 1:
        return Moments(1, times[0], 0.0, 0.0, 0.0)
    total = fsum(times)
    mean = total / count
    deviations = array("d", map(sub, times, repeat(mean)))
    drift = fsum(deviations)  # nothing, if the mean were exact
    squares = max(0.0, fsum(map(mul, deviations, deviations)) - drift * drift / count)
    return Moments(count, total, fsum(chain(times, (-total,))), drift / count, squares)


def put_together(one: Moments, other: Moments) -> Moments:
    """Give the moments of the durations of both."""
    count = one.num_times + other.num_times
    total = fsum((one.total, one.total_error, other.total, other.total_error))
    total_error = fsum((one.total, one.total_error, other.total, other.total_error, -total))
    gap = (other.mean - one.mean) + (other.mean_error - one.mean_error)
    step = gap * (other.num_times / count)
    mean_error = ((one.mean - total / count) + one.mean_error) + step
    squares = one.squares + other.squares + gap * step * one.num_times
    return Moments(count, total, total_error, mean_error, squares)


def extended(moments: Moments | None, times: array[float]) -> Moments:
    """Give the moments with more durations, at least one."""
    batch = measure(times)
    return batch if moments is None else put_together(moments, batch)
