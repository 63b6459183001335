import csv
import itertools
import struct
import warnings

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize
from suitkaise.cucumber._pickler import MAX_ITEMS


def numbers():
    yield from range(5)


@pytest.mark.comes_back(
    "generators",
    "enumerate",
    "zip",
    "map",
    "filter",
    "itertools",
    how="a plain iterator over what remained: **serialising consumes it**; more than ten "
    "million items (`max_items`) are an error",
)
@pytest.mark.parametrize(
    ("make", "remaining"),
    [
        (numbers, [1, 2, 3, 4]),
        (lambda: enumerate("abc"), [(1, "b"), (2, "c")]),
        (lambda: zip("ab", "cd", strict=True), [("b", "d")]),
        (lambda: map(str.upper, "abc"), ["B", "C"]),
        (lambda: filter(None, [1, 0, 2]), [2]),
        (lambda: iter([1, 2, 3]), [2, 3]),
        (lambda: iter({"a": 1, "b": 2}), ["b"]),
        (lambda: reversed([1, 2, 3]), [2, 1]),
        (lambda: itertools.chain([1], [2, 3]), [2, 3]),
        (lambda: itertools.islice(itertools.count(), 3), [1, 2]),
        (lambda: itertools.product("ab", repeat=2), [("a", "b"), ("b", "a"), ("b", "b")]),
        (lambda: itertools.accumulate([1, 2, 3]), [3, 6]),
        (lambda: itertools.tee([1, 2, 3])[0], [2, 3]),
        (lambda: itertools.repeat("a", 3), ["a", "a"]),
        (lambda: itertools.repeat("a", 1), []),
        (lambda: iter([1, 2, None, 3].__iter__().__next__, None), [2]),
        (lambda: csv.reader(["a,b", "c,d"]), [["c", "d"]]),
        (lambda: struct.iter_unpack("B", b"ab"), [(98,)]),
    ],
)
def test_an_iterator_arrives_as_one_over_what_remained(make, remaining):
    iterator = make()
    next(iterator)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copy = deserialize(serialize(iterator))

    assert iter(copy) is copy
    assert list(copy) == remaining


def test_serialising_a_generator_consumes_it():
    generator = numbers()

    serialize(generator)

    assert list(generator) == []


def test_groups_keep_their_items():
    groups = itertools.groupby("aab")

    copy = deserialize(serialize(groups))

    assert [(key, list(group)) for key, group in copy] == [("a", ["a", "a"]), ("b", ["b"])]


@pytest.mark.comes_back("itertools.count", "itertools.repeat", how="going on from where they were")
def test_endless_counting_and_repeating_go_on():
    count, repeat = itertools.count(5, 2), itertools.repeat("x")

    count, repeat = deserialize(serialize((count, repeat)))

    assert list(itertools.islice(count, 3)) == [5, 7, 9]
    assert list(itertools.islice(repeat, 2)) == ["x", "x"]


def test_an_endless_generator_is_an_error_that_says_so():
    with pytest.raises(SerializationError, match="more than 1,000 items") as caught:
        serialize({"stream": (number for number in itertools.count())}, max_items=1000)

    assert caught.value.path == "['stream']"


def test_an_iterator_of_exactly_the_greatest_length_travels():
    assert list(deserialize(serialize(numbers(), max_items=5))) == [0, 1, 2, 3, 4]


def test_an_item_that_cannot_travel_is_named_though_the_generator_is_used_up():
    with pytest.raises(SerializationError) as caught:
        serialize({"stream": (refused for refused in [1, itertools.cycle("ab")])})

    assert caught.value.path == "['stream'][1]"


@pytest.mark.comes_back(
    "itertools.cycle",
    how="refused: it is endless; send what it cycles through",
)
def test_a_cycle_is_an_error_that_says_so():
    with pytest.raises(SerializationError, match="endless") as caught:
        serialize([itertools.cycle("ab")])

    assert caught.value.path == "[0]"


def test_a_generator_that_fails_is_an_error_with_its_own_as_the_cause():
    failing = (1 // number for number in (1, 0))

    with pytest.raises(SerializationError) as caught:
        serialize(failing)

    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert caught.value.type_name == "generator"


def test_ten_million_items_are_the_limit():
    assert MAX_ITEMS == 10_000_000
