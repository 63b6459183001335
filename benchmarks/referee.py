"""Opens an agent per contender and lets them take turns, round by round, in a shuffled order.

Why no existing harness: pyperf and pytest-benchmark measure one benchmark to its end before the
next begins, so that whatever else the machine does at the time hits one contender and spares
another. A ratio is only worth something if both sides saw the same weather. Here every round takes
one sample of each. A hung contender is killed and named, and the others go on.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .agent import Failed, Ready, Sample
from .contest import FASTEST_PEER, Contest

_EXIT_GRACE = 10.0
_REST_SECONDS = 0.02  # for what the last sample left behind, such as a process that ends
_ROOT = str(Path(__file__).parents[1])
_EMPTY_MAIN = ["-c", "import sys; from benchmarks.agent import main; main(sys.argv[1:])"]


@dataclass
class Score:
    """What came of one contender in one contest.

    Attributes:
        name: The contender's.
        is_ours: Whether it is suitkaise.
        samples: Seconds per operation, one for each round.
        failure: Why it has no result; None while all is well.
    """

    name: str
    is_ours: bool
    samples: list[float] = field(default_factory=list)
    failure: str | None = None

    @property
    def has_result(self) -> bool:
        """Whether its samples count."""
        return self.failure is None and bool(self.samples)

    @property
    def median(self) -> float:
        """Seconds per operation."""
        return statistics.median(self.samples)

    @property
    def middle_half(self) -> tuple[float, float]:
        """The quartiles: half of the samples lie between them."""
        if len(self.samples) < 2:
            return self.median, self.median
        low, _, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        return low, high


@dataclass(frozen=True)
class Standing:
    """How a contest ended."""

    group: str
    contest: Contest
    scores: list[Score]

    def ratio(self, score: Score) -> float | None:
        """A score's median as a multiple of the reference's, or None if one of them has none."""
        reference = self.reference
        if reference is None or not score.has_result:
            return None
        return score.median / reference.median

    @property
    def reference(self) -> Score | None:
        """The score that counts as 1, or None if there is none."""
        name = self.contest.reference
        for score in sorted(self.with_results, key=lambda score: score.median):
            if score.name == name or (name == FASTEST_PEER and not score.is_ours):
                return score
        return None

    @property
    def with_results(self) -> list[Score]:
        """The scores of those that came to the end."""
        return [score for score in self.scores if score.has_result]


class _FailedError(Exception):
    """The contender cannot take part any more."""


class _Agent:
    """An agent's process, seen from here."""

    def __init__(self, contest: Contest, place: Iterable[object]) -> None:
        self._connection, theirs = multiprocessing.Pipe()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        main = _EMPTY_MAIN if contest.script is None else [str(contest.script)]
        path = os.pathsep.join(filter(None, [_ROOT, os.environ.get("PYTHONPATH")]))
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *main, str(theirs.fileno()), *map(str, place)],
                env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # so that it can be killed with all its workers
            )

    def ask(self) -> None:
        self._connection.send(None)

    def answer(self, deadline: float) -> Ready | Sample:
        try:
            if not self._connection.poll(deadline):
                raise _FailedError(f"hung: no answer for {deadline:.0f} s")
            answer = self._connection.recv()
        except (EOFError, ConnectionError):
            raise _FailedError(f"died: {self._last_words()}") from None
        if isinstance(answer, Failed):
            raise _FailedError(answer.reason)
        assert isinstance(answer, Ready | Sample)
        return answer

    def close(self) -> None:
        self._connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_GRACE)
        self.kill()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):  # whatever is left of its session
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._connection.close()
        self._output.close()

    def _last_words(self) -> str:
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


class _Entrant:
    """A contender in the contest: its agent, while it has one, and its score."""

    def __init__(self, group: str, contest_number: int, contest: Contest, number: int) -> None:
        contender = contest.contenders[number]
        self.score = Score(contender.name, contender.is_ours)
        self._contest = contest
        self._place = (group, contest_number, number)
        self._agent: _Agent | None = None

    def enter(self) -> None:
        self._agent = _Agent(self._contest, self._place)
        self._attempt(lambda agent: agent.answer(self._contest.deadline))

    def take_turn(self) -> None:
        if self._agent is None and self.score.failure is None:
            self.enter()
        time.sleep(_REST_SECONDS)
        self._attempt(self._sample)
        if self._contest.is_first:
            self.leave()

    def leave(self) -> None:
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    def _sample(self, agent: _Agent) -> None:
        agent.ask()
        answer = agent.answer(self._contest.deadline)
        assert isinstance(answer, Sample)
        self.score.samples.append(answer.amount)

    def _attempt(self, step: Callable[[_Agent], object]) -> None:
        if self._agent is None:
            return
        try:
            step(self._agent)
        except _FailedError as failure:
            self.score.failure = str(failure)
            self._agent.kill()
            self._agent = None


def hold(group: str, number: int, contest: Contest, rounds: int | None = None) -> Standing:
    """Hold one contest; blocks until it has ended.

    Args:
        group: The group it is from.
        number: Its place in the group.
        contest: The contest itself.
        rounds: How many samples to take of each contender; None: as the contest says.

    Returns:
        The scores of all its contenders, of those that failed too.
    """
    entrants = [_Entrant(group, number, contest, place) for place in range(len(contest.contenders))]
    shuffle = random.Random(0).shuffle
    try:
        for entrant in entrants:
            entrant.enter()
        for _ in range(rounds or contest.rounds):
            turns = entrants.copy()
            shuffle(turns)
            for entrant in turns:
                entrant.take_turn()
    finally:
        for entrant in entrants:
            entrant.leave()
    return Standing(group, contest, [entrant.score for entrant in entrants])
