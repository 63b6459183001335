"""The timers of a process's sections."""

from __future__ import annotations

from os import PathLike

from suitkaise.timing import Sktimer

from ._lifecycle import Section
from ._timeline import Timeline


class ProcessTimers:
    """One `Sktimer` for each hook that the class defines, and one for whole iterations.

    A failed section is not recorded, and an iteration that a stop cut short is not a full run. The
    timers go on through all lives of a process. Printed, they are a table; in a notebook as well.

    Attributes:
        prerun: Times of `__prerun__`, or None if the class does not define it.
        run: Times of `__run__`, or None.
        postrun: Times of `__postrun__`, or None.
        onfinish: Time of `__onfinish__`, or None.
        result: Time of `__result__`, or None.
        error: Time of `__error__`, which every class has.
        full_run: Times of complete iterations: prerun, run and postrun together.
        name: The name of the process's class.
        timeline: When the sections ran; `trace` writes it.

    Example:
        >>> timers = ProcessTimers([Section.RUN])
        >>> timers.run.add_time(0.5)
        >>> timers.run.add_time(0.25)
        >>> timers.run.mean, timers.prerun
        (0.375, None)
        >>> print(timers)
                  num_times  total_time       mean      stdev        min     median        max
        run               2   750.00 ms  375.00 ms  176.78 ms  250.00 ms  375.00 ms  500.00 ms
        full_run          0
    """

    __slots__ = (
        "error",
        "full_run",
        "name",
        "onfinish",
        "postrun",
        "prerun",
        "result",
        "run",
        "timeline",
    )

    def __init__(self, defined: list[Section], name: str = "Skprocess") -> None:
        def timer_for(section: Section) -> Sktimer | None:
            return Sktimer() if section in defined else None

        self.prerun = timer_for(Section.PRERUN)
        self.run = timer_for(Section.RUN)
        self.postrun = timer_for(Section.POSTRUN)
        self.onfinish = timer_for(Section.ONFINISH)
        self.result = timer_for(Section.RESULT)
        self.error = timer_for(Section.ERROR)
        self.full_run = Sktimer()
        self.name = name
        self.timeline = Timeline()

    def of(self, section: Section) -> Sktimer | None:
        """Return the timer of a section; None if the class defines no hook, or it has none."""
        timer: Sktimer | None = getattr(self, section.value.strip("_"), None)
        return timer

    def by_name(self) -> dict[str, Sktimer]:
        """Return the timers that there are, in the order in which sections run."""
        names = ("prerun", "run", "postrun", "onfinish", "result", "error", "full_run")
        return {name: timer for name in names if (timer := getattr(self, name)) is not None}

    def trace(self, path: str | PathLike[str], *others: ProcessTimers) -> None:
        """Write a trace of all sections to a file that ui.perfetto.dev and chrome://tracing open.

        Each process is a row of its own, on the clock that they share; a process that died and was
        started again has one for each life. Every section is a slice with its run; one that failed
        is marked, though no timer counts it. So is each full run, around its sections. Of each
        Skprocess it shows the latest 100,000 slices. What a section was at when its process was
        killed is not in it.

        The format is the JSON object form of the Trace Event Format. Blocks until it is written.

        Args:
            path: The file; it is overwritten.
            others: The timers of more processes, to show in the same trace.

        Raises:
            TypeError: If one of `others` is no ProcessTimers.
            OSError: If the file cannot be written.

        Example:
            >>> one.timers.trace("trace.json", two.timers, three.timers)  # doctest: +SKIP
        """
        from ._trace import write_trace

        write_trace(path, (self, *others))

    def absorb(self, news: bytes) -> None:
        """Add what the timeline of a copy of these timers gave as its news."""
        for slice_ in self.timeline.extend(news):
            timer = self.full_run if slice_.section is None else self.of(slice_.section)
            if timer is not None and not slice_.has_failed:
                timer.add_time(slice_.seconds)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={timer.num_times}" for name, timer in self.by_name().items())
        return f"<ProcessTimers {counts}>"

    def __str__(self) -> str:
        from . import _display

        return _display.timers_text(self)

    def _repr_html_(self) -> str:
        from . import _display

        return _display.timers_html(self)
