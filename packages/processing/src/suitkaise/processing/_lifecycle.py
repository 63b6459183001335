"""What an Skprocess does next: a pure table, without processes, clocks or input and output.

    RECONNECT -> PRERUN -> RUN -> POSTRUN -> PRERUN -> ...
        |          |       |        |
        +----------+-------+--------+--- a stop, or the last run done --> ONFINISH -> RESULT -> END
        |          |       |        |                                        |          |
        +----------+-------+--------+--- failed, no life left --> ERROR <----+----------+ failed
                                                                    |
                                                                    +---------------> END

A failure with lives left begins again at RECONNECT, and repeats the iteration with the same
`current_run`. RECONNECT makes resources live (`_autoreconnect`); mostly there is nothing to do.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto


class Section(Enum):
    """A part of the life; the value is the hook that runs in it."""

    PRERUN = "__prerun__"
    RUN = "__run__"
    POSTRUN = "__postrun__"
    ONFINISH = "__onfinish__"
    RESULT = "__result__"
    ERROR = "__error__"
    RECONNECT = "reconnect"  # no hook: see _autoreconnect
    END = "end"  # nothing runs any more

    __hash__ = object.__hash__  # an enum's own is Python code, which the run loop would feel

    @property
    def is_in_iteration(self) -> bool:
        """Whether it is one of the three that repeat."""
        return self in _ITERATION


class Outcome(Enum):
    """How a section ended."""

    RETURNED = auto()  # it ran to its end
    STOPPING = auto()  # it ran to its end, and a stop was asked for or `join_in` is over
    FAILED = auto()  # it raised or timed out

    __hash__ = object.__hash__


_ITERATION = frozenset({Section.PRERUN, Section.RUN, Section.POSTRUN})


class _Step(Enum):
    """What a transition does beside going on."""

    NONE = auto()
    BEGIN = auto()  # go on where the last checkpoint was, which may have been after the last run
    COUNT_RUN = auto()  # the iteration is complete: count it, and see if it was the last
    SPEND_LIFE = auto()  # begin again, with the same iteration, if a life is left


_NONE = _Step.NONE  # looking a member up takes as long as all else in `advance`

_TABLE: dict[tuple[Section, Outcome], tuple[Section, _Step]] = {
    (Section.RECONNECT, Outcome.RETURNED): (Section.PRERUN, _Step.BEGIN),
    (Section.RECONNECT, Outcome.STOPPING): (Section.ONFINISH, _Step.NONE),
    (Section.RECONNECT, Outcome.FAILED): (Section.ERROR, _Step.SPEND_LIFE),
    (Section.PRERUN, Outcome.RETURNED): (Section.RUN, _Step.NONE),
    (Section.PRERUN, Outcome.STOPPING): (Section.ONFINISH, _Step.NONE),
    (Section.PRERUN, Outcome.FAILED): (Section.ERROR, _Step.SPEND_LIFE),
    (Section.RUN, Outcome.RETURNED): (Section.POSTRUN, _Step.NONE),
    (Section.RUN, Outcome.STOPPING): (Section.ONFINISH, _Step.NONE),
    (Section.RUN, Outcome.FAILED): (Section.ERROR, _Step.SPEND_LIFE),
    (Section.POSTRUN, Outcome.RETURNED): (Section.PRERUN, _Step.COUNT_RUN),
    (Section.POSTRUN, Outcome.STOPPING): (Section.ONFINISH, _Step.COUNT_RUN),
    (Section.POSTRUN, Outcome.FAILED): (Section.ERROR, _Step.SPEND_LIFE),
    (Section.ONFINISH, Outcome.RETURNED): (Section.RESULT, _Step.NONE),
    (Section.ONFINISH, Outcome.STOPPING): (Section.RESULT, _Step.NONE),
    (Section.ONFINISH, Outcome.FAILED): (Section.ERROR, _Step.NONE),
    (Section.RESULT, Outcome.RETURNED): (Section.END, _Step.NONE),
    (Section.RESULT, Outcome.STOPPING): (Section.END, _Step.NONE),
    (Section.RESULT, Outcome.FAILED): (Section.ERROR, _Step.NONE),
    (Section.ERROR, Outcome.RETURNED): (Section.END, _Step.NONE),
    (Section.ERROR, Outcome.STOPPING): (Section.END, _Step.NONE),
    (Section.ERROR, Outcome.FAILED): (Section.END, _Step.NONE),
}


class InvalidTransitionError(RuntimeError):
    """A section ended that was not running, or after the end: a bug in this library."""


@dataclass(slots=True)
class Lifecycle:
    """Where a life stands.

    Attributes:
        runs: How many runs to make; None: until a stop.
        lives: The lives left, the present one included.
        current_run: The run that is going on, or would come next; the first is 0.
        section: The section to run now.
        history: The last transitions, for the message of an error that is ours.
    """

    runs: int | None = None
    lives: int = 1
    current_run: int = 0
    section: Section = Section.RECONNECT
    history: deque[tuple[Section, Outcome]] = field(default_factory=lambda: deque(maxlen=12))

    def advance(self, outcome: Outcome) -> Section:
        """Take note of how the present section ended, and return the next one.

        Raises:
            InvalidTransitionError: If the life has ended already.
        """
        ended = (self.section, outcome)
        self.history.append(ended)
        try:
            following, step = _TABLE[ended]
        except KeyError:
            raise InvalidTransitionError(
                f"no transition from {self.section.name} with {outcome.name}: {list(self.history)}"
            ) from None
        if step is _NONE:
            pass
        elif step is _Step.SPEND_LIFE:
            self.lives -= 1
            if self.lives > 0:
                following = Section.RECONNECT
        else:
            if step is _Step.COUNT_RUN:
                self.current_run += 1
            if self.runs is not None and self.current_run >= self.runs:
                following = Section.ONFINISH
        self.section = following
        return following
