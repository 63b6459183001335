"""The errors of suitkaise.processing.

    ProcessError
    ├── SectionError            a section of an Skprocess failed: a hook, or reconnecting
    │   ├── PreRunError             __prerun__
    │   ├── RunError                __run__
    │   ├── PostRunError            __postrun__
    │   ├── OnFinishError           __onfinish__
    │   ├── ResultError             __result__
    │   ├── ErrorHandlerError       __error__
    │   └── ProcessReconnectError   @autoreconnect (a ReconnectError of suitkaise.cucumber)
    ├── ProcessTimeoutError     a hook ran longer than it may (a TimeoutError)
    ├── ResultTimeoutError      a call took longer than `.timeout()` allows (a TimeoutError)
    ├── ProcessDiedError        the process ended although nobody asked it to
    ├── PoolClosedError         a pool takes no more work (a RuntimeError, as of any Executor)
    └── PipeEndpointError       an end of a Pipe was asked for what it cannot do

`RemoteTraceback` is no error of its own: it hangs at the end of another's `__cause__` chain.
"""

from __future__ import annotations

import signal
import traceback

from suitkaise.cucumber import DeserializationError, ReconnectError, SerializationError


class ProcessError(Exception):
    """Something went wrong with a process or a pool: the base of all errors here.

    Attributes:
        current_run: The run (counted from 0) in which it happened; None outside a run.
        original_error: The exception behind it, or None.
    """

    current_run: int | None
    original_error: BaseException | None

    def __init__(
        self,
        message: str = "",
        *,
        current_run: int | None = None,
        original_error: BaseException | None = None,
    ) -> None:
        super().__init__(message)
        self.current_run = current_run
        self.original_error = original_error


class SectionError(ProcessError):
    """A hook of an Skprocess raised: `original_error` is what it raised."""


class PreRunError(SectionError):
    """`__prerun__` raised."""


class RunError(SectionError):
    """`__run__` raised."""


class PostRunError(SectionError):
    """`__postrun__` raised."""


class OnFinishError(SectionError):
    """`__onfinish__` raised."""


class ResultError(SectionError):
    """`__result__` raised, or what it returned cannot travel to the parent."""


class ErrorHandlerError(SectionError):
    """`__error__` itself failed; `__cause__` is the error that it was called to handle."""


class ProcessReconnectError(SectionError, ReconnectError):
    """A resource of a class under `@autoreconnect` could not be connected.

    Catch it as a `ReconnectError` or a `ProcessError`; `path`, `type_key` and `reason` are those of
    `original_error`, and say which resource it was and what its driver said.
    """

    def __init__(
        self,
        message: str = "",
        *,
        current_run: int | None = None,
        original_error: BaseException | None = None,
    ) -> None:
        super().__init__(message, current_run=current_run, original_error=original_error)
        for name in ("path", "type_key", "reason"):
            setattr(self, name, getattr(original_error, name, ""))


class ProcessTimeoutError(ProcessError, TimeoutError):
    """A hook ran longer than `process_config.timeouts` allows.

    Attributes:
        section: The hook's name, such as "__run__".
        timeout: The seconds that were allowed.
    """

    section: str
    timeout: float

    def __init__(
        self,
        message: str = "",
        *,
        section: str = "",
        timeout: float = 0.0,
        current_run: int | None = None,
        original_error: BaseException | None = None,
    ) -> None:
        super().__init__(message, current_run=current_run, original_error=original_error)
        self.section = section
        self.timeout = timeout


class ResultTimeoutError(ProcessError, TimeoutError):
    """A call took longer than its `.timeout(seconds)` allows.

    Attributes:
        timeout: The seconds that were allowed.
    """

    timeout: float

    def __init__(
        self,
        message: str = "",
        *,
        timeout: float = 0.0,
        current_run: int | None = None,
        original_error: BaseException | None = None,
    ) -> None:
        super().__init__(message, current_run=current_run, original_error=original_error)
        self.timeout = timeout


