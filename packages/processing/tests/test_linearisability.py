"""The checker of histories: right and wrong ones by hand, and drawn ones beside brute force."""

from __future__ import annotations

import itertools
import pickle
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packages.processing.tests.linearisability import (
    UNSEEN,
    Model,
    NotLinearisableError,
    Operation,
    Raised,
    UndecidedError,
    check,
    counter,
    freeze,
    is_linearisable,
    mapping,
    register,
    sequence,
)

INITIAL = {
    "register": register(0),
    "counter": counter(),
    "list": sequence(),
    "map": mapping(),
}


def did(
    begin: int, end: int | None, action: str, *arguments: Any, gave: Any = UNSEEN, to: str = ""
) -> Operation:
    return Operation(f"process {begin}", begin, end, to, action, arguments, gave)


def verdict(kind: str, *history: Operation) -> bool:
    """Judge a history of one object, in whatever order it is given."""
    history = tuple(operation._replace(target="object") for operation in history)
    verdicts = {
        is_linearisable(order, {"object": INITIAL[kind]}) for order in (history, history[::-1])
    }
    assert len(verdicts) == 1
    return verdicts.pop()


RIGHT: dict[str, tuple[Any, ...]] = {
    "nothing happened": ("register",),
    "a read sees the first state": ("register", did(0, 1, "read", gave=0)),
    "a read sees the write before it": (
        "register",
        did(0, 1, "write", 7),
        did(2, 3, "read", gave=7),
    ),
    "two reads during a write see it or not": (
        "register",
        did(0, 9, "write", 7),
        did(1, 8, "read", gave=7),
        did(2, 7, "read", gave=0),
    ),
    "what ends as another begins is concurrent with it": (
        "register",
        did(0, 5, "write", 7),
        did(5, 6, "read", gave=0),
    ),
    "two writes at once, in either order": (
        "register",
        did(0, 9, "write", 1),
        did(1, 8, "write", 2),
        did(10, 11, "read", gave=1),
    ),
    "a killed write happened": (
        "register",
        did(0, None, "write", 7),
        did(5, 6, "read", gave=0),
        did(20, 21, "read", gave=7),
    ),
    "a killed write did not happen": (
        "register",
        did(0, None, "write", 7),
        did(5, 6, "read", gave=0),
    ),
    "a type changes": (
        "register",
        did(0, 1, "write", [1, {"a": [2]}]),
        did(2, 3, "read", gave=[1, {"a": [2]}]),
        did(4, 5, "write", None),
        did(6, 7, "read", gave=None),
    ),
    "increments at once add up": (
        "counter",
        did(0, 9, "increment", 1),
        did(1, 8, "increment", 2, gave=3),
        did(2, 7, "increment", 3, gave=6),
        did(10, 11, "read", gave=6),
    ),
    "an increment before or after an assignment": (
        "counter",
        did(0, 9, "increment", 1),
        did(0, 9, "write", 5),
        did(10, 11, "read", gave=5),
    ),
    "appends at once, in either order": (
        "list",
        did(0, 9, "append", "a"),
        did(1, 8, "append", "b"),
        did(10, 11, "read", gave=["b", "a"]),
        did(10, 12, "len", gave=2),
    ),
    "a pop takes what is being appended": (
        "list",
        did(0, 9, "append", "a"),
        did(1, 8, "pop", gave="a"),
        did(10, 11, "pop", gave=Raised("IndexError")),
    ),
    "a killed pop took the item": (
        "list",
        did(0, 1, "append", "a"),
        did(2, None, "pop"),
        did(4, 5, "read", gave=["a"]),
        did(6, 7, "read", gave=[]),
    ),
    "keys come and go": (
        "map",
        did(0, 1, "set", ("a",), 1),
        did(2, 3, "increment", ("a",), 4, gave=5),
        did(4, 5, "get", ("a",), gave=5),
        did(6, 7, "delete", ("a",)),
        did(8, 9, "get", ("a",), gave=Raised("KeyError")),
        did(8, 9, "delete", ("a",), gave=Raised("KeyError")),
        did(8, 9, "increment", ("a",), 1, gave=Raised("KeyError")),
        did(10, 11, "len", gave=0),
    ),
    "a map in a map": (
        "map",
        did(0, 1, "set", ("a",), {"b": 1}),
        did(2, 9, "increment", ("a", "b"), 1),
        did(2, 9, "set", ("a", "c"), 7),
        did(10, 11, "read", gave={"a": {"b": 2, "c": 7}}),
        did(12, 13, "delete", ("a", "b")),
        did(14, 15, "get", ("a",), gave={"c": 7}),
        did(14, 15, "get", ("x", "b"), gave=Raised("KeyError")),
    ),
}

