"""Timeouts in the main thread, by the one interval timer that a process has."""

import signal
import threading
import time

import pytest

from suitkaise.sk import _alarm
from suitkaise.sk._alarm import call_with_alarm

PATIENCE = 30.0


class TooLongError(Exception):
    pass


@pytest.fixture(autouse=True)
def timer_is_left_as_it_was():
    handler = signal.getsignal(signal.SIGALRM)
    remaining, interval = signal.getitimer(signal.ITIMER_REAL)

    yield

    assert signal.getsignal(signal.SIGALRM) is handler
    left, interval_left = signal.getitimer(signal.ITIMER_REAL)
    assert interval_left == interval
    assert (left > 0) == (remaining > 0)
    assert left <= remaining


def spin():
    """Loop, in a function of its own: CPython 3.13 does not count the jump back to a `try`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        sum(range(10))


def wait_for_ever():
    threading.Event().wait(PATIENCE)
    pytest.fail("nobody ended it")


def test_what_is_quick_returns():
    assert call_with_alarm(lambda: 5, PATIENCE, TooLongError()) == 5


def test_what_raises_raises():
    with pytest.raises(ZeroDivisionError):
        call_with_alarm(lambda: 1 / 0, PATIENCE, TooLongError())


@pytest.mark.parametrize("wait", [wait_for_ever, lambda: time.sleep(PATIENCE)])
def test_a_wait_is_ended(wait):
    with pytest.raises(TooLongError):
        call_with_alarm(wait, 0.02, TooLongError())


def test_a_loop_is_ended_and_its_finally_runs():
    seen = []

    def loop():
        try:
            spin()
        except Exception:
            seen.append("swallowed")
        finally:
            seen.append("finally")

    with pytest.raises(TooLongError):
        call_with_alarm(loop, 0.02, TooLongError())

    assert seen == ["finally"]


def test_an_inner_timeout_that_is_shorter_leaves_the_outer_one_going():
    def outer():
        with pytest.raises(TooLongError, match="inner"):
            call_with_alarm(wait_for_ever, 0.02, TooLongError("inner"))
        wait_for_ever()

    with pytest.raises(TooLongError, match="outer"):
        call_with_alarm(outer, 0.3, TooLongError("outer"))


def test_an_outer_timeout_that_is_shorter_ends_the_inner_call():
    def outer():
        call_with_alarm(wait_for_ever, PATIENCE, TooLongError("inner"))

    with pytest.raises(TooLongError, match="outer"):
        call_with_alarm(outer, 0.05, TooLongError("outer"))


def test_somebody_elses_timer_rings_on_while_a_call_is_timed():
    rings = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rings.append(1))
    remaining, _ = signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    try:

        def wait_for_rings():
            end = time.monotonic() + PATIENCE
            while len(rings) < 5 and time.monotonic() < end:
                time.sleep(0.001)

        call_with_alarm(wait_for_rings, PATIENCE, TooLongError())
        assert len(rings) >= 5

        heard = len(rings)
        end = time.monotonic() + PATIENCE
        while len(rings) == heard and time.monotonic() < end:
            time.sleep(0.001)
        assert len(rings) > heard
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, remaining)


def test_it_is_for_the_main_thread_alone():
    usable = []
    thread = threading.Thread(target=lambda: usable.append(_alarm.is_usable()))
    thread.start()
    thread.join(PATIENCE)

    assert usable == [False]
    assert _alarm.is_usable()
