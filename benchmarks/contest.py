"""What is compared: a contest has contenders, and a trial that each of them must get right."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

Call = Callable[[Any], Any]
GROUPS = (
    "serialise",
    "start",
    "pool_start",
    "tiny",
    "latency",
    "growth",
    "arrays",
    "uneven",
    "messages",
    "runs",
    "timing",
    "sharing",
)
FASTEST_PEER = "the fastest of the others'"


@dataclass(frozen=True)
class Trial:
    """What is given to a contender, and how its answer is judged.

    Attributes:
        given: The argument of the call that is timed.
        is_right: Whether an answer is the right one; not timed.
    """

    given: Any
    is_right: Callable[[Any], bool]


class Measured(NamedTuple):
    """The answer of a contender that measured itself, as not the time of its whole call counts.

    For contests with `max_loops=1` and `per=1`.

    Attributes:
        amount: Seconds per operation, or what else the contest is about.
        answer: What the trial judges.
    """

    amount: float
    answer: Any


@dataclass(frozen=True)
class Contender:
    """One way to do it.

    Attributes:
        name: As the table shows it.
        open: Sets it up and hands over the call to time; libraries are imported in there, so that
            one that is missing is reported as such.
        is_ours: Whether it is suitkaise.
    """

    name: str
    open: Callable[[], AbstractContextManager[Call]]
    is_ours: bool = False


@dataclass(frozen=True)
class Contest:
    """One thing to do, and who does it.

    Attributes:
        title: As the table and the chart show it.
        about: What exactly is timed, in a sentence or two.
        prepare: Makes the trial anew before every sample; not timed.
        contenders: In the order of the table.
        reference: The contender whose median is 1.0, or FASTEST_PEER; None: there is no peer.
        aim: What the first of ours should be at most, as a multiple of the reference.
        rounds: How many samples to take of each.
        max_loops: How many calls a sample may have at most; short calls are repeated to fill 20 ms.
        per: How many operations a call makes; times are shown per operation.
        script: What the agents run as their `__main__`; None: an empty one, which suits peers best,
            as they import it again in every process they spawn.
        is_first: Whether every sample is the first call in a program of its own.
        in_cpu_time: Whether the agent's CPU time counts instead of the clock: for what one thread
            does without ever waiting, so that a busy machine makes no difference.
        is_of_memory: Whether bytes are compared, and not seconds.
        deadline: Seconds after which a sample has hung.
    """

    title: str
    about: str
    prepare: Callable[[], Trial]
    contenders: tuple[Contender, ...]
    reference: str | None
    aim: float | None = None
    rounds: int = 15
    max_loops: int = 1_000_000
    per: int = 1
    script: Path | None = None
    is_first: bool = False
    in_cpu_time: bool = False
    is_of_memory: bool = False
    deadline: float = 30.0


def contests_of(group: str) -> tuple[Contest, ...]:
    """Import a group and return its contests; nothing else is imported."""
    contests: tuple[Contest, ...] = importlib.import_module(f"benchmarks.{group}").CONTESTS
    return contests
