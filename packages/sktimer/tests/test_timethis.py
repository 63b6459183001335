import asyncio
import gc
import inspect
import pickle
import threading
import warnings
import weakref

import pytest

from suitkaise.timing import Sktimer, clear_global_timers, timethis


@timethis()
def squared(number: int) -> int:
    """Multiply a number with itself."""
    return number * number


@timethis
def running_sum(*numbers: int):
    total = 0
    for number in numbers:
        total += number
        yield total
    return "done"


@pytest.fixture
def clock(monkeypatch, clock):
    monkeypatch.setattr("suitkaise.timing._timethis.perf_counter", clock)
    return clock


# Functions


def test_every_call_is_recorded_and_gives_what_the_function_gives():
    clear_global_timers()

    results = [squared(number) for number in range(5)]

    assert results == [0, 1, 4, 9, 16]
    assert squared.timer.num_times == 5


def test_a_call_takes_as_long_as_the_function(clock):
    @timethis()
    def work(seconds):
        clock.advance(seconds)

    work(2.0)
    work(0.5)

    assert work.timer.get_stats().times == (2.0, 0.5)


def test_it_works_with_and_without_parentheses():
    def function():
        return 3

    for timed in (timethis(function), timethis()(function), timethis(None)(function)):
        assert timed() == 3
        assert timed.timer.num_times == 1


@pytest.mark.parametrize("decorate", [timethis, lambda timer: timethis(timer=timer)])
def test_a_timer_that_is_given_is_the_one_recorded_into(decorate):
    timer = Sktimer()

    @decorate(timer)
    def one():
        return 1

    @decorate(timer)
    def two():
        return 2

    assert one() + two() == 3
    assert one.timer is two.timer is timer
    assert timer.num_times == 2


def test_each_function_has_a_timer_of_its_own():
    assert timethis(len).timer is not timethis(len).timer


def test_the_function_keeps_its_name_its_docstring_and_its_signature():
    assert squared.__name__ == "squared"
    assert squared.__doc__ == "Multiply a number with itself."
    assert str(inspect.signature(squared)) == "(number: int) -> int"
    assert squared.__wrapped__(3) == 9
    assert pickle.loads(pickle.dumps(squared)) is squared


def test_a_call_that_raises_is_recorded_too():
    @timethis()
    def fail():
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        fail()

    assert fail.timer.num_times == 1


def test_each_recursive_call_has_its_own_measurement_and_nothing_warns():
    @timethis()
    def factorial(number):
        return number * factorial(number - 1) if number else 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert factorial(4) == 24

    times = [factorial.timer.get_time(index) for index in range(5)]
    assert factorial.timer.num_times == 5
    assert times == sorted(times)  # the innermost ends first


def test_a_measurement_that_runs_in_the_timer_is_left_alone():
    timer = Sktimer()

    @timethis(timer)
    def work():
        return timer.num_times

    timer.start()
    work()
    timer.stop()

    assert timer.num_times == 2
    assert timer.get_time(0) <= timer.get_time(1)


def test_calls_in_several_threads_are_all_recorded():
    together = threading.Barrier(4)

    @timethis()
    def meet():
        together.wait(60)

    threads = [threading.Thread(target=meet) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert meet.timer.num_times == 4


def test_methods_of_every_kind_can_be_timed():
    class Circle:
        def __init__(self, radius):
            self.radius = radius

        @timethis()
        def scaled(self, factor):
            return Circle(self.radius * factor)

        @classmethod
        @timethis()
        def unit(cls):
            return cls(1)

        @staticmethod
        @timethis()
        def corners():
            return 0

        @property
        @timethis()
        def diameter(self):
            return 2 * self.radius

    circle = Circle.unit().scaled(3)

    assert circle.diameter == 6
    assert circle.corners() == 0
    assert circle.scaled.timer.num_times == Circle.scaled.timer.num_times == 1
    assert Circle.unit.timer.num_times == 1
    assert Circle.corners.timer.num_times == 1


@pytest.mark.parametrize("wrong", [3, "work", [], int, staticmethod(len), property(len)])
def test_what_is_no_function_is_a_type_error_with_the_way_to_write_it(wrong):
    with pytest.raises(TypeError, match="timethis\\(\\) times functions, got"):
        timethis(wrong)
    with pytest.raises(TypeError, match="timethis\\(\\) times functions, got"):
        timethis()(wrong)


# Coroutines


def test_a_coroutine_function_is_timed_to_its_end():
    @timethis()
    async def answer(ready):
        await ready.wait()
        return 42

    async def main():
        ready = asyncio.Event()
        task = asyncio.create_task(answer(ready))
        await asyncio.sleep(0)
        before = answer.timer.num_times
        ready.set()
        return before, await task

    assert inspect.iscoroutinefunction(answer)
    assert asyncio.run(main()) == (0, 42)
    assert answer.timer.num_times == 1


def test_tasks_that_overlap_have_their_own_measurements_and_nothing_warns(clock):
    @timethis()
    async def nap(begun, ended):
        begun.set()
        clock.advance(1.0)
        await ended.wait()

    async def main():
        events = [(asyncio.Event(), asyncio.Event()) for _ in range(3)]
        tasks = [asyncio.create_task(nap(*pair)) for pair in events]
        for begun, _ in events:
            await begun.wait()
        for task, (_, ended) in zip(tasks, events, strict=True):
            clock.advance(10.0)
            ended.set()
            await task

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main())

    assert nap.timer.get_stats().times == (13.0, 22.0, 31.0)


