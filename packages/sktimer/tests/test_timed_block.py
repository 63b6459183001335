import asyncio
import warnings

import pytest

from suitkaise.timing import Sktimer, TimeThis


def test_a_block_is_recorded_into_a_new_timer():
    with TimeThis() as timer:
        assert timer.num_times == 0

    assert isinstance(timer, Sktimer)
    assert timer.num_times == 1


def test_a_block_takes_as_long_as_what_is_in_it(monkeypatch, clock):
    monkeypatch.setattr("suitkaise.timing._timed_block.perf_counter", clock)

    with TimeThis() as timer:
        clock.advance(2.5)

    assert timer.most_recent == 2.5


def test_blocks_are_recorded_into_the_timer_given():
    timer = Sktimer()

    for _ in range(3):
        with TimeThis(timer) as same:
            assert same is timer

    assert timer.num_times == 3


def test_a_block_that_raises_is_recorded_and_the_error_goes_on():
    timer = Sktimer()

    with pytest.raises(LookupError, match="nothing there"), TimeThis(timer):
        raise LookupError("nothing there")

    assert timer.num_times == 1


def test_blocks_within_one_another_have_their_own_measurements_and_nothing_warns():
    timer = Sktimer()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with TimeThis(timer), TimeThis(timer):
            pass

    assert timer.num_times == 2
    assert timer.get_time(0) <= timer.get_time(1)


def test_a_measurement_that_runs_in_the_timer_is_left_alone():
    timer = Sktimer()

    timer.start()
    with TimeThis(timer):
        pass
    timer.stop()

    assert timer.num_times == 2


def test_async_blocks_that_overlap_have_their_own_measurements(monkeypatch, clock):
    monkeypatch.setattr("suitkaise.timing._timed_block.perf_counter", clock)
    timer = Sktimer()

    async def work(begun, ended):
        async with TimeThis(timer) as same:
            assert same is timer
            begun.set()
            clock.advance(1.0)
            await ended.wait()

    async def main():
        events = [(asyncio.Event(), asyncio.Event()) for _ in range(3)]
        tasks = [asyncio.create_task(work(*pair)) for pair in events]
        for begun, _ in events:
            await begun.wait()
        for task, (_, ended) in zip(tasks, events, strict=True):
            clock.advance(10.0)
            ended.set()
            await task

    asyncio.run(main())

    assert timer.get_stats().times == (13.0, 22.0, 31.0)


def test_one_block_after_another_is_fine_with_the_same_object():
    block = TimeThis()

    for _ in range(2):
        with block:
            pass

    assert block.timer.num_times == 2


def test_one_block_within_another_needs_an_object_of_its_own():
    block = TimeThis()

    with block, pytest.raises(RuntimeError, match="make one for each block: with TimeThis"):
        block.__enter__()

    assert block.timer.num_times == 1


@pytest.mark.parametrize("timer", [1, "timer", Sktimer])
def test_what_is_no_timer_is_a_type_error(timer):
    with pytest.raises(TypeError, match=r"timer must be an Sktimer, or None for a new one; got"):
        TimeThis(timer)
