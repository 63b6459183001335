"""The server: a small process with one thread that forks children for its parent.

A program with threads cannot be forked safely, and starting Python anew takes tens of milliseconds;
a process that has imported what every child needs, and does nothing but fork, is safe and quick.

    parent  --fork (with fds), kill, nudge--->  server  --fork-->  child, child, child ...
    parent  <-forked, failed, exited----------  server  <-SIGCHLD--

What it owns: the children as a parent owns them in Unix. It alone reaps them, so the process id in
a `kill` is never a stranger's, and it alone learns their exit status. When its own parent ends,
however that happens, it sees end-of-file and ends them all: SIGTERM first, for those that have a
handler to clean up with, and SIGKILL for what is left after a grace. Should it be killed itself,
the kernel kills them (`_platform.die_with_parent`, exact here because this process has a single
thread).
A child that starts children has a server of its own, and so a death goes down the tree.

The control socket is a SEQPACKET pair: each message is whole, with its descriptors.

Forking and a first walk through memory that is still shared cost more than all the rest of a start.
So once it has nothing else to do, the server forks a spare, which does both ahead of time and then
waits to become the next child.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import select
import signal
import socket
import sys
import time
from typing import Any, NamedTuple, NoReturn

from . import _child
from ._platform import (
    NUDGE,
    die_with_parent,
    load_death_signal,
    occupy_standard_descriptors,
    resume_with_parent,
)
from ._rehearsal import rehearse

CONTROL_BYTES = 4096
# Sent to all processes of a service or a terminal: the parent decides what they mean, and the
# server ends when the parent does. Children have the usual handlers.
_LEFT_TO_THE_PARENT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TERM_GRACE = 0.5  # seconds from SIGTERM to SIGKILL, once the parent has ended
_KILL_GRACE = 2.0  # seconds that the kernel gets to carry out SIGKILL
DESCRIPTORS = 5  # channel, status page, standard input, output, error

Control = tuple[
    Any, ...
]  # ("fork", id) ("kill", id) ("nudge", id) | ("forked", id, pid) ("failed", id, errno) ...


class _Spare(NamedTuple):
    """A process that waits for the descriptors of a child, to become it."""

    pid: int
    adoption: socket.socket


class Server:
    """Forks, reaps and kills children until its parent's end of the control socket closes."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pids: dict[int, int] = {}  # child id -> process id, while not reaped
        self._spare: _Spare | None = None
        self._wants_spare = False  # from a first order on: who starts one child may start another
        self._libc = load_death_signal()
        resume_with_parent(self._libc)
        self._wakeup_read, self._wakeup_write = os.pipe()
        os.set_blocking(self._wakeup_read, False)
        os.set_blocking(self._wakeup_write, False)

    def serve(self) -> None:
        """Serve until the parent is gone."""
        signal.set_wakeup_fd(self._wakeup_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in _LEFT_TO_THE_PARENT:
            signal.signal(number, signal.SIG_IGN)
        control = self._control.fileno()
        poll = select.poll()
        poll.register(control, select.POLLIN)
        poll.register(self._wakeup_read, select.POLLIN)
        try:
            while True:
                ready = dict(poll.poll(0 if self._wants_spare else None))
                if ready.get(control, 0) & select.POLLHUP:
                    break  # whatever it has ordered: nobody waits for that any more
                if not ready:
                    self._fork_spare()
                if self._wakeup_read in ready:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wakeup_read, CONTROL_BYTES)
                    self._reap()
                if control in ready and not self._obey():
                    break
        except ConnectionError:  # the parent ended with a report unread
            pass
        finally:
            self._discard_spare()
            self._end_children()

    def _end_children(self) -> None:
        """End all that is left, gently at first; returns once it has ended."""
        for number, grace in ((signal.SIGTERM, TERM_GRACE), (signal.SIGKILL, _KILL_GRACE)):
            for child in list(self._pids):
                self._signal(child, number)
            deadline = time.monotonic() + grace
            while self._pids and (left := deadline - time.monotonic()) > 0:
                select.select([self._wakeup_read], [], [], left)
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wakeup_read, CONTROL_BYTES)
                self._reap()

    def _obey(self) -> bool:
        body, descriptors, _, _ = socket.recv_fds(self._control, CONTROL_BYTES, DESCRIPTORS)
        if not body:
            return False
        order, child = marshal.loads(body)
        if order == "fork":
            self._fork(child, descriptors)
        elif order == "kill":
            self._signal(child, signal.SIGKILL)
        elif order == "nudge" and child in self._pids:
            os.kill(self._pids[child], NUDGE)
        return True

    def _fork(self, child: int, descriptors: list[int]) -> None:
        try:
            pid = self._hand_to_spare(descriptors) or self._fork_process(descriptors)
        except OSError as error:
            self._report(("failed", child, error.errno))
        else:
            self._pids[child] = pid
            self._report(("forked", child, pid))
            self._wants_spare = self._spare is None
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _hand_to_spare(self, descriptors: list[int]) -> int | None:
        """Have the spare become the child; None if there is no spare, or it has been killed."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        with spare.adoption:
            try:
                socket.send_fds(spare.adoption, [b"a"], descriptors)
            except OSError:
                return None
        return spare.pid

    def _fork_spare(self) -> None:
        self._wants_spare = False
        with contextlib.suppress(Exception):  # whatever else bears that name in the program's path
            import hmac  # noqa: F401  for children that join a Share; now, while nobody waits
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._spare = _Spare(self._fork_process([], (ours, theirs)), ours)
            except OSError:  # no process left: the next order will say so
                ours.close()

    def _discard_spare(self) -> None:
        if self._spare is not None:
            self._spare.adoption.close()  # it sees end-of-file, and ends
            self._spare = None

    def _fork_process(
        self, descriptors: list[int], adoption: tuple[socket.socket, socket.socket] | None = None
    ) -> int:
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_child(server, descriptors, adoption)
        with contextlib.suppress(OSError):  # the child does the same: whoever is first
            os.setpgid(pid, pid)
        return pid

    def _become_child(
        self,
        server: int,
        descriptors: list[int],
        adoption: tuple[socket.socket, socket.socket] | None,
    ) -> NoReturn:
        status = 1
        try:
            die_with_parent(self._libc, server)
            os.setpgid(0, 0)  # a group of its own: killed together with what it starts
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, *_LEFT_TO_THE_PARENT):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._control.close()
            os.close(self._wakeup_read)
            os.close(self._wakeup_write)
            if adoption is not None:
                servers_end, own_end = adoption
                servers_end.close()
                rehearse()
                descriptors = _await_adoption(own_end)
            channel, page, *standard = descriptors
            for target, descriptor in enumerate(standard):
                os.dup2(descriptor, target)
                os.close(descriptor)
            gc.enable()
            status = _child.main(channel, page)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _reap(self) -> None:
        children = {pid: child for child, pid in self._pids.items()}
        while (pid := _next_ended()) is not None:
            _, status = os.waitpid(pid, 0)
            child = children.pop(pid, None)
            if child is not None:
                del self._pids[child]
                self._report(("exited", child, os.waitstatus_to_exitcode(status)))
            elif self._spare is not None and self._spare.pid == pid:
                self._discard_spare()

    def _signal(self, child: int, number: signal.Signals) -> None:
        """Send a signal to a child and what else is in its process group."""
        pid = self._pids.get(child)
        if pid is None:
            return
        try:
            os.killpg(pid, number)
        except ProcessLookupError:  # the child has left its group
            os.kill(pid, number)

    def _report(self, message: Control) -> None:
        with contextlib.suppress(ConnectionError):  # the parent has ended
            self._control.send(marshal.dumps(message))


def _next_ended() -> int | None:
    """Return the process id of a child that has ended and is not reaped, or None."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    if ended is None:
        return None
    if ended.si_status != 0:  # what it had started has lost its owner
        with contextlib.suppress(OSError):
            os.killpg(ended.si_pid, signal.SIGKILL)  # not reaped: the number is still its own
    return ended.si_pid


def _await_adoption(adoption: socket.socket) -> list[int]:
    """In a spare: return the descriptors of the child that it is to become; blocks until then."""
    with adoption:
        body, descriptors, _, _ = socket.recv_fds(adoption, 1, DESCRIPTORS)
    if not body:  # the server has ended
        os._exit(0)
    return descriptors


def main(descriptor: int) -> None:
    """Run the server on an inherited control socket; the entry point of its process."""
    occupy_standard_descriptors()
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # what the thread that started us had blocked
    gc.disable()
    gc.collect()
    gc.freeze()  # what every child shares stays shared: the collector never writes to it
    with socket.socket(fileno=descriptor) as control:
        Server(control).serve()
