import copy
import math
import multiprocessing
import pickle
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.timing import Sktimer, TimerStats

STATISTICS = [
    "most_recent",
    "result",
    "total_time",
    "total_time_paused",
    "mean",
    "median",
    "min",
    "max",
    "fastest_time",
    "slowest_time",
    "fastest_index",
    "slowest_index",
    "stdev",
    "variance",
]


class FakeClock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def timer(clock: FakeClock) -> Sktimer:
    timer = Sktimer()
    timer._clock = clock
    return timer


def filled(*times: float, max_times: int | None = None) -> Sktimer:
    timer = Sktimer(max_times)
    for time in times:
        timer.add_time(time)
    return timer


def times_of(timer: Sktimer) -> list[float | None]:
    return [timer.get_time(index) for index in range(timer.num_times)]


def in_another_thread(function: Callable[[], object]) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    if failures:
        raise failures[0]


@pytest.fixture
def eager_switching() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


# No measurements


@pytest.mark.parametrize("name", STATISTICS)
def test_without_a_measurement_a_statistic_is_none(name):
    assert getattr(Sktimer(), name) is None


def test_without_a_measurement_the_methods_give_none_and_the_count_is_0():
    timer = Sktimer()

    assert timer.num_times == 0
    assert timer.get_time(0) is None
    assert timer.get_time(-1) is None
    assert timer.percentile(50) is None
    assert timer.get_statistics() is None
    assert timer.get_stats() is None


def test_a_timer_without_measurements_is_still_true():
    assert Sktimer()


# Measuring


def test_start_and_stop_record_what_passed_between(timer, clock):
    began = timer.start()
    clock.advance(2.5)
    elapsed = timer.stop()

    assert began == 100.0
    assert elapsed == 2.5
    assert times_of(timer) == [2.5]


def test_the_real_clock_runs_forward():
    timer = Sktimer()

    timer.start()
    elapsed = timer.stop()

    assert elapsed >= 0.0
    assert timer.most_recent == elapsed


def test_discard_records_nothing(timer, clock):
    timer.start()
    clock.advance(2.0)

    assert timer.discard() == 2.0
    assert timer.num_times == 0
    with pytest.raises(RuntimeError):
        timer.stop()


def test_laps_follow_one_another_without_a_gap(timer, clock):
    timer.start()
    clock.advance(1.0)
    first = timer.lap()
    clock.advance(2.0)
    second = timer.lap()
    clock.advance(4.0)
    rest = timer.stop()

    assert (first, second, rest) == (1.0, 2.0, 4.0)
    assert times_of(timer) == [1.0, 2.0, 4.0]


def test_time_paused_is_left_out_and_added_up_apart(timer, clock):
    timer.start()
    clock.advance(1.0)
    timer.pause()
    clock.advance(10.0)
    timer.resume()
    clock.advance(2.0)
    elapsed = timer.stop()

    assert elapsed == 3.0
    assert timer.total_time == 3.0
    assert timer.total_time_paused == 10.0


def test_a_measurement_stopped_while_paused_ends_where_the_pause_began(timer, clock):
    timer.start()
    clock.advance(1.0)
    timer.pause()
    clock.advance(10.0)

    assert timer.stop() == 1.0
    assert timer.total_time_paused == 10.0


def test_the_pause_of_a_discarded_measurement_does_not_count(timer, clock):
    timer.add_time(1.0)
    timer.start()
    timer.pause()
    clock.advance(10.0)
    timer.discard()

    assert timer.total_time_paused == 0.0


def test_pausing_twice_warns_and_the_first_pause_holds(timer, clock):
    timer.start()
    timer.pause()
    clock.advance(1.0)

    with pytest.warns(UserWarning, match="already paused"):
        timer.pause()

    clock.advance(1.0)
    timer.resume()
    assert timer.stop() == 0.0
    assert timer.total_time_paused == 2.0


def test_resuming_what_is_not_paused_warns_and_changes_nothing(timer, clock):
    timer.start()
    clock.advance(1.0)

    with pytest.warns(UserWarning, match="not paused"):
        timer.resume()

    assert timer.stop() == 1.0


