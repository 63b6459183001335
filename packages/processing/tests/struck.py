"""Processes that are struck by a fault in one of their hooks, and the faults.

A module of its own: a child need not import pytest with it, which takes longer than all else.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from suitkaise.processing import Skprocess

ITERATION = ["__prerun__", "__run__", "__postrun__"]
RUNS = 2  # a fault in an iteration strikes in the second


class Changed(Exception):
    """Has another `__init__` than its base, which rebuilding it from `args` would miss."""

    def __init__(self, code: int, *, where: str) -> None:
        super().__init__(f"code {code} in {where}")
        self.code = code
        self.where = where


class Holding(Exception):
    """Has what pickle refuses."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.lock = threading.Lock()


def strike_and_raise() -> NoReturn:
    raise ValueError("struck", 7)


def strike_and_raise_changed() -> NoReturn:
    raise Changed(7, where="here")


def strike_and_raise_holding() -> NoReturn:
    raise Holding("struck")


def strike_and_raise_interrupt() -> NoReturn:
    raise KeyboardInterrupt("struck")


def strike_by_signal() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    while True:
        signal.pause()


def strike_by_recursion() -> None:
    strike_by_recursion()


def strike_by_memory() -> None:
    bytearray(1 << 62)


def strike_and_exit() -> NoReturn:
    sys.exit(3)


def strike_and_leave() -> NoReturn:
    os._exit(4)


def strike_and_crash() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


def strike_and_kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    while True:
        signal.pause()


# what strikes -> what it raises
RAISING: dict[Callable[[], None], type[BaseException]] = {
    strike_and_raise: ValueError,
    strike_and_raise_changed: Changed,
    strike_and_raise_holding: Holding,
    strike_and_raise_interrupt: KeyboardInterrupt,
    strike_by_signal: KeyboardInterrupt,
    strike_by_recursion: RecursionError,
    strike_by_memory: MemoryError,
}
# what strikes -> (the exit code, the signal's name)
DEADLY: dict[Callable[[], None], tuple[int, str | None]] = {
    strike_and_exit: (3, None),
    strike_and_leave: (4, None),
    strike_and_crash: (-signal.SIGSEGV, "SIGSEGV"),
    strike_and_kill: (-signal.SIGKILL, "SIGKILL"),
}
FAULTS = [*RAISING, *DEADLY]


class Struck(Skprocess):
    """Is struck in one hook, as often as it is told."""

    def __init__(
        self, hook: str, strike: Callable[[], None], times: int, lives: int, diary: Path
    ) -> None:
        self.hook = hook
        self.strike = strike
        self.times = times
        self.diary = str(diary)
        self.seen: list[str] = []
        self.process_config.runs = RUNS
        self.process_config.lives = lives

    def note(self, hook: str) -> None:
        line = f"{hook} {self.current_run}"
        self.seen.append(line)
        with Path(self.diary).open("a+") as diary:
            diary.write(f"{line}\n")
            diary.seek(0)
            times = diary.read().splitlines().count(line)
        if hook != self.hook:
            return
        is_its_turn = hook not in ITERATION or self.current_run == RUNS - 1
        if is_its_turn and times <= self.times:
            self.strike()

    def __prerun__(self) -> None:
        self.note("__prerun__")

    def __run__(self) -> None:
        self.note("__run__")

    def __postrun__(self) -> None:
        self.note("__postrun__")

    def __onfinish__(self) -> None:
        self.note("__onfinish__")

    def __result__(self) -> list[str]:
        self.note("__result__")
        return self.seen


class StruckTwice(Struck):
    """Fails in the last run whatever lives it has, and is struck where it handles that."""

    def __run__(self) -> None:
        super().__run__()
        if self.current_run == RUNS - 1:
            raise LookupError("first")

    def __error__(self) -> str:
        self.note("__error__")
        return "handled"


class StruckAfterExceptions(Struck):
    """Fails three times in the last run, and then is struck."""

    def __postrun__(self) -> None:
        super().__postrun__()
        if self.current_run < RUNS - 1:
            return
        if Path(self.diary).read_text().splitlines().count("__postrun__ 1") <= 3:
            raise LookupError("an exception comes first")
        self.strike()


class StruckWhenStopped(Struck):
    """Runs until it is stopped in the last run, by whomever, and is struck after that."""

    def __init__(
        self, hook: str, strike: Callable[[], None], times: int, diary: Path, *, stops_itself: bool
    ) -> None:
        super().__init__(hook, strike, times, 2, diary)
        self.stops_itself = stops_itself
        self.process_config.runs = None

    def __postrun__(self) -> None:
        super().__postrun__()
        if self.current_run == RUNS - 1:
            if self.stops_itself:
                self.stop()
            else:
                self.tell("stop me")
                while "stopping" not in repr(self):
                    time.sleep(0.001)
