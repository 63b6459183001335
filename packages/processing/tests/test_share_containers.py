"""Containers in a Share, side by side with ordinary ones, by two processes in turns."""

import array
import bisect
import contextlib
import copy
import heapq
import json
import multiprocessing
import operator
import os
import pickle
import random
import subprocess
import sys
import traceback
import warnings
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suitkaise.processing._share import _kinds
from suitkaise.processing._share._node import NODE_TYPES
from suitkaise.processing._share._replica import DetachedError
from suitkaise.processing._share._share import Share

np = pytest.importorskip("numpy")

# Two members: this process, and a child that was forked when there was nothing in the Share yet


def carry_out(share, operation):
    """Do something with `share.x`; returns ("returned", result) or ("raised", type, message)."""
    kind, *arguments = operation
    try:
        if kind == "augment":
            key, name, operand = arguments
            x = share.x
            x[key] = getattr(operator, name)(x[key], operand)
            result = None
        elif kind == "in place":
            name, operand = arguments
            share.x = getattr(operator, name)(share.x, operand)
            result = None
        elif kind == "set":
            (share.x,) = arguments
            result = None
        elif kind == "operator":
            name, operands = arguments
            operands = [share.x if operand == "x" else operand for operand in operands]
            result = getattr(operator, name)(*operands)
        elif kind == "call":
            function, operands = arguments
            result = function(share.x, *operands)
        else:
            result = getattr(share.x, kind)(*arguments)
    except Exception as error:
        return "raised", type(error), str(error).replace("collections.", "").replace("array.", "")
    return "returned", pickle.loads(pickle.dumps(result))


class Outsider:
    """Stands for a Share in the model: an ordinary object with an attribute x."""


class Partner:
    """A forked process that does with the same Share what it is told."""

    def __init__(self):
        self.share = Share()
        self.pipe, theirs = multiprocessing.Pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if not self.pid:
            self.pipe.close()
            try:
                with contextlib.suppress(EOFError):
                    while True:
                        theirs.send(carry_out(self.share, theirs.recv()))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        theirs.close()

    def do(self, *operation):
        self.pipe.send(operation)
        assert self.pipe.poll(60), "the partner does not answer"
        return self.pipe.recv()

    def result(self, *operation):
        outcome = self.do(*operation)
        assert outcome[0] == "returned", outcome
        return outcome[1]

    def end(self):
        self.pipe.close()
        os.waitpid(self.pid, 0)


@pytest.fixture(scope="module")
def partner():
    partner = Partner()
    yield partner
    partner.end()


@pytest.fixture
def share(partner):
    return partner.share


def plain(x):
    return copy.copy(x)


def check_sequence(partner, start, operations):
    model = Outsider()
    model.x = pickle.loads(pickle.dumps(start))
    partner.share.x = start
    for is_partners, operation in operations:
        before = copy.deepcopy(model.x)
        expected = carry_out(model, pickle.loads(pickle.dumps(operation)))
        if expected[0] == "raised" and operation[0] != "augment":
            model.x = before  # a sort that fails leaves a list half sorted, but not one in a Share
        outcome = partner.do(*operation) if is_partners else carry_out(partner.share, operation)
        assert outcome[0] == expected[0], (operation, model.x)
        assert type(outcome[1]) is type(expected[1])
        if operation[0] == "operator" and outcome[0] == "raised":
            assert outcome[1] is expected[1]  # Python may turn it round, and so its message
        else:
            assert is_equal(outcome[1:], expected[1:])
        assert_same(plain(partner.share.x), model.x)
        assert_same(partner.result("call", plain, ()), model.x)


def is_equal(one, other):
    return repr(one) == repr(other) or one == other  # sets are spelled in any order


def assert_same(one, other):
    assert type(one) is type(other)
    assert one == other
    if not isinstance(other, set):
        assert repr(one) == repr(other)


def listed(x, name, *arguments):
    return list(getattr(x, name)(*arguments))


def sequence_of(*operations):
    return st.lists(st.tuples(st.booleans(), st.one_of(*operations)), min_size=4, max_size=16)


def op(name, *arguments):
    return st.tuples(st.just(name), *arguments)


