import copy
import math
import multiprocessing
import pickle
import signal
import statistics
import sys
import threading
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from fractions import Fraction
from itertools import zip_longest

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


@pytest.fixture
def timer(clock) -> Sktimer:
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


@pytest.mark.parametrize("seconds", [-1.0, -1e-9, math.nan, math.inf, -math.inf, 10**400])
def test_add_time_refuses_what_is_no_duration(seconds):
    timer = filled(1.0)

    with pytest.raises(ValueError, match=f"elapsed_time must be seconds .* got {seconds}"):
        timer.add_time(seconds)

    assert times_of(timer) == [1.0]


class Comparable:
    """Compares as a number does, but is none."""

    def __ge__(self, other: object) -> bool:
        return True

    def __le__(self, other: object) -> bool:
        return True


@pytest.mark.parametrize("seconds", ["1.0", None, 1j, [1.0], Comparable()])
def test_add_time_refuses_what_is_no_number(seconds):
    with pytest.raises(TypeError, match="elapsed_time must be seconds from 0 to 1e100, got"):
        Sktimer().add_time(seconds)


@pytest.mark.parametrize("seconds", [Fraction(3, 2), Decimal("1.5"), 1.5])
def test_add_time_keeps_any_real_number_as_a_float(seconds):
    timer = filled(seconds)

    assert timer.most_recent == 1.5
    assert type(timer.most_recent) is float


def test_a_signal_handler_may_record_and_read_while_the_timer_is_read():
    timer = filled(1.0)

    def interrupt(_number: int, _frame: object) -> None:
        timer.add_time(1.0)
        timer.get_stats()

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        interrupted = 0
        while interrupted < 20:
            timer.add_time(2.0)
            stats = timer.get_stats()
            assert stats is not None
            interrupted = stats.times.count(1.0) - 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)

    assert timer.total_time == math.fsum(times_of(timer))


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


def test_statistics_read_while_threads_record_are_right_in_the_end(eager_switching):
    timer = Sktimer()
    together = threading.Barrier(4)

    def work() -> None:
        together.wait(60)
        for number in range(1_000):
            timer.add_time(float(number))
            assert timer.mean is not None
            assert timer.median is not None
            assert timer.max is not None

    in_threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in in_threads:
        thread.start()
    for thread in in_threads:
        thread.join(60)

    assert timer.num_times == 4_000
    assert timer.total_time == 4 * sum(range(1_000))
    assert timer.mean == timer.median == 499.5
    assert timer.max == 999.0
    assert timer.variance == pytest.approx(statistics.variance(times_of(timer)), rel=1e-12)


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
    with pytest.raises(TypeError, match=r"max_times must be a whole number.*got 2.5 \(float\)"):
        Sktimer(2.5)
    with pytest.raises(TypeError, match=r"max_times must be a whole number.*got '3' \(str\)"):
        Sktimer().set_max_times("3")


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
    with pytest.raises(ValueError, match=f"percent must be from 0 to 100, got {percent}"):
        Sktimer().percentile(percent)


def test_the_repr_tells_the_count_and_the_range():
    assert repr(filled(0.5, 1.5)) == "<Sktimer: num_times=2, mean=1 s, min=500 ms, max=1.5 s>"
    assert repr(Sktimer()) == "<Sktimer: num_times=0>"


@pytest.mark.parametrize("index", [1.0, "0", None])
def test_an_index_that_is_no_whole_number_is_a_type_error(index):
    timer = filled(1.0)

    for owner in (timer, timer.get_stats()):
        with pytest.raises(TypeError, match=f"index must be a whole number, got {index!r}"):
            owner.get_time(index)


@given(
    st.lists(st.floats(1e-9, 1e6), min_size=1, max_size=40),
    st.one_of(st.none(), st.integers(1, 12)),
    st.lists(st.sampled_from(["mean", "stdev", "min", "slowest_index", "median"]), max_size=40),
)
def test_reading_in_between_does_not_change_what_is_read_later(times, max_times, readings):
    timer = Sktimer(max_times)
    for time, name in zip_longest(times, readings[: len(times)], fillvalue="num_times"):
        timer.add_time(time)
        getattr(timer, name)

    kept = times if max_times is None else times[-max_times:]
    expected = filled(*kept).get_stats()
    actual = timer.get_stats()
    assert actual is not None
    assert expected is not None
    assert actual.times == expected.times
    for name in STATISTICS:
        value = getattr(expected, name)
        assert getattr(actual, name) == (value and pytest.approx(value, rel=1e-9)), name


def test_an_outlier_that_left_the_window_leaves_no_trace():
    timer = Sktimer(max_times=3)
    for seconds in (1e9, 1e-6, 2e-6, 3e-6):
        timer.add_time(seconds)
        assert timer.mean is not None

    assert timer.mean == pytest.approx(2e-6, rel=1e-15)
    assert timer.stdev == pytest.approx(1e-6, rel=1e-12)
    assert timer.max == 3e-6


