"""Calls in threads of their own, that can be interrupted.

    any thread --start--> [idle thread, or a new one] --outcome--> Future
               --interrupt--> Expired, raised inside the call

Threads are kept for a while and used again. They are daemons, so that a call that nobody can end
(blocked in compiled code) does not keep the interpreter from ending; what was started and not
given up is waited for at the interpreter's end.

Interrupting is CPython's `PyThreadState_SetAsyncExc`: the exception is raised at the thread's next
Python instruction. A thread that is blocked in compiled code runs on until that returns.
"""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from suitkaise.sk._expired import Expired

R = TypeVar("R")
_IDLE_SECONDS = 10.0
_INSTRUCTIONS = 1000  # of a loop, after which a pending exception has certainly been raised


class ThreadCall(Generic[R]):
    """One call in a thread of its own, with the caller's context variables.

    Attributes:
        future: Its outcome.
    """

    def __init__(self, call: Callable[[], R]) -> None:
        self.future: Future[R] = Future()
        self.future.set_running_or_notify_cancel()
        self._call = call
        self._context = contextvars.copy_context()
        self._lock = threading.Lock()  # guards the two below
        self._thread: int | None = None  # while the call runs
        self._is_settled = False

    def start(self) -> None:
        """Begin; returns at once."""
        _threads.run(self)

    def interrupt(self, error: BaseException) -> bool:
        """Give up: the future gets this error, the call gets `Expired`. From another thread.

        Returns:
            False if the call has ended by itself in the meantime.
        """
        with self._lock:
            if self._is_settled:
                return False
            self._is_settled = True
            if self._thread is not None:
                _raise_in_thread(self._thread)
        self.future.set_exception(error)
        return True

    def run(self) -> bool:
        """Make the call, in its thread; returns whether the thread can be used again."""
        try:
            if not self._enter():
                return True
            value: Any = None
            error: BaseException | None = None
            try:
                value = self._context.run(self._call)
            except BaseException as raised:
                error = raised
            if self._leave():
                if error is None:
                    self.future.set_result(value)
                else:
                    self.future.set_exception(error)
                return True
            for _ in range(_INSTRUCTIONS):  # the exception may still be on its way
                pass
        except Expired:
            pass
        finally:
            # What refers to the call's arguments must not live as long as the thread.
            value = error = None
            self._call = _nothing
        return False

    def _enter(self) -> bool:
        """Note that the call runs in this thread from now on; False if it was given up."""
        with self._lock:
            self._thread = threading.get_ident()
            return not self._is_settled

    def _leave(self) -> bool:
        """Note that the call has ended; False if it was given up."""
        with self._lock:
            self._thread = None
            is_given_up, self._is_settled = self._is_settled, True
            return not is_given_up


class _Threads:
    """Owns the threads that are idle, and knows the calls that run."""

    def __init__(self) -> None:
        self._idle: deque[queue.SimpleQueue[ThreadCall[Any]]] = deque()
        self._running: dict[Future[Any], None] = {}

    def run(self, call: ThreadCall[Any]) -> None:
        self._running[call.future] = None
        call.future.add_done_callback(lambda future: self._running.pop(future, None))
        try:
            inbox = self._idle.pop()
        except IndexError:
            inbox = queue.SimpleQueue()
            threading.Thread(target=self._serve, args=(inbox,), name="sk-call", daemon=True).start()
        inbox.put(call)

    def wait(self) -> None:
        """Wait for the calls that nobody has given up."""
        for future in list(self._running):
            with contextlib.suppress(BaseException):  # Ctrl-C: whoever presses it has waited enough
                future.exception()

    def forget(self) -> None:
        """Begin anew in a forked process: the threads are not here."""
        self._idle.clear()
        self._running.clear()

    def _serve(self, inbox: queue.SimpleQueue[ThreadCall[Any]]) -> None:
        while True:
            try:
                call = inbox.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                try:
                    self._idle.remove(inbox)
                except ValueError:  # a call for us is on its way
                    continue
                return
            if not call.run():
                return
            del call
            self._idle.append(inbox)


_threads = _Threads()
atexit.register(_threads.wait)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.forget)


def _raise_in_thread(thread: int) -> None:
    import ctypes  # here: few programs need it

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Expired))


def _nothing() -> Any:
    """Stands where a call was."""
