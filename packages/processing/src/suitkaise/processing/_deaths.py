"""How a process can end without having said how: the errors of that."""

from __future__ import annotations

from ._children import Child
from ._errors import ProcessDiedError, ProcessError, describe_exit, in_short
from ._lifecycle import Section
from ._page import LIVES, RUN, SECTION
from ._runner import SECTION_CODES


def stillborn(name: str, error: Exception) -> ProcessError:
    """Return the error of a process whose next life could not begin."""
    wrapped = ProcessError(
        f"{name} died, and its next life could not begin: {in_short(error)}",
        original_error=error,
    )
    wrapped.__cause__ = error
    return wrapped


def unreceived(name: str, error: Exception) -> ProcessError:
    """Return the error of a process that was ended as nothing more could be taken from it."""
    wrapped = ProcessError(
        f"what {name} sent could not be received here, so it was ended: {in_short(error)}",
        original_error=error,
    )
    wrapped.__cause__ = error
    return wrapped


def death(name: str, child: Child) -> ProcessError:
    """Return the error of a process that was killed, crashed or could not be started."""
    if child.start_error is not None:
        return ProcessError(
            f"{name} could not be started: {child.start_error}", original_error=child.start_error
        )
    child.page.words[LIVES] = 0
    run = int(child.page.words[RUN])
    section = SECTION_CODES[int(child.page.words[SECTION])]
    moment = f"during {section.value} of" if section is not Section.RECONNECT else "before"
    return ProcessDiedError(
        f"{name} (process {child.pid}) {describe_exit(child.exitcode)} {moment} run {run}",
        exitcode=child.exitcode,
        current_run=run,
    )
