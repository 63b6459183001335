"""Carries a lifecycle out, in the child: runs the hooks, keeps time, turns failures into errors."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from suitkaise.cucumber import ReconnectError

from ._alarm import SectionAlarm, SectionExpired
from ._errors import (
    ErrorHandlerError,
    OnFinishError,
    PostRunError,
    PreRunError,
    ProcessError,
    ProcessReconnectError,
    ProcessTimeoutError,
    ResultError,
    RunError,
    SectionError,
    in_one_line,
    with_its_traceback,
    with_remote_traceback,
)
from ._hooks import defined_sections, hook_function
from ._lifecycle import Lifecycle, Outcome, Section
from ._messages import Finished
from ._page import ASKED, DEADLINE, LIVES, RUN, SECTION, STOP
from ._parcels import pack
from ._reconnection import reconnection_of
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
    Section.RECONNECT: ProcessReconnectError,
}
_RUNS_BETWEEN_SETTLING = 256
SECTION_CODES = tuple(Section)  # the status page holds an index into this


class _Part(NamedTuple):
    """What it takes to run a section: worked out once, not in each run."""

    hook: Callable[[], Any]
    timeout: float | None
    add_time: Callable[[float], None]
    code: int  # for the status page
    mark: int  # for the timeline
    is_in_iteration: bool
    has_value: bool  # whether what the hook returns is what it is run for


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
    if timers is None:
        timers = ProcessTimers(sections, type(process).__name__)
    end.timers = timers
    parts = {section: _part(process, section, config, timers) for section in sections}
    full_run_mark = mark_of(os.getpid(), None)
    record = timers.timeline.record
    add_full_run = timers.full_run.add_time
    end.stop_at = None if config.join_in is None else began + config.join_in
    words = end.page.words
    words[RUN] = lifecycle.current_run
    words[LIVES] = lifecycle.lives
    clock = time.perf_counter
    returned, stopping, failed = Outcome.RETURNED, Outcome.STOPPING, Outcome.FAILED
    postrun, end_of_life = Section.POSTRUN, Section.END  # looked up here: in the loop it would cost
    value: Any = None
    has_failed = False
    iteration = iteration_began = 0.0
    reconnection = reconnection_of(process, end)
    if reconnection is not None:
        parts[Section.RECONNECT] = _part_without_hook(reconnection, Section.RECONNECT)
    section = lifecycle.section
    while section is not end_of_life:
        if words[ASKED] != end.answered:
            end.answer()
        outcome = returned
        part = parts.get(section)
        if part is not None:
            hook, timeout, add_time, words[SECTION], mark, is_in_iteration, has_value = part
            run = lifecycle.current_run
            started = clock()
            try:
                what = hook() if timeout is None else _obeying(hook, timeout, alarm, words)
            except SystemExit:
                raise
            except BaseException as error:
                outcome = failed
                record((started, clock() - started, run, mark + FAILED))
                end.error = _section_error(process, section, error, timeout, run, end.error)
            else:
                seconds = clock() - started
                record((started, seconds, run, mark))
                add_time(seconds)
                if is_in_iteration:
                    if not iteration:
                        iteration_began = started
                    iteration += seconds
                elif has_value:
                    value = what
        if outcome is failed:
            iteration = 0.0
        elif end.is_stopping():
            outcome = stopping
        following = lifecycle.advance(outcome)
        if outcome is failed:
            words[LIVES] = lifecycle.lives
        elif section is postrun:
            add_full_run(iteration)
            record((iteration_began, iteration, words[RUN], full_run_mark))
            iteration = 0.0
            words[RUN] = run = lifecycle.current_run
            if not run % _RUNS_BETWEEN_SETTLING:
                timers.timeline.settle()
            if checkpoint is not None and lifecycle.lives > 1:
                checkpoint(lifecycle)
                if outcome is stopping:
                    words[STOP] = 1  # for the next life, should this one end by a death
        if following is end_of_life:
            has_failed = section is Section.ERROR
            if outcome is failed:
                value = end.error
        section = following
    return Ending(value, timers, end.error if has_failed else None)


def _part(
    process: Skprocess, section: Section, config: ProcessConfig, timers: ProcessTimers
) -> _Part:
    timer = timers.of(section)
    assert timer is not None
    return _Part(
        hook_function(process, section),
        getattr(config.timeouts, section.value.strip("_")),
        timer.add_time,
        SECTION_CODES.index(section),
        mark_of(os.getpid(), section),
        section.is_in_iteration,
        section in (Section.RESULT, Section.ERROR),
    )


def _part_without_hook(function: Callable[[], Any], section: Section) -> _Part:
    """Make the part of a section that is not the user's: it has no timeout and no timer."""
    mark = mark_of(os.getpid(), section)
    code = SECTION_CODES.index(section)
    return _Part(function, None, lambda seconds: None, code, mark, False, False)


def _obeying(
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
    timeout: float | None,
    run: int,
    first_error: ProcessError | None,
) -> ProcessError:
    """Turn what a hook raised into the error that the parent gets."""
    where = f"{type(process).__name__}.{section.value}"
    wrapped: ProcessError
    if isinstance(error, SectionExpired):
        wrapped = timeout_error(where, section, timeout or 0.0, run)
        if section is not Section.ERROR:
            with_remote_traceback(wrapped)
            return wrapped
        error = wrapped
    drop_frames_of(error, __file__)
    what = f"{where} failed {_in_run(section, run)}: {in_one_line(error)}"
    if section is Section.RECONNECT and isinstance(error, ReconnectError):
        what = f"{type(process).__name__} failed before run {run}: {error}"
    wrapped = SECTION_ERRORS[section](what, current_run=run, original_error=error)
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
        except (Exception, SystemExit) as reason:
            section = Section.RESULT if error is None else Section.ERROR
            value = SECTION_ERRORS[section](
                f"{type(process).__name__}.{section.value} returned a {type(value).__name__} "
                f"that cannot travel to the parent: {reason}",
                original_error=reason,
            )
            value.__cause__ = error or reason
    return Finished(True, serialize_error(value), timers, cause)


def serialize_error(error: BaseException) -> bytes:
    """Serialise an exception; one that cannot be becomes a ProcessError that describes it."""
    try:
        return serialize(error)
    except (Exception, SystemExit) as reason:
        text = with_its_traceback(error)
        if isinstance(error, ProcessError):
            replaced: ProcessError = error
            replaced.original_error = None
            replaced.__cause__ = None
            replaced.__context__ = None
        else:
            replaced = ProcessError(in_one_line(error))
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
