import functools
import itertools
import threading
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from io import BytesIO
from pickle import PickleBuffer

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize
from suitkaise.cucumber._deep_pickler import DeepPickler
from suitkaise.cucumber._payload import HEADER
from suitkaise.cucumber._pickler import Pickler


@dataclass
class Node:
    value: int
    next: "Node | None" = None


@dataclass
class Slotted:
    __slots__ = ("next",)
    next: "Slotted | None"


class Keyed:
    def __init__(self, *, key):
        self.key = key

    def __getnewargs_ex__(self):
        return (), {"key": self.key}

    def __new__(cls, *, key):
        return super().__new__(cls)


class Words(list):
    pass


def chain(length):
    """A linked list, made from its end."""
    node = None
    for value in reversed(range(length)):
        node = Node(value, node)
    return node


def values_of(node):
    values = []
    while node is not None:
        values.append(node.value)
        node = node.next
    return values


def nested(depth, wrap):
    thing = wrap(None)
    for _ in range(depth):
        thing = wrap(thing)
    return thing


def depth_of(thing, unwrap):
    depth = 0
    while (thing := unwrap(thing)) is not None:
        depth += 1
    return depth


def take_deep(obj, buffers=None):
    """Send an object through the deep pickler alone."""
    file = BytesIO()
    file.write(HEADER)
    DeepPickler(file, buffers, Pickler(BytesIO(), 5)).dump(obj)
    return deserialize(file.getvalue())


@pytest.mark.comes_back(
    "structures of any depth", how="as they were; more than a million levels are an error"
)
def test_a_linked_list_of_twenty_thousand_nodes_travels():
    copy = deserialize(serialize(chain(20_000)))

    assert values_of(copy) == list(range(20_000))


@pytest.mark.parametrize(
    ("wrap", "unwrap"),
    [
        (lambda thing: [thing], lambda thing: thing[0]),
        (lambda thing: (thing,), lambda thing: thing[0]),
        (lambda thing: (1, 2, 3, thing), lambda thing: thing[3]),
        (lambda thing: {"key": thing}, lambda thing: thing["key"]),
        (lambda thing: {1: 1, 2: {3: thing}}, lambda thing: thing[2][3]),
        (lambda thing: deque([thing]), lambda thing: thing[0]),
        (lambda thing: Slotted(thing), lambda thing: thing.next),
        (lambda thing: Words([thing]), lambda thing: thing[0]),
        (lambda thing: functools.partial(max, thing), lambda thing: thing.args[0]),
    ],
)
def test_what_is_nested_five_thousand_deep_travels(wrap, unwrap):
    copy = deserialize(serialize(nested(5_000, wrap)))

    assert depth_of(copy, unwrap) == 5_000


def test_closures_nested_deep_travel():
    def follow(after):
        return lambda: after

    innermost = function = follow("end")
    for _ in range(3_000):
        function = follow(function)

    copy = deserialize(serialize(function))

    for _ in range(3_000):
        copy = copy()
    assert copy() == innermost() == "end"


def test_a_cycle_through_twenty_thousand_nodes_closes():
    first = last = chain(20_000)
    while last.next is not None:
        last = last.next
    last.next = first

    copy = deserialize(serialize(first))

    node = copy
    for _ in range(20_000):
        node = node.next
    assert node is copy


def test_deep_things_travel_from_a_thread():
    payloads = []
    thread = threading.Thread(target=lambda: payloads.append(serialize(chain(20_000))))
    thread.start()
    thread.join(60)

    assert values_of(deserialize(payloads[0])) == list(range(20_000))


def test_deep_things_arrive_in_another_process(load_elsewhere):
    payload = serialize(nested(5_000, lambda thing: [thing]))

    lines = "depth = 0\nwhile value[0] is not None:\n    value, depth = value[0], depth + 1\n"
    assert load_elsewhere(payload, lines + "print(depth)") == "5000"


