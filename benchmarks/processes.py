"""The Skprocesses that the contests run."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic, sleep, thread_time
from typing import Any

from suitkaise.processing import Pipe, Skprocess

from .tasks import ANSWER


class Answer(Skprocess):
    """One run and a result."""

    def __init__(self) -> None:
        self.process_config.runs = 1

    def __run__(self) -> None:
        self.answer = ANSWER

    def __result__(self) -> int:
        return self.answer


class Echo(Skprocess):
    """Tell back what was told, until it is stopped."""

    def __run__(self) -> None:
        data = self.listen()
        if data is not None:
            self.tell(data)


class Performer(Skprocess):
    """Carry out orders about what it shares with others, until it is stopped."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names

    def __run__(self) -> None:
        from .crew import carry_out  # here: the other processes start without it

        order = self.listen()
        if order is not None:
            try:
                self.tell(carry_out(order, self.names))
            except Exception as error:
                self.tell(error)


class PipeEcho(Skprocess):
    """Send back what is received, until it is None; in one run, as its peers do in one call."""

    def __init__(self, point: Pipe.Point) -> None:
        self.point = point

    def __run__(self) -> None:
        point = self.point
        while (data := point.recv()) is not None:
            point.send(data)
        self.stop()


class Idle(Skprocess):
    """Many runs of nothing."""

    def __init__(self, runs: int) -> None:
        self.process_config.runs = runs

    def __run__(self) -> None:
        pass

    def __result__(self) -> int:
        return self.current_run


class Steady(Skprocess):
    """Runs of a millisecond each, with a MiB of state that changes in each."""

    def __init__(self, runs: int, lives: int) -> None:
        self.process_config.runs = runs
        self.process_config.lives = lives
        self.state = bytearray(1 << 20)

    def __run__(self) -> None:
        end = thread_time() + 0.001
        page = self.current_run % 256 * 4096
        self.state[page : page + 4096] = bytes([self.current_run % 256]) * 4096
        while thread_time() < end:
            pass

    def __result__(self) -> int:
        return self.current_run


class Overrunning(Skprocess):
    """A run that takes longer than it may, in one of several ways."""

    def __init__(self, way: str, timeout: float) -> None:
        self.way = way
        self.process_config.runs = 1
        self.process_config.timeouts.run = timeout

    def __run__(self) -> None:
        self.tell(monotonic())
        if self.way == "compiled":
            sum(range(10**12))
        while True:
            try:
                if self.way == "sleep":
                    sleep(60.0)
            except BaseException:
                if self.way != "stubborn":
                    raise
