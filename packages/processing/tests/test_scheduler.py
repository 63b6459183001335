"""The scheduler, fed with events; no process is started here."""

from __future__ import annotations

import itertools
from collections import Counter, deque

from hypothesis import given, settings
from hypothesis import strategies as st

from suitkaise.processing._scheduler import (
    BYTES_AHEAD,
    CHUNKS_AHEAD,
    DEATHS,
    GROWTH,
    LARGE_BYTES,
    LEAST_SECONDS,
    MOST_ITEMS,
    Action,
    Assign,
    Chunk,
    Fail,
    Scheduler,
    Split,
)


def scheduler_with(
    workers: int, jobs: int = 1, items: int | None = None, **options: int
) -> Scheduler:
    scheduler = Scheduler(**options)
    for worker in range(workers):
        scheduler.worker_added(worker)
    for job in range(jobs):
        scheduler.job_added(job, items)
    return scheduler


def assigned(actions: list[Action]) -> list[tuple[int, int]]:
    """Return (worker, index of its first item) for each assignment."""
    return [
        (action.worker, action.chunk.first + action.chunk.start)
        for action in actions
        if isinstance(action, Assign)
    ]


def test_a_chunk_goes_to_a_worker_that_has_nothing_to_do() -> None:
    scheduler = scheduler_with(workers=2)

    assert assigned(scheduler.chunk_ready(0, 0, 1, None)) == [(0, 0)]
    assert assigned(scheduler.chunk_ready(0, 1, 1, None)) == [(1, 1)]
    assert assigned(scheduler.chunk_ready(0, 2, 1, None)) == []


def test_the_next_chunk_follows_a_finished_one() -> None:
    scheduler = scheduler_with(workers=1)
    (first,) = scheduler.chunk_ready(0, 0, 1, None)
    scheduler.chunk_ready(0, 1, 1, None)
    assert isinstance(first, Assign)

    actions = scheduler.chunk_done(0, first.chunk.number, 1, busy=60.0)

    assert assigned(actions) == [(0, 1)]


def test_a_worker_gets_no_chunk_in_advance_while_items_are_slow() -> None:
    scheduler = scheduler_with(workers=1)
    (first,) = scheduler.chunk_ready(0, 0, 1, None)
    assert isinstance(first, Assign)
    scheduler.chunk_ready(0, 1, 1, None)
    scheduler.chunk_done(0, first.chunk.number, 1, busy=60.0)

    assert scheduler.chunk_ready(0, 2, 1, None) == []


def test_a_worker_gets_a_chunk_in_advance_once_items_are_known_to_be_quick() -> None:
    scheduler = scheduler_with(workers=1)
    (first,) = scheduler.chunk_ready(0, 0, 1, None)
    assert isinstance(first, Assign)
    scheduler.chunk_ready(0, 1, 1, None)
    scheduler.chunk_done(0, first.chunk.number, 1, busy=1e-6)

    assert assigned(scheduler.chunk_ready(0, 2, 1, None)) == [(0, 2)]


def sizes_of_chunks(items: int | None, seconds: float, count: int) -> list[int]:
    """Return the sizes of a job's first chunks on one worker, where an item takes so long."""
    scheduler = scheduler_with(workers=1, items=items)
    sizes = []
    for _ in range(count):
        size = scheduler.chunk_size(0)
        sizes.append(size)
        (action,) = scheduler.chunk_ready(0, 0, size, None)
        assert isinstance(action, Assign)
        scheduler.chunk_done(0, action.chunk.number, size, busy=size * seconds)
    return sizes


def test_chunks_of_quick_items_grow_and_slow_items_go_one_by_one() -> None:
    assert sizes_of_chunks(None, 1e-6, 4) == [1, GROWTH, GROWTH**2, MOST_ITEMS]
    assert sizes_of_chunks(None, 1e-3, 3) == [1, 20, 20]
    assert sizes_of_chunks(None, 1.0, 3) == [1, 1, 1]
    assert sizes_of_chunks(1_000_000, 1.0, 3) == [1, 1, 1]


def test_before_anything_is_measured_the_second_chunk_is_a_fair_share_of_a_known_input() -> None:
    scheduler = scheduler_with(workers=2, items=801)
    scheduler.chunk_ready(0, 0, scheduler.chunk_size(0), None)

    assert scheduler.chunk_size(0) == 100


