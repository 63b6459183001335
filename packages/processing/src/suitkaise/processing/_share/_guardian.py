"""The guardian: the owner's side of a Share's coordinator, which it starts, replaces and ends.

    your threads  --start, stop, close-->  guardian  --Start (listener, descriptors)-->  coordinator
    I/O thread    --on_message, on_exit->            <--Serving------------------------

It holds the listening socket, so who comes while one coordinator is dead and the next not yet up
waits in the backlog, and is let in. While no coordinator is wanted, or none can be had, a thread of
the owner lets members in (`_reception`).
"""

from __future__ import annotations

import contextlib
import enum
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from .._children import Child
from .._engine import engine
from .._errors import ProcessDiedError, ProcessError, describe_exit, in_short
from .._messages import Message, Serving, Start, Stop
from .._notice import Notice
from .._parcels import Parcel
from .._segments import Descriptor
from ._admission import MOST_DESCRIPTORS, SECRET_BYTES, Door
from ._reception import Reception

if TYPE_CHECKING:
    from .._supervisor import Supervisor

MOST_DEATHS = 5  # the one that is not followed by another life,
DEATHS_WITHIN = 10.0  # if so many come within these seconds
_KILL_GRACE = 5.0  # seconds that the kernel gets to carry out SIGKILL
_CLOSE_GRACE = 5.0  # seconds that a coordinator gets to end, after `close`

OnChange = Callable[[int | None, Exception | None], None]


class State(enum.Enum):
    """Where the life of a guardian stands."""

    STOPPED = "stopped"  # there is no coordinator, and none is wanted
    RUNNING = "running"  # there is one, or one on its way
    STOPPING = "stopping"  # there is one that was asked to end
    FAILED = "failed"  # the last one could not be replaced


