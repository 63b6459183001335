from array import array

from hypothesis import given
from hypothesis import strategies as st

from suitkaise.timing._extremes import extended


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0]), min_size=1, max_size=30), st.integers(1, 30))
def test_however_they_arrive_the_first_of_each_kind_is_found(times, size):
    extremes = None

    for start in range(0, len(times), size):
        extremes = extended(extremes, array("d", times[start : start + size]))

    assert extremes == (
        len(times),
        min(times),
        times.index(min(times)),
        max(times),
        times.index(max(times)),
    )
