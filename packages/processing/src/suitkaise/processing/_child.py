"""What a child does after it has been forked: it becomes what it is told to be, and ends."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading

from suitkaise.cucumber import deserialize

from . import _caller_context, _log_records, _surroundings
from ._alarm import SectionAlarm
from ._channel import ChildChannel
from ._checkpointer import Checkpointer
from ._child_end import ChildEnd
from ._errors import ProcessError, with_remote_traceback
from ._lifecycle import Lifecycle
from ._limits import Limits
from ._messages import Finished, Start
from ._page import StatusPage
from ._parcels import set_out, unpack
from ._reconnection import learn
from ._runner import encode_ending, flush_output, leave_if_forked, run_life, serialize_error
from ._segments import Descriptor
from ._share._coordinator import coordinate
from ._worker import Worker


def main(channel_descriptor: int, page_descriptor: int) -> int:
    """Run this child on its descriptors to its very end, and return its exit status."""
    alarm = SectionAlarm()
    memory = Descriptor(os.dup(page_descriptor))
    page = StatusPage.from_descriptor(page_descriptor)
    with contextlib.closing(ChildChannel(channel_descriptor)) as channel:
        status = live(channel, page, memory, alarm)
        _leave()
    return status


def live(channel: ChildChannel, page: StatusPage, memory: Descriptor, alarm: SectionAlarm) -> int:
    """Be what the first message says, until that has ended; returns the exit status."""
    try:
        start = channel.receive_blocking()
    except EOFError:
        return 0
    assert isinstance(start, Start)
    if start.role == "coordinator":  # it runs nobody's code, so it needs nobody's surroundings
        memory.close()
        coordinate(start, channel)
        return 0
    status = 0
    try:
        _surroundings.apply(start.surroundings)
        if start.forwards_logs:
            _log_records.forward(channel, start.name)
        else:
            _log_records.keep()
            _log_records.set_process_name(start.name)
        if start.context:
            _caller_context.restore(start.context)
        if start.role == "process":
            _run_process(start, channel, page, memory, alarm)
        else:
            memory.close()
            limits = Limits(*start.limits)
            limits.limit_threads()
            Worker(channel, page, alarm, limits).serve()
    except SystemExit as request:
        status = _exit_status(request)
    return status


def _run_process(
    start: Start,
    channel: ChildChannel,
    page: StatusPage,
    memory: Descriptor,
    alarm: SectionAlarm,
) -> None:
    try:
        learn(start.secrets)
        with _log_records.without_new_handlers():
            process, config = unpack(start.payload), deserialize(start.config)
        timers = deserialize(start.timers) if start.timers else None
    except SystemExit:
        raise
    except BaseException as error:
        failure = ProcessError(
            f"the process could not be rebuilt from what was sent: {error}", original_error=error
        )
        failure.__cause__ = with_remote_traceback(error)
        channel.send(Finished(True, serialize_error(failure), b""))
        return
    alarm.install()
    end = ChildEnd(page, channel)
    process.process_config = config
    process._end = end

    checkpoint = None
    if start.lives > 1:
        checkpoint = Checkpointer(process, end, channel, memory)
    else:
        memory.close()
    own_id = os.getpid()
    lifecycle = Lifecycle(config.runs, start.lives, start.current_run)
    ending = run_life(
        process,
        config,
        end,
        alarm,
        lifecycle,
        began=start.began,
        timers=timers,
        checkpoint=checkpoint,
    )
    leave_if_forked(own_id)
    finished = encode_ending(process, ending)
    flush_output()
    channel.send(finished)
    set_out(finished.payload)


def _exit_status(request: SystemExit) -> int:
    """Return the status that the interpreter would exit with."""
    if request.code is None:
        return 0
    if isinstance(request.code, int):
        return request.code & 0xFF
    print(request.code, file=sys.stderr)  # noqa: T201  as the interpreter does
    return 1


def _leave() -> None:
    """Do what the interpreter does at its end, for what the user's code has set up here."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are not daemons
    atexit._run_exitfuncs()
    flush_output()
