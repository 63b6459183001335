import math
import random
import statistics
from array import array
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.timing._moments import Moments, extended, measure

seconds = st.one_of(st.just(0.0), st.floats(1e-9, 1e9))


def around_1e9(count: int) -> list[float]:
    chance = random.Random(1)
    return [1e9 + chance.random() for _ in range(count)]


def in_batches(times: list[float], size: int) -> Moments:
    moments = None
    for start in range(0, len(times), size):
        moments = extended(moments, array("d", times[start : start + size]))
    assert moments is not None
    return moments


def exact(times: list[float]) -> tuple[Fraction, Fraction]:
    """The mean and the sample variance, in whole numbers of 2**-52 s; from 1 s on."""
    steps = [int(time * 2**52) for time in times]
    total, count = sum(steps), len(steps)
    squares = sum(step * step for step in steps)
    return (
        Fraction(total, count * 2**52),
        Fraction(squares * count - total * total, count * (count - 1) * 2**104),
    )


def relative_error(actual: float | None, expected: Fraction) -> float:
    assert actual is not None
    return float(abs(Fraction(actual) - expected) / expected)


@given(st.lists(seconds, min_size=2, max_size=40), st.integers(1, 40))
def test_however_they_arrive_the_moments_agree_with_the_standard_library(times, size):
    moments = in_batches(times, size)

    assert moments.num_times == len(times)
    assert math.isclose(moments.total, math.fsum(times), rel_tol=1e-15)
    assert math.isclose(moments.mean, statistics.fmean(times), rel_tol=1e-15)
    assert moments.variance is not None
    assert math.isclose(moments.variance, statistics.variance(times), rel_tol=1e-12, abs_tol=1e-300)
    assert moments.stdev == math.sqrt(moments.variance)


@given(st.floats(1e3, 1e9), st.lists(st.integers(0, 50), min_size=2, max_size=30))
def test_one_by_one_a_small_spread_around_a_large_mean_keeps_its_digits(center, steps):
    times = [center + step * math.ulp(center) for step in steps]

    variance = in_batches(times, 1).variance

    assert variance is not None
    assert math.isclose(variance, statistics.variance(times), rel_tol=1e-9, abs_tol=1e-300)


@pytest.mark.parametrize("size", [1_000, 1_000_000], ids=["by thousands", "at once"])
def test_a_million_around_1e9_keep_fifteen_digits(size):
    times = around_1e9(1_000_000)
    mean, variance = exact(times)

    moments = in_batches(times, size)

    assert relative_error(moments.mean, mean) < 1e-15
    assert relative_error(moments.variance, variance) < 1e-15


def test_one_by_one_100_000_around_1e9_keep_twelve_digits():
    times = around_1e9(100_000)
    mean, variance = exact(times)

    moments = in_batches(times, 1)

    assert relative_error(moments.mean, mean) < 1e-15
    assert relative_error(moments.variance, variance) < 1e-12


def test_numpy_says_the_same_of_a_million_around_1e9():
    numpy = pytest.importorskip("numpy")
    times = around_1e9(1_000_000)

    moments = in_batches(times, 1_000)

    # Of the two it is NumPy that has fewer digits right here.
    assert math.isclose(moments.mean, numpy.mean(times), rel_tol=1e-14)
    assert moments.variance is not None
    assert math.isclose(moments.variance, numpy.var(times, ddof=1), rel_tol=1e-10)


def test_durations_that_are_all_the_same_have_no_spread():
    assert in_batches([0.1] * 1_000, 7).variance == 0.0
    assert in_batches([1e9 / 3] * 1_000, 1_000).variance == 0.0


def test_a_single_duration_has_no_spread_to_tell():
    moments = measure(array("d", [2.0]))

    assert moments.mean == 2.0
    assert moments.variance is None
    assert moments.stdev is None


def test_the_longest_durations_allowed_do_not_overflow():
    moments = in_batches([0.0, 1e100] * 50, 3)

    assert moments.mean == pytest.approx(5e99)
    assert moments.stdev == pytest.approx(5e99, rel=0.01)
