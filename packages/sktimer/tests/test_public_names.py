from importlib.metadata import version

from suitkaise import timing


def test_timing_exports_exactly_these_names():
    assert timing.__all__ == ["Sktimer", "TimerStats"]
    assert all(hasattr(timing, name) for name in timing.__all__)


def test_timing_has_no_other_public_names():
    public = {name for name in vars(timing) if not name.startswith("_")}

    assert public == set(timing.__all__)


def test_the_version_is_the_one_of_the_installed_distribution():
    assert timing.__version__ == version("suitkaise-sktimer")