@pytest.mark.parametrize("method", ["stop", "lap", "pause", "resume", "discard"])
def test_what_needs_a_start_says_so(timer, method):
    with pytest.raises(RuntimeError, match=rf"{method}\(\) without start\(\)"):
        getattr(timer, method)()


def test_a_nested_start_warns_at_the_callers_line_and_nests(timer, clock):
    timer.start()
    clock.advance(1.0)
    with pytest.warns(UserWarning, match="nested") as caught:
        timer.start()
    clock.advance(2.0)

    assert caught[0].filename == __file__
    assert timer.stop() == 2.0
    clock.advance(4.0)
    assert timer.stop() == 7.0
    assert times_of(timer) == [2.0, 7.0]


def test_a_nested_start_whose_warning_is_an_error_changes_nothing(timer, clock):
    timer.start()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="nested"):
            timer.start()
    clock.advance(1.0)

    assert timer.stop() == 1.0
    with pytest.raises(RuntimeError):
        timer.stop()


def test_add_time_records_a_duration_measured_elsewhere():
    timer = filled(1.5, 2)

    assert times_of(timer) == [1.5, 2.0]
    assert timer.total_time_paused == 0.0


@pytest.mark.parametrize("seconds", [-1.0, -1e-9, math.nan, math.inf, -math.inf])
def test_add_time_refuses_what_is_no_duration(seconds):
    timer = filled(1.0)

    with pytest.raises(ValueError, match="finite seconds"):
        timer.add_time(seconds)

    assert times_of(timer) == [1.0]


def test_add_time_refuses_what_is_no_number():
    with pytest.raises(TypeError):
        Sktimer().add_time("1.0")


# Threads


def test_each_thread_has_its_own_running_measurement(timer, clock):
    timer.start()
    clock.advance(1.0)

    def other() -> None:
        with pytest.raises(RuntimeError):
            timer.stop()
        timer.start()
        clock.advance(2.0)
        timer.stop()

    in_another_thread(other)
    clock.advance(4.0)

    assert timer.stop() == 7.0
    assert times_of(timer) == [2.0, 7.0]


def test_no_measurement_of_any_thread_is_lost(eager_switching):
    timer = Sktimer()
    together = threading.Barrier(4)

    def work() -> None:
        together.wait(60)
        for _ in range(2_000):
            timer.start()
            timer.stop()
            timer.add_time(1.0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert timer.num_times == 16_000


def test_a_rolling_window_holds_while_threads_record_and_read(eager_switching):
    timer = Sktimer(max_times=7)
    together = threading.Barrier(4)
    seen: list[TimerStats | None] = []

    def work() -> None:
        together.wait(60)
        for _ in range(1_000):
            timer.add_time(1.0)
            seen.append(timer.get_stats())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(seen) == 4_000
    assert all(stats is not None and stats.num_times <= 7 for stats in seen)
    assert times_of(timer) == [1.0] * 7


# The window


@given(
    st.lists(st.floats(0.0, 1e6), max_size=50),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_a_window_shows_the_latest_measurements(times, first, second):
    timer = filled(*times, max_times=first)

    assert times_of(timer) == times[-first:]

    timer.set_max_times(second)
    kept = times[-first:][-second:]
    assert times_of(timer) == kept
    assert timer.num_times == len(kept)
    assert timer.min == min(kept, default=None)
    assert timer.get_time(-len(kept) - 1) is None


def test_widening_the_window_does_not_bring_back_what_fell_out():
    timer = filled(1.0, 2.0, 3.0, max_times=2)

    timer.set_max_times(None)
    timer.add_time(4.0)

    assert timer.max_times is None
    assert times_of(timer) == [2.0, 3.0, 4.0]


def test_pauses_leave_the_window_with_their_measurements(timer, clock):
    timer.set_max_times(2)
    totals = []
    for pause in (1.0, 2.0, 4.0, 8.0, 16.0):
        timer.start()
        timer.pause()
        clock.advance(pause)
        timer.stop()
        totals.append(timer.total_time_paused)

    assert totals == [1.0, 3.0, 6.0, 12.0, 24.0]


@pytest.mark.parametrize("max_times", [0, -1])
def test_a_window_below_1_is_a_value_error(max_times):
    timer = filled(1.0)

    with pytest.raises(ValueError, match="max_times must be 1 or more"):
        timer.set_max_times(max_times)
    with pytest.raises(ValueError, match="max_times must be 1 or more"):
        Sktimer(max_times)
    assert timer.max_times is None


def test_a_window_that_is_no_whole_number_is_a_type_error():
    with pytest.raises(TypeError):
        Sktimer(2.5)


def test_reset_forgets_everything_but_the_window(timer):
    timer.set_max_times(3)
    timer.add_time(1.0)
    timer.start()

    timer.reset()

    assert timer.num_times == 0
    assert timer.max_times == 3
    with pytest.raises(RuntimeError):
        timer.stop()


def test_reset_leaves_what_other_threads_have_running(timer, clock):
    timer.start()
    clock.advance(1.0)

    in_another_thread(timer.reset)

    assert timer.stop() == 1.0
    assert times_of(timer) == [1.0]


# Statistics


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30))
def test_every_statistic_is_the_one_of_the_snapshot(times):
    timer = filled(*times)

    stats = timer.get_statistics()

    assert stats is not None
    assert timer.get_stats() == stats
    assert timer.num_times == stats.num_times
    for name in STATISTICS:
        assert getattr(timer, name) == getattr(stats, name), name
    assert timer.percentile(95) == stats.percentile(95)