WRONG: dict[str, tuple[Any, ...]] = {
    "a stale read": ("register", did(0, 1, "write", 7), did(2, 3, "read", gave=0)),
    "a write that never happened": (
        "register",
        did(0, 1, "write", 7),
        did(2, 3, "write", 8),
        did(4, 5, "read", gave=7),
    ),
    "a write that comes back after it was overwritten": (
        "register",
        did(0, 9, "write", 1),
        did(0, 9, "write", 2),
        did(10, 11, "read", gave=2),
        did(12, 13, "read", gave=1),
        did(14, 15, "read", gave=2),
    ),
    "a value out of thin air": (
        "register",
        did(0, 1, "write", 7),
        did(0, 5, "read", gave=8),
    ),
    "a read before its write began": (
        "register",
        did(0, 1, "read", gave=7),
        did(2, 3, "write", 7),
    ),
    "new, then old, during one write": (
        "register",
        did(0, 9, "write", 7),
        did(1, 2, "read", gave=7),
        did(3, 4, "read", gave=0),
    ),
    "two readers see two writes in two orders": (
        "register",
        did(0, 99, "write", 1),
        did(0, 99, "write", 2),
        did(10, 20, "read", gave=1),
        did(21, 30, "read", gave=2),
        did(31, 40, "read", gave=1),
    ),
    "a killed write that happened and is undone": (
        "register",
        did(0, None, "write", 7),
        did(1, 2, "read", gave=7),
        did(3, 4, "read", gave=0),
    ),
    "a killed write that happened before it began": (
        "register",
        did(0, 1, "read", gave=7),
        did(2, None, "write", 7),
    ),
    "half a value": (
        "register",
        did(0, None, "write", [7, 7]),
        did(1, 2, "read", gave=[7, 0]),
    ),
    "a lost increment": (
        "counter",
        did(0, 9, "increment", 1),
        did(1, 8, "increment", 1),
        did(10, 11, "read", gave=1),
    ),
    "an increment done twice": (
        "counter",
        did(0, 9, "increment", 1),
        did(10, 11, "read", gave=2),
    ),
    "two increments that return the same": (
        "counter",
        did(0, 9, "increment", 1, gave=1),
        did(1, 8, "increment", 1, gave=1),
    ),
    "an increment that survives an assignment after it": (
        "counter",
        did(0, 1, "increment", 1),
        did(2, 3, "write", 5),
        did(4, 5, "read", gave=6),
    ),
    "a killed increment done twice": (
        "counter",
        did(0, None, "increment", 1),
        did(1, 2, "read", gave=1),
        did(3, 4, "read", gave=2),
    ),
    "an item popped twice": (
        "list",
        did(0, 1, "append", "a"),
        did(2, 9, "pop", gave="a"),
        did(3, 8, "pop", gave="a"),
    ),
    "an item popped and still there": (
        "list",
        did(0, 1, "append", "a"),
        did(2, 3, "pop", gave="a"),
        did(4, 5, "read", gave=["a"]),
    ),
    "an order of appends that contradicts time": (
        "list",
        did(0, 1, "append", "a"),
        did(2, 3, "append", "b"),
        did(4, 5, "read", gave=["b", "a"]),
    ),
    "two orders of the same appends": (
        "list",
        did(0, 9, "append", "a"),
        did(0, 9, "append", "b"),
        did(10, 11, "read", gave=["a", "b"]),
        did(12, 13, "read", gave=["b", "a"]),
    ),
    "an append that is lost": (
        "list",
        did(0, 9, "append", "a"),
        did(0, 9, "append", "b"),
        did(10, 11, "len", gave=1),
    ),
    "an append to a list that was replaced": (
        "list",
        did(0, 1, "append", "a"),
        did(2, 3, "write", []),
        did(4, 5, "append", "b"),
        did(6, 7, "read", gave=["a", "b"]),
    ),
    "a pop from an empty list that is not": (
        "list",
        did(0, 1, "append", "a"),
        did(2, 3, "pop", gave=Raised("IndexError")),
    ),
    "a killed pop that took two": (
        "list",
        did(0, 1, "write", ["a", "b"]),
        did(2, None, "pop"),
        did(4, 5, "len", gave=0),
    ),
    "a killed append that changed the length alone": (
        "list",
        did(0, None, "append", "a"),
        did(2, 3, "len", gave=1),
        did(4, 5, "read", gave=[]),
    ),
    "a lost increment of a key": (
        "map",
        did(0, 1, "set", ("a",), 0),
        did(2, 9, "increment", ("a",), 1),
        did(2, 9, "increment", ("a",), 1),
        did(10, 11, "get", ("a",), gave=1),
    ),
    "a key that is there after it was deleted": (
        "map",
        did(0, 1, "set", ("a",), 1),
        did(2, 3, "delete", ("a",)),
        did(4, 5, "get", ("a",), gave=1),
    ),
    "a key that an increment brought back": (
        "map",
        did(0, 1, "set", ("a",), 1),
        did(2, 9, "delete", ("a",)),
        did(2, 9, "increment", ("a",), 1),
        did(10, 11, "get", ("a",), gave=2),
    ),
    "an increment of a key that is gone, without an error": (
        "map",
        did(0, 1, "set", ("a",), 1),
        did(2, 3, "delete", ("a",)),
        did(4, 5, "increment", ("a",), 1),
    ),
    "a key deleted twice": (
        "map",
        did(0, 1, "set", ("a",), 1),
        did(2, 9, "delete", ("a",), gave=None),
        did(2, 9, "delete", ("a",), gave=None),
    ),
    "a length that fits no moment": (
        "map",
        did(0, 1, "set", ("a",), 1),
        did(2, 9, "set", ("b",), 1),
        did(3, 8, "len", gave=0),
    ),
    "two keys seen in an order in which they were not set": (
        "map",
        did(0, 1, "set", ("a",), 1),
        did(2, 3, "set", ("b",), 1),
        did(0, 9, "read", gave={"b": 1}),
    ),
    "an item of a map in a map that was replaced": (
        "map",
        did(0, 1, "set", ("a",), {"b": 1}),
        did(2, 3, "set", ("a",), {}),
        did(4, 5, "increment", ("a", "b"), 1, gave=2),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_history_is_accepted(name: str) -> None:
    kind, *history = RIGHT[name]

    assert verdict(kind, *history)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_history_is_refused(name: str) -> None:
    kind, *history = WRONG[name]

    assert not verdict(kind, *history)


def test_each_object_is_judged_by_itself() -> None:
    models = {"a": register(0), "b": counter()}
    right = [did(0, 1, "write", 7, to="a"), did(2, 3, "read", gave=0, to="b")]
    wrong = [did(4, 5, "read", gave=1, to="b")]

    check(right, models)

    with pytest.raises(NotLinearisableError, match=r"not linearisable: b"):
        check(right + wrong, models)


def test_the_message_shows_how_far_it_goes_and_why_not_further() -> None:
    history = [did(0, 1, "write", 7, to="x"), did(2, 3, "read", gave=0, to="x")]

    with pytest.raises(NotLinearisableError) as caught:
        check(history, {"x": register(0)})

    assert str(caught.value).splitlines() == [
        "not linearisable: x",
        "an order as long as there is:",
        "  process 0: x.write(7) -> ?  [0, 1]",
        "after these 1 it is 7; next could come",
        "  process 2: x.read() -> 0  [2, 3]",
        "    which would give 7",
    ]


def test_an_operation_that_ended_before_it_began_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ended before it began: .*x.read"):
        check([did(5, 4, "read", to="x")], {"x": register()})


def test_a_history_that_is_too_entangled_is_no_verdict() -> None:
    appends = [did(0, 99, "append", number, to="x") for number in range(12)]
    wrong = did(100, 101, "read", gave=["?"], to="x")

    with pytest.raises(UndecidedError, match=r"13 operations on x .* after 1,000 states"):
        check([*appends, wrong], {"x": sequence()}, most_states=1_000)


def test_a_long_history_of_several_processes_is_judged_in_moderate_steps() -> None:
    random_ = random.Random(0)
    history = [_spread(op, random_, 25) for op in _sequential_run("list", random_, 2_000)]

    check(history, {"object": INITIAL["list"]}, most_states=50_000)


def test_an_operation_survives_pickling() -> None:
    operation = did(0, None, "write", 7)

    copy = pickle.loads(pickle.dumps(operation))

    assert copy == operation
    assert copy.result is UNSEEN


# Histories drawn at random, each beside what brute force says of it.

_KEYS = [("a",), ("b",), ("m", "a"), ("m", "b")]


def _action(kind: str, random_: random.Random) -> tuple[str, tuple[Any, ...]]:
    number = random_.randrange(100)
    path = random_.choice(_KEYS)
    choices: dict[str, list[tuple[str, tuple[Any, ...]]]] = {
        "register": [("read", ()), ("write", (number,))],
        "counter": [("read", ()), ("increment", (1,)), ("increment", (2,)), ("write", (number,))],
        "list": [
            ("append", (number,)),
            ("append", (number,)),
            ("pop", ()),
            ("len", ()),
            ("read", ()),
            ("write", ([number],)),
        ],
        "map": [
            ("set", (path, number)),
            ("set", (("m",), {"a": number})),
            ("get", (path,)),
            ("delete", (path,)),
            ("increment", (path, 1)),
            ("len", ()),
            ("read", ()),
        ],
    }
    return random_.choice(choices[kind])


def _sequential_run(kind: str, random_: random.Random, count: int) -> list[Operation]:
    """Return operations one after another, ten nanoseconds apart, with what each gave."""
    model, history = INITIAL[kind], []
    state = model.initial
    for number in range(count):
        action, arguments = _action(kind, random_)
        state, result = model.apply(state, action, arguments)
        moment = 10 * number
        history.append(Operation(number, moment, moment, "object", action, arguments, result))
    return history


def _spread(operation: Operation, random_: random.Random, most: int) -> Operation:
    """Let an operation begin earlier and end later than it happened."""
    assert operation.end is not None
    return operation._replace(
        begin=operation.begin - random_.randrange(most),
        end=operation.end + random_.randrange(most),
    )


def _kill(operation: Operation, random_: random.Random) -> Operation:
    return operation if random_.random() < 0.8 else operation._replace(end=None, result=UNSEEN)


def _mutated(history: list[Operation], random_: random.Random) -> list[Operation]:
    """Change something that makes it wrong, often."""
    history = history.copy()
    one, other = random_.choices(range(len(history)), k=2)
    match random_.randrange(4):
        case 0:
            history[one] = history[one]._replace(result=history[other].result)
        case 1:
            result = random_.choice([0, 1, (), (1,), None, UNSEEN])
            history[one] = history[one]._replace(result=result)
        case 2:
            history[one], history[other] = (
                history[one]._replace(begin=history[other].begin, end=history[other].end),
                history[other]._replace(begin=history[one].begin, end=history[one].end),
            )
        case 3:
            del history[one]
    return history


def _has_an_order(history: list[Operation], model: Model) -> bool:
    """Try every order of everything, with and without what was killed."""
    killed = [operation for operation in history if operation.end is None]
    ended = [operation for operation in history if operation.end is not None]
    return any(
        _explains(order, model)
        for count in range(len(killed) + 1)
        for happened in itertools.combinations(killed, count)
        for order in itertools.permutations([*ended, *happened])
    )


def _explains(order: tuple[Operation, ...], model: Model) -> bool:
    for earlier, later in itertools.combinations(order, 2):
        if later.end is not None and later.end < earlier.begin:
            return False
    state = model.initial
    for operation in order:
        state, result = model.apply(state, operation.action, operation.arguments)
        if operation.end is None:
            continue
        if operation.result is UNSEEN:
            if isinstance(result, Raised):
                return False
        elif freeze(operation.result) != result:
            return False
    return True


_kinds = st.sampled_from(sorted(INITIAL))
_randoms = st.randoms(use_true_random=False)


@settings(deadline=None)
@given(_kinds, _randoms, st.integers(1, 60), st.integers(1, 30))
def test_a_sequential_run_with_overlapping_intervals_is_accepted(
    kind: str, random_: random.Random, count: int, most: int
) -> None:
    run = _sequential_run(kind, random_, count)
    history = [_kill(_spread(operation, random_, most), random_) for operation in run]
    random_.shuffle(history)

    check(history, {"object": INITIAL[kind]})


@settings(deadline=None)
@given(_kinds, _randoms, st.integers(1, 6), st.integers(1, 40))
def test_the_verdict_on_a_mutated_history_is_that_of_brute_force(
    kind: str, random_: random.Random, count: int, most: int
) -> None:
    run = _sequential_run(kind, random_, count)
    spread = [_kill(_spread(operation, random_, most), random_) for operation in run]
    history = _mutated(spread, random_)

    assert is_linearisable(history, {"object": INITIAL[kind]}) == _has_an_order(
        history, INITIAL[kind]
    )


def test_mutated_histories_are_of_both_kinds() -> None:
    random_ = random.Random(0)

    verdicts = [
        is_linearisable(_mutated(run, random_), {"object": INITIAL[kind]})
        for kind in sorted(INITIAL)
        for _ in range(50)
        for run in [[_spread(op, random_, 25) for op in _sequential_run(kind, random_, 6)]]
    ]

    assert 20 < sum(verdicts) < len(verdicts) - 20