# Merging


def test_adding_two_timers_gives_a_new_one_with_all_that_both_hold(timer, clock):
    timer.start()
    timer.pause()
    clock.advance(5.0)
    timer.stop()
    timer.add_time(1.0)
    other = filled(9.0, 8.0, 7.0, max_times=2)

    both = timer + other

    assert times_of(both) == [0.0, 1.0, 8.0, 7.0]
    assert both.total_time_paused == 5.0
    assert both.max_times is None
    assert times_of(timer) == [0.0, 1.0]
    assert times_of(other) == [8.0, 7.0]


def test_merging_records_what_the_others_hold_after_its_own():
    timer = filled(1.0)

    timer.merge(filled(2.0, 3.0), filled(), filled(4.0))

    assert times_of(timer) == [1.0, 2.0, 3.0, 4.0]
    assert timer.mean == 2.5


def test_merging_keeps_to_the_window_and_to_the_pauses_in_it(timer, clock):
    for pause in (1.0, 2.0, 4.0):
        timer.start()
        timer.pause()
        clock.advance(pause)
        timer.stop()
    window = filled(9.0, max_times=2)

    window.merge(timer)
    assert times_of(window) == [0.0, 0.0]
    assert window.total_time_paused == 6.0
    window.add_time(1.0)
    assert window.total_time_paused == 4.0


def test_adding_in_place_is_merging():
    timer = same = filled(1.0, max_times=2)

    timer += filled(2.0, 3.0)

    assert timer is same
    assert times_of(timer) == [2.0, 3.0]


def test_a_timer_can_be_merged_with_itself():
    timer = filled(1.0, 2.0)

    timer.merge(timer)

    assert times_of(timer) == [1.0, 2.0, 1.0, 2.0]


@given(
    st.lists(st.lists(st.floats(1e-9, 1e9), max_size=20), min_size=1, max_size=5),
    st.booleans(),
)
def test_merged_timers_have_the_statistics_of_all_measurements(parts, has_read_before):
    timer = Sktimer()

    for part in parts:
        timer.merge(filled(*part))
        if has_read_before:
            timer.get_stats()

    everything = filled(*(time for part in parts for time in part))
    assert times_of(timer) == times_of(everything)
    if everything.num_times:
        for name in STATISTICS:
            value = getattr(everything, name)
            assert getattr(timer, name) == (value and pytest.approx(value)), name


@pytest.mark.parametrize("other", [1.0, None, [Sktimer()]])
def test_only_timers_can_be_merged(other):
    timer = filled(1.0)

    with pytest.raises(TypeError, match=r"timers must be Sktimers, got .* merge\(\*timers\)"):
        timer.merge(filled(2.0), other)
    with pytest.raises(TypeError):
        timer + other
    with pytest.raises(TypeError):
        timer += other
    assert times_of(timer) == [1.0]


def test_two_timers_merged_into_one_another_by_two_threads_do_not_deadlock(eager_switching):
    one, other = filled(1.0, max_times=5), filled(2.0, max_times=5)
    threads = [
        threading.Thread(target=lambda: [one.merge(other) for _ in range(500)], daemon=True),
        threading.Thread(target=lambda: [other.merge(one) for _ in range(500)], daemon=True),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not any(thread.is_alive() for thread in threads)
    assert one.num_times == other.num_times == 5


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


def test_a_kept_measurement_takes_9_bytes_at_most():
    timer = Sktimer(max_times=100_000)

    tracemalloc.start()
    for _ in range(250_000):
        timer.add_time(0.5)
    timer.num_times  # noqa: B018  what waits is put away
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 10 * 100_000


def test_what_was_computed_does_not_travel():
    timer = filled(*[0.1, 0.3] * 1_000)
    size = len(pickle.dumps(timer, protocol=5))

    timer.get_stats()

    assert len(pickle.dumps(timer, protocol=5)) == size


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


def test_the_timers_of_several_processes_merge_into_one():
    context = multiprocessing.get_context("spawn")
    timers = [filled(1.0, 2.0), filled(3.0), filled(6.0)]
    total = Sktimer()

    with ProcessPoolExecutor(2, mp_context=context) as processes:
        total.merge(*processes.map(copy.copy, timers, timeout=60))

    assert times_of(total) == [1.0, 2.0, 3.0, 6.0]
    assert total.mean == 3.0


def test_a_timer_crosses_to_a_spawned_process_and_back():
    timer = filled(1.0, 2.0)
    context = multiprocessing.get_context("spawn")

    with ProcessPoolExecutor(1, mp_context=context) as processes:
        twin = processes.submit(copy.copy, timer).result(60)

    assert times_of(twin) == [1.0, 2.0]
