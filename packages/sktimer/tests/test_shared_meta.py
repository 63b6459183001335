import copy

import pytest

from suitkaise.sk import Skclass
from suitkaise.timing import Sktimer

META = Sktimer._shared_meta
CALLS = {
    "start": (),
    "stop": (),
    "discard": (),
    "lap": (),
    "pause": (),
    "resume": (),
    "reset": (),
    "add_time": (0.5,),
    "set_max_times": (2,),
    "get_time": (0,),
    "percentile": (50,),
    "get_statistics": (),
    "get_stats": (),
    "__repr__": (),
}


def in_use() -> Sktimer:
    """A timer with measurements, some of them not taken in yet, that is paused just now."""
    timer = Sktimer()
    timer.add_time(1.0)
    assert timer.mean == 1.0
    timer.add_time(2.0)
    timer.add_time(4.0)
    timer.start()
    timer.pause()
    return timer


def content(timer: Sktimer) -> dict[str, object]:
    running = [(w.begun, w._paused, w._pause_begun) for w in timer._running.nested]
    kept = copy.copy(timer._measurements).__getstate__()
    return {"_measurements": kept, "_running": running, "_clock": timer._clock}


def changed_by(name: str, *arguments: object) -> set[str]:
    timer = in_use()
    if name == "pause":
        timer.resume()
    before = content(timer)
    getattr(timer, name)(*arguments)
    after = content(timer)
    return {attribute for attribute in before if before[attribute] != after[attribute]}


@pytest.mark.filterwarnings("ignore:.*nested in the running one:UserWarning")
@pytest.mark.parametrize("name", CALLS)
def test_a_method_changes_what_it_declares_and_nothing_else(name):
    assert changed_by(name, *CALLS[name]) == set(META["methods"][name]["writes"])


@pytest.mark.parametrize("name", ["merge", "__iadd__", "__add__"])
def test_taking_over_another_timer_changes_what_it_declares(name):
    assert changed_by(name, in_use()) == set(META["methods"][name]["writes"])


@pytest.mark.parametrize("name", META["properties"])
def test_reading_a_property_changes_nothing(name):
    timer = in_use()
    before = content(timer)

    getattr(timer, name)

    assert content(timer) == before
    assert META["properties"][name] == {"reads": ["_measurements"], "writes": []}


def test_every_method_and_property_is_declared():
    class Other(Sktimer):
        pass

    found = Other._shared_meta

    assert META["methods"].keys() == found["methods"].keys()
    assert META["properties"].keys() == found["properties"].keys()
    assert list(META["methods"]) == sorted(META["methods"])
    assert list(META["properties"]) == sorted(META["properties"])


def test_a_subclass_gets_its_own():
    class Named(Sktimer):
        def rename(self, name):
            self.name = name

    assert Named._shared_meta["methods"]["rename"]["writes"] == ["name"]
    assert Skclass(Named)._shared_meta["methods"]["rename"]["writes"] == ["name"]
    assert "rename" not in META["methods"]
