from __future__ import annotations

import os
import pickle
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from suitkaise.processing import ProcessDiedError, ProcessTimers, RunError, Skprocess, _timeline
from suitkaise.processing._known_timers import KnownTimers
from suitkaise.processing._lifecycle import Section
from suitkaise.processing._serializing import serialize
from suitkaise.processing._timeline import FAILED, Slice, Timeline, mark_of

DEADLINE = 60.0


def timers_of(*runs: float, name: str = "Worker") -> ProcessTimers:
    timers = ProcessTimers([Section.RUN, Section.RESULT], name)
    for run, seconds in enumerate(runs):
        note(timers, run, seconds)
    return timers


def note(timers: ProcessTimers, run: int, seconds: float) -> None:
    """Do what the run loop does for a run."""
    assert timers.run is not None
    timers.run.add_time(seconds)
    timers.full_run.add_time(seconds)
    timers.timeline.record((float(run), seconds, run, mark_of(7, Section.RUN)))
    timers.timeline.record((float(run), seconds, run, mark_of(7, None)))


# -- the table


def test_printed_they_are_an_aligned_table_with_a_unit_for_each() -> None:
    timers = timers_of(0.001, 0.003)
    assert timers.result is not None
    timers.result.add_time(2e-6)

    assert str(timers).splitlines() == [
        "          num_times  total_time     mean    stdev      min   median  95 % below      max",
        "run               2     4.00 ms  2.00 ms  1.41 ms  1.00 ms  2.00 ms     2.90 ms  3.00 ms",
        "result            1     2.00 µs  2.00 µs           2.00 µs  2.00 µs     2.00 µs  2.00 µs",
        "full_run          2     4.00 ms  2.00 ms  1.41 ms  1.00 ms  2.00 ms     2.90 ms  3.00 ms",
    ]


def test_a_timer_without_measurements_has_a_row_with_nothing_but_their_number() -> None:
    assert str(timers_of()).splitlines()[1] == "run               0"


def test_in_a_notebook_they_are_the_same_table() -> None:
    timers = timers_of(0.001, 0.003)

    html = timers._repr_html_()

    for word in str(timers).split():
        assert word in html
    assert html.count("<tr") == html.count("</tr>") == len(str(timers).splitlines())


# -- the timeline


def test_a_timeline_gives_back_what_was_noted() -> None:
    timeline = Timeline()
    timeline.record((1.5, 0.25, 3, mark_of(4_194_304, Section.ERROR)))
    timeline.record((2.5, 0.5, 4, mark_of(7, Section.PRERUN) + FAILED))
    timeline.settle()
    timeline.record((2.0, 1.0, 1 << 52, mark_of(1, None)))

    assert list(timeline) == [
        Slice(1.5, 0.25, 3, Section.ERROR, 4_194_304, False),
        Slice(2.5, 0.5, 4, Section.PRERUN, 7, True),
        Slice(2.0, 1.0, 1 << 52, None, 1, False),
    ]
    assert list(pickle.loads(pickle.dumps(timeline))) == list(timeline)


def test_a_timeline_keeps_the_latest_slices_and_never_many_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_timeline, "SLICES_KEPT", 80)
    timeline = Timeline()
    sizes = set()
    for run in range(1000):
        timeline.record((float(run), 0.0, run, mark_of(7, Section.RUN)))
        timeline.settle()
        sizes.add(len(timeline._kept) // 4)

    assert [slice_.run for slice_ in timeline] == list(range(920, 1000))
    assert max(sizes) == 90


def test_its_news_are_what_came_since_the_last_ones_even_while_it_drops_old_slices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_timeline, "SLICES_KEPT", 80)
    timeline, copy = Timeline(), Timeline()
    seen: list[int] = []
    for run in range(1000):
        timeline.record((float(run), 0.0, run, mark_of(7, Section.RUN)))
        if run % 7 == 0:
            seen += [slice_.run for slice_ in copy.extend(timeline.news())]
            timeline.note_told()
    seen += [slice_.run for slice_ in copy.extend(timeline.news())]
    timeline.note_told()

    assert seen == list(range(1000))
    assert timeline.news() == b""
    assert list(copy) == list(timeline)


# -- what the parent knows


def test_what_is_known_is_the_last_whole_and_the_news_since_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("suitkaise.processing._known_timers._FOLD_BYTES", 500)
    timers = timers_of()
    known = KnownTimers(timers_of)
    for run in range(100):
        note(timers, run, 0.5 + run)
        told = timers.timeline.told
        known.add(timers.timeline.news(), told)
        if run % 3 == 0:
            timers.timeline.note_told()
        if run in (40, 80):
            timers.timeline.note_told()
            known.replace(serialize(timers), timers.timeline.told)
        opened = known.open()
        assert opened.run is not None
        assert opened.run.num_times == opened.full_run.num_times == run + 1
        assert opened.run.most_recent == 0.5 + run
        assert len(known._known.later) < 100  # folded now and then

    assert list(known.open().timeline) == list(timers.timeline)
    assert timers.run is not None
    opened = known.open()
    assert opened.run is not None
    assert opened.run.get_stats() == timers.run.get_stats()


def test_news_of_a_failed_section_count_in_no_timer() -> None:
    timers = timers_of()
    news = Timeline()
    news.record((1.0, 0.5, 0, mark_of(7, Section.RUN) + FAILED))

    timers.absorb(news.news())

    assert timers.run is not None
    assert (timers.run.num_times, len(timers.timeline)) == (0, 1)


# -- while it runs


