"""Messages on their way while processes end, die, go on in a next life, and many listen at once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from packages.processing.tests.talkers import (
    MANY_LIVES,
    Counting,
    Echoing,
    Flooding,
    Gathering,
    Relaying,
    body,
    is_body,
)

from suitkaise.processing import ProcessDiedError, ProcessError, Skprocess
from suitkaise.processing import _backlog as backlog

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(110)]

DEADLINE = 60.0


def started(process: Skprocess) -> Any:
    process.start()
    return process


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in so many threads at once; what one raises is raised here."""
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]


def hear_all(process: Any) -> list[Any]:
    """Listen until nothing more will come."""
    heard = []
    while True:
        try:
            heard.append(process.listen())
        except ProcessError as error:
            assert "nothing more will come" in str(error)  # noqa: PT017
            return heard


# -- sizes, threads


def test_a_very_large_message_goes_each_way_at_the_same_time() -> None:
    size = 1 << 30 if psutil.virtual_memory().available > 10 << 30 else 1 << 27
    echoing = started(Echoing())
    data = bytearray(size)
    data[0] = data[-1] = 7

    echoing.tell(("make", size))  # on its way back while the next one is on its way there
    echoing.tell(("measure", data))

    made = echoing.listen(timeout=DEADLINE)
    assert (len(made), made[0], made[-1]) == (size, 7, 7)
    del made
    assert echoing.listen(timeout=DEADLINE) == (size, 7, 7)
    echoing.stop()
    assert echoing.result() is None


