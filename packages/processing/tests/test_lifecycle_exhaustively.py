"""Every life there can be, against what the specification says in plain loops.

First the table alone: every sequence of outcomes. Then the runner: every hook, with each cause
that ends a section, in this process. What a cause is to the table (a timeout is a failure,
`join_in` is a stop) is the runner's affair.
"""

from __future__ import annotations

import itertools
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from suitkaise.processing import (
    ErrorHandlerError,
    OnFinishError,
    PostRunError,
    PreRunError,
    ProcessError,
    ProcessTimeoutError,
    ResultError,
    RunError,
    Skprocess,
)
from suitkaise.processing._alarm import SectionAlarm
from suitkaise.processing._child_end import ChildEnd
from suitkaise.processing._lifecycle import Lifecycle, Outcome, Section
from suitkaise.processing._page import STOP, StatusPage, create_page
from suitkaise.processing._runner import Ending, run_life

ITERATION = [Section.PRERUN, Section.RUN, Section.POSTRUN]
BEFORE = [s for s in [Lifecycle().section] if s not in ITERATION]  # what comes before all runs
LIVE = [section for section in Section if section is not Section.END]


class Model:
    """A life in plain loops: what runs, given how each section ends."""

    def __init__(
        self, runs: int | None, lives: int, outcome_of: Callable[[Section], Outcome]
    ) -> None:
        self.runs, self.lives, self.run = runs, lives, 0
        self.ran: list[Section] = []
        self._outcome_of = outcome_of
        if not (self._make_runs() and self._ends_well(Section.ONFINISH, Section.RESULT)):
            self._ends_well(Section.ERROR)

    def _make_runs(self) -> bool:
        """Whether the runs came to their end, or to a stop, before the lives did."""
        at = BEFORE
        while self.lives:
            outcome = self._attempt(at + ITERATION)
            if outcome is Outcome.STOPPING or (outcome is Outcome.RETURNED and self._is_last()):
                return True
            at = []
            if outcome is Outcome.FAILED:
                self.lives -= 1
                at = BEFORE
        return False

    def _attempt(self, sections: list[Section]) -> Outcome:
        for section in sections:
            self.ran.append(section)
            outcome = self._outcome_of(section)
            if section is Section.POSTRUN and outcome is not Outcome.FAILED:
                self.run += 1
            if outcome is not Outcome.RETURNED:
                return outcome
        return Outcome.RETURNED

    def _is_last(self) -> bool:
        return self.run == self.runs

    def _ends_well(self, *sections: Section) -> bool:
        for section in sections:
            self.ran.append(section)
            if self._outcome_of(section) is Outcome.FAILED:
                return False
        return True


def every_sequence(runs: int | None, lives: int, longest: int) -> Iterator[list[Outcome]]:
    """Yield all outcomes that a life can have; one that is longer stops from there on."""
    pending: list[list[Outcome]] = [[]]
    while pending:
        outcomes = pending.pop()
        lifecycle = Lifecycle(runs=runs, lives=lives)
        for outcome in outcomes:
            lifecycle.advance(outcome)
        if lifecycle.section is Section.END:
            yield outcomes
        elif len(outcomes) >= longest:
            pending.append([*outcomes, Outcome.STOPPING])
        else:
            pending += [[*outcomes, outcome] for outcome in Outcome]


@pytest.mark.parametrize("lives", [1, 2, 3])
@pytest.mark.parametrize(("runs", "longest"), [(1, 99), (2, 99), (3, 11), (None, 9)])
def test_every_sequence_of_outcomes_is_the_life_that_the_specification_describes(
    runs: int | None, longest: int, lives: int
) -> None:
    seen: set[tuple[Section, Outcome, int]] = set()
    for outcomes in every_sequence(runs, lives, longest):
        lifecycle = Lifecycle(runs=runs, lives=lives)
        ran = []
        for outcome in outcomes:
            seen.add((lifecycle.section, outcome, lifecycle.lives))
            ran.append(lifecycle.section)
            lifecycle.advance(outcome)

        left = iter(outcomes)
        model = Model(runs, lives, lambda _, left=left: next(left))  # type: ignore[misc]

        assert (ran, lifecycle.current_run, lifecycle.lives) == (model.ran, model.run, model.lives)
        assert next(left, None) is None
        assert lifecycle.section is Section.END
    on_the_way = {
        (section, outcome, left)
        for section in LIVE
        for outcome in Outcome
        for left in range(1, lives + 1)
        if section is not Section.ERROR
    }
    assert on_the_way <= seen  # whatever lives are left
    assert {(Section.ERROR, outcome, 0) for outcome in Outcome} <= seen


# -- the runner


Script = dict[tuple[Section, int], str]  # (hook, for the how-manieth time) -> what it does then


class Sudden(Exception):
    pass


FAILURES = ["raises", "exhausts memory", "times out"]
STOPS = ["stops itself", "is stopped", "reaches join_in"]
HOOKS = [section for section in LIVE if section not in BEFORE]
ERRORS = dict(
    zip(
        HOOKS,
        [PreRunError, RunError, PostRunError, OnFinishError, ResultError, ErrorHandlerError],
        strict=True,
    )
)


