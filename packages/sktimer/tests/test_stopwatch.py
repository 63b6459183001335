import threading

from suitkaise.timing._stopwatch import Stopwatch, ThreadStopwatches


def test_a_reading_is_what_passed_since_the_beginning():
    stopwatch = Stopwatch(10.0)

    assert stopwatch.read(12.5) == (2.5, 0.0)


def test_a_pause_counts_as_paused_and_not_as_measured():
    stopwatch = Stopwatch(0.0)

    stopwatch.pause(1.0)
    stopwatch.resume(4.0)

    assert stopwatch.read(6.0) == (3.0, 3.0)


def test_a_reading_within_a_pause_stands_still():
    stopwatch = Stopwatch(0.0)

    stopwatch.pause(1.0)

    assert stopwatch.is_paused
    assert stopwatch.read(5.0) == (1.0, 4.0)
    assert stopwatch.read(9.0) == (1.0, 8.0)


def test_a_second_pause_does_not_move_the_first():
    stopwatch = Stopwatch(0.0)

    stopwatch.pause(1.0)
    stopwatch.pause(3.0)

    assert stopwatch.read(5.0) == (1.0, 4.0)


def test_resuming_what_runs_changes_nothing():
    stopwatch = Stopwatch(0.0)

    stopwatch.resume(1.0)

    assert not stopwatch.is_paused
    assert stopwatch.read(2.0) == (2.0, 0.0)


def test_a_lap_begins_again_at_the_same_moment():
    stopwatch = Stopwatch(0.0)

    first = stopwatch.lap(2.0)

    assert first == (2.0, 0.0)
    assert stopwatch.read(5.0) == (3.0, 0.0)


def test_a_lap_within_a_pause_stays_paused():
    stopwatch = Stopwatch(0.0)
    stopwatch.pause(1.0)

    first = stopwatch.lap(3.0)
    stopwatch.resume(4.0)

    assert first == (1.0, 2.0)
    assert stopwatch.read(6.0) == (2.0, 1.0)


def test_rounding_never_makes_a_reading_negative():
    stopwatch = Stopwatch(0.1)

    for moment in range(1, 100):
        stopwatch.pause(0.1)
        stopwatch.resume(0.1 * moment)
        elapsed, _ = stopwatch.read(0.1)
        assert elapsed >= 0.0


def test_each_thread_has_its_own_stopwatches():
    stopwatches = ThreadStopwatches()
    stopwatches.nested.append(Stopwatch(0.0))
    seen = []

    thread = threading.Thread(target=lambda: seen.append(list(stopwatches.nested)))
    thread.start()
    thread.join()

    assert seen == [[]]
    assert len(stopwatches.nested) == 1