class Guardian:
    """Sees to it that a Share has a coordinator, from `start` to `stop`.

    Args:
        descriptors: What a member gets, in this order. They stay open here as long as the guardian
            has them, and it closes and duplicates none: closing any descriptor of the lock file
            would free all record locks that this process holds on it.
        on_change: Called in the I/O thread, so it must not block, with the id of each new
            coordinator as it begins to serve, or with None and the error after which there will be
            no other unless `start` is called again.

    Attributes:
        secret: What a joiner must know, for `join`.
    """

    def __init__(self, descriptors: Sequence[Descriptor], *, on_change: OnChange) -> None:
        if len(descriptors) > MOST_DESCRIPTORS:
            raise ValueError(f"{len(descriptors)} descriptors; a Share has {MOST_DESCRIPTORS}")
        self.secret = os.urandom(SECRET_BYTES)
        self._descriptors = tuple(descriptors)
        self._on_change = on_change
        self._process = os.getpid()
        self._lock = threading.RLock()  # guards all below
        self._state = State.STOPPED
        self._child: Child | None = None
        self._pid: int | None = None
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)  # monotonic times
        self._supervisor: Supervisor | None = None
        self._news = Notice()  # of the child and its id
        self._door = Door()
        self._reception: Reception | None = None
        _guardians.add(self)

    @property
    def is_owner(self) -> bool:
        """Whether this is the process that made it, not a fork of that."""
        return self._process == os.getpid()

    @property
    def address(self) -> str:
        """Where to join."""
        return self._door.address

    @property
    def pid(self) -> int | None:
        """The id of the coordinator that serves; None if there is none, or not yet."""
        return self._pid

    @property
    def has_failed(self) -> bool:
        """Whether the last coordinator could not be replaced."""
        return self._state is State.FAILED

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until a coordinator serves, if one is to; returns its id. Blocks.

        Args:
            timeout: Seconds to wait at most; None: as long as it takes.
        """
        self._news.wait_for(
            lambda: self._pid is not None or self._state is not State.RUNNING, timeout
        )
        return self._pid

    def start(self) -> None:
        """Have a coordinator started, if there is none; returns before it serves.

        Raises:
            ProcessError: The guardian was closed, or is another process's.
            OSError: There are no descriptors, memory or processes left to do so.
        """
        with self._lock:
            if self._door.is_closed:
                self._refuse()
            if self._state is State.RUNNING:
                return
            self._deaths.clear()
            before, self._state = self._state, State.RUNNING
            if self._child is None:  # else it is about to end, and is replaced then
                try:
                    self._launch()
                except BaseException:
                    self._state = before
                    raise
            self._end_reception()

    def receive(self) -> None:
        """Let members in although there is no coordinator, until the next `start`.

        So it is by itself after a coordinator that was stopped or could not be replaced.
        """
        with self._lock:
            if self._reception is None and self._process == os.getpid():
                # Where there is nothing left for it, who joins waits for the next start.
                with contextlib.suppress(OSError, RuntimeError):
                    self._reception = Reception(self._door.listener, self.secret, self._descriptors)

    def stop(self, timeout: float | None = None) -> bool:
        """End the coordinator in good order; blocks until it has ended.

        Args:
            timeout: Seconds to wait at most; None: as long as it takes.

        Returns:
            Whether it has ended by itself; if not, it was killed.

        Raises:
            ProcessError: The guardian is another process's.
        """
        with self._lock:
            if self._process != os.getpid():
                self._refuse()
            child, supervisor = self._child, self._supervisor
            if child is None or supervisor is None:
                self._state = State.STOPPED
                return True
            self._state = State.STOPPING
            _ask_to_stop(child)

        def has_ended() -> bool:
            return self._child is not child or not supervisor.is_running

        if self._news.wait_for(has_ended, timeout):
            return True
        child.kill()
        self._news.wait_for(has_ended, _KILL_GRACE)
        return False

    def close(self) -> None:
        """Let go of all; returns at once, and nothing starts again. May be repeated.

        It waits for no lock, so the garbage collector may call it.
        """
        self._door.close()
        self._end_reception()
        supervisor = self._supervisor
        if supervisor is not None and supervisor.is_running:
            supervisor.call_soon(self._end)

    # -- called by the I/O thread

    def on_message(self, child: Child, message: Message) -> None:
        """Learn that the coordinator serves."""
        if not isinstance(message, Serving):
            return
        with self._lock:
            if child is not self._child or self._state is not State.RUNNING:
                return
            self._pid = message.pid
        self._news.notify()
        self._on_change(message.pid, None)

    def on_exit(self, child: Child) -> None:
        """Put another in the place of a coordinator that nobody asked to end."""
        error: ProcessError | None = None
        with self._lock:
            if child is not self._child:
                return
            self._child = self._pid = None
            if self._state is not State.RUNNING or self._door.is_closed:
                self._state = State.STOPPED
            else:
                error = self._replace(child)
                if error is not None:
                    self._state = State.FAILED
            if self._state is not State.RUNNING and not self._door.is_closed:
                self.receive()
        self._news.notify()
        if error is not None:
            self._on_change(None, error)

    def _replace(self, lost: Child) -> ProcessError | None:
        """Launch the next one; returns the error if there is to be none."""
        try:
            if lost.start_error is not None:
                raise lost.start_error
            if lost.exitcode != 0:  # 0: it was asked to end, and then `start` was called
                self._deaths.append(time.monotonic())
                if self._is_dying_too_often():
                    return ProcessDiedError(
                        f"the Share's coordinator (process {lost.pid}) "
                        f"{describe_exit(lost.exitcode)}, for the {MOST_DEATHS}th time within "
                        f"{DEATHS_WITHIN:g} s, and is not replaced "
                        "until start() is called; what the Share holds is not lost",
                        exitcode=lost.exitcode,
                    )
            self._launch()
        except Exception as reason:
            error = ProcessError(
                "the Share's coordinator could not be started: "
                f"{in_short(reason)}; call start() once that is mended",
                original_error=reason,
            )
            error.__cause__ = reason
            return error
        return None

    def _end(self) -> None:
        """End the coordinator after `close`."""
        with self._lock:
            child, supervisor = self._child, self._supervisor
            self._pid = None
            self._end_reception()
            if child is not None and supervisor is not None:
                self._state = State.STOPPING
                _ask_to_stop(child)
                supervisor.call_at(time.monotonic() + _CLOSE_GRACE, child.kill)

    def _end_reception(self) -> None:
        reception, self._reception = self._reception, None
        if reception is not None:
            reception.end()

    # -- under the lock

    def _is_dying_too_often(self) -> bool:
        deaths = self._deaths
        return len(deaths) == MOST_DEATHS and deaths[-1] - deaths[0] <= DEATHS_WITHIN

    def _launch(self) -> None:
        handles = (self._door.listener, *self._descriptors)
        payload = Parcel(True, (len(self.secret),), (self.secret,), None, handles)
        launching = engine()
        self._supervisor = launching.supervisor
        try:
            launching.launch(Start("coordinator", b"", payload), self, self._adopt)
        except BaseException:
            self._child = None
            raise

    def _adopt(self, child: Child) -> None:
        self._child = child

    # -- in a process that was forked from this one

    def forget_after_fork(self) -> None:
        """Let go of what is the owner's: while a copy of the socket is open, so is its address."""
        self._door.abandon()
        self._lock = threading.RLock()  # another thread may have held it at the fork
        self._state = State.STOPPED
        self._child = self._pid = self._supervisor = None
        if self._reception is not None:
            self._reception.abandon()
            self._reception = None

    def _refuse(self) -> NoReturn:
        if self._process != os.getpid():
            raise ProcessError(
                f"the Share belongs to another process (id {self._process}), of which this one is "
                "a fork; start and stop it there"
            )
        raise ProcessError("the Share was closed and cannot be started again; make another one")


def _ask_to_stop(child: Child) -> None:
    """Have a coordinator end: an end of the channel alone would say that the owner is gone."""
    child.send(Stop())
    child.end_sending()


_guardians: weakref.WeakSet[Guardian] = weakref.WeakSet()


def _forget_after_fork() -> None:
    for guardian in list(_guardians):
        guardian.forget_after_fork()


os.register_at_fork(after_in_child=_forget_after_fork)
