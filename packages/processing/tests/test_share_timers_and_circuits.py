"""Timers, circuits, resources, other Shares, and what cannot be shared."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import multiprocessing
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from packages.processing.tests.elsewhere import Elsewhere, elsewhere, everywhere

from suitkaise.circuits import BreakingCircuit, Circuit
from suitkaise.processing import Pool, Share
from suitkaise.timing import Sktimer, TimeThis, timethis

pytestmark = pytest.mark.timeout(100)

DEADLINE = 30.0


class Box:
    def __init__(self) -> None:
        self.content: Any = None


class Doubling(Sktimer):
    def double(self) -> None:
        self.add_time(1)
        self.add_time(2)


@pytest.fixture
def share() -> Iterator[Any]:
    with Share() as share:
        yield share


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# Timers


def test_a_timer_times_the_caller_and_records_into_the_shared_one(share: Any) -> None:
    share.timer = Sktimer()

    share.timer.start()
    seconds = share.timer.stop()
    elsewhere(
        lambda: (share.timer.start(), share.timer.pause(), share.timer.resume(), share.timer.stop())
    )
    share.timer.start()
    share.timer.lap()
    share.timer.discard()

    assert share.timer.num_times == 3
    assert share.timer.get_time(0) == seconds
    assert share.timer.total_time_paused > 0
    assert elsewhere(lambda: share.timer.num_times) == 3


def test_what_one_measures_is_not_running_for_another(share: Any) -> None:
    share.timer = Sktimer()
    share.timer.start()

    with pytest.raises(RuntimeError):
        elsewhere(lambda: share.timer.stop())
    raised: list[BaseException] = []

    def stop() -> None:
        try:
            share.timer.stop()
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=stop)
    thread.start()
    thread.join(DEADLINE)
    share.timer.stop()

    assert len(raised) == 1
    assert share.timer.num_times == 1


def test_a_timer_has_its_statistics_and_all_else(share: Any) -> None:
    share.timer = Sktimer()
    other = Sktimer()
    other.add_time(5)

    share.timer.add_time(1.0)
    share.timer.merge(other)
    share.timer += other
    with pytest.raises(ValueError, match="elapsed_time"):
        share.timer.add_time(-1)

    assert elsewhere(lambda: share.timer.get_statistics().num_times) == 3
    assert (share.timer.max, share.timer.percentile(0), (share.timer + other).num_times) == (
        5.0,
        1.0,
        4,
    )
    assert isinstance(share.timer, Sktimer)
    assert repr(share.timer).startswith("<Sktimer: num_times=3")
    kept = copy.copy(share.timer)
    elsewhere(lambda: share.timer.set_max_times(1))
    assert (share.timer.num_times, share.timer.max_times, kept.num_times) == (1, 1, 3)
    share.timer.reset()
    assert elsewhere(lambda: (share.timer.num_times, share.timer.mean)) == (0, None)


def test_blocks_and_functions_are_timed_into_a_share(share: Any) -> None:
    share.timer = Sktimer()

    @timethis(share.timer)
    def work() -> int:
        return 3

    with TimeThis(share.timer):
        pass

    assert work() == 3
    assert elsewhere(work) == 3
    assert share.timer.num_times == 3


def test_no_measurement_is_lost(share: Any) -> None:
    share.timer = Sktimer()
    share.nested = {"timer": Sktimer()}

    def work() -> None:
        for _ in range(50):
            share.timer.start()
            share.timer.stop()
            share.nested["timer"].add_time(1)

    everywhere(work)

    assert (share.timer.num_times, share.nested["timer"].num_times) == (200, 200)


def test_timers_inside_of_other_things_and_derived_ones(share: Any) -> None:
    share.box = Box()
    share.box.content = Doubling()

    share.box.content.double()
    with TimeThis(share.box.content):
        pass
    elsewhere(lambda: share.box.content.double())

    assert share.box.content.num_times == 5
    share.box.content = Sktimer()
    assert elsewhere(lambda: share.box.content.num_times) == 0


# Circuits


def test_a_circuit_counts_for_all(share: Any) -> None:
    share.circuit = Circuit(3)

    counts = [
        share.circuit.short(),
        elsewhere(lambda: share.circuit.short()),
        share.circuit.short(),
    ]

    assert counts == [False, False, True]
    assert elsewhere(lambda: (share.circuit.total_trips, share.circuit.times_shorted)) == (1, 0)
    assert share.circuit.trip()
    assert asyncio.run(share.circuit.short.asynced()()) is False
    assert elsewhere(lambda: (share.circuit.total_trips, share.circuit.times_shorted)) == (2, 1)


def test_no_short_is_lost(share: Any) -> None:
    share.circuit = Circuit(7)

    everywhere(lambda: [share.circuit.short() for _ in range(25)])

    assert (share.circuit.total_trips, share.circuit.times_shorted) == (14, 2)


def test_only_who_trips_sleeps(share: Any) -> None:
    share.circuit = Circuit(1, 10.0)
    sleeper = Elsewhere(lambda: share.circuit.short())

    until(lambda: share.circuit.total_trips == 1)
    tripped = share.circuit.trip(0.0)  # waits for nobody
    trips = share.circuit.total_trips

    assert (tripped, trips) == (True, 2)
    assert os.waitpid(sleeper.pid, os.WNOHANG) == (0, 0)
    sleeper.kill()


def test_a_breaking_circuit_is_broken_for_all_until_it_is_reset(share: Any) -> None:
    share.breaker = BreakingCircuit(2)

    elsewhere(lambda: share.breaker.short())
    share.breaker.short()

    assert share.breaker.broken
    assert elsewhere(lambda: share.breaker.broken)
    elsewhere(lambda: share.breaker.reset())
    assert not share.breaker.broken


def test_workers_of_a_pool_stop_together(share: Any) -> None:
    share.breaker = BreakingCircuit(5)

    def attempt(_: int) -> None:
        while not share.breaker.broken:
            share.breaker.short()

    with Pool(workers=2) as pool:
        pool.map(attempt, range(4))

    assert (share.breaker.total_trips, share.breaker.broken) == (1, True)


# Resources and other Shares


def test_a_connection_is_what_it_takes_to_connect_again(share: Any) -> None:
    with (
        contextlib.closing(sqlite3.connect(":memory:")) as one,
        contextlib.closing(sqlite3.connect(":memory:")) as other,
    ):
        share.db = one
        share.box = Box()
        share.box.content = other
        share.n = 1

    connected = share.reconnect_all()

    assert sorted(connected) == ["box", "db"]
    with contextlib.closing(connected["db"]) as db:
        assert db.execute("select 1").fetchone() == (1,)
    with contextlib.closing(connected["box"].content) as db:
        assert db.execute("select 2").fetchone() == (2,)


def test_a_share_in_a_share_is_a_reference(share: Any) -> None:
    other: Any = Share()
    other.n = 1
    share.other = other
    share.box = Box()
    share.box.content = [other]

    share.other.n += 1
    share.box.content[0].n += 1

    assert share.other is other
    assert elsewhere(lambda: share.other.n) == 3
    assert other.n == 3


# What cannot be shared

CONTEXT = multiprocessing.get_context("spawn")
UNSHARABLE: dict[str, Callable[[], Any]] = {
    "queue": CONTEXT.Queue,
    "simple queue": CONTEXT.SimpleQueue,
    "event": CONTEXT.Event,
    "lock": CONTEXT.Lock,
    "value": lambda: CONTEXT.Value("i", 1),
    "array": lambda: CONTEXT.Array("i", 2),
    "connection": lambda: CONTEXT.Pipe()[0],
    "pipe": lambda: os.fdopen(os.pipe()[0], "rb", buffering=0),
    "compressor": zlib.compressobj,
}


@pytest.mark.parametrize("make", UNSHARABLE.values(), ids=UNSHARABLE)
def test_what_cannot_be_shared_is_refused_wherever_it_is_put(share: Any, make: Any) -> None:
    value = make()
    share.x, share.items, share.table, share.box = 1, [1], {"a": 1}, Box()

    for attempt, name in (
        (lambda: setattr(share, "x", value), "x"),
        (lambda: setattr(share, "new", value), "new"),
        (lambda: setattr(share, "new", {"a": [value]}), "new"),
        (lambda: share.items.append(value), "items"),
        (lambda: share.items.insert(0, value), "items"),
        (lambda: share.table.update(b=value), "table"),
        (lambda: setattr(share.box, "content", value), "box"),
    ):
        with pytest.raises(TypeError, match=rf"cannot share .*`share\.{name}`"):
            attempt()

    assert (share.x, list(share.items), dict(share.table), share.box.content) == (
        1,
        [1],
        {"a": 1},
        None,
    )
    assert not hasattr(share, "new")
    if hasattr(value, "close"):
        value.close()
    assert elsewhere(lambda: (share.x, list(share.items), share.box.content)) == (1, [1], None)
