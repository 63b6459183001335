import asyncio
import math
import time

import pytest

from suitkaise import timing


def test_time_is_that_of_the_standard_library():
    before = time.time()
    now = timing.time()
    after = time.time()

    assert before <= now <= after


def test_sleep_gives_the_time_afterwards():
    before = time.monotonic()
    ended = timing.sleep(0.02)
    after = time.time()

    assert time.monotonic() - before >= 0.02
    assert ended <= after
    assert after - ended < 60.0


def test_sleep_takes_no_time_and_whole_numbers():
    assert timing.sleep(0) <= time.time()


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan, math.inf, 1e10])
def test_sleep_refuses_what_is_no_duration(seconds):
    with pytest.raises(ValueError, match=f"seconds must be a number from 0 to 1e9, got {seconds}"):
        timing.sleep(seconds)


@pytest.mark.parametrize("seconds", ["1", None])
def test_sleep_refuses_what_is_no_number(seconds):
    with pytest.raises(TypeError, match="seconds must be a number from 0 to 1e9, got"):
        timing.sleep(seconds)


def test_elapsed_is_the_same_in_both_directions():
    assert timing.elapsed(10.0, 12.5) == timing.elapsed(12.5, 10.0) == 2.5


def test_elapsed_counts_to_now_by_default():
    assert 59.0 < timing.elapsed(time.time() - 60.0) < 120.0
    assert 0.0 < timing.elapsed(time.time() + 60.0) <= 60.0


@pytest.mark.parametrize(("a", "b", "name"), [(math.nan, 1.0, "a"), (1.0, math.inf, "b")])
def test_elapsed_names_the_time_that_is_not_finite(a, b, name):
    with pytest.raises(ValueError, match=f"{name} must be a finite time in seconds, got"):
        timing.elapsed(a, b)


@pytest.mark.parametrize(("a", "b", "name"), [("1", 1.0, "a"), (1.0, "2", "b")])
def test_elapsed_names_what_is_no_time(a, b, name):
    with pytest.raises(TypeError, match=f"{name} must be a time in seconds, got"):
        timing.elapsed(a, b)


def test_an_awaited_sleep_lets_others_run_and_gives_the_time_afterwards():
    order = []

    async def other():
        order.append("other")

    async def main():
        task = asyncio.ensure_future(other())
        ended = await timing.sleep.asynced()(0.02)
        order.append("slept")
        await task
        return ended

    before = time.time()
    ended = asyncio.run(main())

    assert order == ["other", "slept"]
    assert before <= ended <= time.time()


def test_an_awaited_sleep_refuses_what_is_no_duration():
    with pytest.raises(ValueError, match="seconds"):
        asyncio.run(timing.sleep.asynced()(-1))
