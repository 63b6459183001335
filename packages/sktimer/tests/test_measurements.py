import copy
import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.timing._measurements import Measurements

recordings = st.lists(st.tuples(st.floats(0.0, 1e6), st.sampled_from([0.0, 1.0, 2.0])), max_size=50)


def filled(recorded: list[tuple[float, float]], max_times: int | None = None) -> Measurements:
    measurements = Measurements(max_times)
    for elapsed, paused in recorded:
        measurements.record(elapsed, paused)
    return measurements


@given(recordings, st.one_of(st.none(), st.integers(1, 12)))
def test_the_latest_are_kept_with_their_pauses(recorded, max_times):
    measurements = filled(recorded, max_times)
    latest = recorded if max_times is None else recorded[-max_times:]

    _, times, paused = measurements.window()

    assert times.tolist() == [elapsed for elapsed, _ in latest]
    assert paused == sum(paused for _, paused in latest)
    assert measurements.count() == len(latest)


@given(recordings, st.integers(1, 12), st.integers(-60, 60))
def test_an_index_counts_in_what_is_kept_as_in_a_list(recorded, max_times, index):
    measurements = filled(recorded, max_times)
    latest = [elapsed for elapsed, _ in recorded[-max_times:]]

    expected = latest[index] if -len(latest) <= index < len(latest) else None

    assert measurements.get(index) == expected


@given(recordings, st.integers(1, 12), st.one_of(st.none(), st.integers(1, 12)))
def test_resizing_drops_what_is_older_and_brings_nothing_back(recorded, first, second):
    measurements = filled(recorded, first)
    latest = recorded[-first:]
    latest = latest if second is None else latest[-second:]

    measurements.resize(second)

    _, times, paused = measurements.window()
    assert times.tolist() == [elapsed for elapsed, _ in latest]
    assert paused == sum(paused for _, paused in latest)


def test_a_window_bounds_what_is_stored():
    measurements = filled([(1.0, 1.0)] * 1_000, max_times=100)

    assert len(measurements._times) <= 112
    assert len(measurements._pauses) <= 112


def test_the_inbox_is_emptied_by_itself():
    measurements = filled([(1.0, 0.0)] * 10_000)

    assert len(measurements._inbox) < 1_000
    assert len(measurements._times) > 9_000


@given(recordings, recordings, st.one_of(st.none(), st.integers(1, 12)))
def test_what_is_taken_over_looks_as_if_it_had_been_recorded_here(one, other, max_times):
    measurements = filled(one, max_times)

    measurements.take_over(filled(other))

    assert measurements.window()[1:] == filled(one + other, max_times).window()[1:]


@pytest.mark.parametrize(
    "travel",
    [lambda original: pickle.loads(pickle.dumps(original, protocol=5)), copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_a_copy_holds_the_window_alone_and_shares_nothing(travel):
    measurements = filled([(1.0, 0.5)] * 19, max_times=10)

    twin = travel(measurements)
    twin.record(2.0)

    assert twin.max_times == 10
    assert twin.window().times.tolist() == [1.0] * 9 + [2.0]
    assert measurements.window().times.tolist() == [1.0] * 10
    assert measurements.window().paused == 5.0


class BusyInbox(list[float]):
    """One into which another thread puts something while it is emptied."""

    def __getitem__(self, index):
        part = super().__getitem__(index)
        if len(self) == 1:
            self.append(2.0)
        return part


def test_what_arrives_while_the_inbox_is_emptied_is_kept_for_the_next_time():
    measurements = Measurements(None)
    measurements._inbox = BusyInbox([1.0])

    assert measurements.window().times.tolist() == [1.0]
    assert measurements.window().times.tolist() == [1.0, 2.0]


def test_recording_does_not_wait_for_who_reads():
    measurements = Measurements(None)

    with measurements._lock:
        thread = threading.Thread(
            target=lambda: [measurements.record(1.0) for _ in range(10_000)], daemon=True
        )
        thread.start()
        thread.join(60)
        assert not thread.is_alive()

    assert measurements.count() == 10_000


def test_clearing_keeps_the_window():
    measurements = filled([(1.0, 1.0)], max_times=3)

    measurements.clear()

    assert measurements.count() == 0
    assert measurements.window().paused == 0.0
    assert measurements.max_times == 3
