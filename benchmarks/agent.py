"""Measures one contender, in a process of its own, whenever the referee asks.

A process of its own, because a contender then has only its own library's threads and memory around
it (a fork copies nobody else's), and because one that hangs can be killed.

    referee  --sample-->  agent  --ready, sample or failed-->  referee
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

from .contest import Call, Contest, Measured, contests_of

_WARM_UPS = 3
_WARM_UP_SECONDS = 0.3
_SAMPLE_SECONDS = 0.02


class Ready(NamedTuple):
    """It is set up and warm."""


class Sample(NamedTuple):
    """One measurement: seconds per operation, or what else the contest is about."""

    amount: float


class Failed(NamedTuple):
    """It cannot take part: it is not installed, raised an error, or answered wrongly."""

    reason: str


class WrongAnswerError(Exception):
    """A contender did not do what was asked, so its time does not count."""


def main(arguments: Sequence[str]) -> None:
    """Serve the referee until it hangs up.

    Args:
        arguments: The descriptor of the connection to the referee; the group; the numbers of the
            contest in it and of the contender in that.
    """
    descriptor, group, contest, contender = arguments
    os.set_inheritable(int(descriptor), False)
    with Connection(int(descriptor)) as referee:
        try:
            _serve(referee, contests_of(group)[int(contest)], int(contender))
        except EOFError:
            pass
        except ImportError as error:
            referee.send(Failed(f"not installed ({error.name or error})"))
        except BaseException as error:
            referee.send(Failed(f"{type(error).__name__}: {error}".strip().splitlines()[0]))


def _serve(referee: Connection, contest: Contest, contender_number: int) -> None:
    with contest.contenders[contender_number].open() as call:
        loops = 1 if contest.is_first else _warm_up(contest, call)
        referee.send(Ready())
        while True:
            referee.recv()
            referee.send(Sample(_time(call, contest, loops) / loops / contest.per))


def _warm_up(contest: Contest, call: Call) -> int:
    """Make a few calls, and find how many of them a sample needs to be long enough to time."""
    warm_ups, seconds = 0, 0.0
    while warm_ups < _WARM_UPS and seconds < _WARM_UP_SECONDS:
        seconds += _time(call, contest, 1)
        warm_ups += 1
    loops, seconds = 1, 0.0
    while loops < contest.max_loops:
        seconds = _time(call, contest, loops)
        if seconds >= _SAMPLE_SECONDS / 2:
            break
        loops *= 2
    if seconds:
        loops = max(1, round(loops * _SAMPLE_SECONDS / seconds))
    return min(loops, contest.max_loops)


def _time(call: Call, contest: Contest, loops: int) -> float:
    """Return the seconds that so many calls take; the last answer must be right."""
    trial = contest.prepare()
    given = trial.given
    answer = None
    clock = time.process_time if contest.in_cpu_time else time.perf_counter
    gc.collect()
    began = clock()
    for _ in range(loops):
        answer = call(given)
    seconds = clock() - began
    if isinstance(answer, Measured):
        seconds, answer = answer  # or bytes
    if not trial.is_right(answer):
        raise WrongAnswerError(f"a wrong answer: {answer!r:.60}")
    return seconds
