"""What a process came to, opened: in the thread that asks first, as users' code runs there."""

from __future__ import annotations

import threading
from collections.abc import Callable

from suitkaise.cucumber import deserialize

from ._awaiting import Outcome
from ._errors import ResultError, in_short
from ._messages import Finished
from ._parcels import Payload, unpack
from ._timers import ProcessTimers


class OpenedEnding:
    """The values of an ending, deserialised once.

    Args:
        name: The process's, for errors.
        known_timers: Returns the timers as far as they are known, if the ending has none.

    Attributes:
        error: The exception that ended the process, or the one behind its result; None: there is
            none. Once it has been opened, like the timers.
        timers: The timers.
    """

    def __init__(self, name: str, known_timers: Callable[[], ProcessTimers]) -> None:
        self.error: BaseException | None = None
        self.timers: ProcessTimers | None = None
        self._name = name
        self._known_timers = known_timers
        self._lock = threading.RLock()  # guards all
        self._outcome: Outcome | None = None

    def fail(self, error: BaseException) -> None:
        """Have it be this error, whatever the process has sent; before it is opened."""
        self._outcome = (None, error)

    def open(self, finished: Finished) -> Outcome:
        """Return the value, or what to raise."""
        with self._lock:
            if self.timers is None:
                whole = finished.timers
                self.timers = deserialize(whole) if whole else self._known_timers()
            if self._outcome is None:
                self._outcome = self._rebuild(finished.payload, raised=finished.raised)
            if self.error is None:
                self.error = self._outcome[1]
                if finished.error:
                    self.error = self._rebuild(finished.error, raised=True)[1]
            return self._outcome

    def _rebuild(self, payload: Payload, *, raised: bool) -> Outcome:
        try:
            value = unpack(payload) if payload else None
            if raised and not isinstance(value, BaseException):
                raise TypeError(f"the exception arrives as {value!r:.100}")
        except (Exception, SystemExit) as reason:
            what = "error" if raised else "result"
            error = ResultError(
                f"the {what} of {self._name} arrived but cannot be rebuilt here: "
                f"{in_short(reason)}",
                original_error=reason,
            )
            error.__cause__ = reason
            return None, error
        return (None, value) if raised else (value, None)
