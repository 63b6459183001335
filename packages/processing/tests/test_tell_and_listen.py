from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import Any

import pytest

from suitkaise.processing import ProcessError, Skprocess
from suitkaise.processing import _backlog as backlog

DEADLINE = 30.0


class Echo(Skprocess):
    """Tells whatever it listens to, until it is None."""

    def __run__(self) -> None:
        while (heard := self.listen(DEADLINE)) is not None:
            self.tell(heard)
        self.stop()

    def __result__(self) -> str:
        return "ended"


@pytest.fixture
def echo() -> Any:
    process = Echo()
    process.start()
    yield process
    if process.is_alive:
        process.kill()
    process.wait(DEADLINE)


def test_messages_of_any_size_both_ways_at_once_arrive_in_order(echo: Any) -> None:
    sizes = [0, 1, 100, 32_767, 32_768, 100_000, 1 << 20, (5 << 20) + 1] * 3

    for size in sizes:
        echo.tell(bytes([size % 251]) * size)

    for size in sizes:
        assert echo.listen(DEADLINE) == bytes([size % 251]) * size


def test_who_listens_and_who_waits_do_not_disturb_each_other(echo: Any) -> None:
    ended: list[Any] = []
    waiter = threading.Thread(target=lambda: ended.append((echo.wait(DEADLINE), echo.result())))

    for number in range(200):
        echo.tell(number)
        assert echo.listen(DEADLINE) == number
        if number == 100:
            waiter.start()
    echo.tell(None)
    waiter.join(DEADLINE)

    assert ended == [(True, "ended")]


def test_the_end_wakes_who_listens_alone(echo: Any) -> None:
    for number in range(20):
        echo.tell(number)
        assert echo.listen(DEADLINE) == number
    ending = threading.Timer(0.1, lambda: echo.tell(None))
    ending.start()

    with pytest.raises(ProcessError, match="nothing more will come"):
        echo.listen()
    assert echo.result() == "ended"


def test_a_kill_wakes_who_listens_alone(echo: Any) -> None:
    echo.tell(1)
    assert echo.listen(DEADLINE) == 1
    threading.Timer(0.1, echo.kill).start()

    with pytest.raises(ProcessError, match="nothing more will come"):
        echo.listen()


def test_awaiting_takes_over_from_listening_in_the_middle(echo: Any) -> None:
    async def listen() -> Any:
        return await echo.listen.asynced()()

    for number in range(50):
        echo.tell(number)
        echo.tell(-number)
        assert echo.listen(DEADLINE) == number
        assert asyncio.run(listen()) == -number


