import sys
import traceback

import pytest

from suitkaise.cucumber import deserialize, serialize


def outer():
    return inner()


def inner():
    return sys._getframe()


@pytest.mark.comes_back(
    "frames",
    "tracebacks",
    how="a `traceback.StackSummary`, which prints as a traceback; no variables",
)
def test_a_frame_arrives_as_a_summary_of_who_called(load_elsewhere):
    frame = outer()

    copy = deserialize(serialize(frame))

    assert isinstance(copy, traceback.StackSummary)
    assert [each.name for each in copy][-1] == "inner"
    assert copy[-1].line == "return sys._getframe()"
    printed = load_elsewhere(serialize(frame), "print(''.join(value.format()))")
    assert f'File "{__file__}"' in printed


def test_a_traceback_arrives_as_a_summary():
    try:
        outer().no_such_attribute  # noqa: B018
    except AttributeError as error:
        kind, failure, summary = deserialize(serialize((type(error), error, error.__traceback__)))

    assert (kind, type(failure)) == (AttributeError, AttributeError)
    assert "no_such_attribute" in "".join(summary.format())