def test_many_threads_tell_and_listen_without_losing_an_order() -> None:
    echoing, heard = started(Echoing()), []
    threads, each = 6, 120

    def tell(thread: int) -> None:
        for number in range(each):
            echoing.tell(body(thread, number))

    def work(thread: int) -> None:
        if thread < threads:
            tell(thread)
        else:
            heard.extend(echoing.listen(timeout=DEADLINE) for _ in range(threads * each // 2))

    in_threads(threads + 2, work)

    echoing.stop()
    assert echoing.result() is None
    assert sorted(is_body(message) for message in heard) == sorted(
        (thread, number) for thread in range(threads) for number in range(each)
    )


def test_one_listener_hears_each_teller_in_order() -> None:
    echoing = started(Echoing())
    threads, each = 6, 120
    heard: list[list[int]] = [[] for _ in range(threads)]

    def work(thread: int) -> None:
        if thread < threads:
            for number in range(each):
                echoing.tell(body(thread, number))
        else:
            for _ in range(threads * each):
                teller, number = is_body(echoing.listen(timeout=DEADLINE))
                heard[teller].append(number)

    in_threads(threads + 1, work)

    echoing.stop()
    assert echoing.result() is None
    assert heard == [list(range(each))] * threads


# -- the end


@pytest.mark.parametrize("ending", ["", "exit", "kill", "raise"])
@pytest.mark.parametrize("is_heard_meanwhile", [True, False])
def test_what_was_told_before_the_end_is_heard_however_it_ends(
    is_heard_meanwhile: bool, ending: str
) -> None:
    count = 300
    for _ in range(5):
        flooding = started(Flooding(count, ending))
        if not is_heard_meanwhile:
            flooding.wait(DEADLINE)

        heard = hear_all(flooding)

        assert [is_body(message)[1] for message in heard] == list(range(count))
        if ending in ("exit", "kill"):
            assert isinstance(flooding.error, ProcessDiedError)
        else:
            assert isinstance(flooding.error, LookupError | ProcessError) == (ending == "raise")


def tell_for_ever(process: Any, teller: int) -> None:
    for number in itertools.count():
        process.tell(body(teller, number))


def test_telling_one_that_ends_is_fine_until_it_is_refused() -> None:
    for round_ in range(20):
        flooding = started(Flooding(10, ""))
        with pytest.raises(ProcessError, match="has ended"):
            tell_for_ever(flooding, round_)
        assert len(hear_all(flooding)) == 10
        assert flooding.result() == "flooded"


def test_all_that_wait_for_anything_learn_of_the_end() -> None:
    for ending in ("", "exit", "kill", "raise"):
        flooding = started(Flooding(200, ending, pause=0.05))
        heard: list[Any] = []
        asked = [flooding.listen.background()() for _ in range(20)]

        async def await_two(process: Any = flooding, heard: list[Any] = heard) -> None:
            heard.append(await process.listen.asynced()())
            assert await process.wait.asynced()()

        def work(number: int, process: Any = flooding, heard: list[Any] = heard) -> None:
            if number < 3:
                heard.extend(hear_all(process))
            elif number == 3:
                assert process.wait(DEADLINE)
            elif number == 4:
                assert process.result.background()().exception(DEADLINE) is process.error
            else:
                asyncio.run(await_two())

        in_threads(7, work)

        for future in asked:
            error = future.exception(DEADLINE)
            if error is None:
                heard.append(future.result())
        assert sorted(is_body(message)[1] for message in heard) == list(range(200)), ending


# -- the next life


@pytest.mark.parametrize("attempt", range(4))
@pytest.mark.parametrize("holds_a_pipe", [False, True])
def test_each_message_is_dealt_with_once_whatever_deaths_there_are(
    holds_a_pipe: bool, attempt: int
) -> None:
    count = 150
    gathering = started(Gathering(count, seed=attempt, holds_a_pipe=holds_a_pipe))
    moments = random.Random(attempt)

    def kill_now_and_then() -> None:
        while gathering.is_alive:
            time.sleep(moments.uniform(0.0, 0.1))
            pid = gathering._end.pid
            if pid is not None and gathering.is_alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def work(thread: int) -> None:
        if thread:
            kill_now_and_then()
            return
        for number in range(count):
            gathering.tell(body(0, number))
            time.sleep(moments.uniform(0.0, 0.004))

    in_threads(2, work)

    assert gathering.wait(DEADLINE)
    assert gathering.result() == list(range(count))
    assert gathering._end.lives < MANY_LIVES, "it has died"


def test_what_the_next_lives_tell_comes_in_order_and_none_is_missing() -> None:
    counting = started(Counting(60))

    heard = hear_all(counting)

    # A run that is repeated tells again what it told before; nothing is left out.
    assert counting.error is None
    assert {later - earlier for earlier, later in itertools.pairwise(heard)} == {0, 1}
    assert sorted(set(heard)) == list(range(60))


def test_many_listen_while_lives_follow_each_other() -> None:
    counting = started(Counting(60))
    heard: list[int] = []

    def work(number: int) -> None:
        if number < 4:
            heard.extend(hear_all(counting))
        elif number == 4:
            assert counting.wait(DEADLINE)
        else:
            asyncio.run(counting.wait.asynced()())

    in_threads(6, work)

    assert counting.error is None
    assert set(heard) == set(range(60))


def test_a_run_without_end_keeps_no_more_than_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MOST_BYTES", 20_000_000)
    relaying = started(Relaying())
    pid = relaying.listen(timeout=DEADLINE)

    def relay_all() -> None:
        for number in range(100):
            relaying.tell((number, bytes(1_000_000)))
            assert relaying.listen(timeout=DEADLINE) == number

    with pytest.warns(RuntimeWarning, match="has been told more than 20,000,000") as warned:
        relay_all()

    os.kill(pid, signal.SIGKILL)

    assert relaying.listen(timeout=DEADLINE) != pid
    again = [relaying.listen(timeout=DEADLINE)]
    while again[-1] != 99:
        again.append(relaying.listen(timeout=DEADLINE))
    assert again == list(range(100 - len(again), 100))
    assert 15 <= len(again) <= 20
    assert len(warned) == 1, "once is enough"
    relaying.stop()
    assert relaying.result() is None


def test_a_stop_reaches_whichever_life_there_is() -> None:
    for seed in range(10):
        gathering = started(Gathering(None, seed=seed, holds_a_pipe=False))
        for number in range(40):
            gathering.tell(body(0, number))

        gathering.stop()

        assert gathering.wait(DEADLINE)
        gathered = gathering.result()
        assert gathered == list(range(len(gathered)))
