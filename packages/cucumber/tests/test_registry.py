import copyreg
import sys
import threading
import types

import pytest

from suitkaise.cucumber import SerializationError, _registry, deserialize, register, serialize


class Handle:
    """Refuses to be pickled."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        raise TypeError("a handle does not travel")


class SubHandle(Handle):
    pass


class OwnWay(Handle):
    def __reduce__(self):
        return OwnWay, (self.name + " by its own way",)


class ByCopyreg:
    pass


class Named(str):
    pass


def reduce_handle(handle):
    return type(handle), handle.name


def rebuild_handle(cls, name):
    return cls(f"{name} rebuilt")


@pytest.fixture(autouse=True)
def _leave_the_registry_as_it_was(monkeypatch):
    monkeypatch.setattr(_registry, "_registered", dict(_registry._registered))
    monkeypatch.setattr(_registry, "_awaited", dict(_registry._awaited))
    _registry.REDUCERS.clear()
    yield
    _registry.REDUCERS.clear()


def travel(obj):
    return deserialize(serialize(obj))


def test_a_registered_type_travels_by_its_handler():
    register(Handle, reduce=reduce_handle, rebuild=rebuild_handle)

    assert travel([Handle("a")])[0].name == "a rebuilt"


def test_a_registration_takes_effect_after_the_type_was_met():
    with pytest.raises(SerializationError):
        serialize(Handle("a"))

    register(Handle, reduce=reduce_handle, rebuild=rebuild_handle)

    assert travel(Handle("a")).name == "a rebuilt"


def test_subclasses_are_served_too():
    register(Handle, reduce=reduce_handle, rebuild=rebuild_handle)

    copy = travel(SubHandle("a"))

    assert (type(copy), copy.name) == (SubHandle, "a rebuilt")


def test_the_nearest_registration_wins():
    register(Handle, reduce=reduce_handle, rebuild=rebuild_handle)
    register(SubHandle, reduce=lambda handle: (handle.name,), rebuild=str.upper)

    assert travel(SubHandle("a")) == "A"


def test_a_subclass_with_its_own_reduce_goes_its_own_way():
    register(Handle, reduce=reduce_handle, rebuild=rebuild_handle)

    assert travel(OwnWay("a")).name == "a by its own way"


def test_a_class_that_is_registered_itself_loses_its_own_way():
    register(OwnWay, reduce=reduce_handle, rebuild=rebuild_handle)

    assert travel(OwnWay("a")).name == "a rebuilt"


def test_a_users_registration_wins_over_a_built_in_handler():
    lock_type = type(threading.Lock())
    register(lock_type, reduce=lambda lock: (lock.locked(),), rebuild=bool)

    with threading.Lock() as _, (lock := threading.Lock()):
        assert travel(lock) is True


def test_a_second_registration_replaces_the_first():
    register(Handle, reduce=reduce_handle, rebuild=rebuild_handle)
    register(Handle, reduce=lambda handle: (handle.name,), rebuild=str)

    assert travel(Handle("a")) == "a"


def test_a_subclass_of_a_basic_type_can_be_registered():
    register(Named, reduce=lambda named: (str(named),), rebuild=str.title)

    assert travel(Named("name")) == "Name"


def test_a_dotted_name_waits_until_the_module_is_loaded(tmp_path, monkeypatch):
    (tmp_path / "loaded_later.py").write_text("class Outer:\n class Inner: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    register("loaded_later.Outer.Inner", reduce=lambda inner: (7,), rebuild=int)
    assert travel("before") == "before"
    assert "loaded_later" not in sys.modules

    import loaded_later

    try:
        assert travel(loaded_later.Outer.Inner()) == 7
    finally:
        del sys.modules["loaded_later"]


def test_a_dotted_name_of_a_loaded_module_takes_effect_at_once():
    register(f"{__name__}.Handle", reduce=reduce_handle, rebuild=rebuild_handle)

    assert travel(Handle("a")).name == "a rebuilt"


def test_a_public_name_serves_though_the_class_is_defined_elsewhere(monkeypatch):
    module = types.ModuleType("reexporting")
    register("reexporting.Handle", reduce=reduce_handle, rebuild=rebuild_handle)
    monkeypatch.setitem(sys.modules, "reexporting", module)
    module.Handle = Handle

    assert travel(Handle("a")).name == "a rebuilt"


def test_a_dotted_name_does_not_set_off_a_lazy_module(monkeypatch):
    module = types.ModuleType("lazy_module")
    module.__getattr__ = lambda name: pytest.fail(f"asked for {name}")
    monkeypatch.setitem(sys.modules, "lazy_module", module)
    register("lazy_module.Handle", reduce=reduce_handle, rebuild=rebuild_handle)

    assert travel({1}) == {1}


def test_the_receiver_needs_no_registration(load_elsewhere):
    register(Handle, reduce=lambda handle: (handle.name,), rebuild=str.upper)

    assert load_elsewhere(serialize(Handle("a")), "print(value)") == "A"


def test_copyreg_is_honoured_even_after_the_type_was_met(monkeypatch):
    monkeypatch.setattr(copyreg, "dispatch_table", copyreg.dispatch_table)
    travel(ByCopyreg())

    monkeypatch.setitem(copyreg.dispatch_table, ByCopyreg, lambda obj: (str, ("by copyreg",)))

    assert travel(ByCopyreg()) == "by copyreg"


def test_a_handler_that_fails_is_an_error_with_the_path():
    register(Handle, reduce=lambda handle: 1 / 0, rebuild=str)

    with pytest.raises(SerializationError, match="ZeroDivisionError") as caught:
        serialize({"handles": [Handle("a")]})

    assert caught.value.path == "['handles'][0]"


def test_a_handler_that_returns_no_tuple_is_told():
    register(Handle, reduce=lambda handle: handle.name, rebuild=str)

    with pytest.raises(SerializationError, match=r"Handle.* returned str; return the tuple"):
        serialize(Handle("a"))


@pytest.mark.parametrize(
    "wrong", [int, list, type, types.FunctionType, types.ModuleType, 5, "undotted", ".", None]
)
def test_what_cannot_have_a_handler_is_refused(wrong):
    with pytest.raises(TypeError, match=r"register\("):
        register(wrong, reduce=lambda obj: (), rebuild=str)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="reduce must be a function"):
        register(Handle, reduce=None, rebuild=str)
    with pytest.raises(TypeError, match="rebuild must be a function"):
        register(Handle, reduce=str, rebuild="rebuild")


def test_classes_that_come_and_go_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(_registry, "_MAX_REMEMBERED_TYPES", 20)

    for number in range(50):
        serialize(type(f"Passing{number}", (), {})())

    assert len(_registry.REDUCERS) <= 20


def test_a_class_that_only_bears_the_name_of_a_librarys_is_no_such_class():
    lookalike = type("Queue", (), {"__module__": "queue", "items": [1]})
    thing = lookalike()
    thing.mutex = "mine"

    copy = deserialize(serialize(thing))

    assert (type(copy), copy.mutex) == (lookalike, "mine")
