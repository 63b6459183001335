"""State that processes share: read it, change it, alone and four at it.

What each contender does is a statement, timed as `timeit` does it, about names that its `open`
hands over; so that the table of contests shows exactly what a user would write.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from multiprocessing.managers import SyncManager
from time import perf_counter
from timeit import Timer
from typing import Any, NamedTuple

from . import crew
from .contest import Call, Contender, Contest, Measured, Trial
from .tasks import Account

_PROCESSES = 4
_LENGTH = 50_000
_CHANGES = 20

Names = dict[str, Any]
Crew = Callable[[Mapping[str, Any], int], AbstractContextManager[crew.Perform]]


class Way(NamedTuple):
    """A way to share.

    Attributes:
        name: As the table shows it.
        open: Shares an int, a list, a dict and an `Account`, and hands over how to get at them.
        crew: Opens processes that share them.
        operations: How many make a sample when one process is at it.
        operations_together: How many of each process make one when four are.
        is_ours: Whether it is suitkaise.
    """

    name: str
    open: Callable[[], AbstractContextManager[Names]]
    crew: Crew = crew.peers
    operations: int = 5_000
    operations_together: int = 2_000
    is_ours: bool = False


class Part(NamedTuple):
    """What one contender does in a contest.

    Attributes:
        way: How it shares.
        statement: What is timed.
        outcome: Whether all is as it should be afterwards: an expression, not timed; `operations`
            is how many there were of all.
        before: Makes everything as it was before a sample; not timed.
        name: As the table shows it; None: that of the way.
    """

    way: Way
    statement: str
    outcome: str
    before: str = ""
    name: str | None = None


@contextmanager
def _share() -> Iterator[Names]:
    from suitkaise.processing import Share

    with Share() as share:
        share.n = 7
        share.items = list(range(_LENGTH))
        share.d = {"k": 0}
        share.account = Account()
        yield {"share": share, "Account": Account}


class _Manager(SyncManager):
    """One that knows accounts too."""


_Manager.register("Account", Account)


@contextmanager
def _manager() -> Iterator[Names]:
    with _Manager() as manager:
        yield {
            "namespace": manager.Namespace(n=7, items=list(range(_LENGTH))),
            "items": manager.list(range(_LENGTH)),
            "d": manager.dict(k=0),
            "lock": manager.Lock(),
            "account": manager.Account(),  # type: ignore[attr-defined]
        }


@contextmanager
def _value() -> Iterator[Names]:
    yield {"value": multiprocessing.get_context("forkserver").Value("q", 7)}


@contextmanager
def _ultradict() -> Iterator[Names]:
    from UltraDict import UltraDict

    numbers = UltraDict({"n": 7}, shared_lock=True)
    lists = UltraDict({"items": list(range(_LENGTH))}, shared_lock=True, buffer_size=1 << 20)
    yield {"numbers": numbers, "lists": lists}
    for shared in (numbers, lists):
        shared.close()


SHARE = Way("suitkaise Share", _share, crew.ours, is_ours=True)
MANAGER = Way("multiprocessing.Manager", _manager, operations=500, operations_together=200)
VALUE = Way("multiprocessing.Value and its lock", _value)
ULTRADICT = Way("UltraDict", _ultradict, operations=1_000, operations_together=200)
_NAMESPACE = "a list in a Manager().Namespace"


def _alone(part: Part) -> Contender:
    """Let one process do it."""

    @contextmanager
    def open_it() -> Iterator[Call]:
        with part.way.open() as names:
            operations = part.way.operations
            timer = Timer(part.statement, globals=names)

            def call(_: Any) -> Measured:
                exec(part.before, names)
                seconds = timer.timeit(operations)
                is_right = eval(part.outcome, {**names, "operations": operations})
                return Measured(seconds / operations, is_right)

            yield call

    return Contender(part.name or part.way.name, open_it, part.way.is_ours)


def _together(part: Part) -> Contender:
    """Let four processes do it at once; each knows its `number`."""

    @contextmanager
    def open_it() -> Iterator[Call]:
        with part.way.open() as names, part.way.crew(dict(names), _PROCESSES) as perform:
            each: list[Names] = [{"number": number} for number in range(_PROCESSES)]
            operations = part.way.operations_together
            total = operations * _PROCESSES

            def call(_: Any) -> Measured:
                exec(part.before, names)
                spans = perform(part.statement, each, operations)
                seconds = max(span.ended for span in spans) - min(span.began for span in spans)
                is_right = eval(part.outcome, {**names, "operations": total})
                return Measured(seconds / total, is_right)

            yield call

    return Contender(part.name or part.way.name, open_it, part.way.is_ours)


def _after_a_change(part: Part) -> Contender:
    """Let another process do the statement, and time the outcome here, which must be `value`."""

    @contextmanager
    def open_it() -> Iterator[Call]:
        with part.way.open() as names, part.way.crew(dict(names), 1) as perform:
            read = eval(f"lambda place: {part.outcome}", names)

            def call(_: Any) -> Measured:
                seconds, is_right = 0.0, True
                for number in range(_CHANGES):
                    place, value = number * 997 % _LENGTH, perf_counter()
                    perform(part.statement, [{"place": place, "value": value}], 1)
                    began = perf_counter()
                    seen = read(place)
                    seconds += perf_counter() - began
                    is_right = is_right and seen == value
                return Measured(seconds / _CHANGES, is_right)

            yield call

    return Contender(part.name or part.way.name, open_it, part.way.is_ours)


_contest = partial(
    Contest, prepare=lambda: Trial(None, lambda is_right: is_right is True), max_loops=1
)

CONTESTS = (
    _contest(
        "read an unchanged int",
        "`share.n`, an attribute of a `Manager().Namespace()`, an item of an UltraDict.",
        contenders=(
            _alone(Part(SHARE, "share.n", "share.n == 7")),
            _alone(Part(MANAGER, "namespace.n", "namespace.n == 7")),
            _alone(Part(ULTRADICT, 'numbers["n"]', 'numbers["n"] == 7')),
        ),
        reference=MANAGER.name,
        aim=1 / 15,
    ),
    _contest(
        "the length of a list",
        f"`len(share.items)` of {_LENGTH:,}; a `Manager().list()`; a list in an UltraDict.",
        contenders=(
            _alone(Part(SHARE, "len(share.items)", f"len(share.items) == {_LENGTH}")),
            _alone(Part(MANAGER, "len(items)", f"len(items) == {_LENGTH}")),
            _alone(
                Part(ULTRADICT, 'len(lists["items"])', f'len(lists["items"]) == {_LENGTH}'),
            ),
        ),
        reference=MANAGER.name,
        aim=1 / 15,
    ),
    _contest(
        "one element of a list of 50,000",
        "`share.items[25_000]`; the same of a `Manager().list()`, which sends the element, and "
        "of a list that is an attribute of a `Manager().Namespace()`, as it is in a Share, which "
        "sends the list.",
        contenders=(
            _alone(Part(SHARE, "share.items[25_000]", "share.items[25_000] == 25_000")),
            _alone(
                Part(
                    MANAGER._replace(operations=20),
                    "namespace.items[25_000]",
                    "namespace.items[25_000] == 25_000",
                    name=_NAMESPACE,
                )
            ),
            _alone(Part(MANAGER, "items[25_000]", "items[25_000] == 25_000")),
            _alone(
                Part(ULTRADICT, 'lists["items"][25_000]', 'lists["items"][25_000] == 25_000'),
            ),
        ),
        reference=_NAMESPACE,
        aim=1 / 300,
    ),
    _contest(
        "assign an int",
        "`share.n = 5`, an attribute of a `Manager().Namespace()`, an item of an UltraDict.",
        contenders=(
            _alone(Part(SHARE, "share.n = 5", "share.n == 5", "share.n = 7")),
            _alone(Part(MANAGER, "namespace.n = 5", "namespace.n == 5", "namespace.n = 7")),
            _alone(
                Part(ULTRADICT, 'numbers["n"] = 5', 'numbers["n"] == 5', 'numbers["n"] = 7'),
            ),
        ),
        reference=MANAGER.name,
        aim=1 / 5,
    ),
    _contest(
        "append to a list",
        "`share.items.append(1)`, to an empty list at first. (An UltraDict has no lists.)",
        contenders=(
            _alone(
                Part(
                    SHARE,
                    "share.items.append(1)",
                    "list(share.items) == [1] * operations",
                    "share.items = []",
                )
            ),
            _alone(
                Part(MANAGER, "items.append(1)", "items[:] == [1] * operations", "items[:] = []"),
            ),
        ),
        reference=MANAGER.name,
        aim=1 / 4,
    ),
    _contest(
        "assign an item of a dict",
        '`share.d["k"] = 5`, of a `Manager().dict()`, of an UltraDict.',
        contenders=(
            _alone(Part(SHARE, 'share.d["k"] = 5', 'share.d["k"] == 5', 'share.d["k"] = 0')),
            _alone(Part(MANAGER, 'd["k"] = 5', 'd["k"] == 5', 'd["k"] = 0')),
            _alone(
                Part(ULTRADICT, 'numbers["n"] = 5', 'numbers["n"] == 5', 'numbers["n"] = 7'),
            ),
        ),
        reference=MANAGER.name,
        aim=1 / 4,
    ),
    *(
        _contest(
            title,
            "`share.n += 1`, which is never lost; the others need a lock for that: "
            f"`with lock: namespace.n += 1` with a `Manager().Lock()`, and their own.{about}",
            contenders=(
                at_it(Part(SHARE, "share.n += 1", "share.n == operations", "share.n = 0")),
                at_it(
                    Part(
                        MANAGER,
                        "with lock: namespace.n += 1",
                        "namespace.n == operations",
                        "namespace.n = 0",
                    )
                ),
                at_it(
                    Part(
                        VALUE,
                        "with value: value.value += 1",
                        "value.value == operations",
                        "value.value = 0",
                    )
                ),
                at_it(
                    Part(
                        ULTRADICT,
                        'with numbers.lock: numbers["n"] += 1',
                        'numbers["n"] == operations',
                        'numbers["n"] = 0',
                    )
                ),
            ),
            reference=MANAGER.name,
            aim=1 / 25,
        )
        for title, about, at_it in (
            ("increment", "", _alone),
            (
                "four processes increment one counter",
                " From the first begin to the last end, divided by all increments; their sum must "
                "be exact.",
                _together,
            ),
        )
    ),
    _contest(
        "four processes append to one list",
        "Each its number. From the first begin to the last end, divided by all appends; none may "
        "be missing, and none there twice.",
        contenders=(
            _together(
                Part(
                    SHARE,
                    "share.items.append(number)",
                    f"sorted(share.items) == sorted([*range({_PROCESSES})] * (operations // 4))",
                    "share.items = []",
                )
            ),
            _together(
                Part(
                    MANAGER,
                    "items.append(number)",
                    f"sorted(items[:]) == sorted([*range({_PROCESSES})] * (operations // 4))",
                    "items[:] = []",
                )
            ),
        ),
        reference=MANAGER.name,
        aim=1 / 6,
    ),
    _contest(
        "a method that writes and returns",
        "`share.account.deposit(1)`, of an object of a user's class, which returns the new "
        "balance; the same class registered with a manager.",
        contenders=(
            _alone(
                Part(
                    SHARE,
                    "share.account.deposit(1)",
                    "share.account.deposit(1) == operations + 1",
                    "share.account = Account()",
                )
            ),
            _alone(
                Part(
                    MANAGER,
                    "account.deposit(1)",
                    "account.deposit(1) == operations + 1",
                    "account.empty()",
                )
            ),
        ),
        reference=MANAGER.name,
        aim=1 / 2,
    ),
    _contest(
        "append to a long list",
        "To one of 100,000, and to one of 1,000, 500 times.",
        contenders=tuple(
            _alone(
                Part(
                    way._replace(operations=500),
                    f"{items}.append(1)",
                    f"len({items}) == {length} + operations",
                    f"{items}{everything} = list(range({length}))",
                    name=f"{way.name}, {length:,}",
                )
            )
            for way, items, everything in (
                (SHARE, "share.items", ""),
                (MANAGER, "items", "[:]"),
            )
            for length in (100_000, 1_000)
        ),
        reference=f"{SHARE.name}, 1,000",
        aim=2.0,
    ),
    _contest(
        "an element after another process changed it",
        "`share.items[place]` of 50,000, the first read after `share.items[place] = value` in "
        "another process; only the read is timed. A `Manager().list()`, and a list that is an "
        "attribute of a `Manager().Namespace()`.",
        contenders=(
            _after_a_change(Part(SHARE, "share.items[place] = value", "share.items[place]")),
            _after_a_change(Part(MANAGER, "items[place] = value", "items[place]")),
            _after_a_change(
                Part(
                    MANAGER,
                    "items = namespace.items; items[place] = value; namespace.items = items",
                    "namespace.items[place]",
                    name=_NAMESPACE,
                )
            ),
        ),
        reference=_NAMESPACE,
        aim=1 / 20,
    ),
)