def on_x(name, *operands):
    """An operator with x first, and turned round."""
    return st.one_of(
        st.tuples(st.just("operator"), st.just(name), st.tuples(st.just("x"), *operands)),
        st.tuples(st.just("operator"), st.just(name), st.tuples(*operands, st.just("x"))),
    )


def call(function, *operands):
    return st.tuples(st.just("call"), st.just(function), st.tuples(*operands))


numbers = st.integers(-3, 4)
values = st.one_of(numbers, st.text("ab", max_size=2), st.lists(numbers, max_size=2))
slices = st.builds(slice, *[st.none() | numbers] * 2, st.none() | st.sampled_from([-2, -1, 1, 2]))
augmenting = st.sampled_from(["iadd", "imul", "isub"])
comparing = st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge"])


def comparisons(others):
    return st.builds(
        lambda name, operands: ("operator", name, operands),
        comparing,
        others.map(lambda other: ("x", other)) | others.map(lambda other: (other, "x")),
    )


looks = st.one_of(
    call(len), call(bool), call(list), call(repr), call(str), call(format), call(tuple)
)

members = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@members
@given(
    st.lists(values, max_size=5),
    sequence_of(
        op("append", values),
        op("extend", st.lists(values, max_size=3)),
        op("insert", numbers, values),
        op("pop"),
        op("pop", numbers),
        op("remove", values),
        op("clear"),
        op("reverse"),
        op("sort"),
        op("copy"),
        op("count", values),
        op("index", values),
        op("__getitem__", numbers | slices),
        op("__setitem__", numbers, values),
        op("__setitem__", slices, st.lists(values, max_size=3)),
        op("__delitem__", numbers | slices),
        op("__contains__", values),
        op("augment", numbers, augmenting, numbers),
        op("in place", st.just("iadd"), st.lists(values, max_size=3) | st.just(5)),
        op("in place", st.just("imul"), numbers),
        on_x("add", st.lists(values, max_size=2) | numbers),
        on_x("mul", numbers),
        comparisons(st.lists(values, max_size=2) | numbers),
        call(sum),
        call(sorted),
        call(max),
        call(json.dumps),
        call(listed, st.just("__reversed__")),
        looks,
    ),
)
def test_a_list_is_what_a_list_would_be(partner, start, operations):
    check_sequence(partner, start, operations)


dictionaries = st.dictionaries(st.text("abc", max_size=1), values, max_size=4)
keys = st.text("abc", max_size=1) | st.integers(0, 2)
of_dictionaries = [
    op("__setitem__", keys, values),
    op("__getitem__", keys),
    op("__delitem__", keys),
    op("__contains__", keys),
    op("augment", keys, augmenting, numbers),
    op("pop", keys),
    op("pop", keys, values),
    op("popitem"),
    op("clear"),
    op("copy"),
    op("get", keys),
    op("get", keys, values),
    op("setdefault", keys, values),
    op("update", dictionaries),
    op("update", st.lists(st.tuples(keys, values), max_size=2) | numbers),
    op("in place", st.just("ior"), dictionaries | numbers),
    on_x("or_", dictionaries | numbers),
    comparisons(dictionaries | numbers),
    call(listed, st.sampled_from(["keys", "values", "items", "__reversed__"])),
    call(json.dumps),
    call(dict),
    looks,
]


@members
@given(dictionaries, sequence_of(*of_dictionaries))
def test_a_dict_is_what_a_dict_would_be(partner, start, operations):
    check_sequence(partner, start, operations)


@members
@given(
    dictionaries.map(OrderedDict),
    sequence_of(
        *of_dictionaries,
        op("move_to_end", keys),
        op("move_to_end", keys, st.booleans()),
        op("popitem", st.booleans()),
        comparisons(dictionaries.map(OrderedDict)),
    ),
)
def test_an_ordered_dict_is_what_one_would_be(partner, start, operations):
    check_sequence(partner, start, operations)


@members
@given(
    dictionaries,
    st.sampled_from([None, int, list]),
    sequence_of(*of_dictionaries, call(getattr, st.just("default_factory"))),
)
def test_a_defaultdict_is_what_one_would_be(partner, start, factory, operations):
    check_sequence(partner, defaultdict(factory, start), operations)


counts = st.dictionaries(st.text("abc", max_size=1), numbers, max_size=4)
counters = counts.map(Counter)


