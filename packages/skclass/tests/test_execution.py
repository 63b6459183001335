"""Rate limit, retry, timeout, call: in this order, by a clock that only we move."""

import asyncio
import threading

import pytest

from suitkaise.sk import FunctionTimeoutError
from suitkaise.sk._function import SkFunction

PATIENCE = 30.0


class FakeClock:
    """Notes every wait, and time goes on by just that."""

    def __init__(self):
        self.time = 100.0
        self.waits = []

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.time += seconds

    async def sleep_async(self, seconds):
        self.sleep(seconds)


class Flaky:
    """Fails so many times, then answers with the attempt's number."""

    def __init__(self, failures, error=OSError):
        self.failures = failures
        self.error = error
        self.attempts = 0

    def __call__(self):
        self.attempts += 1
        if self.attempts <= self.failures:
            raise self.error(f"attempt {self.attempts}")
        return self.attempts


def wait_in_steps(event):
    """Loop, in a function of its own: CPython 3.13 does not count the jump back to a `try`."""
    while not event.wait(0.001):
        sum(range(10))


def every_way(function, clock):
    """Return the ways to call it that must all come to the same."""
    plain = SkFunction(function, clock=clock)

    async def awaited():
        return function()

    native = SkFunction(awaited, clock=clock)
    return {
        "plain": lambda chain: chain(plain)(),
        "background": lambda chain: chain(plain).background()().result(PATIENCE),
        "asynced": lambda chain: asyncio.run(chain(plain).asynced()()),
        "native": lambda chain: asyncio.run(chain(native)()),
        "native in the background": lambda chain: chain(native).background()().result(PATIENCE),
    }


WAYS = tuple(every_way(None, None))


@pytest.mark.parametrize("way", WAYS)
def test_retry_waits_longer_each_time_and_gives_the_first_success(way):
    clock, flaky = FakeClock(), Flaky(3)

    answer = every_way(flaky, clock)[way](lambda f: f.retry(5, delay=1.0, backoff_factor=3.0))

    assert answer == 4
    assert clock.waits == [1.0, 3.0, 9.0]


@pytest.mark.parametrize("way", WAYS)
def test_retry_raises_the_last_attempts_exception_as_it_is(way):
    clock, flaky = FakeClock(), Flaky(10)

    with pytest.raises(OSError, match=r"^attempt 3$"):
        every_way(flaky, clock)[way](lambda f: f.retry(3, delay=2.0))

    assert clock.waits == [2.0, 2.0]


@pytest.mark.parametrize("way", WAYS)
def test_retry_raises_at_once_what_it_was_not_told_of(way):
    clock, flaky = FakeClock(), Flaky(1, KeyError)

    with pytest.raises(KeyError):
        every_way(flaky, clock)[way](lambda f: f.retry(exceptions=(OSError, ValueError)))

    assert flaky.attempts == 1
    assert clock.waits == []


@pytest.mark.parametrize("way", WAYS)
def test_the_rate_limit_spaces_calls_and_does_not_count_attempts(way):
    clock, flaky = FakeClock(), Flaky(1)
    call = every_way(flaky, clock)[way]

    for _ in range(3):
        call(lambda f: f.retry(2, delay=0.125).rate_limit(0.5))

    # The first call has two attempts, and begins the limit's interval of two seconds.
    assert clock.waits == [0.0, 0.125, 1.875, 2.0]


def test_two_rates_of_one_function_are_kept_apart():
    clock = FakeClock()
    function = SkFunction(lambda: None, clock=clock)

    function.rate_limit(1)()
    function.rate_limit(2)()
    function.rate_limit(1)()

    assert clock.waits == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("way", ["plain", "background", "asynced", "plain in a thread"])
def test_every_attempt_has_the_timeout_to_itself_and_running_over_is_retried(way):
    clock = FakeClock()
    attempts = []

    def slow_at_first():
        attempts.append(1)
        if len(attempts) < 3:
            threading.Event().wait(PATIENCE)
        return len(attempts)

    function = SkFunction(slow_at_first, clock=clock)
    chain = function.timeout(0.05).retry(3, delay=1.0)
    if way == "plain":
        answer = chain()
    elif way == "asynced":
        answer = asyncio.run(chain.asynced()())
    else:
        answer = chain.background()().result(PATIENCE)

    assert answer == 3
    assert clock.waits == [1.0, 1.0]


@pytest.mark.parametrize("way", ["plain", "background", "asynced"])
def test_a_timeout_names_the_function_and_the_seconds(way):
    def wait_for_ever():
        threading.Event().wait(PATIENCE)

    chain = SkFunction(wait_for_ever).timeout(0.02)
    ways = {
        "plain": chain,
        "background": lambda: chain.background()().result(PATIENCE),
        "asynced": lambda: asyncio.run(chain.asynced()()),
    }

    with pytest.raises(FunctionTimeoutError, match=r"wait_for_ever .* 0\.02 s") as caught:
        ways[way]()

    assert isinstance(caught.value, TimeoutError)
    assert caught.value.seconds == 0.02


def test_an_async_function_that_runs_over_is_cancelled():
    seen = []

    async def wait_for_ever():
        try:
            await asyncio.sleep(PATIENCE)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    with pytest.raises(FunctionTimeoutError):
        asyncio.run(SkFunction(wait_for_ever).timeout(0.02)())

    assert seen == ["cancelled"]


@pytest.mark.parametrize("is_async", [True, False])
def test_a_timeout_error_of_its_own_is_left_alone(is_async):
    def raise_own():
        raise TimeoutError("my own")

    async def raise_own_async():
        raise_own()

    def call():
        if is_async:
            return asyncio.run(SkFunction(raise_own_async).timeout(PATIENCE)())
        return SkFunction(raise_own).timeout(PATIENCE)()

    with pytest.raises(TimeoutError, match="my own") as caught:
        call()

    assert type(caught.value) is TimeoutError


def test_cancelling_an_await_interrupts_the_function_in_its_thread():
    began, ended = threading.Event(), threading.Event()

    def loop():
        try:
            began.set()
            wait_in_steps(ended)
        finally:
            ended.set()

    async def main():
        task = asyncio.ensure_future(SkFunction(loop).asynced()())
        while not began.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert ended.wait(PATIENCE)


def test_awaits_run_side_by_side():
    barrier = threading.Barrier(5)
    function = SkFunction(lambda: barrier.wait(PATIENCE))

    async def main():
        return await asyncio.gather(*(function.asynced()() for _ in range(5)))

    assert sorted(asyncio.run(main())) == [0, 1, 2, 3, 4]
