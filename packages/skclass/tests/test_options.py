import math

import pytest

from suitkaise.sk import SkModifierError, sk
from suitkaise.sk._options import Mode, Options, Retry


def test_delays_lie_between_attempts_and_grow_by_the_factor():
    assert list(Retry(4, 1.0, 2.0, ()).delays()) == [1.0, 2.0, 4.0]
    assert list(Retry(1, 1.0, 2.0, ()).delays()) == []


@pytest.mark.parametrize(
    ("modifier", "arguments", "error", "message"),
    [
        ("timeout", {"seconds": -1}, ValueError, "timeout(-1)"),
        ("timeout", {"seconds": 0}, ValueError, "timeout(0)"),
        ("timeout", {"seconds": math.nan}, ValueError, "timeout(nan)"),
        ("timeout", {"seconds": math.inf}, ValueError, "timeout(inf)"),
        ("timeout", {"seconds": "5"}, TypeError, "timeout('5')"),
        ("timeout", {"seconds": None}, TypeError, "timeout(None)"),
        ("timeout", {"seconds": True}, TypeError, "timeout(True)"),
        ("retry", {"times": 0}, ValueError, "retry(times=0)"),
        ("retry", {"times": 1.5}, TypeError, "retry(times=1.5)"),
        ("retry", {"delay": -0.1}, ValueError, "retry(delay=-0.1)"),
        ("retry", {"delay": "x"}, TypeError, "retry(delay='x')"),
        ("retry", {"backoff_factor": 0}, ValueError, "retry(backoff_factor=0)"),
        ("retry", {"backoff_factor": math.nan}, ValueError, "retry(backoff_factor=nan)"),
        ("retry", {"exceptions": "OSError"}, TypeError, "retry(exceptions='OSError')"),
        ("retry", {"exceptions": (OSError, 1)}, TypeError, "retry(exceptions="),
        ("rate_limit", {"per_second": 0}, ValueError, "rate_limit(0)"),
        ("rate_limit", {"per_second": -3}, ValueError, "rate_limit(-3)"),
        ("rate_limit", {"per_second": math.inf}, ValueError, "rate_limit(inf)"),
        ("rate_limit", {"per_second": "3"}, TypeError, "rate_limit('3')"),
    ],
)
def test_what_makes_no_sense_is_refused_when_the_chain_is_written(
    modifier, arguments, error, message
):
    with pytest.raises(error) as caught:
        getattr(sk(len), modifier)(**arguments)

    assert message in str(caught.value)
    assert "must be" in str(caught.value)


def test_a_single_exception_class_needs_no_tuple():
    assert Retry.checked(2, 0, 1, OSError).exceptions == (OSError,)


def test_background_and_asynced_do_not_go_together():
    with pytest.raises(SkModifierError, match="do not go together"):
        sk(len).background().timeout(1).asynced()
    with pytest.raises(SkModifierError, match="do not go together"):
        sk(len).asynced().background()


def test_the_last_of_two_equal_modifiers_counts():
    assert Options().with_timeout(1).with_timeout(2).timeout == 2


def test_options_are_values():
    once = Options().with_timeout(1.0).with_mode(Mode.BACKGROUND)
    again = Options().with_mode(Mode.BACKGROUND).with_timeout(1.0)

    assert once == again
    assert hash(once) == hash(again)
    assert repr(once) == ".timeout(1).background()"
