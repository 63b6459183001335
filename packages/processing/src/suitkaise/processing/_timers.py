"""The timers of a process's sections."""

from __future__ import annotations

from suitkaise.timing import Sktimer

from ._lifecycle import Section


class ProcessTimers:
    """One `Sktimer` for each hook that the class defines, and one for whole iterations.

    A failed section is not recorded, and an iteration that a stop cut short is not a full run.

    Attributes:
        prerun: Times of `__prerun__`, or None if the class does not define it.
        run: Times of `__run__`, or None.
        postrun: Times of `__postrun__`, or None.
        onfinish: Time of `__onfinish__`, or None.
        result: Time of `__result__`, or None.
        error: Time of `__error__`, or None.
        full_run: Times of complete iterations: prerun, run and postrun together.

    Example:
        >>> timers = ProcessTimers([Section.RUN])
        >>> timers.run.add_time(0.5)
        >>> timers.run.mean, timers.prerun
        (0.5, None)
    """

    __slots__ = ("error", "full_run", "onfinish", "postrun", "prerun", "result", "run")

    def __init__(self, defined: list[Section]) -> None:
        def timer_for(section: Section) -> Sktimer | None:
            return Sktimer() if section in defined else None

        self.prerun = timer_for(Section.PRERUN)
        self.run = timer_for(Section.RUN)
        self.postrun = timer_for(Section.POSTRUN)
        self.onfinish = timer_for(Section.ONFINISH)
        self.result = timer_for(Section.RESULT)
        self.error = timer_for(Section.ERROR)
        self.full_run = Sktimer()

    def of(self, section: Section) -> Sktimer | None:
        """Return the timer of a section, or None if the class does not define its hook."""
        timer: Sktimer | None = getattr(self, section.value.strip("_"))
        return timer

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{name}={timer.num_times}"
            for name in ("prerun", "run", "postrun", "onfinish", "result", "error", "full_run")
            if (timer := getattr(self, name)) is not None
        )
        return f"<ProcessTimers {counts}>"
