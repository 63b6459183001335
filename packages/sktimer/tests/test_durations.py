import pytest

from suitkaise.timing._durations import in_unit, short


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, ("0.00", "s")),
        (3e-10, ("0.30", "ns")),
        (1e-9, ("1.00", "ns")),
        (45.678e-9, ("45.68", "ns")),
        (1e-6, ("1.00", "µs")),
        (2.5e-3, ("2.50", "ms")),
        (1.0, ("1.00", "s")),
        (12_345.6, ("12,345.60", "s")),
    ],
)
def test_a_duration_gets_the_unit_that_leaves_it_above_one(seconds, shown):
    assert in_unit(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.99999, ("999.99", "ms")),
        (0.999996, ("1.00", "s")),
        (999.996e-6, ("1.00", "ms")),
        (999.9999e-9, ("1.00", "µs")),
    ],
)
def test_what_would_be_rounded_to_a_thousand_gets_the_next_unit(seconds, shown):
    assert in_unit(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0, "0 s"),
        (1.5, "1.5 s"),
        (0.00123456, "1.23 ms"),
        (0.9996, "1 s"),
        (0.9994, "999 ms"),
        (12_345.6, "12,346 s"),
    ],
)
def test_a_short_duration_has_three_digits_at_most_below_a_thousand(seconds, shown):
    assert short(seconds) == shown


def test_more_digits_tell_close_durations_apart():
    assert short(1.00001, 6) == "1.00001 s"
    assert short(1.00002, 6) == "1.00002 s"
