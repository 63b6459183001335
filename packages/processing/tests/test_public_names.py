from __future__ import annotations

import pickle

import pytest

from suitkaise import processing

NAMES = [
    "ErrorHandlerError",
    "OnFinishError",
    "Pipe",
    "PipeEndpointError",
    "Pool",
    "PostRunError",
    "PreRunError",
    "ProcessDiedError",
    "ProcessError",
    "ProcessTimeoutError",
    "ProcessTimers",
    "ResultError",
    "ResultTimeoutError",
    "RunError",
    "Share",
    "Skprocess",
    "autoreconnect",
    "register_joblib",
]


def test_the_public_names_are_these() -> None:
    assert processing.__all__ == NAMES
    assert processing.__all__ == sorted(processing.__all__)
    for name in NAMES:
        assert getattr(processing, name).__doc__


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith("Error")])
def test_every_error_is_a_process_error_and_survives_pickling(name: str) -> None:
    kind = getattr(processing, name)
    error = kind("what failed", current_run=3, original_error=ValueError("why"))

    copy = pickle.loads(pickle.dumps(error))

    assert isinstance(copy, processing.ProcessError)
    assert (str(copy), copy.current_run, repr(copy.original_error)) == (
        "what failed",
        3,
        "ValueError('why')",
    )
