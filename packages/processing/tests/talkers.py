"""Processes that talk, for the tests of messages.

A module of its own: a child need not import pytest with it.
"""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

from suitkaise.processing import Pipe, Skprocess

# From some bytes to what goes through shared memory, mapped or copied.
MANY_LIVES = 100_000
SIZES = [0, 1, 1_000, 32_767, 40_000, 300_000, 2_000_000]


def body(teller: int, number: int) -> tuple[int, int, bytes]:
    """Make a message that tells its sender and number, of one of the sizes."""
    return teller, number, bytes([number % 256]) * SIZES[number % len(SIZES)]


def is_body(message: tuple[int, int, bytes]) -> tuple[int, int]:
    """Return sender and number, after a look at whether it is whole."""
    teller, number, data = message
    assert data == body(teller, number)[2]
    return teller, number


class Echoing(Skprocess):
    """Does what it is told, or tells it back."""

    def __run__(self) -> None:
        message = self.listen()
        if message is None:  # a stop
            return
        if message[0] == "make":
            data = bytearray(message[1])
            data[0] = data[-1] = 7
            self.tell(data)
        elif message[0] == "measure":
            self.tell((len(message[1]), message[1][0], message[1][-1]))
        else:
            is_body(message)
            self.tell(message)


class Flooding(Skprocess):
    """Tells a lot, and ends at once in some way."""

    def __init__(self, count: int, ending: str, pause: float = 0.0) -> None:
        self.count = count
        self.ending = ending
        self.pause = pause
        self.process_config.runs = 1

    def __run__(self) -> None:
        time.sleep(self.pause)
        for number in range(self.count):
            self.tell(body(0, number))
        if self.ending == "exit":
            os._exit(3)
        elif self.ending == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.ending == "raise":
            raise LookupError("at the end")

    def __result__(self) -> str:
        return "flooded"


class Gathering(Skprocess):
    """Listens to one message a run, and dies now and then, before or after that."""

    def __init__(self, count: int | None, seed: int, holds_a_pipe: bool) -> None:
        self.seed = seed
        self.gathered: list[int] = []
        if holds_a_pipe:  # so that checkpoints go by message
            self.point = Pipe.pair()[1]
        self.process_config.runs = count
        self.process_config.lives = MANY_LIVES

    def die_perhaps(self) -> None:
        if random.Random(f"{self.seed} {os.getpid()} {len(self.gathered)}").random() < 0.05:
            os._exit(1)

    def __run__(self) -> None:
        message: Any = self.listen()
        self.die_perhaps()
        if message is not None:
            self.gathered.append(is_body(message)[1])

    def __postrun__(self) -> None:
        self.die_perhaps()

    def __result__(self) -> list[int]:
        return self.gathered


class Counting(Skprocess):
    """Tells the number of its run, and dies now and then."""

    def __init__(self, runs: int) -> None:
        self.process_config.runs = runs
        self.process_config.lives = MANY_LIVES

    def __run__(self) -> None:
        self.tell(self.current_run)
        if random.random() < 0.2:
            os.kill(os.getpid(), signal.SIGKILL)


class Relaying(Skprocess):
    """Tells the number of each message, all in one run."""

    def __init__(self) -> None:
        self.process_config.lives = 2

    def __run__(self) -> None:
        self.tell(os.getpid())
        while (message := self.listen()) is not None:
            self.tell(message[0])
