"""Whether what several processes saw of shared objects can be explained by one order of operations.

A history is linearisable if every operation can be given a moment between its begin and its end,
such that the operations, one after another in the order of these moments, give what was seen
(Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", 1990).

The search is Wing's and Gong's ("Testing and verifying concurrent objects", 1993) in the form of
Lowe ("Testing for linearizability", 2017), as in porcupine and knossos: try each operation that
could have been the next, go back when none fits, and never look twice at the same set of done
operations in the same state. Histories are taken apart by object, and maps by key where nothing
looks at the map as a whole, which changes no verdict (Horn and Kroening, "Faster linearizability
checking via P-compositionality", 2015). There was no checker for Python on PyPI.

Times are those of `time.monotonic_ns`, which all processes of a machine share. An operation whose
process was killed has no end: it happened at some moment after its begin, or never.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MOST_STATES = 2_000_000  # the problem is NP-complete; a few seconds must do


class Raised(NamedTuple):
    """The result of an operation that raised, such as a `pop` from an empty list."""

    error: str


class _Unseen:
    def __repr__(self) -> str:
        return "unseen"

    def __reduce__(self) -> str:
        return "UNSEEN"


UNSEEN = _Unseen()
"""Nobody looked at the result, or its process was killed; without a kill it did not raise."""


class Operation(NamedTuple):
    """What a process did to an object, and saw.

    Attributes:
        process: Who did it; for messages only.
        begin: Nanoseconds, taken before.
        end: Nanoseconds, taken after; None: the process was killed.
        target: The name of the object.
        action: One of its model's.
        arguments: Of the action.
        result: What it returned, `Raised`, or `UNSEEN`.
    """

    process: Hashable
    begin: int
    end: int | None
    target: str
    action: str
    arguments: tuple[Any, ...] = ()
    result: Any = UNSEEN

    def __str__(self) -> str:
        arguments = ", ".join(map(repr, self.arguments))
        result = "?" if self.result is UNSEEN else repr(self.result)
        end = "killed" if self.end is None else self.end
        return (
            f"{self.process}: {self.target}.{self.action}({arguments}) -> {result}"
            f"  [{self.begin}, {end}]"
        )


class NotLinearisableError(AssertionError):
    """No order of the operations explains what was seen."""


class UndecidedError(AssertionError):
    """The history is too entangled to be judged."""


def freeze(value: Any) -> Any:
    """Return a value that can be hashed and compared: lists as tuples, maps as frozen sets."""
    if isinstance(value, dict):
        return frozenset((key, freeze(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(freeze(item) for item in value)
    return value


# From a state and arguments to the state after it, and what is returned; raises as the real one.
_Effect = Callable[..., tuple[Any, Any]]


@dataclass(frozen=True)
class Model:
    """What an object does when nobody else is at it.

    Attributes:
        effects: What each action does; states are immutable.
        initial: The first state, frozen.
        key_of: The part of the object that an operation is about, or None if it is about all of it;
            None: there are no parts.
    """

    effects: Mapping[str, _Effect]
    initial: Any
    key_of: Callable[[Operation], Hashable | None] | None = None

    def apply(self, state: Any, action: str, arguments: Sequence[Any]) -> tuple[Any, Any]:
        """Return the state after an action, and its result, frozen."""
        try:
            after, result = self.effects[action](state, *arguments)
        except LookupError as error:
            return state, Raised(type(error).__name__)
        return after, freeze(result)


def register(initial: Any = None) -> Model:
    """`read()`, `write(value)`."""
    return Model(_WHOLE, freeze(initial))


def counter(initial: int = 0) -> Model:
    """A register of a number, with `increment(by)`, which returns the new one."""
    return Model({**_WHOLE, "increment": lambda number, by: (number + by,) * 2}, initial)


def sequence(initial: Sequence[Any] = ()) -> Model:
    """A register of a list, with `append(item)`, `pop()`, `len()`."""
    return Model(
        {
            **_WHOLE,
            "append": lambda items, item: ((*items, freeze(item)), None),
            "pop": lambda items: (items[:-1], items[-1]),
            "len": lambda items: (items, len(items)),
        },
        freeze(list(initial)),
    )


def mapping(initial: Mapping[Hashable, Any] | None = None) -> Model:
    """A register of a dict, with `get`, `set`, `delete`, `increment` and `len`.

    Their first argument is a path, such as `("a", "b")` for `share.d["a"]["b"]`; `len()` has none.
    """
    return Model(
        {
            **_WHOLE,
            "get": lambda pairs, path: (pairs, _item(pairs, path)),
            "set": lambda pairs, path, value: (_with(pairs, path, freeze(value)), None),
            "delete": lambda pairs, path: (_without(pairs, path), None),
            "increment": _increment_item,
            "len": lambda pairs: (pairs, len(pairs)),
        },
        freeze(dict(initial or {})),
        _key_of,
    )


_WHOLE: dict[str, _Effect] = {
    "read": lambda state: (state, state),
    "write": lambda _, value: (freeze(value), None),
}


def _key_of(operation: Operation) -> Hashable | None:
    is_whole = operation.action in ("read", "write", "len")
    return None if is_whole else operation.arguments[0][0]


def _item(pairs: Any, path: tuple[Hashable, ...]) -> Any:
    for key in path:
        pairs = dict(pairs)[key]
    return pairs


def _with(pairs: Any, path: tuple[Hashable, ...], value: Any) -> Any:
    key, *rest = path
    items = dict(pairs)
    items[key] = _with(items[key], tuple(rest), value) if rest else value
    return frozenset(items.items())


def _without(pairs: Any, path: tuple[Hashable, ...]) -> Any:
    key, *rest = path
    items = dict(pairs)
    if rest:
        items[key] = _without(items[key], tuple(rest))
    else:
        del items[key]
    return frozenset(items.items())


def _increment_item(pairs: Any, path: tuple[Hashable, ...], by: int) -> tuple[Any, Any]:
    number = _item(pairs, path) + by
    return _with(pairs, path, number), number


@dataclass
class _Search:
    """The search for an order of the operations on one object, or one key of it.

    Attributes:
        operations: By their begin.
        model: Of the object.
        most_states: After how many to give up.
        best: The longest order that was found, and the state after it.
        looked_at: Sets of done operations, as bits, each with the state after them.
    """

    operations: list[Operation]
    model: Model
    most_states: int
    best: tuple[list[int], Any] = ([], None)
    looked_at: set[tuple[int, Any]] = field(default_factory=set)

    def succeeds(self) -> bool:
        """Whether there is an order; `best` is it, or else how far it goes."""
        remaining = _Remaining(self.operations)
        needed = sum(1 << n for n, op in enumerate(self.operations) if op.end is not None)
        state, done = self.model.initial, 0
        self.best = ([], state)
        order: list[tuple[int, Any]] = []  # what was done, and the state before it
        at = remaining.first
        while done & needed != needed:
            if remaining.can_be_next(at):
                after = self._state_after(state, self.operations[at])
                configuration = (done | 1 << at, after)
                if after is not _IMPOSSIBLE and configuration not in self.looked_at:
                    self._look_at(configuration)
                    order.append((at, state))
                    remaining.remove(at)
                    done, state = configuration
                    at = remaining.first
                    if len(order) > len(self.best[0]):
                        self.best = ([number for number, _ in order], state)
                    continue
                at = remaining.after(at)
            elif order:
                at, state = order.pop()
                remaining.restore(at)
                done ^= 1 << at
                at = remaining.after(at)
            else:
                return False
        return True

    def _state_after(self, state: Any, operation: Operation) -> Any:
        after, result = self.model.apply(state, operation.action, operation.arguments)
        return after if _is_seen_as(operation, result) else _IMPOSSIBLE

    def _look_at(self, configuration: tuple[int, Any]) -> None:
        self.looked_at.add(configuration)
        if len(self.looked_at) > self.most_states:
            raise UndecidedError(
                f"{len(self.operations)} operations on {self.operations[0].target} are too "
                f"entangled: no verdict after {self.most_states:,} states; let the processes read "
                f"more often, or do less"
            )


_IMPOSSIBLE = object()


def _is_seen_as(operation: Operation, result: Any) -> bool:
    if operation.end is None:
        return True
    if operation.result is UNSEEN:
        return not isinstance(result, Raised)
    return bool(freeze(operation.result) == result)


class _Remaining:
    """The operations that are not done yet, as a list linked both ways (Knuth's dancing links).

    The links are numbers of operations; the last one is of none, and stands before the first.
    """

    def __init__(self, operations: list[Operation]) -> None:
        count = len(operations)
        self._operations = operations
        self._next: list[int] = [*range(1, count + 1), 0]
        self._previous: list[int] = [count, *range(count)]

    @property
    def first(self) -> int:
        return self._next[-1]

    def after(self, number: int) -> int:
        return self._next[number]

    def remove(self, number: int) -> None:
        before, after = self._previous[number], self._next[number]
        self._next[before], self._previous[after] = after, before

    def restore(self, number: int) -> None:
        before, after = self._previous[number], self._next[number]
        self._next[before] = self._previous[after] = number

    def can_be_next(self, number: int) -> bool:
        """Whether there is such an operation, and none remains that ended before it began.

        Asked of one after another from the first, and answered no, it is no for all that follow.
        """
        if number == len(self._operations):
            return False
        begin = self._operations[number].begin
        other = self.first
        while other != number:
            end = self._operations[other].end
            if end is not None and end < begin:
                return False
            other = self._next[other]
        return True


def check(
    history: Iterable[Operation], models: Mapping[str, Model], most_states: int = MOST_STATES
) -> None:
    """Check a history.

    Args:
        history: In any order.
        models: By the names of the objects.
        most_states: After how many states of the search to give up, for each object.

    Raises:
        NotLinearisableError: It is not; the message shows how far it goes, and why not further.
        UndecidedError: It would take too long.
    """
    for target, operations in _by(lambda op: op.target, history).items():
        for operation in operations:
            if operation.end is not None and operation.end < operation.begin:
                raise ValueError(f"ended before it began: {operation}")
        for part, initial in _parts(operations, models[target]):
            search = _Search(sorted(part, key=lambda op: op.begin), initial, most_states)
            if not search.succeeds():
                raise NotLinearisableError(_explanation(search))


def is_linearisable(history: Iterable[Operation], models: Mapping[str, Model]) -> bool:
    """Whether a history is linearisable."""
    try:
        check(history, models)
    except NotLinearisableError:
        return False
    return True


def _by(
    key: Callable[[Operation], Hashable], operations: Iterable[Operation]
) -> dict[Any, list[Operation]]:
    groups: dict[Any, list[Operation]] = defaultdict(list)
    for operation in operations:
        groups[key(operation)].append(operation)
    return groups


def _parts(operations: list[Operation], model: Model) -> Iterable[tuple[list[Operation], Model]]:
    groups = {None: operations} if model.key_of is None else _by(model.key_of, operations)
    if None in groups:
        return [(operations, model)]
    return [(part, model) for part in groups.values()]


def _explanation(search: _Search) -> str:
    order, state = search.best
    remaining = _Remaining(search.operations)
    for number in order:
        remaining.remove(number)
    lines = [f"not linearisable: {search.operations[0].target}", "an order as long as there is:"]
    lines += [f"  {search.operations[number]}" for number in order[-12:]]
    lines += [f"after these {len(order)} it is {state!r}; next could come"]
    number = remaining.first
    while remaining.can_be_next(number):
        operation = search.operations[number]
        _, result = search.model.apply(state, operation.action, operation.arguments)
        lines.append(f"  {operation}\n    which would give {result!r}")
        number = remaining.after(number)
    return "\n".join(lines)
