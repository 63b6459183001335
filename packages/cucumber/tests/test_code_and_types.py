"""Functions, methods and types of all kinds, defined where no receiver could import them."""

import abc
import dataclasses
import enum
import functools
import operator
import types
import typing
from collections import namedtuple
from typing import Generic, NamedTuple, NewType, ParamSpec, TypedDict, TypeVar

import pytest

from suitkaise.cucumber import deserialize, serialize


def travel(thing):
    return deserialize(serialize(thing))


def elsewhere(load_elsewhere, thing, expression):
    """Evaluate an expression of `value` in another process."""
    return load_elsewhere(serialize(thing), f"print({expression})")


@pytest.fixture
def shapes():
    """Classes by value."""

    class Shape(abc.ABC):
        registry: typing.ClassVar = []

        def __init_subclass__(cls, **options):
            super().__init_subclass__(**options)
            Shape.registry.append(cls.__name__)

        @abc.abstractmethod
        def area(self):
            """Say how large it is."""

    class Square(Shape):
        unit = "m"

        def __init__(self, side):
            super().__init__()
            self.side = side

        def area(self):
            return self.side**2

        @property
        def double(self):
            return self.side * 2

        @double.setter
        def double(self, value):
            self.side = value / 2

        @classmethod
        def unitary(cls):
            return cls(1)

        @staticmethod
        def corners():
            return 4

        @functools.cached_property
        def costly(self):
            return self.side + 100

    return types.SimpleNamespace(Shape=Shape, Square=Square)


@pytest.mark.comes_back(
    "bound methods", "static and class methods", "properties", how="with their object or class"
)
def test_methods_and_properties_work(shapes, load_elsewhere):
    square = shapes.Square(3)

    area, unitary, corners = travel([square.area, shapes.Square.unitary, shapes.Square.corners])

    assert (area(), unitary().side, corners()) == (9, 1, 4)
    assert elsewhere(load_elsewhere, square.area, "(value(), value.__self__.double)") == "(9, 6)"
    lines = "setattr(value, 'double', 10) or value.side"
    assert elsewhere(load_elsewhere, square, lines) == "5.0"
    assert elsewhere(load_elsewhere, square, "value.costly") == "103"


@pytest.mark.comes_back("methods of built-in types", "descriptors", how="as they were")
@pytest.mark.parametrize(
    ("method", "arguments", "outcome"),
    [
        ([3, 1].index, (1,), 1),
        ("a-b".split, ("-",), ["a", "b"]),
        (str.upper, ("a",), "A"),
        (dict.fromkeys, ("ab",), {"a": None, "b": None}),
        (int.from_bytes, (b"\x01", "big"), 1),
        ((5).__add__, (1,), 6),
        (list.__len__, ([1],), 1),
        (operator.add, (1, 2), 3),
    ],
)
def test_methods_of_built_in_types_work(method, arguments, outcome):
    assert travel(method)(*arguments) == outcome


def test_a_users_descriptor_works():
    class Positive:
        def __set_name__(self, owner, name):
            self.name = f"_{name}"

        def __get__(self, instance, owner):
            return self if instance is None else getattr(instance, self.name, 0)

        def __set__(self, instance, value):
            if value < 0:
                raise ValueError(value)
            setattr(instance, self.name, value)

    class Account:
        balance = Positive()

    account = Account()
    account.balance = 5

    copy = travel(account)

    assert copy.balance == 5
    with pytest.raises(ValueError):
        copy.balance = -1


@pytest.mark.comes_back(
    "functools.partial", "functools.partialmethod", "functools.wraps", how="as they were"
)
def test_partial_functions_and_decorated_ones_work():
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args) + 1

        return wrapper

    @decorate
    def triple(number):
        return number * 3

    class Cell:
        def put(self, value):
            self.value = value
            return self

        live = functools.partialmethod(put, True)

    add, wrapped, cell = travel([functools.partial(max, 5), triple, Cell()])

    assert (add(3), wrapped(2), wrapped.__name__) == (5, 7, "triple")
    assert cell.live().value is True