@members
@given(
    counters,
    sequence_of(
        op("__setitem__", keys, numbers),
        op("__getitem__", keys),
        op("__delitem__", keys),
        op("augment", keys, augmenting, numbers),
        op("pop", keys),
        op("popitem"),
        op("setdefault", keys, numbers),
        op("update", counts | st.text("abc", max_size=4) | numbers),
        op("subtract", counts | st.text("abc", max_size=4)),
        op("update"),
        op("most_common"),
        op("most_common", st.integers(0, 2)),
        op("total"),
        op("clear"),
        op("copy"),
        op("in place", st.sampled_from(["iadd", "isub", "ior", "iand"]), counters),
        on_x("add", counters | numbers),
        on_x("sub", counters),
        on_x("or_", counters),
        on_x("and_", counters),
        comparisons(counters),
        st.tuples(st.just("operator"), st.sampled_from(["pos", "neg"]), st.just(("x",))),
        call(listed, st.sampled_from(["keys", "values", "items", "elements"])),
        looks,
    ),
)
def test_a_counter_is_what_one_would_be(partner, start, operations):
    check_sequence(partner, start, operations)


sets = st.sets(numbers, max_size=5)
any_set = sets | sets.map(frozenset)


@members
@given(
    sets,
    sequence_of(
        op("add", values),
        op("discard", values),
        op("remove", numbers),
        op("clear"),
        op("copy"),
        op("__contains__", values),
        op("update", sets, st.lists(numbers, max_size=2)),
        op("difference_update", sets, sets),
        op("intersection_update", sets, sets),
        op("symmetric_difference_update", st.lists(numbers, max_size=3)),
        op("union", sets, st.lists(numbers, max_size=2)),
        op("difference", sets),
        op("intersection", sets),
        op("symmetric_difference", sets),
        op("isdisjoint", sets),
        op("issubset", sets),
        op("issuperset", sets),
        op("in place", st.sampled_from(["ior", "iand", "isub", "ixor"]), any_set | numbers),
        on_x("or_", any_set | numbers),
        on_x("and_", any_set | numbers),
        on_x("sub", any_set | numbers),
        on_x("xor", any_set | numbers),
        comparisons(any_set | numbers),
        call(len),
        call(bool),
        call(sorted),
        call(sum),
    ),
)
def test_a_set_is_what_a_set_would_be(partner, start, operations):
    check_sequence(partner, start, [o for o in operations if "ab" not in repr(o)])


@members
@given(
    st.builds(deque, st.lists(values, max_size=4), st.none() | st.integers(0, 4)),
    sequence_of(
        op("append", values),
        op("appendleft", values),
        op("extend", st.lists(values, max_size=3)),
        op("extendleft", st.lists(values, max_size=3)),
        op("insert", numbers, values),
        op("pop"),
        op("popleft"),
        op("remove", values),
        op("clear"),
        op("reverse"),
        op("rotate"),
        op("rotate", numbers),
        op("copy"),
        op("count", values),
        op("index", values),
        op("__getitem__", numbers),
        op("__setitem__", numbers, values),
        op("__delitem__", numbers),
        op("__contains__", values),
        op("augment", numbers, augmenting, numbers),
        op("in place", st.just("iadd"), st.lists(values, max_size=3) | numbers),
        op("in place", st.just("imul"), numbers),
        on_x("add", st.builds(deque, st.lists(values, max_size=2))),
        on_x("mul", numbers),
        comparisons(st.builds(deque, st.lists(values, max_size=2)) | numbers),
        call(getattr, st.just("maxlen")),
        call(listed, st.just("__reversed__")),
        looks,
    ),
)
def test_a_deque_is_what_a_deque_would_be(partner, start, operations):
    check_sequence(partner, start, operations)


octets = st.integers(-1, 256) | st.just("a")
few_bytes = st.binary(max_size=4)


