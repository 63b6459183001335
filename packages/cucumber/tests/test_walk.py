"""The walk is tested on markers, which a visit replaces by others."""

import sys
import weakref
from collections import OrderedDict, UserDict, defaultdict, deque
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.cucumber._walk import walk


class Marker:
    pass


class New:
    pass


class Plain:
    pass


class Slotted:
    __slots__ = ("first", "second", "unset")


class SlottedChild(Slotted):
    __slots__ = ("__private",)

    def private(self, *value):
        if value:
            self.__private = value[0]
        return self.__private


@dataclass(frozen=True)
class Frozen:
    part: Any


@dataclass(frozen=True, slots=True)
class FrozenSlots:
    part: Any


class Pair(NamedTuple):
    left: Any
    right: Any


class TaggedTuple(tuple):
    pass


class Color(Enum):
    RED = 1


def replace_markers(root):
    """Replace every Marker; returns the outcome, what took their places, and the paths."""
    made, paths = [], []

    def visit(thing, place):
        if isinstance(thing, Marker):
            made.append(New())
            paths.append(place.path)
            return made[-1]
        return thing

    return walk(root, visit), made, paths


@pytest.mark.parametrize(
    ("make", "get"),
    [
        (lambda part: [1, part], lambda thing: thing[1]),
        (lambda part: {"a": part}, lambda thing: thing["a"]),
        (lambda part: OrderedDict(a=part), lambda thing: thing["a"]),
        (lambda part: defaultdict(list, a=part), lambda thing: thing["a"]),
        (lambda part: UserDict(a=part), lambda thing: thing["a"]),
        (lambda part: deque([0, part], maxlen=2), lambda thing: thing[1]),
        (lambda part: (0, (part,)), lambda thing: thing[1][0]),
        (lambda part: Pair(0, part), lambda thing: thing.right),
        (lambda part: {part, 1}, lambda thing: next(each for each in thing if each != 1)),
        (lambda part: frozenset({part}), lambda thing: next(iter(thing))),
        (lambda part: {part: 1}, lambda thing: next(iter(thing))),
        (lambda part: Frozen(part), lambda thing: thing.part),
        (lambda part: FrozenSlots(part), lambda thing: thing.part),
    ],
)
def test_a_part_is_replaced_in_every_container(make, get):
    outcome, made, _ = replace_markers(make(Marker()))

    assert type(outcome) is type(make(Marker()))
    assert get(outcome) is made[0]
    assert len(made) == 1


def test_the_object_itself_can_be_replaced():
    outcome, made, paths = replace_markers(Marker())

    assert outcome is made[0]
    assert paths == [""]


def test_slots_are_entered_inherited_private_and_unset_ones_too():
    thing = SlottedChild()
    thing.first = Marker()
    thing.private(Marker())

    _, made, _ = replace_markers(thing)

    assert {thing.first, thing.private()} == set(made)
    assert not hasattr(thing, "second")


def test_mutable_things_stay_themselves_and_unchanged_tuples_too():
    inner, unchanged = [Marker()], (1, "two", [3])
    root = {"list": inner, "tuple": unchanged}

    outcome, made, _ = replace_markers(root)

    assert outcome is root
    assert root["list"] is inner
    assert inner == made
    assert root["tuple"] is unchanged


def test_one_marker_in_many_places_is_replaced_by_one_thing():
    marker = Marker()
    root = [marker, (marker,), {"x": marker}]

    _, made, _ = replace_markers(root)

    assert len(made) == 1
    assert root == [made[0], (made[0],), {"x": made[0]}]


def test_cycles_close_through_tuples_that_are_made_anew():
    plain = Plain()
    plain.cycle = (plain, [Marker()])
    plain.cycle[1].append(plain.cycle)

    replace_markers(plain)

    assert plain.cycle[0] is plain
    assert isinstance(plain.cycle[1][0], New)
    assert plain.cycle[1][1] is plain.cycle


def test_a_tuple_with_attributes_keeps_them_and_they_are_entered():
    tagged = TaggedTuple([Marker()])
    tagged.tag = Marker()

    outcome, made, _ = replace_markers(tagged)

    assert type(outcome) is TaggedTuple
    assert {outcome[0], outcome.tag} == set(made)


def test_a_dict_keeps_its_order_when_a_key_is_replaced():
    root = OrderedDict([("a", 1), (Marker(), 2), ("b", 3)])

    _, made, _ = replace_markers(root)

    assert list(root) == ["a", made[0], "b"]


def test_paths_are_what_python_would_write():
    root = Plain()
    root.config = {"db": Pair([Marker()], 0)}
    root.other = {Marker()}

    _, _, paths = replace_markers(root)

    assert paths == [".other{...}", ".config['db'][0][0]"]


def test_names_are_attributes_and_keys_the_nearest_last():
    root = Plain()
    root.pools = {"main": [Marker()], 3: Marker()}
    names = []

    def visit(thing, place):
        if isinstance(thing, Marker):
            names.append(place.names)
        return thing

    walk(root, visit)

    assert names == [["pools"], ["pools", "main"]]


def test_nothing_of_the_user_s_is_called():
    class Guarded:
        def __init__(self):
            vars(self)["part"] = Marker()

        def __setattr__(self, name, value):
            raise AssertionError(name)

        def __getattr__(self, name):
            raise AssertionError(name)

        @property
        def costly(self):
            raise AssertionError("a property was read")

    guarded = Guarded()

    _, made, _ = replace_markers(guarded)

    assert guarded.part is made[0]


def test_what_belongs_to_the_process_is_not_entered():
    marked = Marker()
    module_like = type(sys)("made_here")
    module_like.part = marked
    Color.RED.part = marked
    Plain.part = marked
    try:
        _, made, _ = replace_markers([module_like, Color.RED, Plain, len, replace_markers])
    finally:
        del Plain.part, Color.RED.part

    assert made == []
    assert module_like.part is marked


def test_a_chain_of_objects_may_be_deeper_than_the_recursion_limit():
    first = last = Plain()
    for _ in range(20_000):
        last.next = Plain()
        last = last.next
    last.part = Marker()

    replace_markers(first)

    assert isinstance(last.part, New)


things = st.recursive(
    st.builds(Marker) | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=2), inner, max_size=4)
        | st.tuples(inner, inner)
        | st.builds(Pair, inner, inner)
        | st.builds(Frozen, inner)
        | st.builds(FrozenSlots, inner)
        | st.builds(lambda each: deque(each, maxlen=5), st.lists(inner, max_size=4))
    ),
    max_leaves=20,
)


@given(things)
def test_whatever_is_nested_all_markers_go_and_the_rest_stays(thing):
    before = shape(thing)

    outcome, _, _ = replace_markers(thing)

    assert shape(outcome) == before.replace("Marker", "New")


def shape(thing):
    if isinstance(thing, Marker | New):
        return type(thing).__name__
    if isinstance(thing, dict):
        parts = [f"{key!r}: {shape(value)}" for key, value in thing.items()]
    elif isinstance(thing, list | tuple | deque):
        parts = [shape(each) for each in thing]
    elif isinstance(thing, Frozen | FrozenSlots):
        parts = [shape(thing.part)]
    else:
        return repr(thing)
    return f"{type(thing).__name__}({', '.join(parts)})"


def test_a_weak_proxy_is_left_alone():
    class Table(dict):
        """Can be referred to weakly."""

    table = Table(a=Marker())
    root = [weakref.proxy(table), table]

    _, made, _ = replace_markers(root)

    assert table["a"] is made[0]
    assert root[0]["a"] is made[0]