def test_chunks_shrink_towards_the_end_so_that_all_workers_finish_together() -> None:
    sizes = sizes_of_chunks(1000, 1e-4, 12)

    assert sizes[:4] == [1, 200, 200, 200]
    assert sizes[4:] == sorted(sizes[4:], reverse=True)
    assert sizes[-1] <= 10


def test_a_chunk_is_never_so_short_that_its_message_costs_more() -> None:
    sizes = sizes_of_chunks(100_000, 1e-6, 100)

    assert min(sizes[1:]) == round(LEAST_SECONDS / 1e-6)


def test_what_an_item_took_the_last_time_tells_the_size_of_the_first_chunk() -> None:
    def first_size(items: int | None, item_seconds: float) -> int:
        scheduler = scheduler_with(workers=2)
        scheduler.job_added(0, items, item_seconds=item_seconds)
        assert scheduler.item_seconds(0) is None  # nothing has been measured yet
        return scheduler.chunk_size(0)

    assert first_size(15_000, 1e-7) == 7_500  # so quick that each worker gets one chunk
    assert first_size(400, 1e-3) == 20
    assert first_size(400, 1.0) == 1
    assert first_size(None, 1e-7) == 1  # it may have few


def test_what_is_measured_counts_more_than_what_was_expected() -> None:
    scheduler = scheduler_with(workers=1)
    scheduler.job_added(0, 1_000, item_seconds=1e-7)

    (action,) = scheduler.chunk_ready(0, 0, 100, None)
    assert isinstance(action, Assign)
    scheduler.chunk_done(0, action.chunk.number, 1, busy=1.0)  # and gives back the rest

    assert scheduler.item_seconds(0) == 1.0
    assert scheduler.chunk_size(0) == 1


def test_large_chunks_are_packed_and_sent_when_they_are_needed() -> None:
    scheduler = scheduler_with(workers=2, items=None)
    for index in range(2):
        assert scheduler.wants_chunk(0)
        scheduler.chunk_ready(0, index, 1, None, BYTES_AHEAD)
    assert scheduler.wants_chunk(0)  # both run; the next may be packed meanwhile

    assert scheduler.chunk_ready(0, 2, 1, None, BYTES_AHEAD) == []
    assert not scheduler.wants_chunk(0)  # a second one would wait for long

    (given,) = scheduler.chunk_done(0, 1, 1, 1e-4)
    assert isinstance(given, Assign)
    assert given.chunk.first == 2
    assert scheduler.wants_chunk(0)
    assert scheduler.chunk_ready(0, 3, 1, None, LARGE_BYTES) == []  # though items are short
    assert scheduler.wants_chunk(0)


def test_what_a_worker_gives_back_counts_as_not_yet_cut() -> None:
    scheduler = scheduler_with(workers=1, items=101)
    scheduler.chunk_ready(0, 0, 1, None)
    assert scheduler.chunk_done(0, 1, 1, busy=1e-4) == []
    (action,) = scheduler.chunk_ready(0, 1, 100, None)
    assert isinstance(action, Assign)

    scheduler.chunk_done(0, action.chunk.number, 20, busy=20e-4)

    assert scheduler.chunk_size(0) == 40  # half of the 80 that are left


def test_no_more_chunks_are_wanted_than_the_workers_will_soon_need() -> None:
    scheduler = scheduler_with(workers=2)

    handed_in = 0
    while scheduler.wants_chunk(0):
        scheduler.chunk_ready(0, handed_in, 1, None)
        handed_in += 1

    assert handed_in == 2 + 2 * CHUNKS_AHEAD


def test_jobs_take_turns() -> None:
    scheduler = Scheduler()
    scheduler.job_added(0, None)
    scheduler.job_added(1, None)
    for first in range(2):
        scheduler.chunk_ready(0, first, 1, None)
        scheduler.chunk_ready(1, first, 1, None)

    jobs = []
    actions = scheduler.worker_added(0)
    while actions:
        (action,) = actions
        assert isinstance(action, Assign)
        jobs.append(action.chunk.job)
        actions = scheduler.chunk_done(0, action.chunk.number, 1, busy=1.0)

    assert jobs == [0, 1, 0, 1]