@members
@given(
    few_bytes.map(bytearray),
    sequence_of(
        op("append", octets),
        op("extend", few_bytes | st.lists(octets, max_size=2)),
        op("insert", numbers, octets),
        op("pop"),
        op("pop", numbers),
        op("remove", octets),
        op("clear"),
        op("reverse"),
        op("copy"),
        op("upper"),
        op("split"),
        op("hex"),
        op("count", few_bytes),
        op("find", few_bytes),
        op("replace", few_bytes, few_bytes),
        op("startswith", few_bytes),
        op("decode", st.just("latin-1")),
        op("join", st.lists(few_bytes, max_size=2)),
        op("__getitem__", numbers | slices),
        op("__setitem__", numbers, octets),
        op("__setitem__", slices, few_bytes),
        op("__delitem__", numbers | slices),
        op("__contains__", st.integers(0, 255) | few_bytes),
        op("augment", numbers, st.just("iadd"), st.just(1)),
        op("in place", st.just("iadd"), few_bytes | numbers),
        op("in place", st.just("imul"), numbers),
        on_x("add", few_bytes | numbers),
        on_x("mul", numbers),
        comparisons(few_bytes),
        call(bytes),
        call(sum),
        call(listed, st.just("__iter__")),
        looks,
    ),
)
def test_a_bytearray_is_what_one_would_be(partner, start, operations):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BytesWarning)
        check_sequence(partner, start, operations)


elements = numbers | st.just(1 << 40) | st.just("a")
arrays = st.builds(array.array, st.sampled_from("id"), st.lists(numbers, max_size=4))


@members
@given(
    arrays,
    sequence_of(
        op("append", elements),
        op("extend", arrays | st.lists(elements, max_size=2)),
        op("fromlist", st.lists(elements, max_size=2)),
        op("frombytes", few_bytes),
        op("insert", numbers, elements),
        op("pop"),
        op("pop", numbers),
        op("remove", elements),
        op("reverse"),
        op("byteswap"),
        op("count", elements),
        op("index", elements),
        op("tolist"),
        op("tobytes"),
        op("__getitem__", numbers | slices),
        op("__setitem__", numbers, elements),
        op("__setitem__", slices, arrays),
        op("__delitem__", numbers | slices),
        op("__contains__", elements),
        op("augment", numbers, augmenting, numbers),
        op("in place", st.just("iadd"), arrays | numbers),
        op("in place", st.just("imul"), numbers),
        on_x("add", arrays | numbers),
        on_x("mul", numbers),
        comparisons(arrays | numbers),
        call(getattr, st.sampled_from(["typecode", "itemsize"])),
        looks,
    ),
)
def test_an_array_is_what_one_would_be(partner, start, operations):
    check_sequence(partner, start, operations)


# Every name of every type

ALWAYS_SAFE = {
    *("__class__", "__delattr__", "__dir__", "__doc__", "__format__", "__getattribute__"),
    *("__getstate__", "__init_subclass__", "__module__", "__new__", "__reduce__", "__setattr__"),
    *("__sizeof__", "__str__", "__subclasshook__", "__class_getitem__", "__dict__", "__weakref__"),
    *("__static_attributes__", "__firstlineno__"),
}
UNORDERED = {"__lt__", "__le__", "__gt__", "__ge__"}
SAFE = {
    dict: UNORDERED,
    defaultdict: UNORDERED,
    bytearray: {"maketrans", "__alloc__", "__buffer__", "__release_buffer__"},
    array.array: {"typecode", "itemsize", "__buffer__", "__release_buffer__"},
    deque: {"maxlen"},
    set: set(),
    Counter: {"_keep_positive"},
    OrderedDict: UNORDERED,
    np.ndarray: {
        # Through __array_ufunc__, and what an array of the Share is not written to by.
        *(
            f"__{prefix}{name}__"
            for prefix in ("", "r", "i")
            for name in (
                *("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow"),
                *("lshift", "rshift", "and", "or", "xor"),
            )
        ),
        *("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"),
        *("__neg__", "__pos__", "__abs__", "__invert__", "__len__"),
        *("__array_priority__", "__array_wrap__", "__buffer__", "__release_buffer__"),
        *("ndim", "size", "itemsize", "nbytes", "base", "flags"),
    },
}


@pytest.mark.parametrize("base", [*NODE_TYPES, np.ndarray], ids=lambda base: base.__name__)
def test_no_method_of_the_type_acts_on_the_replica_unrecorded(base):
    _kinds.kind_of(base)  # which imports what knows of arrays
    cls = NODE_TYPES[base]
    own = {name for parent in cls.__mro__[: cls.__mro__.index(base)] for name in vars(parent)}

    inherited = set(dir(base)) - own - ALWAYS_SAFE - SAFE.get(base, set())

    assert not inherited
    assert "__init__" in own
    assert cls.__hash__ is None