class ProcessDiedError(ProcessError):
    """The process ended although nobody asked it to: a signal, a crash, `os._exit`, `sys.exit`.

    Attributes:
        exitcode: The exit status, or minus the signal's number; None if it is unknown.
        signal_name: Such as "SIGKILL"; None if no signal ended it.
    """

    exitcode: int | None
    signal_name: str | None

    def __init__(
        self,
        message: str = "",
        *,
        exitcode: int | None = None,
        current_run: int | None = None,
        original_error: BaseException | None = None,
    ) -> None:
        super().__init__(message, current_run=current_run, original_error=original_error)
        self.exitcode = exitcode
        self.signal_name = _signal_name(exitcode)


class PoolClosedError(ProcessError, RuntimeError):
    """A pool was given work after `close`, `terminate` or `shutdown`.

    Who takes it for an `Executor` expects a `RuntimeError`; catch it as that or a `ProcessError`.
    """


class PipeEndpointError(ProcessError):
    """An end of a `Pipe` was asked for what it cannot do: it is closed, full, one-way, locked."""


class RemoteTraceback(Exception):  # noqa: N818  a carrier of text, not an error
    """Shows the traceback of an exception that was raised in another process."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


def in_short(error: BaseException) -> str:
    """Return its type's name and its message; one of cucumber's says it all by its message."""
    try:
        message = str(error)
    except Exception:
        return in_one_line(error)
    if isinstance(error, SerializationError | DeserializationError):
        return message
    return f"{type(error).__name__}: {message}".removesuffix(": ")


def in_one_line(error: BaseException) -> str:
    """Return its type and message, even of an exception whose own methods fail."""
    try:
        return "".join(traceback.format_exception_only(error)).strip()
    except Exception as reason:
        return f"{type(error).__name__}, which cannot be shown ({type(reason).__name__})"


def with_its_traceback(error: BaseException) -> str:
    """Return what the interpreter would print of it, if it can be shown."""
    try:
        return "".join(traceback.format_exception(error))
    except Exception:
        trace = "".join(traceback.format_tb(error.__traceback__))
        return f"Traceback (most recent call last):\n{trace}{in_one_line(error)}\n"


def with_remote_traceback(error: BaseException) -> BaseException:
    """Hang the traceback of `error`, as text, at the end of its `__cause__` chain.

    Traceback objects cannot travel, their text can. A cause that the user set stays where it is.
    """
    text = with_its_traceback(error)
    last, seen = error, {id(error)}
    while last.__cause__ is not None and id(last.__cause__) not in seen:
        last = last.__cause__
        seen.add(id(last))
    if last.__cause__ is None:
        last.__cause__ = RemoteTraceback(text)
    return error


_LIKELY_CAUSES = {
    signal.SIGKILL: "killed from outside: kill -9, or the kernel was out of memory",
    signal.SIGSEGV: "a crash in compiled code",
    signal.SIGBUS: "a crash in compiled code, or memory that could not be provided",
    signal.SIGABRT: "compiled code called abort()",
    signal.SIGFPE: "a crash in compiled code",
    signal.SIGILL: "compiled code built for another CPU",
    signal.SIGTERM: "asked to end from outside",
    signal.SIGINT: "interrupted from outside",
    signal.SIGXCPU: "the CPU time limit",
}


def describe_exit(exitcode: int | None) -> str:
    """Say in words how a process ended, with the likely cause."""
    if exitcode is None:
        return "ended, its exit status is unknown (the server that launches processes was lost)"
    if exitcode >= 0:
        return f"exited with status {exitcode} (sys.exit or os._exit)"
    cause = _LIKELY_CAUSES.get(-exitcode, "a signal")  # type: ignore[call-overload]
    return f"was ended by {_signal_name(exitcode)} ({cause})"


def _signal_name(exitcode: int | None) -> str | None:
    if exitcode is None or exitcode >= 0:
        return None
    try:
        return signal.Signals(-exitcode).name
    except ValueError:
        return f"signal {-exitcode}"
