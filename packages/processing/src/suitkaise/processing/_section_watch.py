"""Sections that do not obey their timeout, seen from the parent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ._children import Child
from ._engine import engine
from ._errors import ProcessError
from ._lifecycle import Section
from ._page import DEADLINE, RUN, SECTION
from ._runner import SECTION_CODES, timeout_error

if TYPE_CHECKING:
    from ._supervisor import DueCall

GRACE = 0.5  # seconds that a section gets to obey the exception raised in it


class SectionWatch:
    """Looks at the status page often enough to see every section that runs over, and kills it.

    The child writes there when its section must have ended. No section's timeout can begin and run
    out between two looks that are the shortest timeout apart.

    Args:
        name: The process's.
        timeouts: Of the sections that have one, in seconds.
        lock: Held while looking.
        is_running: Whether this child is the present one, and is to go on.

    Attributes:
        error: Why the child was killed, if it was.
    """

    def __init__(
        self,
        name: str,
        timeouts: dict[Section, float],
        lock: threading.RLock,
        is_running: Callable[[Child], bool],
    ) -> None:
        self.error: ProcessError | None = None
        self._name = name
        self._timeouts = timeouts
        self._lock = lock
        self._is_running = is_running
        self._due: DueCall | None = None

    def begin(self, child: Child) -> None:
        """Look at this child from now on, if there is any timeout."""
        if self._timeouts:
            self._look_at(child, time.monotonic() + min(self._timeouts.values()) + GRACE)

    def end(self) -> None:
        """Look no more."""
        if self._due is not None:
            self._due.cancel()  # it refers to all this

    def _look_at(self, child: Child, moment: float) -> None:
        self._due = engine().supervisor.call_at(moment, lambda: self._look(child))

    def _look(self, child: Child) -> None:
        with self._lock:
            if not self._is_running(child):
                return
            words = child.page.words
            deadline, section = words[DEADLINE] / 1e9, SECTION_CODES[int(words[SECTION])]
            now = time.monotonic()
            if deadline and now >= deadline + GRACE:
                timeout = self._timeouts.get(section, 0.0)
                name = f"{self._name}.{section.value}"
                self.error = timeout_error(name, section, timeout, int(words[RUN]))
                child.kill()
                return
            moment = deadline + GRACE if deadline else now + min(self._timeouts.values())
            self._look_at(child, moment)
