import decimal
import pickle
import sys
import types

import pytest

from suitkaise.cucumber import DeserializationError, deserialize, serialize
from suitkaise.cucumber._payload import FORMAT_VERSION, HEADER


class Failing:
    """Fails when it is loaded."""

    def __setstate__(self, state):
        raise ValueError("not today")


class Calling:
    """Loads by a call."""

    def __init__(self, function, *arguments):
        self.value = function, arguments

    def __reduce__(self):
        return self.value


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that the sender has, and the receiver may not."""
    (tmp_path / "only_here.py").write_text("class Thing:\n    pass\n\ndef work():\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here  # type: ignore[import-not-found]

    yield only_here
    sys.modules.pop("only_here", None)


def failure(data, **options):
    with pytest.raises(DeserializationError) as caught:
        deserialize(data, **options)
    return caught.value


def test_a_module_that_is_missing_is_named(module, monkeypatch, tmp_path):
    payload = serialize(module.Thing())
    sys.modules.pop("only_here")
    (tmp_path / "only_here.py").unlink()

    error = failure(payload)

    assert error.type_name == "only_here"
    assert "module 'only_here' is missing here; install it" in str(error)


@pytest.mark.parametrize("name", ["Thing", "work"])
def test_a_class_or_function_that_is_missing_is_named_with_its_module(module, name):
    payload = serialize(getattr(module, name))
    delattr(module, name)

    error = failure(payload)

    assert error.type_name == f"only_here.{name}"
    assert f"module 'only_here' has no {name!r} here" in str(error)
    assert "same release" in str(error)


def test_an_object_that_fails_when_it_is_loaded_keeps_its_error_as_the_cause():
    instance = Failing()
    instance.a = 1

    error = failure(serialize([instance]))

    assert "ValueError: not today" in str(error)
    assert isinstance(error.__cause__, ValueError)


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt()])
def test_an_exit_in_the_middle_of_loading_is_not_swallowed(raised):
    def leave():
        raise raised

    with pytest.raises(type(raised)):
        deserialize(serialize(Calling(leave)))


@pytest.mark.parametrize("data", [b"", b"C", HEADER[:4], HEADER[:-1]])
def test_a_header_cut_short_says_so(data):
    assert "cut short" in str(failure(data))


@pytest.mark.parametrize("data", [b"{}", b"\x00" * 100, b"hello world, this is text"])
def test_foreign_bytes_are_told_by_how_they_start(data):
    assert "were not made by serialize()" in str(failure(data))


def test_a_plain_pickle_is_told():
    assert "plain pickle" in str(failure(pickle.dumps([1])))


def test_a_newer_format_names_both_versions():
    newer = HEADER[:-2] + bytes([FORMAT_VERSION + 1]) + HEADER[-1:]

    error = failure(newer + serialize(1)[len(HEADER) :])

    assert f"format version {FORMAT_VERSION + 1}" in str(error)
    assert f"reads version {FORMAT_VERSION}" in str(error)


def test_a_payload_cut_short_anywhere_is_an_error():
    payload = serialize({"a": [1, 2.5, "x" * 300], "b": decimal.Decimal(1), "c": lambda: 1})

    for length in range(len(payload)):
        failure(payload[:length])


def test_a_length_that_nothing_could_have_is_damage_and_not_a_lack_of_memory():
    stream = pickle.PROTO + b"\x05" + pickle.BINBYTES8 + (2**61).to_bytes(8, "little") + b"short"

    assert "damaged or cut short" in str(failure(HEADER + stream))


def test_what_would_recurse_for_ever_is_an_error():
    def forever():
        return forever()

    assert "RecursionError" in str(failure(serialize(Calling(forever))))


def test_missing_and_superfluous_buffers_say_so():
    buffers = []
    payload = serialize(
        [pickle.PickleBuffer(bytearray(10)), pickle.PickleBuffer(bytearray(20))],
        buffers=buffers.append,
    )

    assert "buffers=" in str(failure(payload))
    assert "not enough out-of-band buffers" in str(failure(payload, buffers=buffers[:1]))
    assert len(deserialize(payload, buffers=[*buffers, b"more"])) == 2


@pytest.mark.parametrize("data", ["text", 1, None, [b"x"]])
def test_what_is_no_bytes_is_a_type_error(data):
    with pytest.raises(TypeError, match=type(data).__name__):
        deserialize(data)


def test_a_rebuild_function_of_another_release_is_named():
    payload = serialize(types.SimpleNamespace(a=1)).replace(b"SimpleNamespace", b"SimplerNamespace")
    payload = payload.replace(b"\x0fSimpler", b"\x10Simpler")

    assert "SimplerNamespace" in str(failure(payload))