def test_a_snapshot_does_not_change_when_the_timer_goes_on():
    timer = filled(1.0)
    stats = timer.get_statistics()

    timer.add_time(3.0)

    assert stats is not None
    assert stats.mean == 1.0
    assert timer.mean == 2.0


@pytest.mark.parametrize("percent", [-1, 101, math.nan])
def test_a_percent_outside_0_to_100_is_a_value_error_even_without_measurements(percent):
    with pytest.raises(ValueError, match="from 0 to 100"):
        Sktimer().percentile(percent)


def test_the_repr_tells_the_count_and_the_range():
    assert repr(filled(0.5, 1.5)) == "<Sktimer: num_times=2, mean=1 s, min=0.5 s, max=1.5 s>"
    assert repr(Sktimer()) == "<Sktimer: num_times=0>"


# Travelling


@pytest.mark.parametrize(
    "travel",
    [lambda timer: pickle.loads(pickle.dumps(timer, protocol=5)), copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_a_copy_has_what_was_measured_and_nothing_that_runs(timer, clock, travel):
    timer.set_max_times(5)
    timer.start()
    timer.pause()
    clock.advance(3.0)
    timer.stop()
    timer.add_time(2.0)
    timer.start()

    twin = travel(timer)

    assert twin.get_stats() == timer.get_stats()
    assert twin.total_time_paused == 3.0
    assert twin.max_times == 5
    with pytest.raises(RuntimeError):
        twin.stop()
    twin.add_time(9.0)
    assert timer.num_times == 2
    clock.advance(1.0)
    assert timer.stop() == 1.0


def test_a_copy_can_measure():
    twin = pickle.loads(pickle.dumps(Sktimer(), protocol=5))

    twin.start()
    elapsed = twin.stop()

    assert twin.most_recent == elapsed


def test_a_pickled_measurement_takes_8_bytes():
    timer = filled(*[0.1] * 1_000)

    assert len(pickle.dumps(timer, protocol=5)) < 8 * 1_000 + 300


class NamedTimer(Sktimer):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def test_the_attributes_of_a_subclass_travel_too():
    timer = NamedTimer("parse")
    timer.add_time(1.0)

    twin = copy.deepcopy(timer)

    assert isinstance(twin, NamedTimer)
    assert twin.name == "parse"
    assert times_of(twin) == [1.0]


def test_a_timer_crosses_to_a_spawned_process_and_back():
    timer = filled(1.0, 2.0)
    context = multiprocessing.get_context("spawn")

    with ProcessPoolExecutor(1, mp_context=context) as processes:
        twin = processes.submit(copy.copy, timer).result(60)

    assert times_of(twin) == [1.0, 2.0]
