import asyncio
import copy
import math
import pickle
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.circuits import Circuit


def watched(circuit: Circuit, chance: float = 0.5) -> list[float]:
    """Replace sleeping and chance; give the list that sleeps are noted in."""
    sleeps: list[float] = []
    circuit._sleep = sleeps.append
    circuit._chance = lambda: chance
    return sleeps


def test_the_short_that_reaches_the_threshold_trips_and_sleeps():
    circuit = Circuit(3, 1.5)
    sleeps = watched(circuit)

    tripped = [circuit.short() for _ in range(7)]

    assert tripped == [False, False, True, False, False, True, False]
    assert sleeps == [1.5, 1.5]
    assert circuit.total_trips == 2
    assert circuit.times_shorted == 1


@given(st.integers(1, 10), st.integers(0, 60))
def test_every_nth_short_trips(threshold, shorts):
    circuit = Circuit(threshold)
    watched(circuit)

    for _ in range(shorts):
        circuit.short()

    assert circuit.num_shorts_to_trip == threshold
    assert (circuit.total_trips, circuit.times_shorted) == divmod(shorts, threshold)


def test_trip_does_not_wait_for_the_threshold():
    circuit = Circuit(10, 2.0)
    sleeps = watched(circuit)
    circuit.short()

    assert circuit.trip() is True

    assert sleeps == [2.0]
    assert circuit.times_shorted == 0
    assert circuit.total_trips == 1


def test_backoff_is_applied_at_the_trip_for_the_next_one():
    circuit = Circuit(1, 1.0, backoff_factor=2.0, max_sleep_time=5.0)
    sleeps = watched(circuit)

    for _ in range(5):
        circuit.short()

    assert sleeps == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_reset_backoff_goes_back_to_the_first_sleep_and_leaves_the_counts():
    circuit = Circuit(2, 1.0, backoff_factor=3.0)
    watched(circuit)
    circuit.trip()
    circuit.short()

    circuit.reset_backoff()

    assert circuit.current_sleep_time == 1.0
    assert circuit.times_shorted == 1
    assert circuit.total_trips == 1


def test_a_custom_sleep_is_slept_exactly_and_backoff_goes_on():
    circuit = Circuit(1, 1.0, backoff_factor=2.0, max_sleep_time=5.0, jitter=0.5)
    sleeps = watched(circuit, chance=1.0)

    circuit.short(custom_sleep=30.0)
    circuit.trip(custom_sleep=0.0)

    assert sleeps == [30.0, 0.0]
    assert circuit.current_sleep_time == 4.0


def test_jitter_varies_the_sleep_and_not_what_the_next_one_grows_from():
    circuit = Circuit(1, 1.0, backoff_factor=2.0, jitter=0.5)
    sleeps = watched(circuit, chance=1.0)

    circuit.short()
    circuit.short()

    assert sleeps == [1.5, 3.0]


@pytest.mark.parametrize("custom_sleep", [-1.0, math.nan, math.inf])
def test_a_custom_sleep_that_cannot_be_slept_counts_nothing(custom_sleep):
    circuit = Circuit(1)
    sleeps = watched(circuit)

    with pytest.raises(ValueError, match="custom_sleep"):
        circuit.short(custom_sleep)
    with pytest.raises(ValueError, match="custom_sleep"):
        circuit.trip(custom_sleep)

    assert sleeps == []
    assert circuit.times_shorted == circuit.total_trips == 0


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"num_shorts_to_trip": 0}, "num_shorts_to_trip"),
        ({"num_shorts_to_trip": 1, "sleep_time_after_trip": -1.0}, "sleep_time_after_trip"),
        ({"num_shorts_to_trip": 1, "backoff_factor": -1.0}, "backoff_factor"),
        ({"num_shorts_to_trip": 1, "max_sleep_time": -1.0}, "max_sleep_time"),
    ],
)
def test_an_argument_out_of_range_is_a_value_error_that_names_it(arguments, name):
    with pytest.raises(ValueError, match=name):
        Circuit(**arguments)


def test_others_can_use_the_circuit_while_one_sleeps():
    circuit = Circuit(1, 1.0)
    asleep, wake = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        asleep.set()
        wake.wait(60)

    circuit._sleep = sleep
    sleeper = threading.Thread(target=circuit.short)
    sleeper.start()
    assert asleep.wait(60)

    circuit._sleep = lambda seconds: None
    assert circuit.short() is True
    circuit.reset_backoff()
    assert circuit.total_trips == 2

    wake.set()
    sleeper.join(60)
    assert not sleeper.is_alive()


def test_no_short_of_any_thread_is_lost():
    circuit = Circuit(7)
    watched(circuit)
    together = threading.Barrier(4)

    def work() -> None:
        together.wait(60)
        for _ in range(2_100):
            circuit.short()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    sys.setswitchinterval(interval)

    assert circuit.total_trips == 4 * 2_100 // 7
    assert circuit.times_shorted == 0


@pytest.mark.parametrize(
    "travel",
    [lambda circuit: pickle.loads(pickle.dumps(circuit, protocol=5)), copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_a_copy_has_the_counts_and_goes_its_own_way(travel):
    circuit = Circuit(3, 1.0, backoff_factor=2.0, jitter=0.5)
    watched(circuit)
    circuit.trip()
    circuit.short()

    twin = travel(circuit)
    sleeps = watched(twin)
    twin.short()
    twin.short()

    assert sleeps == [2.0]
    assert (twin.times_shorted, twin.total_trips, twin.current_sleep_time) == (0, 2, 4.0)
    assert (circuit.times_shorted, circuit.total_trips) == (1, 1)


def test_a_pickled_circuit_really_sleeps():
    circuit = pickle.loads(pickle.dumps(Circuit(1, 0.0)))

    assert circuit.short() is True


def test_the_repr_tells_where_it_stands():
    circuit = Circuit(3, 0.5)
    circuit.short()

    assert repr(circuit) == (
        "<Circuit: times_shorted=1 of 3, total_trips=0, current_sleep_time=0.5 s>"
    )


def test_an_awaited_short_sleeps_in_the_event_loop_and_counts_the_same():
    circuit = Circuit(2, 1.5)
    sleeps: list[float] = []

    async def sleep(seconds):
        sleeps.append(seconds)

    circuit._sleep = None
    circuit._sleep_async = sleep

    async def main():
        return [await circuit.short.asynced()() for _ in range(4)]

    assert asyncio.run(main()) == [False, True, False, True]
    assert sleeps == [1.5, 1.5]


def test_an_awaited_trip_lets_others_run_while_it_sleeps():
    circuit = Circuit(1, 60.0, max_sleep_time=60.0)

    async def main():
        tripping = asyncio.ensure_future(circuit.trip.asynced()())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen = circuit.total_trips
        tripping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await tripping
        return seen

    assert asyncio.run(main()) == 1
