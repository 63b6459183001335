"""Classes by value: what made them does not run again, and all that it did is there."""

import collections.abc
import dataclasses
import datetime
import enum

import pytest

from suitkaise.cucumber import deserialize, serialize

HOOKS = """
calls = []

class Meta(type):
    @classmethod
    def __prepare__(metaclass, name, bases, **options):
        return {"prepared": options}

    def __new__(metaclass, name, bases, namespace, *, tag):
        if "size" not in namespace:
            raise TypeError("a size is missing")
        cls = super().__new__(metaclass, name, bases, namespace)
        cls.tag = tag
        return cls

    def __init__(cls, name, bases, namespace, *, tag):
        super().__init__(name, bases, namespace)
        calls.append(f"init {name}")

    def __setattr__(cls, name, value):
        if hasattr(cls, "tag"):
            raise AttributeError("frozen")
        super().__setattr__(name, value)

class Plugin:
    count = 0

    def __init_subclass__(cls, /, *, name, **options):
        super().__init_subclass__(**options)
        if not hasattr(cls, "run"):
            raise TypeError("run is missing")
        Plugin.count += 1
        cls.name = name

class Named:
    def __set_name__(self, owner, name):
        self.names = [*getattr(self, "names", []), name]

class Tagged(metaclass=Meta, tag="a"):
    size = 1

class First(Plugin, name="first"):
    field = Named()

    def run(self):
        return self.name
"""


@pytest.fixture
def hooks():
    scope = {"__name__": "__main__"}
    exec(HOOKS, scope)
    return scope


def test_what_made_a_class_does_not_run_again(hooks, load_elsewhere):
    things = [hooks["Tagged"], hooks["First"], hooks["Plugin"], hooks["calls"]]

    lines = (
        "Tagged, First, Plugin, calls = value\n"
        "print(Tagged.tag, Tagged.prepared, calls)\n"
        "print(First().run(), Plugin.count, First.field.names)\n"
    )

    assert load_elsewhere(serialize(things), lines).splitlines() == [
        "a {'tag': 'a'} ['init Tagged']",
        "first 1 ['field']",
    ]


def test_new_classes_are_made_in_full_there_and_what_made_them_travels_on(hooks, load_elsewhere):
    lines = (
        "from suitkaise.cucumber import deserialize, serialize\n"
        "Meta, Plugin, First = value\n"
        "class More(metaclass=Meta, tag='b'): size = 2\n"
        "class Second(Plugin, name='second'):\n"
        "    def run(self): return 2\n"
        "print(More.tag, Second.name, Plugin.count)\n"
        "payload = serialize(First)\n"
        "print(b'_Hook' in payload, type(serialize).__name__)\n"
        "try:\n"
        "    class Third(Plugin, name='third'): pass\n"
        "except TypeError as error:\n"
        "    print(error)\n"
    )
    payload = serialize([hooks["Meta"], hooks["Plugin"], hooks["First"]])

    assert load_elsewhere(payload, lines).splitlines() == [
        "b second 2",
        "False function",
        "run is missing",
    ]


def test_a_class_keeps_its_qualified_name(load_elsewhere):
    class Outer:
        class Inner:
            pass

    printed = load_elsewhere(
        serialize([Outer, Outer.Inner()]), "print(value[0].Inner.__qualname__, value[1])"
    )

    name = f"{test_a_class_keeps_its_qualified_name.__name__}.<locals>.Outer.Inner"
    assert printed.split()[0] == name
    assert f"{name} object" in printed


@pytest.fixture
def enumerations():
    """Make those whose members are more than their values."""

    class Planet(enum.Enum):
        EARTH = (6.0, 2)
        MARS = (0.5, 4)
        WORLD = (6.0, 2)  # noqa: PIE796

        def __init__(self, mass, radius):
            self.mass = mass
            self.radius = radius

        def density(self):
            return self.mass / self.radius

    class Coordinate(bytes, enum.Enum):
        X = (1, "km")
        Y = (2, "m")

        def __new__(cls, value, unit):
            made = bytes.__new__(cls, [value])
            made._value_ = value
            made.unit = unit
            return made

    @dataclasses.dataclass
    class Creature:
        size: str
        legs: int = 4

    class Animal(Creature, enum.Enum):
        DOG = "large"
        BEETLE = ("small", 6)

    class Day(datetime.date, enum.Enum):
        FIRST = (2026, 1, 2)

    class Access(enum.Flag, boundary=enum.KEEP):
        READ = 1
        WRITE = 2
        BOTH = 3
        default = enum.nonmember([1])

        def all(self):
            return COMBINED, Access.READ | Access.WRITE

    COMBINED = Access.READ | Access(8)

    class Odd(enum.Enum):
        LIST = [1]  # noqa: RUF012
        ME = (lambda: Odd, 1)

    return Planet, Coordinate, Animal, Day, Access, Odd


LINES = """
Planet, Coordinate, Animal, Day, Access, Odd = value
print(Planet.MARS.density(), Planet.WORLD is Planet.EARTH, Planet((0.5, 4)) is Planet.MARS)
print(list(Planet.__members__))
print(Coordinate.Y == b"\\2", Coordinate(2) is Coordinate.Y, Coordinate.Y.unit)
print(Animal.DOG.legs, Animal.BEETLE.size, Animal["DOG"] is Animal.DOG)
print(Day.FIRST.year, Day.FIRST.isoformat())
print(Access(3) is Access.BOTH, ~Access.READ, Access.default, [int(each.value) for each in Access.READ.all()])
print(Odd([1]) is Odd.LIST, Odd.LIST.name, Odd.ME.value[0]() is Odd)
"""  # noqa: E501


def test_members_of_an_enumeration_have_all_that_they_had(enumerations, load_elsewhere):
    here = {"value": enumerations}
    printed = []
    exec(LINES, {**here, "print": lambda *parts: printed.append(" ".join(map(str, parts)))})

    assert load_elsewhere(serialize(enumerations), LINES).splitlines() == printed
    assert printed[0] == "0.125 True True"


def test_virtual_subclasses_of_a_class_by_value_stay_that(load_elsewhere):
    class Sized(collections.abc.Sized):
        pass

    class Thing:
        pass

    Sized.register(Thing)

    assert load_elsewhere(serialize([Sized, Thing()]), "print(isinstance(*value[::-1]))") == "True"


@pytest.mark.comes_back("subclasses of property, classmethod", how="with their attributes")
def test_subclasses_of_descriptors_keep_their_type_and_attributes(load_elsewhere):
    class Labelled(property):
        def __init__(self, label, function):
            super().__init__(function)
            self.label = label

    class Shared(classmethod):
        def __init__(self, label, function):
            super().__init__(function)
            self.label = label

    class Thing:
        size = Labelled("x", lambda self: 3)
        make = Shared("y", lambda cls: cls.__name__)
        noted = staticmethod(lambda: 5)
        noted.note = "z"

    lines = (
        "size, make, noted = (vars(value)[name] for name in ('size', 'make', 'noted'))\n"
        "print(value().size, value.make(), value.noted())\n"
        "print(size.label, make.label, noted.note)\n"
        "print(type(size).__name__, type(make).__name__, type(noted).__name__)\n"
    )
    assert load_elsewhere(serialize(Thing), lines).splitlines() == [
        "3 Thing 5",
        "x y z",
        "Labelled Shared staticmethod",
    ]
    assert deserialize(serialize(Thing)) is Thing