def test_a_coroutine_that_is_cancelled_is_recorded_too():
    @timethis()
    async def forever():
        await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert forever.timer.num_times == 1


# Generators


def test_a_generator_is_recorded_once_it_is_exhausted():
    clear_global_timers()

    generator = running_sum(1, 2, 3)

    assert next(generator) == 1
    assert running_sum.timer.num_times == 0
    assert list(generator) == [3, 6]
    assert running_sum.timer.num_times == 1
    assert inspect.isgeneratorfunction(running_sum)


def test_what_the_consumer_does_between_two_items_counts_as_paused(clock):
    @timethis()
    def numbers():
        for number in range(3):
            clock.advance(1.0)
            yield number

    for _ in numbers():
        clock.advance(10.0)

    assert numbers.timer.total_time == 3.0
    assert numbers.timer.total_time_paused == 30.0


def test_a_generator_that_was_never_begun_is_not_recorded():
    clear_global_timers()

    running_sum(1).close()

    assert running_sum.timer.num_times == 0


def test_a_generator_that_is_closed_early_is_closed_and_recorded():
    closed = []

    @timethis()
    def numbers():
        try:
            yield from range(10)
        finally:
            closed.append(True)

    generator = numbers()
    next(generator)
    generator.close()

    assert closed == [True]
    assert numbers.timer.num_times == 1


def test_a_generator_takes_what_is_sent_and_thrown_and_gives_what_it_returns():
    @timethis()
    def echo():
        received = []
        while True:
            try:
                received.append((yield len(received)))
            except KeyError as error:
                received.append(error.args[0])
            if received[-1] is None:
                return received

    generator = echo()

    assert next(generator) == 0
    assert generator.send("sent") == 1
    assert generator.throw(KeyError("thrown")) == 2
    with pytest.raises(StopIteration) as ended:
        generator.send(None)
    assert ended.value.value == ["sent", "thrown", None]
    assert echo.timer.num_times == 1


def test_an_error_in_a_generator_reaches_its_consumer_and_is_recorded():
    @timethis()
    def fail():
        yield 1
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        list(fail())

    assert fail.timer.num_times == 1


def test_an_async_generator_is_timed_until_it_is_exhausted(clock):
    @timethis()
    async def echo():
        received = None
        while received != "end":
            clock.advance(1.0)
            try:
                received = yield received
            except KeyError as error:
                received = error.args[0]

    async def main():
        generator = echo()
        seen = [await anext(generator), await generator.asend("sent")]
        seen.append(await generator.athrow(KeyError("thrown")))
        clock.advance(10.0)
        with pytest.raises(StopAsyncIteration):
            await generator.asend("end")
        return seen

    assert inspect.isasyncgenfunction(echo)
    assert asyncio.run(main()) == [None, "sent", "thrown"]
    assert echo.timer.get_stats().times == (3.0,)
    assert echo.timer.total_time_paused == 10.0


def test_an_async_generator_that_is_closed_early_is_closed_and_recorded():
    closed = []

    @timethis()
    async def numbers():
        try:
            for number in range(10):
                yield number
        finally:
            closed.append(True)

    async def main():
        generator = numbers()
        await anext(generator)
        await generator.aclose()

    asyncio.run(main())

    assert closed == [True]
    assert numbers.timer.num_times == 1


# The timers it makes by itself


def test_clearing_resets_the_timers_it_made_and_no_others():
    given = Sktimer()
    made_by_itself, with_a_timer = timethis()(len), timethis(given)(len)
    made_by_itself("a")
    with_a_timer("a")

    clear_global_timers()

    assert made_by_itself.timer.num_times == 0
    assert given.num_times == 1
    made_by_itself("a")
    assert made_by_itself.timer.num_times == 1


def test_a_timer_lives_no_longer_than_its_function():
    function = timethis()(lambda: None)
    timer = weakref.ref(function.timer)

    del function
    gc.collect()

    assert timer() is None
