"""An item of a map that is struck by a fault at one step of its way, and the task that it is for.

A module of its own: a worker need not import pytest with it.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packages.processing.tests.diary import Diary

Strike = Callable[[], None]
TASK, ARGUMENT_PICKLED, ARGUMENT_REBUILT, RESULT_PICKLED, RESULT_REBUILT = STEPS = [
    "task",
    "argument pickled",
    "argument rebuilt",
    "result pickled",
    "result rebuilt",
]
IN_THE_CALLER = (ARGUMENT_PICKLED, RESULT_REBUILT)


class Item:
    """A number; one of them is struck."""

    def __init__(self, number: int, step: str = "", strike: Strike | None = None) -> None:
        self.number = number
        self.step = step
        self.strike = strike
        self.home = os.getpid()

    def reach(self, step: str) -> None:
        """Be struck if this is the step for it."""
        if self.strike is not None and self.step == step:
            self.strike()

    def __reduce__(self) -> tuple[Any, ...]:
        self.reach(ARGUMENT_PICKLED if os.getpid() == self.home else RESULT_PICKLED)
        return _rebuild, (self.number, self.step, self.strike, self.home)


def _rebuild(number: int, step: str, strike: Strike | None, home: int) -> Item:
    item = Item(number, step, strike)
    item.home = home
    item.reach(RESULT_REBUILT if os.getpid() == home else ARGUMENT_REBUILT)
    return item


class Task:
    """Takes a millisecond, and notes each call."""

    def __init__(self, log: Path) -> None:
        self.diary = Diary(log)

    def __call__(self, item: Item) -> Item:
        self.diary.note(item.number)
        time.sleep(0.001)
        item.reach(TASK)
        return item

    def calls(self) -> Counter[int]:
        """Return how often it was called with each number."""
        return self.diary.calls()
