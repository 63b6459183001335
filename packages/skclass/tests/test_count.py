from suitkaise.circuits._backoff import Backoff
from suitkaise.circuits._count import Count, State

BACKOFF = Backoff(1.0, 2.0, 100.0, 0.5)


def test_a_count_that_closes_again_grows_its_sleep_at_the_trip():
    count = Count(1, BACKOFF, stays_broken=False)

    assert [count.short(None, 0.5) for _ in range(3)] == [1.0, 2.0, 4.0]

    assert count.state is State.CLOSED


def test_a_count_that_stays_broken_grows_its_sleep_at_the_reset():
    count = Count(1, BACKOFF, stays_broken=True)

    assert [count.short(None, 0.5) for _ in range(3)] == [1.0, None, None]
    count.reset()

    assert count.state is State.CLOSED
    assert count.trip(None, 0.5) == 2.0
    assert count.state is State.BROKEN
    assert count.trip(None, 0.5) is None


def test_chance_spreads_the_sleep_by_the_jitter():
    count = Count(1, BACKOFF, stays_broken=False)

    assert count.short(None, 1.0) == 1.5
    assert count.short(None, 0.0) == 1.0