class Scripted(Skprocess):
    """Does in a hook what `script` says for the so-manieth time that it runs."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.times: Counter[Section] = Counter()
        self.ran: list[Section] = []

    def act(self, section: Section) -> str:
        self.ran.append(section)
        self.times[section] += 1
        cause = self.script.get((section, self.times[section]))
        end = self._end
        assert isinstance(end, ChildEnd)
        if cause == "raises":
            raise Sudden
        if cause == "exhausts memory":
            raise MemoryError
        if cause == "times out":
            signal.raise_signal(signal.SIGALRM)  # as the kernel does when the time is over
        elif cause == "stops itself":
            self.stop()
        elif cause == "is stopped":
            end.page.words[STOP] = 1
        elif cause == "reaches join_in":
            end.stop_at = time.monotonic()
        return section.value

    def __prerun__(self) -> None:
        self.act(Section.PRERUN)

    def __run__(self) -> None:
        self.act(Section.RUN)

    def __postrun__(self) -> None:
        self.act(Section.POSTRUN)

    def __onfinish__(self) -> None:
        self.act(Section.ONFINISH)

    def __result__(self) -> Any:
        return self.act(Section.RESULT)

    def __error__(self) -> Any:
        return self.act(Section.ERROR)


class Connected(ChildEnd):
    """Heeds the status page, as an end with a channel does."""

    def __init__(self) -> None:
        super().__init__(StatusPage.from_descriptor(create_page()[1]), None)

    def is_stopping(self) -> bool:
        return self.page.words[STOP] == 1 or super().is_stopping()


@pytest.fixture
def alarm() -> Iterator[SectionAlarm]:
    before = signal.getsignal(signal.SIGALRM)
    alarm = SectionAlarm()
    alarm.install()
    yield alarm
    signal.signal(signal.SIGALRM, before)


def live(process: Scripted, runs: int | None, lives: int, alarm: SectionAlarm) -> Ending:
    config = process.process_config
    config.runs, config.lives = runs, lives
    for (section, _), cause in process.script.items():
        if cause == "times out":
            setattr(config.timeouts, section.value.strip("_"), 60.0)
    process._end = end = Connected()
    return run_life(process, config, end, alarm, Lifecycle(runs, lives), began=time.monotonic())


class Following:
    """Tells the model how each hook ends; once there was a stop, whatever returns is one."""

    def __init__(self, script: Script) -> None:
        self.failures: list[tuple[Section, str]] = []
        self._script = script
        self._times: Counter[Section] = Counter()
        self._is_stopped = False

    def __call__(self, section: Section) -> Outcome:
        self._times[section] += 1
        cause = self._script.get((section, self._times[section]), "")
        if cause in FAILURES:
            self.failures.append((section, cause))
            return Outcome.FAILED
        self._is_stopped = self._is_stopped or cause in STOPS
        return Outcome.STOPPING if self._is_stopped else Outcome.RETURNED


def check(script: Script, alarm: SectionAlarm) -> None:
    """Live by the script, with any runs and lives, and compare with the model."""
    for runs, lives in itertools.product((1, 2, None), (1, 2, 3)):
        ending_script = script if runs else {(Section.RUN, 4): "stops itself", **script}
        process = Scripted(ending_script)
        ending = live(process, runs, lives, alarm)

        following = Following(ending_script)
        model = Model(runs, lives, following)
        assert process.ran == [section for section in model.ran if section not in BEFORE]
        assert process.current_run == model.run
        assert isinstance(process._end, ChildEnd)
        assert process._end.lives == model.lives
        check_ending(ending, model.ran[-1], following.failures)


def check_ending(ending: Ending, last: Section, failures: list[tuple[Section, str]]) -> None:
    """A life ends with what its last hook returned, or with the error of that hook."""
    if last is Section.RESULT:
        assert (ending.value, ending.error) == ("__result__", None)
        return
    assert last is Section.ERROR
    section, cause = failures[-1]
    error = ending.error
    assert isinstance(error, ProcessError)
    if section is Section.ERROR:
        assert ending.value is error
        assert isinstance(error, ErrorHandlerError)
        assert isinstance(error.__cause__, ProcessError)
    else:
        assert ending.value == "__error__"
        assert type(error) is (ProcessTimeoutError if cause == "times out" else ERRORS[section])
        if isinstance(error, ProcessTimeoutError):
            assert error.section == section.value


CAUSES = FAILURES + STOPS


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("section", HOOKS)
def test_every_hook_can_end_in_every_way(section: Section, cause: str, alarm: SectionAlarm) -> None:
    for turn in (1, 2):
        check({(section, turn): cause}, alarm)
        check({(Section.RESULT, 1): "raises", (section, turn): cause}, alarm)


@pytest.mark.endurance
@pytest.mark.parametrize("second", CAUSES)
@pytest.mark.parametrize("first", CAUSES)
def test_every_two_hooks_can_end_in_every_way(first: str, second: str, alarm: SectionAlarm) -> None:
    for one, other in itertools.product(HOOKS, HOOKS):
        check({(one, 1): first, (other, 1 if one is not other else 2): second}, alarm)


def test_a_life_without_incident_ends_with_its_result(alarm: SectionAlarm) -> None:
    check({}, alarm)