def test_a_dead_worker_takes_only_the_item_it_was_running() -> None:
    scheduler = scheduler_with(workers=1)
    scheduler.chunk_ready(0, 100, 10, "cargo")

    actions = scheduler.worker_ended(0, running=4)

    (failure,) = actions
    assert isinstance(failure, Fail)
    assert (failure.chunk.first, failure.position) == (100, 4)
    again = scheduler.worker_added(1)
    (assign,) = again
    assert isinstance(assign, Assign)
    assert (assign.chunk.start, assign.chunk.stop, assign.chunk.cargo) == (0, 4, "cargo")
    (rest,) = scheduler.chunk_done(1, assign.chunk.number, 4, busy=4.0)
    assert isinstance(rest, Assign)
    assert (rest.chunk.start, rest.chunk.stop) == (5, 10)


def test_a_chunk_that_had_not_begun_goes_to_another_worker() -> None:
    scheduler = scheduler_with(workers=2)
    scheduler.chunk_ready(0, 0, 3, None)
    scheduler.chunk_ready(0, 3, 3, None)

    assert scheduler.worker_ended(0, running=None) == []

    assert assigned(scheduler.worker_added(2)) == [(2, 0)]


def test_a_chunk_that_kills_whoever_unpacks_it_is_split_and_then_fails_alone() -> None:
    scheduler = scheduler_with(workers=0)
    scheduler.chunk_ready(0, 0, 2, None)
    for worker in range(DEATHS):
        scheduler.worker_added(worker)
        actions = scheduler.worker_ended(worker, running=None)
    (split,) = actions
    assert isinstance(split, Split)
    scheduler.chunk_ready(0, 1, 1, None)

    for worker in range(DEATHS):
        scheduler.worker_added(worker)
        actions = scheduler.worker_ended(worker, running=None)

    (failure,) = actions
    assert isinstance(failure, Fail)
    assert failure.chunk.first == 1


def test_an_ended_job_leaves_nothing_to_do() -> None:
    scheduler = scheduler_with(workers=1)
    for first in range(3):
        scheduler.chunk_ready(0, first, 1, None)

    scheduler.job_ended(0)

    assert scheduler.worker_ended(0, running=0) == []
    assert scheduler.worker_added(1) == []
    assert not scheduler.wants_chunk(0)
    assert scheduler.chunk_ready(0, 3, 1, None) == []


