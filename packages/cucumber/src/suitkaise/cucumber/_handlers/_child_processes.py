"""subprocess.Popen: one that runs arrives as a Reconnector, one that has ended as it is.

The Reconnector attaches to the same process: it can be asked whether it runs, waited for and ended.
Its pipes stay with the sender, and its exit code, which the kernel tells nobody but a parent. What
it was started with travels without its secrets, such as `--password=...`.
"""

import os
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._secrets import command_without_secrets
from suitkaise.cucumber._reconnector import Reconnector, set_description
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from subprocess import Popen

_OF_THE_SENDER = ("stdin", "stdout", "stderr", "_waitpid_lock", "_input", "_communication_started")


def reduce_child(pickler: object, child: "Popen[Any]") -> ReduceValue:
    """Send the pid, or what has come of it."""
    args: Any = command_without_secrets(child.args)
    if child.poll() is None:
        return _running(child.pid, args, _began(child.pid))
    state = {name: value for name, value in vars(child).items() if name not in _OF_THE_SENDER}
    return rebuild_ended, (type(child), {**state, "args": args})


def _running(pid: int, args: Any, began: str) -> tuple[Any, ...]:
    description = {"pid": pid, "args": args, "began": began}
    return rebuild_running, (), description, None, None, set_description


def rebuild_ended(kind: "type[Popen[Any]]", state: dict[str, Any]) -> "Popen[Any]":
    """Make a Popen that has ended."""
    import threading

    child: Any = kind.__new__(kind)
    vars(child).update(state)
    child.stdin = child.stdout = child.stderr = None
    child._waitpid_lock = threading.Lock()
    return child  # type: ignore[no-any-return]


def rebuild_running() -> Reconnector:
    """Make what stands for a running process."""
    return Reconnector("subprocess.Popen", attach_to_child)


def attach_to_child(description: dict[str, Any], auth: Any) -> "AttachedProcess":
    """Attach to the process, if it still runs."""
    if auth is not None:
        raise RefusalError("a process takes no secret; leave it out")
    return AttachedProcess(description["pid"], description["args"], description["began"])


class AttachedProcess:
    """A process that another one has started.

    Attributes:
        pid: Its id.
        args: What it was started with, without its secrets.
        returncode: None: only its parent learns it.
    """

    returncode: int | None = None

    def __init__(self, pid: int, args: Any, began: str) -> None:
        try:
            self._descriptor = os.pidfd_open(pid)
        except OSError as error:
            raise RefusalError(f"process {pid} ({args!r}) is not here, or has ended") from error
        self.pid = pid
        self.args = args
        self._began = began
        if _began(pid) != began:
            os.close(self._descriptor)
            self._descriptor = -1
            raise RefusalError(f"process {pid} ({args!r}) has ended; another has its id now")

    def is_running(self) -> bool:
        """Whether it has not ended; does not block."""
        return not self._has_ended(0)

    def wait(self, timeout: float | None = None) -> None:
        """Block until it has ended, or raise `subprocess.TimeoutExpired` after so many seconds."""
        if not self._has_ended(timeout):
            from subprocess import TimeoutExpired

            raise TimeoutExpired(self.args, timeout or 0.0)

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""
        import contextlib
        import signal

        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self.send_signal(15)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self.send_signal(9)

    def __reduce__(self) -> tuple[Any, ...]:
        return _running(self.pid, self.args, self._began)

    def _has_ended(self, timeout: float | None) -> bool:
        import select

        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def __del__(self) -> None:
        if getattr(self, "_descriptor", -1) >= 0:
            os.close(self._descriptor)

    def __repr__(self) -> str:
        state = "running" if self.is_running() else "ended"
        return f"<AttachedProcess {self.pid}, {state}: {self.args!r}>"


def _began(pid: int) -> str:
    """Return when a process began, in ticks since the machine's start: ids are used again."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


REDUCERS: dict[str, Reducer] = {"subprocess.Popen": reduce_child}
