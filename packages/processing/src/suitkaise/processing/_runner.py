"""Carries a lifecycle out, in the child: runs the hooks, keeps time, turns failures into errors."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ._alarm import SectionAlarm, SectionExpired
from ._errors import (
    ErrorHandlerError,
    OnFinishError,
    PostRunError,
    PreRunError,
    ProcessError,
    ProcessTimeoutError,
    ResultError,
    RunError,
    SectionError,
    with_remote_traceback,
)
from ._hooks import defined_sections, hook_function
from ._lifecycle import Lifecycle, Outcome, Section
from ._messages import Finished
from ._page import ASKED, DEADLINE, LIVES, RUN, SECTION
from ._parcels import pack
from ._serializing import serialize
from ._timeline import FAILED, mark_of
from ._timers import ProcessTimers

if TYPE_CHECKING:
    from ._child_end import ChildEnd
    from ._config import ProcessConfig
    from ._skprocess import Skprocess

SECTION_ERRORS: dict[Section, type[SectionError]] = {
    Section.PRERUN: PreRunError,
    Section.RUN: RunError,
    Section.POSTRUN: PostRunError,
    Section.ONFINISH: OnFinishError,
    Section.RESULT: ResultError,
    Section.ERROR: ErrorHandlerError,
}
_RUNS_BETWEEN_SETTLING = 256
SECTION_CODES = tuple(Section)  # the status page holds an index into this


class Ending(NamedTuple):
    """What a life came to."""

    value: Any  # the result, or the exception to raise
    timers: ProcessTimers
    error: ProcessError | None  # what ended it, even if `__error__` made something else of it


def run_life(
    process: Skprocess,
    config: ProcessConfig,
    end: ChildEnd,
    alarm: SectionAlarm,
    lifecycle: Lifecycle,
    *,
    began: float,
    timers: ProcessTimers | None = None,
    checkpoint: Callable[[Lifecycle], None] | None = None,
) -> Ending:
    """Run an Skprocess to its end; blocks until then.

    Args:
        process: What to run.
        config: Its config.
        end: Its connection to whoever started it.
        alarm: Enforces the timeouts of sections.
        lifecycle: Where to begin.
        began: The monotonic time from which `join_in` counts.
        timers: The timers of earlier lives, to go on with; None: there are none.
        checkpoint: Called at each run boundary while more than one life is left.

    Raises:
        SystemExit: If a hook asked for it: the process is to end.
    """
    sections = defined_sections(type(process))
    hooks = {section: hook_function(process, section) for section in sections}
    timeouts = {section: getattr(config.timeouts, section.value.strip("_")) for section in hooks}
    if timers is None:
        timers = ProcessTimers(sections, type(process).__name__)
    end.timers = timers
    section_timers = {section: timers.of(section) for section in hooks}
    marks = {section: mark_of(os.getpid(), section) for section in hooks}
    full_run_mark = mark_of(os.getpid(), None)
    record = timers.timeline.record
    end.stop_at = None if config.join_in is None else began + config.join_in
    words = end.page.words
    words[RUN] = lifecycle.current_run
    words[LIVES] = lifecycle.lives
    clock = time.perf_counter
    value: Any = None
    has_failed = False
    iteration = iteration_began = 0.0
    section = lifecycle.stop_before_start() if end.is_stopping() else lifecycle.section
    while section is not Section.END:
        if words[ASKED] != end.answered:
            end.answer()
        outcome = Outcome.RETURNED
        hook = hooks.get(section)
        if hook is not None:
            words[SECTION] = SECTION_CODES.index(section)
            started = clock()
            try:
                timeout = timeouts[section]
                if timeout is None:
                    returned = hook()
                else:
                    returned = _run_with_timeout(hook, timeout, alarm, words)
            except SystemExit:
                raise
            except BaseException as error:
                outcome = Outcome.FAILED
                mark = marks[section] + FAILED
                record((started, clock() - started, lifecycle.current_run, mark))
                end.error = _section_error(process, section, error, timeouts, lifecycle, end.error)
            else:
                seconds = clock() - started
                record((started, seconds, lifecycle.current_run, marks[section]))
                timer = section_timers[section]
                if timer is not None:
                    timer.add_time(seconds)
                if section.is_in_iteration:
                    if not iteration:
                        iteration_began = started
                    iteration += seconds
                elif section is not Section.ONFINISH:
                    value = returned
        if outcome is Outcome.FAILED:
            iteration = 0.0
        elif end.is_stopping():
            outcome = Outcome.STOPPING
        run = lifecycle.current_run
        following = lifecycle.advance(outcome)
        if outcome is Outcome.FAILED:
            words[LIVES] = lifecycle.lives
        elif section is Section.POSTRUN:
            timers.full_run.add_time(iteration)
            record((iteration_began, iteration, run, full_run_mark))
            iteration = 0.0
            words[RUN] = lifecycle.current_run
            if not run % _RUNS_BETWEEN_SETTLING:
                timers.timeline.settle()
            if following is Section.PRERUN and checkpoint is not None and lifecycle.lives > 1:
                checkpoint(lifecycle)
        if following is Section.END and outcome is Outcome.FAILED:
            value = end.error
        has_failed = section is Section.ERROR
        section = following
    return Ending(value, timers, end.error if has_failed else None)


def _run_with_timeout(
    hook: Callable[[], Any], timeout: float, alarm: SectionAlarm, words: memoryview | list[int]
) -> Any:
    words[DEADLINE] = int((time.monotonic() + timeout) * 1e9)
    try:
        alarm.arm(timeout)
        return hook()
    finally:
        alarm.disarm()
        words[DEADLINE] = 0


def _section_error(
    process: Skprocess,
    section: Section,
    error: BaseException,
    timeouts: dict[Section, float | None],
    lifecycle: Lifecycle,
    first_error: ProcessError | None,
) -> ProcessError:
    """Turn what a hook raised into the error that the parent gets."""
    where = f"{type(process).__name__}.{section.value}"
    run = lifecycle.current_run
    wrapped: ProcessError
    if isinstance(error, SectionExpired):
        wrapped = timeout_error(where, section, timeouts[section] or 0.0, run)
        if section is not Section.ERROR:
            with_remote_traceback(wrapped)
            return wrapped
        error = wrapped
    drop_frames_of(error, __file__)
    wrapped = SECTION_ERRORS[section](
        f"{where} failed {_in_run(section, run)}: {_one_line(error)}",
        current_run=run,
        original_error=error,
    )
    with_remote_traceback(error)
    wrapped.__cause__ = first_error if section is Section.ERROR else error
    return wrapped


def timeout_error(where: str, section: Section, timeout: float, run: int) -> ProcessTimeoutError:
    """Make the error of a section that ran over."""
    return ProcessTimeoutError(
        f"{where} ran longer than process_config.timeouts.{section.value.strip('_')} allows: "
        f"{timeout:g} s, {_in_run(section, run)}",
        section=section.value,
        timeout=timeout,
        current_run=run,
    )


def _in_run(section: Section, run: int) -> str:
    return f"in run {run}" if section.is_in_iteration else f"after {run} runs"


def _one_line(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def drop_frames_of(error: BaseException, file: str) -> None:
    """Begin the traceback where the user's code begins: after the frames of `file`."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == file:
        trace = trace.tb_next
    if trace is not None:
        error.__traceback__ = trace


