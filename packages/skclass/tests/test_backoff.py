import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.circuits._backoff import Backoff, check_seconds, checked_shorts

seconds = st.floats(0.0, 1e6)


def test_sleep_times_grow_by_the_factor_up_to_the_maximum():
    backoff = Backoff.checked(1.0, 2.0, 5.0, 0.0)

    times = [backoff.initial]
    for _ in range(4):
        times.append(backoff.grown(times[-1]))

    assert times == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_the_maximum_caps_the_first_sleep_too():
    assert Backoff.checked(60.0, 1.0, 10.0, 0.0).initial == 10.0


@pytest.mark.parametrize(("given_jitter", "kept"), [(-0.5, 0.0), (0.3, 0.3), (20.0, 1.0)])
def test_jitter_is_clamped(given_jitter, kept):
    assert Backoff.checked(1.0, 1.0, 10.0, given_jitter).jitter == kept


@pytest.mark.parametrize(("chance", "slept"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_jitter_spreads_the_sleep_up_and_down(chance, slept):
    assert Backoff.checked(5.0, 1.0, 10.0, 0.2).jittered(5.0, chance) == slept


@given(seconds, st.floats(1e-3, 1e3), seconds, st.floats(-2.0, 2.0), st.floats(0.0, 1.0))
def test_no_sleep_is_negative_or_longer_than_the_maximum(first, factor, longest, jitter, chance):
    backoff = Backoff.checked(first, factor, longest, jitter)
    current = backoff.initial

    for _ in range(5):
        assert 0.0 <= current <= longest
        assert 0.0 <= backoff.jittered(current, chance) <= longest
        current = backoff.grown(current)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((-1.0, 1.0, 10.0, 0.0), "sleep_time_after_trip"),
        ((math.nan, 1.0, 10.0, 0.0), "sleep_time_after_trip"),
        ((1.0, 0.0, 10.0, 0.0), "backoff_factor"),
        ((1.0, math.nan, 10.0, 0.0), "backoff_factor"),
        ((1.0, 1.0, math.inf, 0.0), "max_sleep_time"),
        ((1.0, 1.0, -1.0, 0.0), "max_sleep_time"),
        ((1.0, 1.0, 10.0, math.nan), "jitter"),
    ],
)
def test_a_number_out_of_range_is_a_value_error_that_names_it(arguments, name):
    with pytest.raises(ValueError, match=name):
        Backoff.checked(*arguments)


def test_seconds_that_cannot_be_slept_are_refused():
    check_seconds("custom_sleep", 0.0)

    with pytest.raises(ValueError, match=r"custom_sleep must be finite seconds, 0 or more; got -1"):
        check_seconds("custom_sleep", -1)


def test_a_threshold_is_a_whole_number_of_at_least_1():
    assert checked_shorts(1) == 1

    with pytest.raises(ValueError, match="num_shorts_to_trip must be 1 or more, got 0"):
        checked_shorts(0)
    with pytest.raises(TypeError):
        checked_shorts(1.5)