def test_several_threads_listen_at_once(echo: Any) -> None:
    heard: list[int] = []
    threads = [
        threading.Thread(target=lambda: heard.extend(echo.listen(DEADLINE) for _ in range(250)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()

    for number in range(1000):
        echo.tell(number)
    for thread in threads:
        thread.join(DEADLINE)

    assert sorted(heard) == list(range(1000))


def test_what_is_told_while_nobody_listens_is_taken_from_the_process() -> None:
    class Teller(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.listen(DEADLINE)
            for number in range(20_000):
                self.tell(number)

        def __result__(self) -> str:
            return "told everything"

    process = Teller()
    process.start()
    process.tell("begin")
    assert process.listen(DEADLINE) == 0  # from here on the reading is this thread's

    deadline = time.monotonic() + DEADLINE
    while process.is_alive and time.monotonic() < deadline:  # neither waiting nor listening
        time.sleep(0.01)

    assert not process.is_alive
    assert [process.listen(DEADLINE) for _ in range(19_999)] == list(range(1, 20_000))


def test_more_than_may_wait_is_refused_until_it_is_listened_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backlog, "MOST_BYTES", 1 << 20)

    class Reader(Skprocess):
        def __run__(self) -> None:
            self.tell("ready")
            self.tell(os.getpid())
            self.count = 0
            while self.listen(DEADLINE) != "done":
                self.count += 1
            self.stop()

        def __result__(self) -> int:
            return self.count

    process = Reader()
    process.start()
    assert process.listen(DEADLINE) == "ready"
    told = 0
    pid = process.listen(DEADLINE)
    os.kill(pid, signal.SIGSTOP)

    def fill() -> None:
        nonlocal told
        while told < 10_000:
            process.tell(bytes(1000))
            told += 1

    with pytest.raises(ProcessError, match="wait for Reader to listen"):
        fill()
    os.kill(pid, signal.SIGCONT)

    assert 500 < told < 1100
    tell_when_there_is_room(process, "done")
    assert process.result() == told


def tell_when_there_is_room(process: Skprocess, data: Any) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return process.tell(data)
        except ProcessError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_process_that_tells_too_much_is_told_so() -> None:
    class Flood(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.told = 0
            try:
                while True:
                    self.tell(b"x" * (100 << 20))
                    self.told += 1
            except ProcessError as error:
                self.tell_error = str(error)

        def __result__(self) -> Any:
            return self.told, self.tell_error

    process = Flood()
    told, message = process.run()

    assert told == 11  # the one that begins below the limit of 1 GiB is still taken
    assert "wait for the parent to listen" in message
    assert len([process.listen(0) for _ in range(told)]) == told


def test_the_next_life_hears_what_the_last_one_had_not_dealt_with() -> None:
    class Mortal(Skprocess):
        def __init__(self) -> None:
            self.process_config.lives = 3
            self.process_config.runs = 4

        def __prerun__(self) -> None:
            self.word = self.listen(DEADLINE)

        def __run__(self) -> None:
            self.tell((os.getpid(), self.word))
            if self.word == "second" and self.listen(DEADLINE) == "fatal":
                os.kill(os.getpid(), signal.SIGKILL)

    process = Mortal()
    process.start()
    for word in ("first", "second", "fatal", "third", bytes(100_000)):
        process.tell(word)

    heard = [process.listen(DEADLINE) for _ in range(4)]
    process.kill()

    assert [word for _, word in heard] == ["first", "second", "second", "second"]
    assert len({pid for pid, _ in heard}) == 3


def test_what_was_dealt_with_is_not_heard_again() -> None:
    class Mortal(Skprocess):
        def __init__(self) -> None:
            self.process_config.lives = 2
            self.process_config.runs = 5
            self.words: list[Any] = []
            self.has_died = False

        def __run__(self) -> None:
            self.words.append(self.listen(DEADLINE))
            if self.current_run == 2 and self.lives_left() == 2:
                os._exit(3)

        def lives_left(self) -> int:
            return self._end.lives

        def __result__(self) -> Any:
            return self.words

    process = Mortal()
    process.start()
    words = ["a", bytes(50_000), "c", "d", "e"]
    for word in words:
        process.tell(word)

    assert process.result() == words


def test_a_listener_that_gives_up_loses_nothing(echo: Any) -> None:
    heard = []

    for number in range(300):
        echo.tell(number)
        heard.append(echo.listen(timeout=0.0001))
    heard = [number for number in heard if number is not None]
    while len(heard) < 300:
        heard.append(echo.listen(DEADLINE))

    assert heard == list(range(300))


class Crowd(Skprocess):
    """Listens in several threads at once, until it is stopped."""

    def __run__(self) -> None:
        self.heard: list[int] = []
        threads = [threading.Thread(target=self.hear) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def hear(self) -> None:
        while (number := self.listen()) is not None:
            self.heard.append(number)
            if number == 99:
                self.tell("that is all")

    def __result__(self) -> list[int]:
        return sorted(self.heard)


def test_several_threads_of_a_process_listen_until_its_stop() -> None:
    for _ in range(10):
        process = Crowd()
        process.start()
        for number in range(100):
            process.tell(number)
        assert process.listen(DEADLINE) == "that is all"

        process.stop()

        assert process.result.timeout(DEADLINE)() == list(range(100))
