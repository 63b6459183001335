"""Programs that are members of a Share, each a process of its own, to be killed at any moment."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Self

import psutil

from suitkaise.processing import Share

DEADLINE = 60.0

PRELUDE = """
import os, pickle, signal, sys, threading, time
from suitkaise.processing import ProcessError, Share

def say(*words):
    print(*words, flush=True)

def hear():
    return sys.stdin.readline().strip()

def until(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, is_so
        time.sleep(0.005)
"""
JOIN = "share = pickle.loads(bytes.fromhex(hear()))\n"


class Program:
    """A Python program that speaks in lines.

    Args:
        body: What it does, after PRELUDE.
        share: What it joins first.
    """

    def __init__(self, body: str, share: Share | None = None, *arguments: str) -> None:
        join = JOIN if share is not None else ""
        self._popen = subprocess.Popen(
            [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PRELUDE + join + body]
            + list(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = self._popen.pid
        if share is not None:
            self.say(pickle.dumps(share).hex())

    def say(self, line: object) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{line}\n")
        self._popen.stdin.flush()

    def hear(self) -> str:
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        assert line, self._popen.communicate(timeout=DEADLINE)[1]
        return line.strip()

    def ask(self, line: object) -> str:
        with contextlib.suppress(BrokenPipeError):  # `hear` says why
            self.say(line)
        return self.hear()

    def end(self) -> str:
        """Let it end, in good order; returns what else it said."""
        out, error = self._popen.communicate(timeout=DEADLINE)
        assert self._popen.returncode == 0, error
        assert not error
        return out.strip()

    def signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        self._popen.kill()
        self._popen.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def until(is_so: Callable[[], object], within: float = DEADLINE) -> None:
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, is_so
        time.sleep(0.005)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def coordinator(share: Share) -> int:
    """Return the id of its coordinator, once it serves."""
    until(lambda: share.coordinator_pid is not None)
    pid = share.coordinator_pid
    assert pid is not None
    return pid


def replaced(share: Share, last: int) -> int:
    """Return the id of the coordinator after that one."""
    until(lambda: share.coordinator_pid not in (None, last))
    return coordinator(share)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
