import copy
import dataclasses
import math
import pickle
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.timing import Sktimer, TimerStats

# From a nanosecond to thirty years, and exactly nothing.
seconds = st.one_of(st.just(0.0), st.floats(1e-9, 1e9))
durations = st.lists(seconds, min_size=1, max_size=60)
several_durations = st.lists(seconds, min_size=2, max_size=60)


def stats_of(times: list[float]) -> TimerStats:
    timer = Sktimer()
    for time in times:
        timer.add_time(time)
    stats = timer.get_statistics()
    assert stats is not None
    return stats


def close(actual: float, expected: float) -> bool:
    return math.isclose(actual, expected, rel_tol=1e-12, abs_tol=1e-300)


@given(durations)
def test_centre_and_sum_agree_with_the_standard_library(times):
    stats = stats_of(times)

    assert close(stats.mean, statistics.fmean(times))
    assert close(stats.median, statistics.median(times))
    assert stats.total_time == math.fsum(times)


@given(several_durations)
def test_spread_agrees_with_the_standard_library(times):
    stats = stats_of(times)

    assert stats.variance is not None
    assert stats.stdev is not None
    assert math.isclose(stats.variance, statistics.variance(times), rel_tol=1e-9, abs_tol=1e-300)
    assert math.isclose(stats.stdev, statistics.stdev(times), rel_tol=1e-9, abs_tol=1e-300)


@given(st.floats(1e3, 1e9), st.lists(st.integers(0, 50), min_size=2, max_size=30))
def test_a_small_spread_around_a_large_mean_keeps_its_digits(center, steps):
    times = [center + step * math.ulp(center) for step in steps]

    stats = stats_of(times)

    assert stats.variance is not None
    assert math.isclose(stats.variance, statistics.variance(times), rel_tol=1e-9)


@given(several_durations)
def test_percentiles_agree_with_the_inclusive_quantiles_of_the_standard_library(times):
    stats = stats_of(times)

    quantiles = statistics.quantiles(times, n=100, method="inclusive")

    for percent, quantile in enumerate(quantiles, start=1):
        assert math.isclose(stats.percentile(percent), quantile, rel_tol=1e-9, abs_tol=1e-12)


@given(durations, st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_percentiles_rise_from_the_shortest_to_the_longest(times, one, other):
    stats = stats_of(times)
    lower, higher = sorted((one, other))

    assert stats.percentile(0) == stats.min
    assert stats.percentile(100) == stats.max
    assert stats.min <= stats.percentile(lower) <= stats.percentile(higher) <= stats.max


@given(durations)
def test_the_fastest_and_the_slowest_are_the_first_of_their_kind(times):
    stats = stats_of(times)

    assert stats.fastest_time == stats.min == min(times)
    assert stats.slowest_time == stats.max == max(times)
    assert stats.fastest_index == times.index(min(times))
    assert stats.slowest_index == times.index(max(times))


@given(durations)
def test_the_snapshot_holds_the_times_in_their_order(times):
    stats = stats_of(times)

    assert stats.times == tuple(times)
    assert stats.num_times == len(times)
    assert stats.most_recent == stats.result == times[-1]
    assert stats.get_time(0) == times[0]
    assert stats.get_time(-1) == times[-1]
    assert stats.get_time(len(times)) is None
    assert stats.get_time(-len(times) - 1) is None


def test_a_single_measurement_has_no_spread():
    stats = stats_of([2.0])

    assert stats.variance is None
    assert stats.stdev is None
    assert stats.percentile(95) == 2.0


@pytest.mark.parametrize("percent", [-0.1, 100.1, math.nan, math.inf])
def test_a_percent_outside_0_to_100_is_a_value_error(percent):
    with pytest.raises(ValueError, match="from 0 to 100"):
        stats_of([1.0]).percentile(percent)


def test_a_snapshot_cannot_be_changed():
    stats = stats_of([1.0])

    with pytest.raises(dataclasses.FrozenInstanceError):
        stats.mean = 2.0


def test_a_snapshot_survives_pickle_and_copy():
    stats = stats_of([1.0, 2.0, 4.0])

    assert pickle.loads(pickle.dumps(stats, protocol=5)) == stats
    assert copy.deepcopy(stats) == stats


def test_what_a_snapshot_holds_to_look_up_percentiles_does_not_travel():
    stats = stats_of([float(number) for number in range(1_000)])
    twin = pickle.loads(pickle.dumps(stats, protocol=5))

    assert len(pickle.dumps(stats, protocol=5)) == len(pickle.dumps(twin, protocol=5))
    assert twin.percentile(95) == stats.percentile(95)
    assert len(pickle.dumps(stats, protocol=5)) == len(pickle.dumps(twin, protocol=5))
    assert len(pickle.dumps(stats, protocol=5)) < 10 * 1_000 + 1_000


def test_a_snapshot_becomes_a_dict_with_every_statistic():
    fields = dataclasses.asdict(stats_of([1.0, 3.0]))

    assert fields["mean"] == 2.0
    assert fields["times"] == (1.0, 3.0)


def test_the_repr_of_a_snapshot_stays_short_however_many_times_it_holds():
    assert repr(stats_of([1.0, 3.0] * 1000)) == (
        "TimerStats(num_times=2000, mean=2, median=2, min=1, max=3, total_time=4000)"
    )