def test_recursive_and_mutual_closures_work(load_elsewhere):
    def is_even(number):
        return number == 0 or is_odd(number - 1)

    def is_odd(number):
        return number != 0 and is_even(number - 1)

    assert travel(is_even)(10)
    assert elsewhere(load_elsewhere, is_odd, "value(7)") == "True"


def test_functions_share_the_variables_that_they_assign(load_elsewhere):
    def make():
        count, calls = 0, []

        def add():
            nonlocal count
            count += 1
            calls.append(again)
            return count

        def again():
            return add() + get()

        def get():
            return count

        def late():
            return unset

        if count:
            unset = None
        return add, get, again, late, lambda: late

    add, get, again, late, other = travel(make())

    assert (add(), get(), again(), get()) == (1, 1, 4, 2)
    with pytest.raises(NameError):
        late()
    assert other() is late
    assert elsewhere(load_elsewhere, make(), "value[0](), value[2](), value[1]()") == "1 4 2"


@pytest.mark.comes_back(
    "functools.singledispatch", how="by value, with what was registered; by name where it can be"
)
def test_dispatch_by_type_keeps_what_was_registered():
    @functools.singledispatch
    def describe(thing):
        return "thing"

    @describe.register
    def _(thing: int):
        return "number"

    @describe.register(list)
    def _(thing):
        return "list"

    copy = travel(describe)

    assert [copy(thing) for thing in ("a", 1, [])] == ["thing", "number", "list"]
    assert copy.dispatch(bool)(True) == "number"


@pytest.mark.comes_back(
    "metaclasses", "abstract classes", how="by value; their instances stay instances"
)
def test_abstract_classes_stay_abstract_and_know_their_virtual_subclasses(shapes, load_elsewhere):
    class Virtual:
        pass

    shapes.Shape.register(Virtual)

    shape, square, virtual = travel([shapes.Shape, shapes.Square(2), Virtual()])

    assert isinstance(square, shape)
    assert isinstance(virtual, shape)
    with pytest.raises(TypeError, match="abstract"):
        shape()
    things = [shapes.Shape, shapes.Square(2), Virtual()]
    assert elsewhere(
        load_elsewhere, things, "all(isinstance(each, value[0]) for each in value[1:])"
    ) == ("True")


def test_metaclasses_and_their_arguments_work(load_elsewhere):
    class Meta(type):
        def __new__(mcs, name, bases, namespace, **options):
            cls = super().__new__(mcs, name, bases, namespace)
            cls.options = options
            return cls

        def __init__(cls, name, bases, namespace, **options):
            super().__init__(name, bases, namespace)

        def shout(cls):
            return cls.__name__.upper()

    class Thing(metaclass=Meta, color="red"):
        pass

    assert elsewhere(load_elsewhere, Thing, "(value.shout(), value.options)") == (
        "('THING', {'color': 'red'})"
    )


@pytest.mark.comes_back("enum.Enum", "enum.Flag", how="members are the receiver's members")
def test_members_of_enumerations_are_themselves(load_elsewhere):
    class Color(enum.Enum):
        RED = 1
        BLUE = enum.auto()

        @property
        def is_warm(self):
            return self is Color.RED

    class Access(enum.Flag):
        READ = enum.auto()
        WRITE = enum.auto()

    class Level(enum.IntEnum):
        LOW = 1

    class Word(enum.StrEnum):
        YES = "y"

    members = [Color.RED, Access.READ | Access.WRITE, Level.LOW, Word.YES]

    copies = travel(members)

    assert all(one is other for one, other in zip(copies, members, strict=True))
    assert elsewhere(
        load_elsewhere,
        members,
        "(value[0].is_warm, value[0] is type(value[0]).RED, list(value[1]) != [], value[2] + 1)",
    ) == ("(True, True, True, 2)")


