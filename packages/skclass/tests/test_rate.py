import itertools
import pickle
import threading

from hypothesis import given
from hypothesis import strategies as st

from suitkaise.sk._rate import RateLimiter, RateLimiters


def test_whoever_comes_early_is_told_how_long_to_wait():
    limiter = RateLimiter(4.0)

    assert [limiter.reserve(10.0) for _ in range(3)] == [0.0, 0.25, 0.5]
    assert limiter.reserve(10.5) == 0.25


def test_time_that_nobody_used_is_not_saved_up():
    limiter = RateLimiter(2.0)
    limiter.reserve(0.0)

    assert [limiter.reserve(100.0) for _ in range(2)] == [0.0, 0.5]


@given(st.floats(0.01, 1000.0), st.lists(st.floats(0.0, 10.0), min_size=2, max_size=50))
def test_no_two_calls_begin_closer_than_the_rate_allows(per_second, pauses):
    limiter = RateLimiter(per_second)
    now, begins = 0.0, []

    for pause in pauses:
        now += pause
        begins.append(now + limiter.reserve(now))

    gaps = [after - before for before, after in itertools.pairwise(begins)]
    assert min(gaps) >= 1 / per_second - 1e-9 * max(begins)


def test_threads_that_ask_at_once_get_different_moments():
    limiter = RateLimiter(1.0)
    waits = []
    threads = [
        threading.Thread(target=lambda: waits.append(limiter.reserve(0.0))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(waits) == list(range(20))


def test_every_caller_of_a_rate_gets_the_same_limiter():
    limiters = RateLimiters()

    assert limiters.get(2.0) is limiters.get(2.0)
    assert limiters.get(2.0) is not limiters.get(3.0)


def test_a_copy_in_another_process_begins_anew():
    limiters = RateLimiters()
    limiters.get(2.0).reserve(0.0)

    assert pickle.loads(pickle.dumps(limiters)).get(2.0).reserve(0.0) == 0.0