class Simulation:
    """Plays the workers and the callers of a scheduler, and keeps account of every item."""

    def __init__(self, workers: int, jobs: list[int], retries: int) -> None:
        self.scheduler = Scheduler(retries=retries)
        # By the job and the index of the item: of which a worker died, or before it began with it.
        self.deaths: Counter[tuple[int, int]] = Counter()
        self.not_begun: Counter[tuple[int, int]] = Counter()
        self.wanted = dict(enumerate(jobs))
        self.cut = dict.fromkeys(self.wanted, 0)
        self.done: dict[int, list[int]] = {job: [] for job in self.wanted}
        self.failed: dict[int, list[int]] = {job: [] for job in self.wanted}
        self.held: dict[int, deque[Chunk]] = {}
        self.names = itertools.count()
        for job, items in self.wanted.items():
            self.scheduler.job_added(job, items)
        for _ in range(workers):
            self.hire()

    def hire(self) -> None:
        worker = next(self.names)
        self.held[worker] = deque()
        self.take(self.scheduler.worker_added(worker))

    def take(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Assign):
                self.held[action.worker].append(action.chunk)
            elif isinstance(action, Fail):
                self.failed[action.chunk.job].append(action.chunk.first + action.position)
            else:
                chunk = action.chunk
                for position in range(chunk.start, chunk.stop):
                    first = chunk.first + position
                    self.take(self.scheduler.chunk_ready(chunk.job, first, 1, None))

    def feed(self) -> None:
        for job, items in self.wanted.items():
            while self.cut[job] < items and self.scheduler.wants_chunk(job):
                size = min(self.scheduler.chunk_size(job), items - self.cut[job])
                first = self.cut[job]
                self.cut[job] += size
                self.take(self.scheduler.chunk_ready(job, first, size, None))

    def step(self, choice: int, seconds: float, end: str) -> bool:
        busy = [worker for worker, chunks in self.held.items() if chunks]
        if not busy:
            return False
        worker = busy[choice % len(busy)]
        chunk = self.held[worker][0]
        if end == "dies":
            del self.held[worker]
            size = chunk.stop - chunk.start
            at = chunk.start + choice % (size + 1)
            if at < chunk.stop:
                self.deaths[chunk.job, chunk.first + at] += 1
            else:
                self.not_begun[chunk.job, chunk.first + chunk.start] += 1
            self.take(self.scheduler.worker_ended(worker, at if at < chunk.stop else None))
            self.hire()
        else:
            if end == "trims" and choice % 2:  # what waits behind it is given back, too
                at = chunk.start + 1 + choice % (chunk.stop - chunk.start)
                stop = chunk.stop
                self.scheduler.chunk_trimmed(worker, chunk.number, at)
                if at < stop:
                    first = chunk.first + at
                    self.take(self.scheduler.chunk_ready(chunk.job, first, stop - at, None))
                while len(self.held[worker]) > 1:
                    waiting = self.held[worker].pop()
                    self.take(self.scheduler.chunk_returned(worker, waiting.number))
                assert list(self.held[worker]) == [chunk]
                return True
            self.held[worker].popleft()
            if leaves := end == "leaves":
                del self.held[worker]
            items = range(chunk.start, chunk.stop - choice % 3 * (chunk.stop - chunk.start) // 3)
            self.done[chunk.job] += [chunk.first + position for position in items]
            self.take(
                self.scheduler.chunk_done(
                    worker, chunk.number, len(items), seconds * len(items), leaves=leaves
                )
            )
            if leaves:
                self.hire()
            if items.stop < chunk.stop:
                left = chunk.stop - items.stop
                first = chunk.first + items.stop
                self.take(self.scheduler.chunk_ready(chunk.job, first, left, None))
        return True


@settings(max_examples=200, deadline=None)
@given(
    workers=st.integers(1, 4),
    jobs=st.lists(st.integers(0, 60), min_size=1, max_size=3),
    steps=st.lists(
        st.tuples(
            st.integers(0, 100),
            st.sampled_from([1e-6, 1e-3, 1.0]),
            st.sampled_from(["stays", "leaves", "trims", "dies"]),
        ),
        max_size=60,
    ),
    retries=st.integers(0, 2),
)
def test_whatever_happens_every_item_comes_out_exactly_once(
    workers: int, jobs: list[int], steps: list[tuple[int, float, str]], retries: int
) -> None:
    simulation = Simulation(workers, jobs, retries)
    endless = itertools.repeat((0, 1e-6, "stays"))

    for choice, seconds, end in itertools.chain(steps, endless):
        simulation.feed()
        if not simulation.step(choice, seconds, end):
            break

    for job, items in simulation.wanted.items():
        came_out = sorted(simulation.done[job] + simulation.failed[job])
        assert came_out == list(range(items))
        for index in simulation.failed[job]:
            is_fatal = simulation.deaths[job, index] == retries + 1
            assert is_fatal or simulation.not_begun[job, index] >= max(DEATHS, retries + 1)
        for index in simulation.done[job]:
            assert simulation.deaths[job, index] <= retries


def test_an_item_whose_worker_died_is_tried_again_alone_before_what_is_behind_it() -> None:
    scheduler = scheduler_with(workers=1, retries=1)
    (first,) = scheduler.chunk_ready(0, 0, 10, "cargo")
    assert isinstance(first, Assign)

    assert scheduler.worker_ended(0, running=4) == []
    (before,) = scheduler.worker_added(1)
    assert isinstance(before, Assign)
    assert (before.chunk.start, before.chunk.stop) == (0, 4)
    (again,) = scheduler.chunk_done(1, before.chunk.number, 4, busy=60.0)
    assert isinstance(again, Assign)
    assert (again.chunk.start, again.chunk.stop, again.chunk.tries) == (4, 5, 1)
    assert scheduler.worker_ended(1, running=4) == [Fail(again.chunk, 4)]
    (behind,) = scheduler.worker_added(2)
    assert isinstance(behind, Assign)
    assert (behind.chunk.start, behind.chunk.stop, behind.chunk.tries) == (5, 10, 0)


def test_what_was_to_blame_for_something_else_is_not_tried_again() -> None:
    scheduler = scheduler_with(workers=1, retries=5)
    (first,) = scheduler.chunk_ready(0, 0, 1, None)
    assert isinstance(first, Assign)

    assert scheduler.worker_ended(0, running=0, may_retry=False) == [Fail(first.chunk, 0)]


def test_what_waits_at_a_worker_that_leaves_goes_to_the_next_unblamed() -> None:
    scheduler = scheduler_with(workers=1)
    (first,) = scheduler.chunk_ready(0, 0, 1, None)
    assert isinstance(first, Assign)
    scheduler.chunk_done(0, first.chunk.number, 1, busy=0.001)
    (second,) = scheduler.chunk_ready(0, 1, 1, None)
    (third,) = scheduler.chunk_ready(0, 2, 1, None)
    assert isinstance(second, Assign)
    assert isinstance(third, Assign)

    assert scheduler.chunk_done(0, second.chunk.number, 1, busy=0.001, leaves=True) == []
    assert scheduler.is_idle(0)
    assert scheduler.worker_added(1) == [Assign(1, third.chunk)]
    assert third.chunk.deaths == 0


def test_nothing_waits_behind_a_slow_item() -> None:
    scheduler = scheduler_with(workers=1, items=1000)
    (first,) = scheduler.chunk_ready(0, 0, 1, None)
    assert isinstance(first, Assign)
    scheduler.chunk_done(0, first.chunk.number, 1, busy=0.0001)
    (second,) = scheduler.chunk_ready(0, 1, 10, None)
    (third,) = scheduler.chunk_ready(0, 11, 10, None)
    assert isinstance(second, Assign)
    assert isinstance(third, Assign)
    assert scheduler.holds_up_others(0)

    scheduler.chunk_trimmed(0, second.chunk.number, 4)
    assert scheduler.chunk_returned(0, third.chunk.number) == []
    assert not scheduler.holds_up_others(0)
    assert scheduler.chunk_ready(0, 5, 6, None) == []  # it waits for a worker that is free
    assert assigned(scheduler.worker_added(1)) == [(1, 11), (1, 5)]


def test_a_chunk_on_its_way_when_an_item_turns_out_slow_is_asked_back_as_well() -> None:
    scheduler = scheduler_with(workers=1, items=1000)
    (first,) = scheduler.chunk_ready(0, 0, 1, None)
    assert isinstance(first, Assign)
    scheduler.chunk_done(0, first.chunk.number, 1, busy=0.0001)
    (second,) = scheduler.chunk_ready(0, 1, 10, None)
    (third,) = scheduler.chunk_ready(0, 11, 10, None)
    assert isinstance(second, Assign)
    assert isinstance(third, Assign)

    scheduler.chunk_trimmed(0, second.chunk.number, 2)  # sent before the third was there

    assert scheduler.holds_up_others(0)


def test_no_chunk_has_more_items_than_a_worker_may_run() -> None:
    scheduler = scheduler_with(workers=1, items=1000, most_items=7)
    (first,) = scheduler.chunk_ready(0, 0, 1, None)
    assert isinstance(first, Assign)
    scheduler.chunk_done(0, first.chunk.number, 1, busy=1e-6)

    assert scheduler.chunk_size(0) == 7


def test_a_job_may_have_no_chunk_wait_behind_one_that_runs() -> None:
    scheduler = scheduler_with(workers=1, jobs=0)
    scheduler.job_added(1, None, in_advance=False)
    (first,) = scheduler.chunk_ready(1, 0, 1, None)
    assert isinstance(first, Assign)

    (second,) = [
        *scheduler.chunk_ready(1, 1, 1, None),
        *scheduler.chunk_done(0, first.chunk.number, 1, busy=0.000001),
    ]

    assert assigned([second]) == [(0, 1)]
    assert scheduler.chunk_ready(1, 2, 1, None) == []


def test_a_job_that_is_never_in_advance_has_its_turn_beside_one_that_is() -> None:
    scheduler = scheduler_with(workers=1, jobs=1, items=1000)
    scheduler.job_added(1, None, in_advance=False)
    held = deque(scheduler.chunk_ready(0, 0, 1, None))
    for first in range(1, 40):
        held += scheduler.chunk_ready(0, first, 1, None)
    held += scheduler.chunk_ready(1, 0, 1, None)
    order: list[int] = []

    while held:
        action = held.popleft()
        assert isinstance(action, Assign)
        order.append(action.chunk.job)
        held += scheduler.chunk_done(0, action.chunk.number, 1, busy=0.000001)

    assert order.count(0) == 40
    assert 1 in order[:4]


def test_a_chunk_that_no_worker_has_can_be_withdrawn() -> None:
    scheduler = scheduler_with(workers=1)
    scheduler.chunk_ready(0, 0, 1, None)
    scheduler.chunk_ready(0, 1, 1, None)

    assert scheduler.is_ready(0, 1)
    assert not scheduler.chunk_withdrawn(0, 0)
    assert scheduler.chunk_withdrawn(0, 1)
    assert not scheduler.chunk_withdrawn(0, 1)
    assert not scheduler.is_ready(0, 1)
    assert not scheduler.has_ready()
