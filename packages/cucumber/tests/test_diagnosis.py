import _thread
import pickle
import sys
import threading
import zlib

import pytest

from suitkaise.cucumber import DeserializationError, SerializationError, deserialize, serialize
from suitkaise.cucumber._payload import HEADER


class Job:
    def __init__(self, **attributes):
        vars(self).update(attributes)


class Stateful:
    def __init__(self, state):
        self.state = state

    def __getstate__(self):
        return [self.state]


class Failing:
    def __reduce__(self):
        raise ZeroDivisionError("on purpose")


class FailingAtTheReceiver:
    def __setstate__(self, state):
        raise ZeroDivisionError("on purpose")


@pytest.fixture
def stuck():
    """Something that cannot be serialised."""
    return zlib.compressobj()


def failure(obj):
    with pytest.raises(SerializationError) as caught:
        serialize(obj)
    return caught.value


@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda stuck: stuck, ""),
        (lambda stuck: [1, [stuck]], "[1][0]"),
        (lambda stuck: {"db": (stuck,)}, "['db'][0]"),
        (lambda stuck: Job(jobs=[0, 0, 0, Job(lock=stuck)]), ".jobs[3].lock"),
        (lambda stuck: ValueError("no", stuck), ".args[1]"),
        (lambda stuck: Stateful(stuck), ".__getstate__()[0]"),
        (lambda stuck: lambda: stuck, ".__closure__[0].cell_contents"),
        (lambda stuck: Job(work=stuck.copy), ".work.__reduce__()[1][0]"),
    ],
)
def test_the_error_tells_the_path(stuck, wrap, path):
    error = failure(wrap(stuck))

    assert error.path == path
    assert error.type_name == "zlib.Compress"
    assert f"cannot serialise {path}" in str(error)
    assert isinstance(error, pickle.PicklingError)
    assert isinstance(error.__cause__, TypeError)


def test_the_error_tells_the_path_along_causes(stuck):
    error = ValueError("outer")
    error.__cause__ = KeyError("inner")
    error.__cause__.__context__ = OSError("innermost")
    error.__cause__.__context__.data = [stuck]

    assert failure(error).path == ".__cause__.__context__.data[0]"


def test_the_error_tells_the_remedy(stuck):
    assert str(failure(stuck)).endswith(
        "; leave it out (__getstate__), or teach it: "
        "register('zlib.Compress', reduce=..., rebuild=...)"
    )


def test_the_error_of_an_objects_own_method_is_told():
    error = failure([Failing()])

    assert "[0] " in str(error)
    assert "ZeroDivisionError: on purpose" in str(error)
    assert isinstance(error.__cause__, ZeroDivisionError)


def test_a_class_that_is_no_longer_found_by_its_name_still_travels(monkeypatch):
    instance = Job(a=1)
    monkeypatch.setattr(sys.modules[__name__], "Job", None)

    assert deserialize(serialize(instance)).a == 1


def test_foreign_bytes_are_told_before_anything_is_unpickled():
    trap = pickle.dumps(_thread.interrupt_main)

    with pytest.raises(DeserializationError, match="plain pickle"):
        deserialize(trap)
    with pytest.raises(DeserializationError, match="not made by serialize"):
        deserialize(b"%PDF-1.7 and so on")


def test_another_format_version_is_told():
    payload = bytearray(serialize([1]))
    payload[len(HEADER) - 2] = 9

    with pytest.raises(DeserializationError, match="format version 9"):
        deserialize(payload)


@pytest.mark.parametrize("length", range(0, 60, 3))
def test_a_payload_cut_short_is_told(length):
    payload = serialize([Job(a=1), "b" * 100])

    with pytest.raises(DeserializationError, match="cut short"):
        deserialize(payload[:length])


def test_a_missing_module_is_told(tmp_path, monkeypatch):
    (tmp_path / "soon_gone.py").write_text("class Thing: pass")
    monkeypatch.syspath_prepend(tmp_path)
    import soon_gone

    payload = serialize(soon_gone.Thing())
    monkeypatch.delitem(sys.modules, "soon_gone")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(tmp_path)])

    with pytest.raises(DeserializationError, match="module 'soon_gone' is missing") as caught:
        deserialize(payload)

    assert caught.value.type_name == "soon_gone"


def test_an_objects_own_failure_at_the_receiver_is_told():
    instance = FailingAtTheReceiver()
    instance.a = 1

    with pytest.raises(DeserializationError, match="ZeroDivisionError: on purpose") as caught:
        deserialize(serialize(instance))

    assert isinstance(caught.value, pickle.UnpicklingError)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_something_else_than_bytes_is_a_type_error():
    with pytest.raises(TypeError):
        deserialize("text")


@pytest.mark.parametrize(
    "error",
    [
        SerializationError("no", type_name="a.B", path=".c"),
        DeserializationError("no", type_name="a.B"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_errors_pickle(error):
    for copy in (pickle.loads(pickle.dumps(error)), deserialize(serialize(error))):
        assert type(copy) is type(error)
        assert str(copy) == "no"
        assert vars(copy) == vars(error)


def test_a_lock_held_by_another_thread_is_no_obstacle():
    lock = threading.Lock()
    with lock:
        assert not deserialize(serialize(lock)).locked()