class Stepping(Skprocess):
    """Makes a run for each thing that it is told, and then is in the midst of the next one."""

    def __run__(self) -> None:
        self.listen()

    def __postrun__(self) -> None:
        self.tell(self.current_run)


def test_the_timers_of_a_running_process_come_on_request() -> None:
    process = Stepping()
    process.start()
    for run in range(3):
        process.tell("go on")
        assert process.listen(timeout=DEADLINE) == run
        assert_times(process, run + 1)
    process.stop()
    assert process.wait(DEADLINE)
    assert_times(process, 3)


def assert_times(process: Skprocess, runs: int) -> None:
    """Wait until so many runs are timed; the process may not have reached the next section yet."""
    deadline = time.monotonic() + DEADLINE
    while True:
        timers = process.timers
        assert timers is not None
        assert timers.run is not None
        if timers.full_run.num_times == runs:
            break
        assert time.monotonic() < deadline
    assert timers.run.num_times in (runs, runs + 1)
    assert process.__run__.timer.num_times in (runs, runs + 1)  # type: ignore[attr-defined]


class Sleeping(Skprocess):
    def __init__(self, lives: int = 1) -> None:
        self.process_config.lives = lives

    def __run__(self) -> None:
        if self.current_run == 3:
            self.tell("long")
            time.sleep(1000)


@pytest.mark.parametrize("lives", [1, 2])
def test_a_long_section_makes_no_question_wait(lives: int) -> None:
    process = Sleeping(lives)
    process.start()
    assert process.listen(timeout=DEADLINE) == "long"
    seen: list[int] = []

    def ask() -> None:
        for _ in range(1000):
            timers = process.timers
            assert timers is not None
            assert timers.run is not None
            seen.append(timers.run.num_times)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(DEADLINE)  # a thousand waits of 0.1 s would take longer

    assert not asking.is_alive()
    assert set(seen) == {0 if lives == 1 else 3}  # checkpoints carry them
    process.kill()
    assert process.wait(DEADLINE)
    assert process.timers is not None
    assert process.timers.full_run.num_times == (0 if lives == 1 else 3)


def test_timers_are_asked_for_by_many_threads_while_it_runs_and_ends() -> None:
    class Busy(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 3_000
            self.process_config.lives = 1

        def __run__(self) -> None:
            pass

    process = Busy()
    process.start()
    counts: list[list[int]] = [[] for _ in range(4)]

    def ask(mine: list[int]) -> None:
        while process.is_alive:
            timers = process.timers
            assert timers is not None
            mine.append(timers.full_run.num_times)

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in counts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()

    for mine in counts:
        assert mine == sorted(mine)
    assert process.timers is not None
    assert process.timers.full_run.num_times == 3_000


# -- through several lives


class Mortal(Skprocess):
    """Dies in each run of `deaths`, once."""

    def __init__(self, folder: Path, deaths: list[int], lives: int) -> None:
        self.folder = folder
        self.deaths = deaths
        self.process_config.runs = 6
        self.process_config.lives = lives

    def __run__(self) -> None:
        marker = self.folder / str(self.current_run)
        if self.current_run in self.deaths and not marker.exists():
            marker.touch()
            os._exit(3)

    def __result__(self) -> Any:
        assert self.timers is not None
        return self.timers.full_run.num_times


def test_timers_survive_the_death_of_their_process(tmp_path: Path) -> None:
    process = Mortal(tmp_path, [2, 5], lives=3)

    assert process.run() == 6  # the last life sees those of the others

    timers = process.timers
    assert timers is not None
    assert timers.run is not None
    assert (timers.run.num_times, timers.full_run.num_times) == (6, 6)
    runs = [slice_ for slice_ in timers.timeline if slice_.section is Section.RUN]
    assert [slice_.run for slice_ in runs] == [0, 1, 2, 3, 4, 5]
    assert [len({s.pid for s in runs[a:b]}) for a, b in ((0, 2), (2, 5), (0, 6))] == [1, 1, 3]
    assert [slice_.began for slice_ in runs] == sorted(slice_.began for slice_ in runs)


def test_the_timers_of_a_process_that_died_for_good_are_those_of_its_checkpoints(
    tmp_path: Path,
) -> None:
    process = Mortal(tmp_path, [2, 3], lives=2)

    with pytest.raises(ProcessDiedError):
        process.run()

    assert process.timers is not None
    assert process.timers.run is not None
    assert process.timers.run.num_times == 2  # with the last life there are no checkpoints


def test_timers_asked_for_between_checkpoints_count_nothing_twice(tmp_path: Path) -> None:
    class Talking(Mortal):
        def __postrun__(self) -> None:
            self.tell(self.current_run)
            self.listen()

    process = Talking(tmp_path, [3, 4], lives=3)
    process.start()
    for run in range(6):
        assert process.listen(timeout=DEADLINE) == run
        timers = process.timers
        assert timers is not None
        assert timers.run is not None
        assert timers.full_run.num_times == run
        assert timers.run.num_times in (run, run + 1)
        process.tell("go on")

    assert process.result() == 6
    assert process.timers is not None
    assert process.timers.run is not None
    assert process.timers.run.num_times == 6


def test_a_failed_section_is_in_the_timeline_and_in_no_timer() -> None:
    class Failing(Skprocess):
        def __run__(self) -> None:
            raise ValueError

    process = Failing()
    with pytest.raises(RunError):
        process.run()

    assert process.timers is not None
    assert [(slice_.section, slice_.has_failed) for slice_ in process.timers.timeline] == [
        (Section.RUN, True),
        (Section.ERROR, False),
    ]
