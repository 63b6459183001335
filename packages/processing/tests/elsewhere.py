"""Another process for the tests of Share: a fork, which does something and says what came out."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

from suitkaise.cucumber import deserialize, serialize

DEADLINE = 30.0


def elsewhere(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns in another process, or raise what it raises there."""
    return Elsewhere(function, *arguments).result()


class Elsewhere:
    """A function at work in another process."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # this process has threads
            self.pid = os.fork()
        if not self.pid:
            try:
                outcome = _outcome(function, arguments)
                while outcome:
                    outcome = outcome[os.write(writer, outcome) :]
            finally:
                os._exit(0)
        os.close(writer)

    def result(self) -> Any:
        """Wait for it."""
        received = b""
        deadline = time.monotonic() + DEADLINE
        try:
            while select.select([self._reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
                chunk = os.read(self._reader, 1 << 16)
                if not chunk:
                    break
                received += chunk
            else:
                raise TimeoutError("the other process did not end in time")
        finally:
            self.kill()
        has_returned, value = deserialize(received)
        if not has_returned:
            raise value
        return value

    def kill(self) -> None:
        """End it, whatever it is at."""
        os.close(self._reader)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def everywhere(function: Callable[[], object], threads: int = 2, processes: int = 2) -> None:
    """Call a function in threads of this process and in others at once."""
    errors: list[BaseException] = []

    def call() -> None:
        try:
            function()
        except BaseException as error:
            errors.append(error)

    others = [Elsewhere(_nothing_from, function) for _ in range(processes)]
    workers = [threading.Thread(target=call, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(DEADLINE)
        assert not worker.is_alive()
    for other in others:
        other.result()
    if errors:
        raise errors[0]


def _nothing_from(function: Callable[[], object]) -> None:
    function()


def _outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    try:
        return serialize((True, function(*arguments)))
    except BaseException as error:
        try:
            return serialize((False, error))
        except Exception:
            return serialize((False, RuntimeError(repr(error))))
