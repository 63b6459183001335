"""Writes timelines in the Trace Event Format, which Perfetto and chrome://tracing open.

Described in "Trace Event Format" of the Chromium project: an object with `traceEvents`, of which
those with the phase "X" are slices, `ts` and `dur` in microseconds, and those with "M" give names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._timeline import Slice

if TYPE_CHECKING:
    from ._timers import ProcessTimers


def write_trace(path: str | PathLike[str], processes: Sequence[ProcessTimers]) -> None:
    """Write the sections of some processes to a file.

    Raises:
        TypeError: If one is no ProcessTimers.
        OSError: If the file cannot be written.
    """
    from ._timers import ProcessTimers

    for timers in processes:
        if not isinstance(timers, ProcessTimers):
            raise TypeError(
                f"trace() takes the timers of processes, not {timers!r:.100}: "
                "timers.trace(path, other.timers, ...)"
            )
    with Path(path).open("w", encoding="utf-8") as file:
        file.write('{"displayTimeUnit": "ms", "traceEvents": [')
        separator = "\n"
        for timers in dict.fromkeys(processes):
            for event in _events(timers):
                file.write(separator + json.dumps(event))
                separator = ",\n"
        file.write("\n]}\n")


def _events(timers: ProcessTimers) -> Iterator[dict[str, Any]]:
    slices = list(timers.timeline)
    for pid in dict.fromkeys(slice_.pid for slice_ in slices):
        for kind, name in (("process_name", timers.name), ("thread_name", "sections")):
            yield {"name": kind, "ph": "M", "pid": pid, "tid": pid, "args": {"name": name}}
    for began, ended, slice_ in _nested(slices):
        yield _event(began, ended, slice_)


def _nested(slices: list[Slice]) -> list[tuple[int, int, Slice]]:
    """Return when each began and ended in nanoseconds, a full run before the sections in it.

    The time of a full run is that of its sections together. Drawn, it has to reach to the end of
    the last one, which is the slice before it.
    """
    placed = []
    last_end = 0
    for slice_ in slices:
        began = round(slice_.began * 1e9)
        ended = round((slice_.began + slice_.seconds) * 1e9)
        if slice_.section is None:
            ended = max(ended, last_end)
        last_end = ended
        placed.append((began, ended, slice_))
    return sorted(placed, key=lambda place: (place[0], place[2].section is not None))


def _event(began: int, ended: int, slice_: Slice) -> dict[str, Any]:
    section = slice_.section
    event: dict[str, Any] = {
        "name": "full_run" if section is None else section.value,
        "cat": "run" if section is None else "section",
        "ph": "X",
        "ts": began / 1000,
        "dur": (ended - began) / 1000,
        "pid": slice_.pid,
        "tid": slice_.pid,  # as Linux numbers a process's main thread
        "args": {"run": slice_.run},
    }
    if slice_.has_failed:
        event["name"] += " (failed)"
        event["cat"] += ",failed"
        event["cname"] = "terrible"  # red in chrome://tracing
        event["args"]["failed"] = True
    return event
