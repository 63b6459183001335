"""`Skprocess`: a process written as a class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ._config import ProcessConfig
from ._errors import ProcessError
from ._hooks import defined_sections, wrap_hooks
from ._modifiers import Waiting, modifiable
from ._parent_end import ParentEnd
from ._timers import ProcessTimers

if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Self

    from suitkaise.sk.modifiers import Arguments, Keywords
    from suitkaise.timing import Sktimer

    from ._awaiting import Awaited
    from ._child_end import ChildEnd
    from ._reconnection import Plan


class _Running(Waiting):
    """The operation of `run`: whoever gives up waiting can no longer ask for the result."""

    def run(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Run it in the calling thread."""
        was_started = args[0]._end is not None
        try:
            return super().run(args, kwargs, timeout)
        except BaseException:
            _give_up(args[0], was_started)
            raise

    def begin(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Future[Any]:
        """Start it."""
        was_started = args[0]._end is not None
        try:
            return super().begin(args, kwargs, timeout)
        except BaseException:
            _give_up(args[0], was_started)
            raise

    async def run_async(self, args: Arguments, kwargs: Keywords, timeout: float | None) -> Any:
        """Run it in the event loop."""
        was_started = args[0]._end is not None
        try:
            return await super().run_async(args, kwargs, timeout)
        except BaseException:
            _give_up(args[0], was_started)
            raise


def _give_up(process: Skprocess, was_started: bool) -> None:
    """Kill what a `run` has started: Ctrl-C, a timeout or a cancellation has ended it."""
    if not was_started and process.is_alive:
        process.kill()


def _ending(process: Skprocess, timeout: float | None = None) -> Awaited[bool]:
    return process._started().ending(timeout)


def _result(process: Skprocess) -> Awaited[Any]:
    return process._started().outcome()


def _run(process: Skprocess) -> Awaited[Any]:
    process.start()
    return process._started().run_outcome()


def _next_message(process: Skprocess, timeout: float | None = None) -> Awaited[Any]:
    return process._started().next_message(timeout)


class Skprocess:
    """A process as a class: inherit, write `__run__`, and `start()` it.

    The object is copied into a new process, where its hooks run in this order:
    `__prerun__`, `__run__`, `__postrun__` again and again, then `__onfinish__`, then `__result__`.
    The parent's object keeps its own attributes; results, timers and messages come back to it.

    Set `self.process_config` in `__init__`: `runs`, `join_in`, `lives` and `timeouts`. No call of
    `super().__init__()` is needed. No `if __name__ == "__main__":` is needed either: the child does
    not import the script again.

    Attributes:
        process_config: How often, how long, and with how many lives it runs.

    Example:
        >>> class Countdown(Skprocess):
        ...     def __init__(self, start):
        ...         self.left = start
        ...         self.process_config.runs = start
        ...     def __run__(self):
        ...         self.left -= 1
        ...     def __result__(self):
        ...         return self.left
        >>> Countdown(3).run()
        0
    """

    process_config: ProcessConfig
    _end: ParentEnd | ChildEnd | None
    _reconnect_plan: ClassVar[Plan | None] = None  # of a class under @autoreconnect

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Prepare what `__init__` may use, so that subclasses need not call `super().__init__`."""
        process = super().__new__(cls)
        process.process_config = ProcessConfig()
        process._end = None
        return process

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        wrap_hooks(cls)

    # -- the hooks: each runs in the child, in its main thread

    def __prerun__(self) -> None:
        """Prepare a run. If it raises: `PreRunError`, a life spent."""

    def __run__(self) -> None:
        """Do the work of one run. If it raises: `RunError`, a life spent."""

    def __postrun__(self) -> None:
        """Clean up after a run. If it raises: `PostRunError`, a life spent."""

    def __onfinish__(self) -> None:
        """Clean up after the last run or a stop. If it raises: `OnFinishError`."""

    def __result__(self) -> Any:
        """Return what `result()` is to return in the parent. If it raises: `ResultError`."""

    def __error__(self) -> Any:
        """Handle `self.error` once no life is left.

        What it returns is what `result()` returns in the parent; an exception is raised there. By
        default that is `self.error`. If it raises: `ErrorHandlerError`.
        """
        return self.error

    # -- control, from the parent

    def start(self) -> None:
        """Copy this object into a new process and run it there; returns at once.

        Raises:
            TypeError: If the class defines none of `__prerun__`, `__run__` and `__postrun__`.
            ValueError: If a field of `process_config` has a value that makes no sense.
            ProcessError: If it was started before; make a new object.
            SerializationError: If an attribute cannot travel; the message names it.
        """
        if self._end is not None:
            raise ProcessError(
                f"{type(self).__name__} was started before: an Skprocess runs once, make a new one"
            )
        if not any(section.is_in_iteration for section in defined_sections(type(self))):
            raise TypeError(
                f"{type(self).__name__} has nothing to run: define __run__(self) "
                "(or __prerun__ or __postrun__)"
            )
        self.process_config.validate()
        self._end = end = ParentEnd(self)
        try:
            end.launch()
        except BaseException:
            self._end = None
            raise

    @modifiable(_run, _Running)
    def run(self) -> Any:
        """Start it, wait for its end, and return its result; blocks until then.

        With `.timeout(s)`, `.background()` or `.asynced()` before the parentheses it raises
        `ResultTimeoutError` after so many seconds, returns a Future, or can be awaited. At the
        timeout, and if the Future or the await is cancelled, the process is killed.

        Raises:
            ProcessError: As `start()` and `result()` do.
        """
        was_started = self._end is not None
        try:
            self.start()
            return self.result()
        except BaseException:
            _give_up(self, was_started)
            raise

    def stop(self) -> None:
        """Ask it to end after its present section; returns at once.

        `__onfinish__` and `__result__` still run. A `listen()` that waits in the process returns
        None. From the parent, or inside the process.

        Raises:
            ProcessError: If it was not started.
        """
        self._started().stop()

    def kill(self) -> None:
        """End it at once with SIGKILL, and what it has started with it; returns at once.

        No hook runs any more, no life is used. `wait()` then returns True and `result()` None.

        Raises:
            ProcessError: If it was not started.
        """
        self._started().kill()

    @modifiable(_ending)
    def wait(self, timeout: float | None = None) -> bool:
        """Block until it has ended, through all its lives.

        With `.timeout(s)`, `.background()` or `.asynced()` before the parentheses it raises
        `ResultTimeoutError` after so many seconds, returns a Future, or can be awaited. The process
        goes on when the waiting ends.

        Args:
            timeout: Seconds to wait at most; None: as long as it takes, 0: only look.

        Returns:
            True if it has ended, False if the time was over first.

        Raises:
            ProcessError: If it was not started.
        """
        return self._started().wait(timeout)

    @modifiable(_result)
    def result(self) -> Any:
        """Block until it has ended, and return what `__result__` returned.

        Every call returns the same object, or raises the same error. Takes modifiers as `wait`.

        Raises:
            ProcessError: If it failed with its last life, or was not started.
        """
        return self._started().result()

    # -- communication, from both sides

    def tell(self, data: Any) -> None:
        """Send `data` to the other side, where `listen()` returns it; does not wait for that.

        Raises:
            ProcessError: If it was not started or has ended.
            SerializationError: If `data` cannot travel.
        """
        (self._end or self._started()).tell(data)

    @modifiable(_next_message)
    def listen(self, timeout: float | None = None) -> Any:
        """Return the next thing that the other side told; blocks until there is one.

        Takes modifiers as `wait`, in the process too. What a cancelled Future or await would have
        got goes to the next who listens.

        Args:
            timeout: Seconds to wait at most; None: as long as it takes.

        Returns:
            What was told, in order; None if the time was over first, or (in the process) if it is
            to stop.

        Raises:
            ProcessError: If it was not started; or, without a timeout, if it has ended and all that
                it told has been returned.
        """
        return (self._end or self._started()).listen(timeout)

    # -- properties

    @property
    def current_run(self) -> int:
        """The run that is going on; the first is 0."""
        return 0 if self._end is None else self._end.current_run

    @property
    def is_alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._end is not None and self._end.is_alive

    @property
    def timers(self) -> ProcessTimers | None:
        """The timers of its sections, through all its lives; None before the start.

        In the parent, while it runs: a copy as of now, which the process sends at the end of its
        present section, or from `listen`. That is waited for 0.1 s; if a section takes longer, this
        returns what is known, and waits no more until it is over. With more than one life, what
        is known is at least what there was at the last run boundary. Once the process has ended:
        all there was, also if it has failed; if it was killed or has died, what was known.
        """
        return None if self._end is None else self._end.timers

    @property
    def process_timer(self) -> Sktimer | None:
        """The timer of complete iterations; as `timers`."""
        timers = self.timers
        return None if timers is None else timers.full_run

    @property
    def error(self) -> BaseException | None:
        """The error that ended it, or that `__error__` is to handle; else None.

        In the parent, once it has ended: what made it fail, also if `__error__` turned that into a
        result or into another exception.
        """
        return None if self._end is None else self._end.error

    def __repr__(self) -> str:
        end = self._end
        if end is None:
            return f"<{type(self).__name__} (not started)>"
        return f"<{type(self).__name__} ({end.state}, run={end.current_run}, lives={end.lives})>"

    def _repr_html_(self) -> str:
        from ._display import process_html

        return process_html(self, None if self._end is None else self._end.known_timers)

    def _started(self) -> ParentEnd | ChildEnd:
        if self._end is None:
            raise ProcessError(
                f"{type(self).__name__} was not started: call start() or run() first"
            )
        self._end.require_own()
        return self._end