@pytest.mark.parametrize(
    "value",
    [
        [1, [2]],
        {"a": 1, "b": [2]},
        {1, 2},
        deque([1, [2]], 3),
        bytearray(b"abc"),
        defaultdict(list, a=[1]),
        Counter("aab"),
        OrderedDict(a=1, b=[2]),
        array.array("i", [1, 2]),
        np.arange(3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_container_is_of_its_type_and_copies_of_it_are_ordinary(share, value):
    share.x = value

    assert isinstance(share.x, type(value))
    assert repr(share.x) == repr(value)
    assert f"{share.x}" == f"{value}"
    for copied in (
        copy.copy(share.x),
        copy.deepcopy(share.x),
        *(pickle.loads(pickle.dumps(share.x, protocol)) for protocol in (2, 4, 5)),
    ):
        assert type(copied) is type(value)
        assert repr(copied) == repr(value)
    with pytest.raises(TypeError, match="unhashable type"):
        hash(share.x)
    with pytest.raises(TypeError):
        share.x.__init__(value)


# What design.md lists, and what this file's author was afraid of


def test_a_value_that_was_given_in_is_the_givers_own(share):
    given_in = [1]
    share.x = [given_in]
    share.x.append(given_in)

    given_in.append(2)

    assert share.x == [[1], [1]]


def test_what_is_taken_out_is_the_takers_own(partner, share):
    share.x = {"a": [1], "b": [2]}

    taken, (key, last) = share.x.pop("a"), share.x.popitem()
    taken.append(2)
    last.append(3)

    assert [type(taken), type(last)] == [list, list]
    assert (taken, key, last, share.x) == ([1, 2], "b", [2, 3], {})
    share.x = [([1],)]
    assert type(share.x.pop()[0]) is list


def test_popleft_gives_what_it_takes(partner, share):
    share.x = deque(range(5))

    assert [share.x.popleft(), partner.result("popleft"), share.x.popleft()] == [0, 1, 2]


def test_changes_at_any_depth_reach_the_other(partner, share):
    share.x = {"a": [{"b": deque([({"c": [1]},)])}]}

    share.x["a"][0]["b"][0][0]["c"].append(2)
    share.x["a"][0]["b"][0][0]["c"] += [3]
    share.x["a"][0]["b"][0][0]["c"][0] += 9

    expected = {"a": [{"b": deque([({"c": [10, 2, 3]},)])}]}
    assert share.x == partner.result("call", plain, ()) == expected


def test_a_list_in_a_tuple_can_be_changed(partner, share):
    share.x = ([1], ({"a": [2]},))

    share.x[0].append(3)
    share.x[1][0]["a"].append(4)

    assert partner.result("call", plain, ()) == ([1, 3], ({"a": [2, 4]},))


def test_what_stands_in_two_places_stays_one(partner, share):
    same = [1]
    share.x = {"first": {"list": same}, "second": {"list": same}}

    share.x["first"]["list"].append(2)
    assert partner.result("call", plain, ())["second"] == {"list": [1, 2]}
    del share.x["first"]
    share.x["second"]["list"].append(3)

    assert partner.result("call", plain, ()) == {"second": {"list": [1, 2, 3]}}


def test_circles_are_fine(partner, share):
    circle = {"numbers": [1]}
    circle["self"] = (circle, [circle])
    share.x = circle

    share.x["self"][1][0]["self"][0]["numbers"].append(2)

    found = partner.result("call", copy.deepcopy, ())
    assert found["numbers"] == [1, 2]
    assert found["self"][0] is found
    assert repr(share.x).count("{...}") == 2


def test_what_was_removed_can_be_read_but_not_changed(share):
    share.x = [[1], [2]]
    removed = share.x[0]
    del share.x[0]

    with pytest.raises(DetachedError, match=r"no longer part of share\.x"):
        removed.append(3)

    assert removed == [1]
    assert share.x == [[2]]


def test_a_handle_follows_what_the_other_writes(partner, share):
    share.x = [1]
    handle = share.x

    partner.result("append", 2)
    assert handle == [1, 2]
    partner.do("set", [7, 8, 9])

    assert (len(handle), handle[0], sum(handle)) == (3, 7, 24)


@pytest.mark.parametrize("depth", [100, 400])
def test_deep_nesting(partner, share, depth):
    share.x = innermost = []
    nested = innermost
    for _ in range(depth):
        nested = [nested]
    share.x = nested

    found = share.x
    for _ in range(depth):
        found = found[0]
    for number in range(1000):
        found.append(number)

    while len(nested) == 1 and nested:
        nested = nested[0]
    assert len(found) == 1000


def test_nothing_stays_of_tuples_that_passed_through(share):
    share.x = deque()
    for number in range(5000):
        share.x.append(([number],))
        share.x.popleft()

    assert len(share.x._replica._links) < 2000


def test_missing_keys_of_a_defaultdict_are_made_by_who_asks(partner, share):
    share.x = defaultdict(list)

    share.x["k"].append(os.getpid())
    partner.result("call", _append_pid, ("k",))

    assert share.x == {"k": [os.getpid(), partner.pid]}
    assert type(share.x.default_factory) is type
    share.x.default_factory = None
    with pytest.raises(KeyError):
        share.x["other"]


def _append_pid(x, key):
    x[key].append(os.getpid())


def test_a_counter_gives_zero_without_setting_it(share):
    share.x = Counter()

    assert share.x["k"] == 0
    assert "k" not in share.x


def test_a_computed_value_can_go_to_a_new_key(share):
    share.x = {"a": 1}

    share.x["b"] = share.x["a"] + 1
    share.x["c"] = share.x.get("c", 0) + 5

    assert share.x == {"a": 1, "b": 2, "c": 5}


class Key:
    """Equals itself only."""


def test_keys_that_equal_only_themselves_can_be_found(partner, share):
    share.x = {Key(): [1], Key(): [2]}
    first, second = share.x

    share.x[second].append(3)
    share.x[first] = "new"
    assert list(partner.result("call", dict, ()).values()) == ["new", [2, 3]]
    del share.x[first]

    assert list(partner.result("call", dict, ()).values()) == [[2, 3]]
    share.x = {float("nan"), 1}
    while share.x:
        share.x.pop()
    assert partner.result("call", len, ()) == 0


def test_a_comparison_that_reads_the_share_is_fine_and_one_that_changes_it_is_refused(share):
    share.x = [3, 1, 2]

    share.x.sort(key=lambda value: -share.x.index(value))
    assert share.x == [2, 1, 3]
    with pytest.raises(RuntimeError, match=r"share\.x was changed in the middle of a change"):
        share.x.sort(key=lambda value: share.x.append(value))

    assert share.x == [2, 1, 3]


def test_a_bytearray_can_grow_while_somebody_looks_into_it(partner, share):
    share.x = bytearray(b"ab")
    view = memoryview(share.x)

    share.x.extend(b"cd")
    partner.result("append", 101)

    assert share.x == b"abcde"
    assert partner.result("call", bytes, ()) == b"abcde"
    assert bytes(view) == b"ab"


def test_the_standard_library_reads_them(share):
    share.x = [1, 2, 4]

    bisect.insort(share.x, 3)
    random.shuffle(share.x)

    assert sorted(share.x) == [1, 2, 3, 4]
    assert json.loads(json.dumps(share.x)) == share.x
    assert heapq.nsmallest(2, share.x) == [1, 2]
    share.x = {"a": {"b": [1]}}
    assert json.dumps(share.x) == '{"a": {"b": [1]}}'
    assert dict(**share.x) == {**share.x} == {"a": {"b": [1]}}


READERS = {
    "list": (list, tuple, sorted, str, repr, len, bool, json.dumps, np.array, "".join, copy.copy)
    + (lambda x: [*x], lambda x: x + [], [].__add__, lambda x: x[:], lambda x: x * 1, pickle.dumps)
    + (lambda x: "y" in x, partial(operator.eq, ["x", "y"]), lambda x: x == ["x", "y"], reversed)
    + (lambda x: [0, 0].__setitem__(slice(0, 2), x), lambda x: x > ["x"], deque, max, set, iter),
    "dict": (list, dict, sorted, str, repr, len, bool, json.dumps, copy.copy, pickle.dumps, set)
    + (lambda x: {**x}, lambda x: dict(**x), lambda x: x | {}, {}.__or__, lambda x: x.items())
    + (lambda x: "y" in x, partial(operator.eq, {"x": 1, "y": 2}), lambda x: x == {"x": 1, "y": 2})
    + (Counter, OrderedDict, dict.fromkeys, "{y}".format_map, "{0[y]}".format),
    "set": (list, set, frozenset, sorted, len, bool, lambda x: x | set(), set().__or__)
    + (lambda x: "y" in x, lambda x: x == {"x", "y"}, {"x", "y"}.__eq__, {"y"}.isdisjoint),
    "bytes": (bytes, bytearray, list, len, bool, repr, b"".__add__, lambda x: x == b"xy"),
    "deque": (list, deque, tuple, len, repr, lambda x: x + deque(), deque().__add__),
}


@pytest.mark.parametrize("name", READERS)
def test_whoever_reads_a_container_sees_what_another_process_has_just_put_in(partner, share, name):
    before, after, change = {
        "list": (["x"], ["x", "y"], ("append", "y")),
        "dict": ({"x": 1}, {"x": 1, "y": 2}, ("__setitem__", "y", 2)),
        "set": ({"x"}, {"x", "y"}, ("add", "y")),
        "bytes": (bytearray(b"x"), bytearray(b"xy"), ("append", ord("y"))),
        "deque": (deque(["x"]), deque(["x", "y"]), ("append", "y")),
    }[name]
    for read in READERS[name]:
        share.x = before
        assert share.x == before

        assert partner.do(*change)[0] == "returned"

        seen, expected = read(share.x), read(after)
        if read is pickle.dumps:
            seen, expected = pickle.loads(seen), pickle.loads(expected)
        if isinstance(expected, Iterable) and not isinstance(expected, str | dict | set):
            seen, expected = list(seen), list(expected)
            if name == "set":  # which has no order
                seen, expected = sorted(seen), sorted(expected)
        assert seen == expected, read


def increment_all(share):
    for _ in range(200):
        share.list[0] += 1
        share.list += [0]
        share.dict["k"] += 1
        share.dict["l"] += [0]
        share.deque[0] = share.deque[0] + 1
        share.default["k"] += 1
        share.default["l" + str(share.default["k"] % 3)] += 1
        share.counter["k"] += 1
        share.counter.update("l")
        share.counter += Counter("m")
        share.ordered["k"] += 1
        share.array[0] += 1
        share.bytes[0] = (share.bytes[0] + 1) % 256
        share.bytes += b"x"
        share.numpy += 1
        share.numpy[0] += 1
        share.numpy[1:3] *= 1
        share.numpy[1:3] += 1
        share.numpy[[0, 3]] += 1
        share.number += np.int64(1)


def test_no_increment_is_lost():
    share = Share()
    share.list, share.dict, share.deque = [0], {"k": 0, "l": []}, deque([0])
    share.default, share.counter, share.ordered = defaultdict(int), Counter(), OrderedDict(k=0)
    share.array, share.bytes = array.array("q", [0]), bytearray(1)
    share.numpy, share.number = np.zeros(4, dtype=np.int64), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        children = []
        for _ in range(3):
            child = os.fork()
            if not child:
                try:
                    increment_all(share)
                    os._exit(0)
                except BaseException:
                    traceback.print_exc()
                finally:
                    os._exit(1)
            children.append(child)

    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]

    assert share.list[0] == len(share.list) - 1 == 600
    assert share.dict["k"] == len(share.dict["l"]) == 600
    assert share.deque[0] == share.ordered["k"] == share.array[0] == 600
    assert share.default["k"] == sum(share.default.values()) - 600 == 600
    assert share.counter == Counter(k=600, l=600, m=600)
    assert (share.bytes[0], len(share.bytes)) == (600 % 256, 601)
    assert list(share.numpy) == [1800, 1200, 1200, 1200]
    assert share.number == 600


def test_text_is_formatted_with_anything(share):
    class Text(str):
        __slots__ = ()

    share.x = "%s"

    assert share.x % [1] == "[1]"
    assert share.x + Text("!") == "%s!"
    with pytest.raises(TypeError, match="can only concatenate str"):
        share.x + 1


# NumPy

shapes = np.arange(12.0).reshape(3, 4)
indices = st.one_of(
    st.integers(-4, 4),
    st.tuples(st.integers(-4, 4), st.integers(-4, 4)),
    slices,
    st.tuples(slices, st.integers(0, 3)),
    st.lists(st.integers(0, 2), min_size=1, max_size=2),
    st.just(Ellipsis),
)
operands = st.one_of(numbers.map(float), st.just(np.ones(4)), st.just([1.0, 2.0, 3.0, 4.0]))


@members
@given(
    sequence_of(
        op("__setitem__", indices, operands),
        op("augment", indices, augmenting, operands),
        op("in place", st.sampled_from(["iadd", "imul", "isub"]), operands),
        op("__getitem__", indices),
        op("fill", numbers),
        op("sort"),
        op("sum"),
        op("tolist"),
        op("copy"),
        on_x("add", operands),
        on_x("matmul", st.just(np.ones((4, 3)))),
        call(np.mean),
        call(np.transpose),
        call(len),
        call(np.asarray),
        call(repr),
    )
)
def test_an_array_of_numpy_is_what_one_would_be(partner, operations):
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        model = Outsider()
        model.x = shapes.copy()
        partner.share.x = shapes
        for is_partners, operation in operations:
            before = model.x.copy()
            expected = carry_out(model, pickle.loads(pickle.dumps(operation)))
            if expected[0] == "raised":
                model.x = before
            done = partner.do(*operation) if is_partners else carry_out(partner.share, operation)
            assert done[0] == expected[0], (done, expected)
            assert repr(done[1]) == repr(expected[1])
            assert repr(np.asarray(partner.share.x)) == repr(model.x)
            assert repr(partner.result("call", plain, ())) == repr(model.x)


def test_an_array_of_numpy_is_read_without_a_copy_and_written_to_by_itself_only(share):
    share.x = shapes

    assert np.shares_memory(np.asarray(share.x), np.asarray(share.x))
    assert np.shares_memory(np.asarray(share.x[1:]), np.asarray(share.x))
    assert type(np.asarray(share.x)) is type(share.x + 1) is type(np.sqrt(share.x)) is np.ndarray
    for write in (
        lambda: np.asarray(share.x).fill(0),
        lambda: operator.setitem(share.x.flat, 0, 1),
        lambda: operator.setitem(memoryview(share.x), (0, 0), 1),
        lambda: np.copyto(share.x, 0),
        lambda: setattr(share.x, "shape", (12,)),
        lambda: share.x.resize(3),
    ):
        with pytest.raises((ValueError, TypeError, AttributeError)):
            write()
    assert (share.x == shapes).all()


def test_what_numpy_warns_of_it_warns_the_writer_of_alone(partner, share):
    share.x = np.zeros(2)

    with np.errstate(divide="ignore"):
        share.x **= -1.0

    assert partner.result("tolist") == [float("inf")] * 2
    share.x = np.zeros(2)
    with pytest.raises(RuntimeWarning):
        share.x **= -1.0


def test_views_of_an_array_write_through(partner, share):
    share.x = shapes

    share.x.T[0] = 7
    share.x[1][2] = 8
    share.x.reshape(-1)[-1] = 9
    np.add(share.x, 1, out=share.x)
    np.add.at(share.x, (0, 0), 5)
    share.x[share.x > 9] -= 1

    expected = shapes.copy()
    expected.T[0] = 7
    expected[1][2] = 8
    expected.reshape(-1)[-1] = 9
    np.add(expected, 1, out=expected)
    np.add.at(expected, (0, 0), 5)
    expected[expected > 9] -= 1
    assert (partner.result("call", plain, ()) == expected).all()


def test_numbers_of_numpy_stay_what_they_are(partner, share):
    share.x = np.float64(1.5)
    share.x += 1
    share.x = 2 * share.x

    assert isinstance(share.x, np.float64)
    assert repr(share.x) == repr(np.float64(5.0))


def test_nothing_imports_numpy_before_an_array_is_there():
    program = (
        "import sys\n"
        "from suitkaise.processing._share._share import Share\n"
        "share = Share()\n"
        "share.x = [1]\n"
        "share.x.append(2)\n"
        "assert 'numpy' not in sys.modules\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True)
