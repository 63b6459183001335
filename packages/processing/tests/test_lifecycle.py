from __future__ import annotations

import itertools

import pytest

from suitkaise.processing._lifecycle import (
    InvalidTransitionError,
    Lifecycle,
    Outcome,
    Section,
)

START = [Section.RECONNECT]
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

    assert walk(lifecycle, {}) == START + ITERATION * runs + [Section.ONFINISH, Section.RESULT]
    assert lifecycle.current_run == runs


@pytest.mark.parametrize("at", range(7))
@pytest.mark.parametrize("runs", [None, 2, 3])
def test_a_stop_skips_the_rest_of_the_iteration(at: int, runs: int | None) -> None:
    lifecycle = Lifecycle(runs=runs)

    ran = walk(lifecycle, {at: Outcome.STOPPING})

    assert ran == (START + ITERATION * 2)[: at + 1] + [Section.ONFINISH, Section.RESULT]
    assert lifecycle.current_run == at // 3  # a stop in postrun counts the iteration


@pytest.mark.parametrize("at", range(7))
@pytest.mark.parametrize("lives", [1, 2, 3])
@pytest.mark.parametrize("runs", [2, 3])
def test_a_failure_spends_a_life_and_repeats_the_iteration(at: int, lives: int, runs: int) -> None:
    lifecycle = Lifecycle(runs=runs, lives=lives)

    ran = walk(lifecycle, {at: Outcome.FAILED})

    before = (START + ITERATION * 2)[: at + 1]
    runs_before = max(at - 1, 0) // 3
    if lives == 1:
        assert ran == [*before, Section.ERROR]
        assert lifecycle.current_run == runs_before
    else:
        repeated = START + ITERATION * (runs - runs_before)
        assert ran == before + repeated + [Section.ONFINISH, Section.RESULT]
        assert lifecycle.lives == lives - 1
        assert lifecycle.current_run == runs


@pytest.mark.parametrize("lives", [1, 2, 5])
@pytest.mark.parametrize("section", START + ITERATION)
def test_a_section_that_always_fails_is_reached_once_per_life(section: Section, lives: int) -> None:
    attempt = (START + ITERATION)[: (START + ITERATION).index(section) + 1]
    always = dict.fromkeys(range(len(attempt) - 1, 100, len(attempt)), Outcome.FAILED)

    assert walk(Lifecycle(runs=1, lives=lives), always) == attempt * lives + [Section.ERROR]


@pytest.mark.parametrize("current_run", [0, 2])
def test_a_new_process_reconnects_before_it_goes_on_with_its_run(current_run: int) -> None:
    ran = walk(Lifecycle(runs=3, current_run=current_run), {})

    assert ran[: 1 + len(ITERATION)] == START + ITERATION
    assert ran.count(Section.RUN) == 3 - current_run


@pytest.mark.parametrize("lives", [1, 3])
@pytest.mark.parametrize("section", [Section.ONFINISH, Section.RESULT])
def test_a_failure_after_the_runs_spends_no_life(section: Section, lives: int) -> None:
    lifecycle = Lifecycle(runs=1, lives=lives, section=section)

    assert lifecycle.advance(Outcome.FAILED) is Section.ERROR
    assert lifecycle.lives == lives


@pytest.mark.parametrize("outcome", Outcome)
def test_the_error_handler_runs_once(outcome: Outcome) -> None:
    assert Lifecycle(lives=3, section=Section.ERROR).advance(outcome) is Section.END


@pytest.mark.parametrize("lives", [1, 2])
def test_a_stop_before_the_start_makes_no_run(lives: int) -> None:
    ran = walk(Lifecycle(runs=5, lives=lives), {0: Outcome.STOPPING})

    assert ran == [*START, Section.ONFINISH, Section.RESULT]


@pytest.mark.parametrize("at", range(4))
def test_a_stop_after_a_failure_makes_no_further_run(at: int) -> None:
    lifecycle = Lifecycle(runs=5, lives=2)

    ran = walk(lifecycle, {at: Outcome.FAILED, at + 1: Outcome.STOPPING})

    before = (START + ITERATION)[: at + 1]
    assert ran == [*before, *START, Section.ONFINISH, Section.RESULT]
