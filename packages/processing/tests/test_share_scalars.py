"""What never changes, read from a Share: real values, and no lost update when computed with."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import json
import logging
import math
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from packages.processing.tests.elsewhere import elsewhere, everywhere

from suitkaise.processing import Share

pytestmark = pytest.mark.timeout(100)

Decimal, Fraction, days = decimal.Decimal, fractions.Fraction, datetime.timedelta


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    marks: list[int]

    def twice(self) -> int:
        return 2 * self.x


class Meters(int):
    def in_feet(self) -> float:
        return self * 3.25


class OddError(Exception):
    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Holder:
    def __init__(self) -> None:
        self.price = Decimal(0)
        self.marks: tuple[int, ...] = ()


@pytest.fixture
def share() -> Iterator[Any]:
    with Share() as share:
        yield share


VALUES = [
    None, True, 7, 10**100, 1.5, math.inf, 1 + 2j, "é\0", b"bytes", (1, ("a", b"")),
    frozenset({1}),
    Decimal("1.50"), Fraction(1, 3), datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC),
    datetime.date(2020, 1, 2), datetime.time(3, 4), days(1), Color.RED, Level.LOW, range(3),
    pathlib.PurePosixPath("/a"), uuid.UUID(int=5), ..., NotImplemented, math, Color, len, Meters(3),
    logging.getLogger("of a share"), slice(1, 2),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__} {value!r:.20}")
def test_a_value_comes_back_as_what_it_is_in_every_process(share: Any, value: Any) -> None:
    share.x = value

    def look() -> bool:
        return bool(share.x == value) and isinstance(share.x, type(value))

    assert look()
    assert elsewhere(look)


def test_enum_members_modules_classes_and_loggers_are_the_same_objects(share: Any) -> None:
    for value in (Color.BLUE, math, Holder, logging.getLogger("a")):
        share.x = value
        assert share.x is value


def test_functions_are_called_in_the_callers_process(share: Any) -> None:
    factor = 3
    share.f = lambda number: factor * number

    assert share.f(2) == 6
    assert elsewhere(lambda: share.f(3)) == 9


def test_an_exception_in_a_share_can_be_raised(share: Any) -> None:
    share.error = OddError("odd", 7)

    with pytest.raises(OddError, match="odd") as caught:
        raise share.error
    assert caught.value.code == 7


def test_what_is_read_is_a_real_value(share: Any) -> None:
    share.n, share.s, share.price = 3, "abc", Decimal("2.5")

    assert json.dumps([share.n, share.s]) == '[3, "abc"]'
    assert [10, 20, 30, 40][share.n] == 40
    assert list(range(share.n)) == [0, 1, 2]
    assert {3: "three"}[share.n] == "three"
    assert (share.s % ()).upper() == "ABC"
    assert "-".join([share.s, share.s]) == "abc-abc"
    assert pow(share.n, 2, 5) == 4
    assert [share.n] * share.n == [3, 3, 3]
    assert repr(share.price) == "Decimal('2.5')"
    assert type(share.n).__name__ == "int"


def test_formatting_takes_a_dict_or_a_tuple(share: Any) -> None:
    share.s = "%(a)s"
    assert share.s % {"a": 1} == "1"
    share.s = "%s-%s"
    assert share.s % (1, 2) == "1-2"


def test_what_was_read_is_a_value_of_its_own(share: Any) -> None:
    share.n, share.price = 1, Decimal(1)
    number, price = share.n, share.price

    number += 1
    price += 1

    assert (number, price, share.n, share.price) == (2, 2, 1, 1)


def test_no_update_is_lost_whatever_the_type(share: Any) -> None:
    share.i, share.f, share.c, share.s, share.b, share.t = 0, 0.0, 0j, "", b"", ()
    share.set, share.price, share.part = frozenset(), Decimal(0), Fraction(0)
    share.time, share.date, share.moment = (
        days(0),
        datetime.date(2020, 1, 1),
        datetime.datetime(2020, 1, 1),
    )
    share.d = {"price": Decimal(0), "time": days(0), "n": 0}
    share.holder, share.level = Holder(), 0

    def work() -> None:
        name = uuid.uuid4()
        for index in range(40):
            share.i += 1
            share.i = 2 * share.i - share.i + 1
            share.f += 0.5
            share.c += 1j
            share.s += "x"
            share.b += b"y"
            share.t += (index,)
            share.set |= {(name, index)}
            share.level += Level.LOW
            share.price += Decimal("0.1")
            share.part += Fraction(1, 3)
            share.time += days(1)
            share.date += days(1)
            share.moment = share.moment + days(1)
            share.d["price"] += Decimal("0.1")
            share.d["time"] += days(1)
            share.d["n"] = share.d["n"] + 1
            share.holder.price += 1
            share.holder.marks += (index,)

    everywhere(work)

    total = 160
    assert (share.i, share.f, share.c) == (2 * total, total / 2, total * 1j)
    assert (share.s, share.b, len(share.t)) == ("x" * total, b"y" * total, total)
    assert (len(share.set), share.price, share.part) == (total, 16, Fraction(total, 3))
    assert share.level == total
    assert (share.time, share.date) == (days(total), datetime.date(2020, 1, 1) + days(total))
    assert share.moment == datetime.datetime(2020, 1, 1) + days(total)
    assert share.d == {"price": 16, "time": days(total), "n": total}
    assert (share.holder.price, len(share.holder.marks)) == (total, total)


def test_numbers_of_numpy_are_added_without_loss(share: Any) -> None:
    numpy = pytest.importorskip("numpy")
    share.total, share.exact = 0.0, numpy.int64(0)

    def work() -> None:
        for _ in range(40):
            share.total += numpy.float64(0.5)
            share.exact += 1

    everywhere(work)

    assert share.total == 80.0
    assert share.exact == 160
    assert isinstance(share.exact, numpy.int64)


def test_an_update_that_fails_changes_nothing(share: Any) -> None:
    share.n = 5

    with pytest.raises(ZeroDivisionError):
        share.n /= 0
    with pytest.raises(TypeError):
        share.n += "a"

    assert share.n == 5


def test_a_named_tuple_stays_one_and_what_it_holds_is_shared(share: Any) -> None:
    share.point = Point(3, [1])

    x, marks = share.point
    marks.append(2)
    elsewhere(lambda: share.point.marks.append(3))

    assert (x, share.point.x, share.point[0], share.point.twice()) == (3, 3, 3, 6)
    assert share.point == Point(3, [1, 2, 3])
    assert isinstance(share.point, Point)
    assert json.dumps(share.point) == "[3, [1, 2, 3]]"
    share.point = share.point._replace(x=9)
    assert elsewhere(lambda: (type(share.point), share.point.x)) == (Point, 9)


def test_values_of_derived_types_keep_their_type(share: Any) -> None:
    share.length = Meters(4)

    assert share.length.in_feet() == 13.0
    assert elsewhere(lambda: share.length.in_feet()) == 13.0


def test_changing_the_type_brings_nothing_back(share: Any) -> None:
    def types() -> list[Any]:
        seen = []
        for value in (1, [1], None, {"a": 1}, "a", Holder(), [], 2.5):
            share.x = value
            seen.append(type(share.x).__name__)
        del share.x
        seen.append(hasattr(share, "x"))
        return seen

    expected = ["int", "list", "NoneType", "dict", "str", "Holder", "list", "float", False]
    assert types() == expected
    assert elsewhere(types) == expected
    assert not hasattr(share, "x")
    share.x = []
    assert elsewhere(lambda: list(share.x)) == []


def test_a_handle_held_meanwhile_does_not_bring_back_what_was(share: Any) -> None:
    share.x = [1]
    items = share.x
    elsewhere(lambda: setattr(share, "x", None))

    with pytest.raises(TypeError, match="reassigned"):
        items.append(2)
    assert share.x is None
    elsewhere(lambda: delattr(share, "x"))
    with pytest.raises(LookupError, match="deleted"):
        items.append(2)

    assert not hasattr(share, "x")
    share.x = Holder()
    holder = share.x
    share.x = {"a": 1}
    with pytest.raises(TypeError, match="reassigned"):
        holder.price = 3
    assert elsewhere(lambda: dict(share.x)) == {"a": 1}


@pytest.mark.parametrize(
    ("make", "first", "rest"),
    [
        (lambda: enumerate("abc"), (0, "a"), [(1, "b"), (2, "c")]),
        (lambda: zip([1, 2], [3, 4], strict=True), (1, 3), [(2, 4)]),
        (lambda: (n * n for n in range(3)), 0, [1, 4]),
        (lambda: map(str, [1, 2]), "1", ["2"]),
        (lambda: iter([1, 2]), 1, [2]),
        (lambda: reversed([1, 2]), 2, [1]),
        (lambda: iter({1: 2, 3: 4}), 1, [3]),
    ],
)
def test_an_iterator_goes_on_where_it_was(share: Any, make: Any, first: Any, rest: Any) -> None:
    share.it = make()

    assert next(share.it) == first
    assert elsewhere(lambda: list(share.it)) == rest
    assert next(share.it, "at its end") == "at its end"
    with pytest.raises(StopIteration):
        next(share.it)


def test_each_value_of_an_iterator_is_delivered_once(share: Any) -> None:
    share.it = iter(range(200))
    share.taken = []

    def take() -> None:
        for value in share.it:
            share.taken.append(value)

    everywhere(take)

    assert sorted(share.taken) == list(range(200))


def test_an_iterator_can_stand_inside_of_something(share: Any) -> None:
    share.items = [iter([1, 2, 3])]

    assert next(share.items[0]) == 1
    assert elsewhere(lambda: next(share.items[0])) == 2
    assert next(share.items[0]) == 3
