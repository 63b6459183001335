"""Every fault in every hook ends in the error that it should, and spends the lives that it should.

Faults are real: signals, crashes, memory that is not to be had. What a hook did is noted in a file,
which survives the process.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packages.processing.tests.struck import (
    DEADLY,
    FAULTS,
    ITERATION,
    RAISING,
    RUNS,
    Changed,
    Holding,
    Struck,
    StruckAfterExceptions,
    StruckTwice,
    StruckWhenStopped,
    strike_and_raise_interrupt,
)

from suitkaise.processing import (
    ErrorHandlerError,
    OnFinishError,
    PostRunError,
    PreRunError,
    ProcessDiedError,
    ProcessError,
    ResultError,
    RunError,
    Skprocess,
)

pytestmark = pytest.mark.timeout(60)

ERRORS = {
    "__prerun__": PreRunError,
    "__run__": RunError,
    "__postrun__": PostRunError,
    "__onfinish__": OnFinishError,
    "__result__": ResultError,
    "__error__": ErrorHandlerError,
}


def lines(*hooks: str, run: int) -> list[str]:
    return [f"{hook} {run}" for hook in hooks]


FIRST_RUN = lines(*ITERATION, run=0)
LAST_RUN = lines(*ITERATION, run=1)
END = lines("__onfinish__", "__result__", run=RUNS)


def up_to(hook: str) -> list[str]:
    """What runs from the boundary before the fault up to the fault."""
    whole = LAST_RUN + END
    return whole[: [line.split()[0] for line in whole].index(hook) + 1]


def check_error(error: BaseException, hook: str, strike: Callable[[], None]) -> None:
    """What reaches the parent is what the contract says, whole."""
    assert isinstance(error, ProcessError)
    assert error.current_run == (RUNS if f"{hook} {RUNS}" in END else RUNS - 1)
    if strike in DEADLY:
        assert type(error) is ProcessDiedError
        assert (error.exitcode, error.signal_name) == DEADLY[strike]
        assert hook in str(error)
        return
    assert type(error) is ERRORS[hook]
    original = error.original_error
    assert type(original) is RAISING[strike]
    assert f"{hook} failed" in str(error)
    if isinstance(original, ValueError):
        assert original.args == ("struck", 7)
    elif isinstance(original, Changed):
        assert (str(original), original.code, original.where) == ("code 7 in here", 7, "here")
    elif isinstance(original, Holding):
        assert str(original) == "struck"
        with original.lock:
            pass
    elif strike is strike_and_raise_interrupt:
        assert str(original) == "struck"
    if hook == "__error__":
        first = error.__cause__
        assert type(first) is RunError
        assert type(first.original_error) is LookupError
        assert (str(first.original_error), first.current_run) == ("first", RUNS - 1)
    else:
        assert error.__cause__ is original
    assert "Traceback (most recent call last)" in str(original.__cause__)
    assert strike.__name__ in str(original.__cause__)


def run_to_error(process: Skprocess) -> BaseException:
    with pytest.raises(ProcessError) as caught:
        process.run()
    assert process.error is caught.value
    assert not process.is_alive
    assert "failed" in repr(process)
    return caught.value


@pytest.mark.parametrize("strike", FAULTS, ids=lambda strike: strike.__name__)
@pytest.mark.parametrize("hook", [*ITERATION, "__onfinish__", "__result__"])
def test_a_fault_without_a_life_to_spare_is_the_error(
    hook: str, strike: Callable[[], None], tmp_path: Path
) -> None:
    process = Struck(hook, strike, times=1, lives=1, diary=tmp_path / "diary")

    error = run_to_error(process)

    check_error(error, hook, strike)
    assert (tmp_path / "diary").read_text().splitlines() == FIRST_RUN + up_to(hook)


@pytest.mark.parametrize("strike", FAULTS, ids=lambda strike: strike.__name__)
@pytest.mark.parametrize("hook", ITERATION)
def test_a_fault_in_an_iteration_spends_a_life_and_repeats_it(
    hook: str, strike: Callable[[], None], tmp_path: Path
) -> None:
    process = Struck(hook, strike, times=1, lives=2, diary=tmp_path / "diary")

    seen = process.run()

    attempt = up_to(hook)
    assert (tmp_path / "diary").read_text().splitlines() == FIRST_RUN + attempt + LAST_RUN + END
    # An exception leaves the object as it is; a death, as it was at the last run boundary.
    assert seen == FIRST_RUN + (attempt if strike in RAISING else []) + LAST_RUN + END
    assert process.error is None
    assert process.timers is not None
    assert process.timers.full_run is not None
    assert process.timers.full_run.num_times == RUNS


@pytest.mark.parametrize("strike", FAULTS, ids=lambda strike: strike.__name__)
@pytest.mark.parametrize("hook", ITERATION)
def test_a_fault_in_an_iteration_that_spends_every_life_is_the_error(
    hook: str, strike: Callable[[], None], tmp_path: Path
) -> None:
    process = Struck(hook, strike, times=9, lives=2, diary=tmp_path / "diary")

    error = run_to_error(process)

    check_error(error, hook, strike)
    assert (tmp_path / "diary").read_text().splitlines() == FIRST_RUN + 2 * up_to(hook)


@pytest.mark.parametrize("strike", RAISING, ids=lambda strike: strike.__name__)
@pytest.mark.parametrize("hook", ["__onfinish__", "__result__"])
def test_an_exception_after_the_runs_is_the_error_whatever_lives_are_left(
    hook: str, strike: Callable[[], None], tmp_path: Path
) -> None:
    process = Struck(hook, strike, times=1, lives=2, diary=tmp_path / "diary")

    error = run_to_error(process)

    check_error(error, hook, strike)
    assert (tmp_path / "diary").read_text().splitlines() == FIRST_RUN + up_to(hook)


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("strike", DEADLY, ids=lambda strike: strike.__name__)
@pytest.mark.parametrize("hook", ["__onfinish__", "__result__"])
def test_a_death_after_the_runs_spends_a_life_and_repeats_no_run(
    hook: str, strike: Callable[[], None], times: int, tmp_path: Path
) -> None:
    process = Struck(hook, strike, times=times, lives=2, diary=tmp_path / "diary")

    if times == 1:
        assert process.run() == FIRST_RUN + LAST_RUN + END
    else:
        check_error(run_to_error(process), hook, strike)

    attempt = END[: END.index(f"{hook} {RUNS}") + 1]
    expected = FIRST_RUN + LAST_RUN + attempt + (END if times == 1 else attempt)
    assert (tmp_path / "diary").read_text().splitlines() == expected


@pytest.mark.parametrize("strike", DEADLY, ids=lambda strike: strike.__name__)
@pytest.mark.parametrize("hook", ["__onfinish__", "__result__"])
@pytest.mark.parametrize("stops_itself", [True, False])
def test_a_death_after_a_stop_repeats_no_run(
    stops_itself: bool, hook: str, strike: Callable[[], None], tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    process = StruckWhenStopped(hook, strike, times=1, diary=diary, stops_itself=stops_itself)
    process.start()
    if not stops_itself:
        assert process.listen(timeout=30) == "stop me"
        process.stop()

    assert process.result() == FIRST_RUN + LAST_RUN + END

    attempt = END[: END.index(f"{hook} {RUNS}") + 1]
    assert diary.read_text().splitlines() == FIRST_RUN + LAST_RUN + attempt + END


@pytest.mark.parametrize("lives", [1, 2])
@pytest.mark.parametrize("strike", FAULTS, ids=lambda strike: strike.__name__)
def test_a_fault_in_the_error_handler_is_the_error_and_no_life_is_left(
    strike: Callable[[], None], lives: int, tmp_path: Path
) -> None:
    process = StruckTwice("__error__", strike, times=9, lives=lives, diary=tmp_path / "diary")

    error = run_to_error(process)

    check_error(error, "__error__", strike)
    attempts = lives * lines("__prerun__", "__run__", run=1)
    expected = FIRST_RUN + attempts + lines("__error__", run=1)
    assert (tmp_path / "diary").read_text().splitlines() == expected


@pytest.mark.parametrize("strike", DEADLY, ids=lambda strike: strike.__name__)
def test_lives_that_exceptions_have_spent_are_not_there_for_a_death(
    strike: Callable[[], None], tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    process = StruckAfterExceptions("", strike, times=9, lives=4, diary=diary)

    error: Any = run_to_error(process)

    assert type(error) is ProcessDiedError
    assert (error.exitcode, error.signal_name) == DEADLY[strike]
    assert diary.read_text().splitlines() == FIRST_RUN + 4 * LAST_RUN
