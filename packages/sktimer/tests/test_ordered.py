import math
import statistics
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.timing._ordered import checked_percent, extended, percentile

seconds = st.one_of(st.just(0.0), st.floats(1e-9, 1e9))


@given(st.lists(seconds, min_size=1, max_size=40), st.integers(1, 40))
def test_however_they_arrive_they_end_up_in_order(times, size):
    ordered = None

    for start in range(0, len(times), size):
        ordered = extended(ordered, array("d", times[start : start + size]))

    assert ordered is not None
    assert ordered.tolist() == sorted(times)


@given(st.lists(seconds, min_size=2, max_size=60))
def test_percentiles_are_the_inclusive_quantiles_of_the_standard_library(times):
    ordered = sorted(times)

    quantiles = statistics.quantiles(times, n=100, method="inclusive")

    for percent, quantile in enumerate(quantiles, start=1):
        assert math.isclose(percentile(ordered, percent), quantile, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize("percent", range(101))
def test_a_percentile_that_falls_on_a_duration_is_exactly_that_one(percent):
    assert percentile([1e6 * rank for rank in range(101)], percent) == 1e6 * percent
    if percent % 4 == 0:
        assert percentile([1e6 * rank for rank in range(26)], percent) == 1e6 * (percent // 4)


def test_numpy_gives_the_same_percentiles():
    numpy = pytest.importorskip("numpy")
    ordered = sorted(math.sin(number) ** 2 for number in range(1_000))

    for percent in (0, 0.1, 12.5, 50, 95, 99.9, 100):
        assert math.isclose(
            percentile(ordered, percent), numpy.percentile(ordered, percent), rel_tol=1e-12
        )


@pytest.mark.parametrize("percent", [-1, 100.5, math.nan, math.inf])
def test_a_percent_outside_0_to_100_is_named_in_a_value_error(percent):
    with pytest.raises(ValueError, match=f"percent must be from 0 to 100, got {percent}"):
        checked_percent(percent)


@pytest.mark.parametrize("percent", ["95", None, 1j])
def test_a_percent_that_is_no_number_is_named_in_a_type_error(percent):
    with pytest.raises(TypeError, match="percent must be a number from 0 to 100, got"):
        checked_percent(percent)