@pytest.mark.comes_back(
    "named tuples", "typing.TypedDict", "typing.NewType", "generics", how="by name or by value"
)
def test_types_of_typing_work(load_elsewhere):
    T = TypeVar("T")
    P = ParamSpec("P")
    Pair = namedtuple("Pair", "left right")  # noqa: PYI024

    class Entry(NamedTuple):
        key: str
        value: int = 0

    class Movie(TypedDict, total=False):
        title: str

    class Box(Generic[T]):
        def __init__(self, content: T):
            self.content = content

    UserId = NewType("UserId", int)
    things = [Pair(1, 2), Entry("a"), Movie, Box[int](5), Box[T], UserId, P, list[Box[int]]]

    pair, entry, movie, box, alias, user_id, spec, nested = travel(things)

    assert (pair.right, entry.value, type(pair) is Pair, type(entry) is Entry) == (2, 0, True, True)
    assert movie(title="x") == {"title": "x"}
    assert (box.content, alias.__origin__, user_id(3)) == (5, Box, 3)
    assert (spec.__name__, typing.get_args(nested)[0].__origin__) == ("P", Box)
    assert elsewhere(
        load_elsewhere,
        things[:4],
        "(value[0].left, value[1], value[1]._replace(value=3).value, value[3].content)",
    ) == ("(1, Entry(key='a', value=0), 3, 5)")


@pytest.mark.comes_back("dataclasses", how="frozen, with slots, with defaults: as they were")
@pytest.mark.parametrize("options", [{}, {"frozen": True}, {"slots": True}])
def test_dataclasses_work(options, load_elsewhere):
    @dataclasses.dataclass(**options)
    class Point:
        x: int
        tags: list = dataclasses.field(default_factory=list)

    point = Point(1, ["a"])

    copy = travel(point)

    assert copy == point
    assert type(copy) is Point
    assert dataclasses.replace(copy, x=2).x == 2
    assert elsewhere(load_elsewhere, point, "(value.x, value.tags, type(value)(3).tags)") == (
        "(1, ['a'], [])"
    )


def test_a_field_of_a_dataclass_without_a_default_has_none_elsewhere(load_elsewhere):
    @dataclasses.dataclass
    class Point:
        x: int
        _: dataclasses.KW_ONLY
        y: int

    lines = (
        "import dataclasses\n"
        "fields = dataclasses.fields(value)\n"
        "print([field.default is dataclasses.MISSING for field in fields])\n"
        "@dataclasses.dataclass\n"
        "class Deep(value):\n"
        "    z: int\n"
        "print(Deep(1, 3, y=2))"
    )
    assert load_elsewhere(serialize(Point), lines).splitlines() == [
        "[True, True]",
        "Deep(x=1, y=2, z=3)",
    ]
    marks = [dataclasses.MISSING, dataclasses.KW_ONLY, dataclasses._HAS_DEFAULT_FACTORY]
    assert all(map(operator.is_, travel(marks), marks))


def test_subclasses_of_built_in_types_keep_content_attributes_and_cycles(load_elsewhere):
    class Number(int):
        pass

    class Text(str):
        pass

    class Items(list):
        pass

    class Table(dict):
        def __missing__(self, key):
            return key * 2

    number, text, items, table = Number(5), Text("a"), Items([1]), Table(a=1)
    for each in (number, text, items, table):
        each.label = "x"
    items.append(items)
    table["me"] = table

    copies = travel([number, text, items, table])

    assert [each.label for each in copies] == ["x"] * 4
    assert (copies[0] + 1, copies[1] + "b", copies[2][0]) == (6, "ab", 1)
    assert copies[2][1] is copies[2]
    assert copies[3]["me"] is copies[3]
    assert copies[3]["zz"] == "zzzz"
    assert elsewhere(load_elsewhere, table, "value['q']") == "qq"


@pytest.mark.comes_back("code objects", "cells", how="by value")
def test_code_and_cells_travel():
    def outer():
        inner = 5
        return lambda: inner

    function = outer()

    code, cell = travel([function.__code__, function.__closure__[0]])

    assert types.FunctionType(code, {}, closure=(cell,))() == 5


def test_super_and_the_class_cell_work_after_the_trip(shapes, load_elsewhere):
    class Cube(shapes.Square):
        def area(self):
            return super().area() * 6 + (1 if __class__ is type(self) else 0)

    assert travel(Cube(2)).area() == 25
    assert elsewhere(load_elsewhere, Cube(2), "value.area()") == "25"