def encode_ending(process: Skprocess, ending: Ending) -> Finished:
    """Make the message that carries an ending home, even if its value cannot travel."""
    timers = serialize(ending.timers)
    value, error = ending.value, ending.error
    cause = b"" if error is None or error is value else serialize_error(error)
    if value is None:
        return Finished(False, b"", timers, cause)
    if not isinstance(value, BaseException):
        try:
            return Finished(False, pack(value), timers, cause)
        except Exception as reason:
            value = ResultError(
                f"{type(process).__name__}.__result__ returned a {type(value).__name__} "
                f"that cannot travel to the parent: {reason}",
                original_error=reason,
            )
            value.__cause__ = reason
    return Finished(True, serialize_error(value), timers, cause)


def serialize_error(error: BaseException) -> bytes:
    """Serialise an exception; one that cannot be becomes a ProcessError that describes it."""
    try:
        return serialize(error)
    except Exception as reason:
        text = "".join(traceback.format_exception(error))
        if isinstance(error, ProcessError):
            replaced: ProcessError = error
            replaced.original_error = None
            replaced.__cause__ = None
            replaced.__context__ = None
        else:
            replaced = ProcessError(_one_line(error))
        replaced.add_note(f"The exception itself cannot travel between processes: {reason}\n{text}")
        return serialize(replaced)


def flush_output() -> None:
    """Write out what was printed, so that it is seen before the parent learns that it is done."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with contextlib.suppress(Exception):  # nobody reads it, it was closed, or is none
                stream.flush()


def leave_if_forked(process: int) -> None:
    """End here if this is not the child but a fork of it, in which the user's code has returned.

    Two processes would else speak through one channel.
    """
    if os.getpid() != process:
        flush_output()
        os._exit(0)