def test_a_generator_beside_something_deep_is_consumed_once():
    squares = (number**2 for number in range(4))
    endless = itertools.count(3)

    copy = deserialize(serialize([squares, endless, chain(20_000)]))

    assert list(copy[0]) == [0, 1, 4, 9]
    assert next(copy[1]) == 3


def test_buffers_beside_something_deep_are_offered_once():
    offered = []
    before, after = PickleBuffer(bytearray(b"before")), PickleBuffer(bytearray(b"after"))

    payload = serialize([before, chain(20_000), after], buffers=offered.append)

    assert [bytes(buffer) for buffer in offered] == [b"before", b"after"]
    copy = deserialize(payload, buffers=offered)
    assert (bytes(copy[0]), bytes(copy[2])) == (b"before", b"after")


def test_a_buffer_that_is_kept_in_the_bytes_stays_there():
    buffer = PickleBuffer(bytearray(b"kept"))

    copy = deserialize(serialize([buffer, chain(20_000)], buffers=lambda buffer: True))

    assert copy[0] == b"kept"


def test_what_cannot_travel_is_named_however_deep_it_is():
    thing = itertools.cycle("ab")
    for _ in range(5_000):
        thing = [thing]

    with pytest.raises(SerializationError, match="endless") as caught:
        serialize(thing)

    assert caught.value.path == "[0]" * 5_000


def test_what_makes_itself_ever_deeper_is_an_error_that_says_how_deep(monkeypatch):
    class Endless:
        def __reduce__(self):
            return Endless, (), {"deeper": Endless()}

    monkeypatch.setattr("suitkaise.cucumber._deep_pickler.MAX_DEPTH", 50_000)
    with pytest.raises(SerializationError, match="more than 50,000 levels"):
        serialize(Endless())


def test_an_endless_recursion_in_a_reduce_method_is_an_error():
    class Recursive:
        def __reduce__(self):
            return self.__reduce__()

    with pytest.raises(SerializationError, match="RecursionError"):
        serialize([Recursive()])


def test_the_deep_pickler_writes_what_the_quick_one_does():
    shared = [1, 2]
    cycle = {"self": None}
    cycle["self"] = cycle
    recursive_tuple = ([],)
    recursive_tuple[0].append(recursive_tuple)
    words = Words(["a"])
    words.append(words)
    things = [
        *(None, True, 7, -(2**80), 1.5, 1j, "text", "\ud800", b"bytes", bytearray(b"more")),
        *(Ellipsis, NotImplemented, int, len, range(3), slice(1, 2)),
        *((), (1,), (1, 2, 3), (1, 2, 3, 4), [], {}, set(), {1, 2}, frozenset({3})),
        *(list(range(2_500)), dict.fromkeys(range(2_500)), set(range(2_500))),
        *(OrderedDict(a=1), defaultdict(list, b=[2]), deque([1], maxlen=3)),
        *(Node(1), Slotted(None), Keyed(key="k").key, b"x" * 100_000),
    ]

    copy, *twins = take_deep([things, shared, shared])

    assert copy == things
    assert type(copy[9]) is bytearray
    assert twins[0] is twins[1]
    assert take_deep(Keyed(key="k")).key == "k"
    assert (lambda copy: copy["self"] is copy)(take_deep(cycle))
    assert (lambda copy: copy[0][0] is copy)(take_deep(recursive_tuple))
    assert (lambda copy: copy[1] is copy and type(copy).__name__ == "Words")(take_deep(words))


def test_the_deep_pickler_takes_functions_and_classes_by_value_and_handlers():
    class Local:
        def double(self, number):
            return super().__hash__() and number * 2

    lock = threading.Lock()
    error = ValueError("inner")

    cls, function, lock_copy, failure = take_deep([Local, lambda x: x + 1, lock, error])

    assert cls().double(4) == 8
    assert function(1) == 2
    assert lock_copy.acquire(blocking=False)
    assert failure.args == ("inner",)
