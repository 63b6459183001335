"""Containers in a Share, side by side with ordinary ones, by two processes in turns."""

import array
import bisect
import contextlib
import copy
import gc
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

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suitkaise.processing._share import _kinds  # noqa: F401  registers the containers
from suitkaise.processing._share._node import NODE_TYPES, PLAIN_TYPES, Node
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
        expected = carry_out(model, pickle.loads(pickle.dumps(operation)))
        if is_partners:
            outcome = partner.do(*operation)
        else:
            outcome = carry_out(partner.share, operation)
        assert outcome[0] == expected[0], (operation, model.x)
        assert type(outcome[1]) is type(expected[1])
        assert is_equal(outcome[1:], expected[1:])
        assert_same(plain(partner.share.x), model.x)
        assert_same(partner.result("call", plain, ()), model.x)


def is_equal(one, other):
    return repr(one) == repr(other) if not isinstance(one, (set, frozenset)) else one == other


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
