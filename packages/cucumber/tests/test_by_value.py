import dataclasses
import enum
import importlib.util
import sys
import threading
import types
import typing

import cloudpickle
import pytest

from suitkaise.cucumber import deserialize, serialize

SCRIPT = """
import abc, dataclasses, enum, sys, typing
from suitkaise.cucumber import deserialize, serialize

count = 1

class Base(abc.ABC):
    @abc.abstractmethod
    def area(self): ...

class Square(Base):
    made = []
    __slots__ = ("side",)

    def __init__(self, side):
        self.side = side
        self.made.append(side)

    def area(self):
        return self.side ** 2 * count

    def __repr__(self):
        return f"{super().__repr__()[1:16]} {self.side}"

class Colour(enum.Enum):
    RED = 1

    def shout(self):
        return self.name + "!"

@dataclasses.dataclass
class Record:
    colour: Colour
    square: Square

def double(number):
    return number * factor

factor = 2
value = {"record": Record(Colour.RED, Square(3)), "double": double, "class": Square}
"""


def module_of(name, source, monkeypatch, **attributes):
    """Make a module that is in `sys.modules` and nowhere else."""
    module = types.ModuleType(name)
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, name, module)
    exec(source, vars(module))
    return module


@pytest.fixture
def made(monkeypatch):
    return module_of(
        "made_by_hand",
        "import typing\n"
        "import made_by_hand\n"
        "Value = typing.TypeVar('Value')\n"
        "class Thing:\n"
        "    def __init__(self, size): self.size = size\n"
        "    def double(self): return made_by_hand.twice(self.size)\n"
        "def twice(number): return number * 2\n",
        monkeypatch,
    )


def test_what_a_script_defines_arrives_by_value(run_python, load_elsewhere):
    payload = run_python(SCRIPT + "\nprint(serialize(value).hex())")

    printed = load_elsewhere(
        bytes.fromhex(payload.decode()),
        "record = value['record']\n"
        "print(record.square.area(), record.colour.shout(), value['double'](21))\n"
        "print(type(record.square) is value['class'], value['class'].__module__)\n",
    )

    assert printed.splitlines() == ["9 RED! 42", "True __main__"]


@pytest.mark.comes_back(
    "classes and functions of `__main__`, a notebook, another function",
    how="by value; in the process that defined a class, as that very class",
)
def test_what_comes_back_to_the_script_has_the_scripts_own_classes(run_python):
    printed = run_python(
        SCRIPT + "\ncopy = deserialize(serialize(value))\n"
        "print(copy['class'] is Square, type(copy['record']) is Record)\n"
        "print(copy['record'].colour is Colour.RED)\n"
    )

    assert printed.split() == [b"True"] * 3


def test_what_comes_back_leaves_the_scripts_classes_as_they_are(run_python):
    printed = run_python(
        SCRIPT + "\npayload = serialize(value)\n"
        "made, area = Square.made, Square.area\n"
        "Square.made.append(7)\n"
        "copy = deserialize(payload)\n"
        "count = 100\n"
        "print(Square.made is made, Square.area is area, copy['record'].square.area())\n"
    )

    assert printed.split() == [b"True", b"True", b"900"]


def test_a_class_changed_in_the_script_reaches_a_receiver_that_knows_it(run_python):
    sent = run_python(
        "from suitkaise.cucumber import serialize\n"
        "class Settings: limit = 1\n"
        "first = serialize(Settings)\n"
        "Settings.limit = 2\n"
        "print(first.hex(), serialize(Settings).hex())\n"
    )
    first, second = (deserialize(bytes.fromhex(part.decode())) for part in sent.split())

    assert first is second
    assert first.limit == 2


def test_rebuilding_a_class_does_not_tell_its_base_again(run_python):
    printed = run_python(
        "from suitkaise.cucumber import deserialize, serialize\n"
        "told = []\n"
        "class Base:\n"
        "    def __init_subclass__(cls): told.append(cls)\n"
        "class Derived(Base): pass\n"
        "deserialize(serialize(Derived()))\n"
        "print(len(told))\n"
    )

    assert printed == b"1"


