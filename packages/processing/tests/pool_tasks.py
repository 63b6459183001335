"""What pools are given to do in tests.

A module of its own: a worker need not import pytest with it, which takes longer than all else.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from packages.processing.tests.diary import Diary


def own_id(_: object = None) -> int:
    return os.getpid()


class FatalAtFirst:
    """Ends its process until it has done so often enough, of which a file keeps count."""

    def __init__(self, log: Path, deaths: int) -> None:
        self.log = log
        self.deaths = deaths

    def __call__(self, item: int) -> int:
        with (self.log / str(item)).open("a") as file:
            file.write("x")
        if item % 10 == 3 and self.calls(item) <= self.deaths:
            os._exit(5)
        return item

    def calls(self, item: int) -> int:
        return len((self.log / str(item)).read_text())


def hoard(size: int) -> int:
    hoarded: list[bytearray] = globals().setdefault("hoarded", [])
    hoarded.append(bytearray(size))
    return os.getpid()


def pass_on(data: bytes) -> tuple[bytes, int]:
    return data, os.getpid()


def blas_threads(_: object = None) -> int:
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((64, 64)) @ np.ones((64, 64))
    return max(library["num_threads"] for library in threadpool_info())


def variable(name: str) -> str | None:
    return os.environ.get(name)


class Sleeper:
    """Something that is not plain."""

    def __init__(self, number: int, seconds: float = 0.0) -> None:
        self.number = number
        self.seconds = seconds

    def sleep(self) -> int:
        time.sleep(self.seconds)
        return self.number


class Moody:
    """A task that is quick or slow, whatever comes; so many items of 2,000 raise, and kill."""

    def __init__(self, path: Path, *, seed: int, fails: int = 0, dies: int = 0) -> None:
        self.diary = Diary(path)
        lot = random.Random(seed)
        chosen = lot.sample(range(2000), fails + dies)
        self.fails, self.dies = set(chosen[:fails]), set(chosen[fails:])
        self.pauses = {lot.randrange(2000): lot.random() * 0.3 for _ in range(12)}

    def __call__(self, number: int) -> int | Sleeper:
        self.diary.note(number)
        time.sleep(self.pauses.get(number, 0.0))
        if number in self.fails:
            raise LookupError(number)
        if number in self.dies:
            os._exit(3)
        return Sleeper(number) if number % 7 == 0 else number
