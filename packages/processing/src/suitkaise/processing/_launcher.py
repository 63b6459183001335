"""The parent's side of one server: orders to fork and kill go out, reports of ends come in."""

from __future__ import annotations

import contextlib
import json
import marshal
import os
import socket
import subprocess
import sys
import threading

from ._children import SERVER_MODULE, Child
from ._supervisor import Supervisor

_EXIT_GRACE = 5.0
_REPORT_BYTES = 4096
_BOOTSTRAP = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[2]); descriptor = int(sys.argv[1]); "
    f"del sys.argv[1:]; from {SERVER_MODULE} import main; main(descriptor)"
)


class Launcher:
    """Starts a server in a new process, and speaks with it until one of the two ends."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._lock = threading.RLock()  # guards the three below
        self._children: dict[int, Child] = {}
        self._is_lost = False  # no more orders can be given
        self._is_closed = False
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, contextlib.ExitStack() as on_failure:
            on_failure.callback(self._control.close)
            self._null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
            on_failure.callback(os.close, self._null)
            self._server = subprocess.Popen(
                [
                    sys.executable,
                    *subprocess._args_from_interpreter_flags(),  # type: ignore[attr-defined]
                    "-c",
                    _BOOTSTRAP,
                    str(theirs.fileno()),
                    json.dumps([str(entry) for entry in sys.path]),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in a terminal is the parent's alone
            )
            on_failure.pop_all()
        supervisor.watch(self._control.fileno(), self._on_report)

    @property
    def is_lost(self) -> bool:
        """Whether the server has ended."""
        return self._is_lost

    def fork(self, child: Child, channel: int, page: int) -> bool:
        """Order a child with these descriptors; False if the server is gone. From any thread."""
        descriptors = [channel, page, *self._standard_streams()]
        with self._lock:
            if self._is_lost:
                return False
            self._children[child.number] = child
            try:
                socket.send_fds(self._control, [marshal.dumps(("fork", child.number))], descriptors)
            except OSError:
                del self._children[child.number]
                self._is_lost = True
                return False
            return True

    def kill(self, child: Child) -> None:
        """Order a child's death; nothing happens if it has ended. From any thread."""
        self._order("kill", child)

    def nudge(self, child: Child) -> None:
        """Have a child get NUDGE; nothing happens if it has ended. From any thread."""
        self._order("nudge", child)

    def discard(self, child: Child) -> None:
        """Order a child's death, and forget it. From any thread."""
        with self._lock:
            self._children.pop(child.number, None)
            if not self._is_lost:
                with contextlib.suppress(OSError):  # unknown to the server if it was never ordered
                    self._control.send(marshal.dumps(("kill", child.number)))

    def close(self) -> None:
        """End the server, which ends its children; waits until it has."""
        children = self._lose()
        try:
            self._server.wait(_EXIT_GRACE)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        finally:
            for child in children:
                child.take_last_records()
                child.release()

    def abandon(self) -> None:
        """Let go in a process forked from the parent: the server and the children are not ours."""
        self._server.returncode = 0
        self._control.close()
        for child in self._children.values():
            child.abandon()

    def _order(self, order: str, child: Child) -> None:
        with self._lock:
            if child.number in self._children and not self._is_lost:
                with contextlib.suppress(OSError):
                    self._control.send(marshal.dumps((order, child.number)))

    def _standard_streams(self) -> list[int]:
        """Return descriptors for a child's input, output and error: nothing, ours, ours."""
        streams = [self._null]
        for descriptor in (1, 2):
            try:
                os.fstat(descriptor)
            except OSError:  # closed, as in a daemon
                streams.append(self._null)
            else:
                streams.append(descriptor)
        return streams

    def _on_report(self, _events: int) -> None:
        try:
            body = self._control.recv(_REPORT_BYTES)
        except OSError:
            body = b""
        if not body:
            self._on_lost()
            return
        report, number, value = marshal.loads(body)
        if report == "forked":
            with self._lock:
                if number in self._children:
                    self._children[number].pid = value
            return
        with self._lock:
            child = self._children.pop(number, None)
        if child is None:
            return
        if report == "failed":
            child.start_error = OSError(value, os.strerror(value))
            child.set_ended(None)
        else:
            child.set_ended(value)

    def _on_lost(self) -> None:
        """The server was killed; the kernel kills its children with it, so all have ended."""
        children = self._lose()
        self._server.wait()
        for child in children:
            child.set_ended(None)

    def _lose(self) -> list[Child]:
        """Close all that leads to the server; returns the children that it had."""
        with self._lock:
            if self._is_closed:
                return []
            self._is_lost = self._is_closed = True
            children = list(self._children.values())
            self._children.clear()
        os.close(self._null)
        self._supervisor.forget(self._control.fileno(), self._on_report, self._control.close)
        return children