@pytest.mark.comes_back("`__slots__`", how="with their slots")
def test_slots_stay_slots(load_elsewhere):
    class Slotted:
        __slots__ = ("__hidden", "shown")

        def __init__(self):
            self.__hidden = self.shown = 5

        def hidden(self):
            return self.__hidden

    @dataclasses.dataclass(frozen=True, slots=True)
    class Record:
        size: int = 3

    printed = load_elsewhere(
        serialize((Slotted(), Record(4))),
        "slotted, record = value\n"
        "print(slotted.hidden(), slotted.shown, hasattr(slotted, '__dict__'))\n"
        "print(record, hasattr(record, '__dict__'))\n",
    )

    assert printed.splitlines()[0] == "5 5 False"
    assert printed.splitlines()[1].endswith("Record(size=4) False")


def test_local_classes_arrive_and_come_back(load_elsewhere):
    class Local:
        def __init__(self):
            self.size = 3

        def double(self):
            return self.size * 2

    payload = serialize(Local())

    assert type(deserialize(payload)) is Local
    assert load_elsewhere(payload, "print(value.double())") == "6"


def test_a_recursive_closure_arrives(load_elsewhere):
    def factorial(number):
        return 1 if number == 0 else number * factorial(number - 1)

    assert load_elsewhere(serialize(factorial), "print(value(5))") == "120"


def test_instances_of_a_module_made_by_hand_arrive(made, load_elsewhere):
    payload = serialize(made.Thing(21))

    assert type(deserialize(payload)) is made.Thing
    assert load_elsewhere(payload, "print(value.double())") == "42"


def test_functions_type_variables_and_the_module_itself_arrive(made, load_elsewhere):
    payload = serialize([made.twice, made.Value, made])

    printed = load_elsewhere(
        payload,
        "twice, variable, module = value\n"
        "print(twice(2), variable, module.twice(3), module.made_by_hand is module)\n",
    )

    assert printed == "4 ~Value 6 True"


def test_an_enumeration_in_a_module_made_by_hand_comes_back_as_itself(monkeypatch):
    module = module_of(
        "made_with_enum", "import enum\nclass Colour(enum.Enum): RED = 1", monkeypatch
    )

    assert deserialize(serialize(module.Colour.RED)) is module.Colour.RED


@pytest.mark.comes_back("modules that cannot be imported", how="by value")
def test_a_module_loaded_from_a_file_off_the_path_arrives(tmp_path, monkeypatch, load_elsewhere):
    folder = tmp_path / "off"
    folder.mkdir()
    file = folder / "off_the_path.py"
    file.write_text("class Thing: size = 4\ndef answer(): return 42\n")
    spec = importlib.util.spec_from_file_location("off_the_path", file)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "off_the_path", module)
    spec.loader.exec_module(module)

    payload = serialize((module.Thing(), module.answer, module))

    printed = load_elsewhere(
        payload,
        "print(value[0].size, value[1](), value[2].answer())\n",
    )
    assert printed == "4 42 42"


def test_by_value_registrations_of_cloudpickle_are_honoured(tmp_path, monkeypatch):
    (tmp_path / "registered_by_value.py").write_text("def answer(): return 42")
    monkeypatch.syspath_prepend(tmp_path)
    import registered_by_value

    assert len(serialize(registered_by_value.answer)) < 100
    cloudpickle.register_pickle_by_value(registered_by_value)
    try:
        assert len(serialize(registered_by_value.answer)) > 100
    finally:
        cloudpickle.unregister_pickle_by_value(registered_by_value)


@pytest.mark.comes_back("classes, functions, modules that can be imported", how="by name")
@pytest.mark.parametrize(
    "named",
    [
        len,
        threading.Thread,
        threading.Thread.start,
        enum.Enum,
        type(None),
        types.FunctionType,
        typing.NamedTuple,
        typing.AnyStr,
        sys,
        types.SimpleNamespace,
    ],
    ids=lambda named: getattr(named, "__qualname__", str(named)),
)
def test_what_can_be_imported_arrives_as_the_same_object(named):
    assert deserialize(serialize(named)) is named


def test_cloudpickles_own_registry_is_left_alone(made):
    serialize(made.Thing(1))

    assert cloudpickle.list_registry_pickle_by_value() == set()


def test_a_lock_among_a_functions_globals_arrives(load_elsewhere):
    scope = {"lock": threading.Lock(), "__name__": "nowhere"}
    exec("def is_locked(): return lock.locked()", scope)

    assert load_elsewhere(serialize(scope["is_locked"]), "print(value())") == "False"
