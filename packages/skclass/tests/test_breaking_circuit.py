import copy
import math
import pickle
import threading

import pytest

from suitkaise.circuits import BreakingCircuit


def watched(circuit: BreakingCircuit, chance: float = 0.5) -> list[float]:
    """Replace sleeping and chance; give the list that sleeps are noted in."""
    sleeps: list[float] = []
    circuit._sleep = sleeps.append
    circuit._chance = lambda: chance
    return sleeps


def test_the_short_that_reaches_the_threshold_breaks_it_and_sleeps_once():
    circuit = BreakingCircuit(3, 1.5)
    sleeps = watched(circuit)

    tripped = [circuit.short() for _ in range(3)]

    assert tripped == [False, False, True]
    assert circuit.broken
    assert sleeps == [1.5]
    assert circuit.total_trips == 1


def test_it_stays_broken_and_counts_nothing_until_reset():
    circuit = BreakingCircuit(1, 1.0)
    sleeps = watched(circuit)
    circuit.short()

    assert circuit.short() is False
    assert circuit.trip() is False

    assert circuit.broken
    assert sleeps == [1.0]
    assert circuit.total_trips == 1
    assert circuit.times_shorted == 0


def test_reset_makes_it_whole_with_no_shorts_counted():
    circuit = BreakingCircuit(2)
    watched(circuit)
    circuit.trip()

    circuit.reset()

    assert not circuit.broken
    assert [circuit.short(), circuit.short()] == [False, True]
    assert circuit.total_trips == 2


def test_trip_does_not_wait_for_the_threshold():
    circuit = BreakingCircuit(10, 2.0)
    sleeps = watched(circuit)

    assert circuit.trip() is True

    assert circuit.broken
    assert sleeps == [2.0]


def test_backoff_is_applied_at_the_reset():
    circuit = BreakingCircuit(1, 1.0, backoff_factor=2.0, max_sleep_time=5.0)
    sleeps = watched(circuit)

    circuit.short()
    assert circuit.current_sleep_time == 1.0
    for _ in range(4):
        circuit.reset()
        circuit.short()

    assert sleeps == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_resetting_a_whole_circuit_forgets_the_shorts_and_does_not_grow_the_sleep():
    circuit = BreakingCircuit(3, 1.0, backoff_factor=2.0)
    circuit.short()

    circuit.reset()

    assert circuit.times_shorted == 0
    assert circuit.current_sleep_time == 1.0


def test_reset_backoff_goes_back_to_the_first_sleep_and_leaves_it_broken():
    circuit = BreakingCircuit(1, 1.0, backoff_factor=2.0)
    watched(circuit)
    circuit.short()
    circuit.reset()
    circuit.short()

    circuit.reset_backoff()

    assert circuit.broken
    assert circuit.current_sleep_time == 1.0


def test_a_custom_sleep_is_slept_exactly():
    circuit = BreakingCircuit(1, 1.0, max_sleep_time=5.0, jitter=0.5)
    sleeps = watched(circuit, chance=1.0)

    circuit.short(custom_sleep=30.0)
    circuit.reset()
    circuit.trip(custom_sleep=0.0)

    assert sleeps == [30.0, 0.0]


@pytest.mark.parametrize("custom_sleep", [-1.0, math.nan, math.inf])
def test_a_custom_sleep_that_cannot_be_slept_breaks_nothing(custom_sleep):
    circuit = BreakingCircuit(1)
    sleeps = watched(circuit)

    with pytest.raises(ValueError, match="custom_sleep"):
        circuit.short(custom_sleep)
    with pytest.raises(ValueError, match="custom_sleep"):
        circuit.trip(custom_sleep)

    assert sleeps == []
    assert not circuit.broken


def test_a_threshold_below_1_is_a_value_error():
    with pytest.raises(ValueError, match="num_shorts_to_trip"):
        BreakingCircuit(0)


def test_others_see_it_broken_and_can_reset_it_while_one_sleeps():
    circuit = BreakingCircuit(1, 1.0)
    asleep, wake = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        asleep.set()
        wake.wait(60)

    circuit._sleep = sleep
    sleeper = threading.Thread(target=circuit.short)
    sleeper.start()
    assert asleep.wait(60)

    assert circuit.broken
    circuit.reset()
    assert not circuit.broken

    wake.set()
    sleeper.join(60)
    assert not sleeper.is_alive()
    assert not circuit.broken


def test_of_many_threads_exactly_one_breaks_it():
    circuit = BreakingCircuit(50)
    sleeps = watched(circuit)
    together = threading.Barrier(4)
    tripped: list[bool] = []

    def work() -> None:
        together.wait(60)
        while not circuit.broken:
            tripped.append(circuit.short())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert tripped.count(True) == 1
    assert len(sleeps) == 1
    assert circuit.total_trips == 1


@pytest.mark.parametrize(
    "travel",
    [lambda circuit: pickle.loads(pickle.dumps(circuit, protocol=5)), copy.copy, copy.deepcopy],
    ids=["pickle", "copy", "deepcopy"],
)
def test_a_copy_of_a_broken_circuit_is_broken_and_goes_its_own_way(travel):
    circuit = BreakingCircuit(3, 1.0, backoff_factor=2.0)
    watched(circuit)
    circuit.trip()

    twin = travel(circuit)

    assert twin.broken
    assert twin.total_trips == 1
    twin.reset()
    assert twin.current_sleep_time == 2.0
    assert circuit.broken
    assert circuit.current_sleep_time == 1.0


def test_the_repr_tells_where_it_stands():
    circuit = BreakingCircuit(2, 0.5)
    watched(circuit)
    circuit.trip()

    assert repr(circuit) == (
        "<BreakingCircuit: broken=True, times_shorted=0 of 2, total_trips=1, "
        "current_sleep_time=0.5 s>"
    )
