from __future__ import annotations

from array import array

from suitkaise.timing._fold import Fold
from suitkaise.timing._measurements import Measurements


class Recorder:
    """A fold's function that adds up, and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[float | None, list[float]]] = []

    def __call__(self, total: float | None, times: array[float]) -> float:
        self.given.append((total, times.tolist()))
        return (total or 0.0) + sum(times)


def test_each_measurement_is_taken_in_once():
    extend = Recorder()
    fold = Fold(extend)
    measurements = Measurements(None)

    measurements.record(1.0)
    measurements.record(2.0)
    assert fold.of(measurements) == 3.0
    measurements.record(4.0)
    assert fold.of(measurements) == 7.0
    assert fold.of(measurements) == 7.0

    assert extend.given == [(None, [1.0, 2.0]), (3.0, [4.0])]


def test_without_a_measurement_there_is_no_value():
    fold = Fold(Recorder())
    measurements = Measurements(None)

    assert fold.of(measurements) is None
    measurements.record(1.0)
    assert fold.of(measurements) == 1.0
    measurements.clear()
    assert fold.of(measurements) is None


def test_when_the_oldest_have_left_the_window_it_is_computed_anew():
    extend = Recorder()
    fold = Fold(extend)
    measurements = Measurements(2)

    for seconds in (1e18, 1.0):
        measurements.record(seconds)
    fold.of(measurements)
    measurements.record(2.0)

    assert fold.of(measurements) == 3.0
    assert extend.given[-1] == (None, [1.0, 2.0])


def test_a_copy_from_before_is_not_mixed_with_what_came_since():
    fold = Fold(Recorder())
    measurements = Measurements(None)
    measurements.record(1.0)
    window = measurements.window()
    measurements.record(2.0)

    assert fold.of(measurements) == 3.0
    assert fold.of(window) == 1.0
    assert fold.of(measurements) == 3.0


def test_what_came_after_clearing_is_not_mixed_with_what_was_before():
    fold = Fold(Recorder())
    measurements = Measurements(None)
    measurements.record(1.0)
    fold.of(measurements)

    measurements.clear()
    measurements.record(5.0)

    assert fold.of(measurements) == 5.0
