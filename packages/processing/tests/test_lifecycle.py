from __future__ import annotations

import itertools

import pytest

from suitkaise.processing._lifecycle import (
    InvalidTransitionError,
    Lifecycle,
    Outcome,
    Section,
)

ITERATION = [Section.PRERUN, Section.RUN, Section.POSTRUN]
LIVE = [section for section in Section if section is not Section.END]


@pytest.mark.parametrize(("section", "outcome"), list(itertools.product(LIVE, Outcome)))
def test_every_section_can_end_in_every_way(section: Section, outcome: Outcome) -> None:
    lifecycle = Lifecycle(section=section)

    following = lifecycle.advance(outcome)

    assert following is lifecycle.section
    assert following is not section


@pytest.mark.parametrize("outcome", Outcome)
def test_nothing_follows_the_end_and_the_error_tells_the_history(outcome: Outcome) -> None:
    lifecycle = Lifecycle(section=Section.RESULT)
    lifecycle.advance(Outcome.RETURNED)

    with pytest.raises(InvalidTransitionError, match=r"END.*RESULT"):
        lifecycle.advance(outcome)


def walk(lifecycle: Lifecycle, outcomes: dict[int, Outcome]) -> list[Section]:
    """Run a life whose n-th section ends as `outcomes` says, else well; return what ran."""
    ran = []
    while lifecycle.section is not Section.END:
        ran.append(lifecycle.section)
        lifecycle.advance(outcomes.get(len(ran) - 1, Outcome.RETURNED))
        assert len(ran) < 1000
    return ran


@pytest.mark.parametrize("runs", [1, 2, 5])
def test_a_life_without_incident_makes_its_runs_and_finishes(runs: int) -> None:
    lifecycle = Lifecycle(runs=runs)

    assert walk(lifecycle, {}) == ITERATION * runs + [Section.ONFINISH, Section.RESULT]
    assert lifecycle.current_run == runs


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("runs", [None, 2, 3])
def test_a_stop_skips_the_rest_of_the_iteration(at: int, runs: int | None) -> None:
    lifecycle = Lifecycle(runs=runs)

    ran = walk(lifecycle, {at: Outcome.STOPPING})

    assert ran == (ITERATION * 2)[: at + 1] + [Section.ONFINISH, Section.RESULT]
    assert lifecycle.current_run == (at + 1) // 3  # a stop in postrun counts the iteration


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("lives", [1, 2, 3])
@pytest.mark.parametrize("runs", [2, 3])
def test_a_failure_spends_a_life_and_repeats_the_iteration(at: int, lives: int, runs: int) -> None:
    lifecycle = Lifecycle(runs=runs, lives=lives)

    ran = walk(lifecycle, {at: Outcome.FAILED})

    before = (ITERATION * 2)[: at + 1]
    if lives == 1:
        assert ran == [*before, Section.ERROR]
        assert lifecycle.current_run == at // 3
    else:
        repeated = ITERATION * (runs - at // 3)
        assert ran == before + repeated + [Section.ONFINISH, Section.RESULT]
        assert lifecycle.lives == lives - 1
        assert lifecycle.current_run == runs


@pytest.mark.parametrize("lives", [1, 2, 5])
def test_failures_end_a_life_when_no_life_is_left(lives: int) -> None:
    always = dict.fromkeys(range(lives), Outcome.FAILED)

    assert walk(Lifecycle(runs=1, lives=lives), always) == [
        *[Section.PRERUN] * lives,
        Section.ERROR,
    ]


@pytest.mark.parametrize("lives", [1, 3])
@pytest.mark.parametrize("section", [Section.ONFINISH, Section.RESULT])
def test_a_failure_after_the_runs_spends_no_life(section: Section, lives: int) -> None:
    lifecycle = Lifecycle(runs=1, lives=lives, section=section)

    assert lifecycle.advance(Outcome.FAILED) is Section.ERROR
    assert lifecycle.lives == lives


@pytest.mark.parametrize("outcome", Outcome)
def test_the_error_handler_runs_once(outcome: Outcome) -> None:
    assert Lifecycle(lives=3, section=Section.ERROR).advance(outcome) is Section.END


def test_a_stop_before_the_start_makes_no_run() -> None:
    lifecycle = Lifecycle(runs=5)

    lifecycle.stop_before_start()

    assert walk(lifecycle, {}) == [Section.ONFINISH, Section.RESULT]
