import inspect
import subprocess
import sys
from importlib.metadata import version

import pytest

from suitkaise import timing

NAMES = [
    "Sktimer",
    "TimeThis",
    "TimerStats",
    "clear_global_timers",
    "elapsed",
    "sleep",
    "time",
    "timethis",
]
TIMER_NAMES = {
    "add_time",
    "discard",
    "fastest_index",
    "fastest_time",
    "get_statistics",
    "get_stats",
    "get_time",
    "lap",
    "max",
    "max_times",
    "mean",
    "median",
    "merge",
    "min",
    "most_recent",
    "num_times",
    "pause",
    "percentile",
    "plot",
    "reset",
    "result",
    "resume",
    "set_max_times",
    "slowest_index",
    "slowest_time",
    "start",
    "stdev",
    "stop",
    "total_time",
    "total_time_paused",
    "variance",
}


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_timing_exports_exactly_these_names():
    assert timing.__all__ == NAMES
    assert public(timing) == set(NAMES)


def test_a_timer_has_exactly_these_names():
    assert public(timing.Sktimer) == TIMER_NAMES


def documented() -> dict[str, str]:
    things = {name: getattr(timing, name) for name in NAMES}
    for owner in (timing.Sktimer, timing.TimerStats):
        for name in public(owner):
            things[f"{owner.__name__}.{name}"] = inspect.getattr_static(owner, name)
    return {name: inspect.getdoc(thing) or "" for name, thing in things.items()}


@pytest.mark.parametrize("name", sorted(documented()))
def test_every_public_name_has_an_example(name):
    assert ">>> " in documented()[name]


def test_the_version_is_the_one_of_the_installed_distribution():
    assert timing.__version__ == version("suitkaise-sktimer")


def test_importing_it_imports_nothing_heavy():
    heavy = ["asyncio", "html", "logging", "matplotlib", "multiprocessing", "numpy", "statistics"]
    heavy += ["suitkaise.sk._analysis"]
    program = (
        f"import sys, suitkaise.timing\nprint(*(name for name in {heavy!r} if name in sys.modules))"
    )

    ended = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )

    assert ended.stdout.split() == []
