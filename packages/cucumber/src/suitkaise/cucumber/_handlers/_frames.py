"""Frames and tracebacks: as a `traceback.StackSummary`, with file, line, function and source line.

That prints as a traceback does (`print("".join(summary.format()))`). Variables do not travel.
"""

import types
from typing import TYPE_CHECKING

from suitkaise.cucumber._reducer import Reducer, reducer

if TYPE_CHECKING:
    from traceback import StackSummary

Entry = tuple[str, int | None, str, str | None]


def reduce_frame(frame: types.FrameType) -> tuple[list[Entry]]:
    """Send the frame and those that called it."""
    import traceback

    return (_entries(traceback.extract_stack(frame)),)


def reduce_traceback(trace: types.TracebackType) -> tuple[list[Entry]]:
    """Send where an exception came through."""
    import traceback

    return (_entries(traceback.extract_tb(trace)),)


def _entries(summary: "StackSummary") -> list[Entry]:
    return [(each.filename, each.lineno, each.name, each.line) for each in summary]


def rebuild_summary(entries: list[Entry]) -> "StackSummary":
    """Make the summary."""
    import traceback

    return traceback.StackSummary.from_list(entries)  # type: ignore[arg-type]


REDUCERS: dict[type, Reducer] = {
    types.FrameType: reducer(reduce_frame, rebuild_summary),
    types.TracebackType: reducer(reduce_traceback, rebuild_summary),
}
