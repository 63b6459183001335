from __future__ import annotations

import pickle
from typing import Any

import pytest

from suitkaise.processing._config import ProcessConfig


def test_defaults_run_for_ever_with_one_life() -> None:
    config = ProcessConfig()

    assert (config.runs, config.join_in, config.lives) == (None, None, 1)
    assert config.timeouts.run is None
    assert config.forward_logs is True
    config.validate()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("runs", 0),
        ("runs", -1),
        ("runs", 1.5),
        ("runs", True),
        ("runs", "3"),
        ("lives", 0),
        ("lives", None),
        ("lives", 2.0),
        ("join_in", 0),
        ("join_in", -0.1),
        ("join_in", float("nan")),
        ("join_in", "1"),
        ("forward_logs", None),
        ("forward_logs", 1),
        ("timeouts", None),
        ("timeouts", 3.0),
    ],
)
def test_a_value_that_makes_no_sense_is_named(field: str, value: Any) -> None:
    config = ProcessConfig()
    setattr(config, field, value)

    with pytest.raises(ValueError, match=field) as caught:
        config.validate()

    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("field", ["prerun", "run", "postrun", "onfinish", "result", "error"])
def test_a_timeout_that_makes_no_sense_is_named(field: str) -> None:
    config = ProcessConfig()
    setattr(config.timeouts, field, -1)

    with pytest.raises(ValueError, match=rf"timeouts\.{field} is -1"):
        config.validate()


def test_a_misspelt_field_is_an_error_with_a_suggestion() -> None:
    config = ProcessConfig()

    with pytest.raises(AttributeError, match=r"'rums'.*did you mean 'runs'"):
        config.rums = 3  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match=r"timeouts.*'runn'.*did you mean 'run'"):
        config.timeouts.runn = 3  # type: ignore[attr-defined]


def test_it_survives_pickling() -> None:
    config = ProcessConfig()
    config.runs = 7
    config.timeouts.error = 0.5

    copy = pickle.loads(pickle.dumps(config))

    assert (copy.runs, copy.lives, copy.timeouts.error) == (7, 1, 0.5)
    assert "runs=7" in repr(copy)
