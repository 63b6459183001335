"""Objects of user classes in a Share do what they would do outside of one, for all processes."""

from __future__ import annotations

import abc
import asyncio
import collections
import copy
import dataclasses
import functools
import inspect
import json
import math
import pickle
import random
import sys
import threading
import time
import traceback
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from packages.processing.tests.elsewhere import elsewhere, everywhere

from suitkaise.cucumber import deserialize, serialize
from suitkaise.processing import Pool, Share, Skprocess
from suitkaise.sk import blocking, sk

pytestmark = pytest.mark.timeout(100)

DEADLINE = 30.0
TOTAL = 160  # what `everywhere` does in all, 40 times each


@pytest.fixture
def share() -> Iterator[Any]:
    with Share() as share:
        yield share


def test_what_c_code_keeps_in_an_object_is_shared(share: Any) -> None:
    share.rng = random.Random(3)
    alone = random.Random(3)

    drawn = [draw() for _ in range(3) for draw in (share.rng.random, _draw_elsewhere(share))]

    assert drawn == [alone.random() for _ in range(6)]


def _draw_elsewhere(share: Any) -> Callable[[], float]:
    return lambda: elsewhere(lambda: float(share.rng.random()))


# Classes


@dataclass
class Account:
    owner: str = "bob"
    balance: int = 0
    entries: list[Any] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    child: Account | None = None

    def pay(self, amount: int) -> int:
        self.balance += amount
        self.entries.append(amount)
        return self.balance

    def total(self) -> int:
        return sum(self.entries)

    def with_more(self, amount: int) -> Account:
        self.balance += amount
        return self

    def fail(self, error: BaseException) -> None:
        self.balance = 999
        self.entries.append("never")
        self.limits["never"] = 1
        raise error


@dataclass(frozen=True)
class Fixed:
    x: int = 0

    def moved(self, by: int) -> Fixed:
        return dataclasses.replace(self, x=self.x + by)


@dataclass(slots=True, order=True)
class Slotted:
    x: int = 0
    items: list[int] = field(default_factory=list)

    def grow(self) -> None:
        self.x += 1


class Private:
    __slots__ = ("__secret", "open")

    def __init__(self) -> None:
        self.__secret = 1
        self.open = 2

    def bump(self) -> int:
        self.__secret += 1
        return self.__secret


class MorePrivate(Private):
    __slots__ = ("__secret",)

    def __init__(self) -> None:
        super().__init__()
        self.__secret = 10

    def bump_more(self) -> int:
        self.__secret += 1
        return self.__secret


class Measured:
    def __init__(self) -> None:
        self._value: int | None = 1
        self.calls = 0
        self.log: list[Any] = []

    @property
    def value(self) -> int | None:
        return self._value

    @value.setter
    def value(self, value: int) -> None:
        if value < 0:
            raise ValueError("negative")
        self._value = value
        self.log.append(value)

    @value.deleter
    def value(self) -> None:
        self._value = None

    @functools.cached_property
    def heavy(self) -> int:
        self.calls += 1
        return (self._value or 0) * 100


class Number:
    """It has every operator."""

    def __init__(self, n: int = 0) -> None:
        self.n = n

    def __add__(self, other: Any) -> Number:
        return Number(self.n + (other.n if isinstance(other, Number) else other))

    __radd__ = __add__

    def __iadd__(self, other: Any) -> Number:  # noqa: PYI034
        self.n += other.n if isinstance(other, Number) else other
        return self

    def __ilshift__(self, other: int) -> Number:  # noqa: PYI034  a new one
        return Number(self.n << other)

    def __rsub__(self, other: int) -> Number:
        return Number(other - self.n)

    def __neg__(self) -> Number:
        return Number(-self.n)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.n == other.n

    def __lt__(self, other: Number) -> bool:
        return self.n < other.n

    def __hash__(self) -> int:
        return hash(self.n)

    def __index__(self) -> int:
        return self.n

    def __float__(self) -> float:
        return float(self.n)

    def __bool__(self) -> bool:
        return self.n != 0

    def __call__(self, *numbers: int, more: int = 0) -> int:
        self.n += sum(numbers) + more
        return self.n

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.n))

    def __contains__(self, value: object) -> bool:
        return value == self.n

    def __getitem__(self, key: int) -> int:
        return key * self.n

    def __setitem__(self, key: int, value: int) -> None:
        self.n = key * 100 + value

    def __delitem__(self, key: int) -> None:
        self.n -= key

    def __enter__(self) -> Number:  # noqa: PYI034
        self.n += 1
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> bool:
        self.n += 10
        return kind is KeyError

    def __format__(self, spec: str) -> str:
        return f"<{self.n}{spec}>"

    def __str__(self) -> str:
        return f"number {self.n}"

    def __ceil__(self) -> int:
        return 42


class Stack(list[Any]):
    def push(self, value: Any) -> None:
        self.append(value)

    @property
    def top(self) -> Any:
        return self[-1]


class Registry(dict[Any, Any]):
    def __init__(self, **items: Any) -> None:
        super().__init__(**items)
        self.misses = 0
        self.notes: dict[str, int] = {}

    def __missing__(self, key: Any) -> str:
        self.misses += 1
        return f"no {key}"


class Counts(collections.UserDict[str, int]):
    def bump(self, key: str) -> None:
        self.data[key] = self.data.get(key, 0) + 1


class Base:
    registry: list[str] = []  # noqa: RUF012
    kind = "base"

    def __init_subclass__(cls) -> None:
        Base.registry.append(cls.__name__)

    def __init__(self) -> None:
        self.items: list[int] = []
        self.n = 0

    def put(self, value: int) -> int:
        self.items.append(value)
        return len(self.items)


class Logging:
    def log(self, message: str) -> None:
        self.__dict__.setdefault("logs", []).append(message)


class Derived(Logging, Base):
    def put(self, value: int) -> int:
        count = super().put(value)
        self.log(f"put {value}")
        self._count()
        return count

    def _count(self) -> None:
        self.n += 1

    def mutate(self) -> None:
        self.extra = {"a": self.n}

    @classmethod
    def make(cls) -> Base:
        return cls()

    @staticmethod
    def double(value: int) -> int:
        return 2 * value


class Hooked:
    def __init__(self) -> None:
        object.__setattr__(self, "values", {})
        object.__setattr__(self, "sets", 0)

    def __setattr__(self, name: str, value: Any) -> None:
        if value == -1:
            raise ValueError("no")
        object.__setattr__(self, "sets", self.sets + 1)
        self.values[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "values":
            raise AttributeError(name)
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __delattr__(self, name: str) -> None:
        del self.values[name]


class Lazy:
    def __init__(self) -> None:
        self.made: list[str] = []

    def __getattr__(self, name: str) -> int:
        if name.startswith("__"):
            raise AttributeError(name)
        self.made.append(name)
        value = len(self.made)
        setattr(self, name, value)
        return value


class Whole:
    def __set_name__(self, owner: type, name: str) -> None:
        self.name = "_" + name

    def __get__(self, thing: Any, owner: Any = None) -> Any:
        return self if thing is None else getattr(thing, self.name, 0)

    def __set__(self, thing: Any, value: Any) -> None:
        if not isinstance(value, int):
            raise TypeError("a whole number")
        setattr(thing, self.name, value)

    def __delete__(self, thing: Any) -> None:
        delattr(thing, self.name)


class Described:
    size = Whole()


class Marking(type):
    def __call__(cls, *args: Any, **named: Any) -> Any:
        made = super().__call__(*args, **named)
        made.marked = True
        return made


class Marked(metaclass=Marking):
    def unmark(self) -> None:
        self.marked = False


class Abstract(abc.ABC):
    @abc.abstractmethod
    def step(self) -> int: ...


class Concrete(Abstract):
    def __init__(self) -> None:
        self.n = 0

    def step(self) -> int:
        self.n += 1
        return self.n


def counted(function: Any) -> Any:
    @functools.wraps(function)
    def call(self: Any, *args: Any) -> Any:
        self.calls += 1
        return function(self, *args)

    return call


class Methods:
    def __init__(self) -> None:
        self.n = 0
        self.calls = 0

    async def later(self, times: int) -> int:
        for _ in range(times):
            self.n += 1
            await asyncio.sleep(0)
        return self.n

    def generate(self, times: int) -> Iterator[int]:
        for _ in range(times):
            self.n += 1
            yield self.n

    async def generate_later(self) -> AsyncIterator[int]:
        for _ in range(3):
            self.n += 1
            yield self.n

    @counted
    def decorated(self) -> int:
        return self.n

    @sk
    def modified(self, by: int = 1) -> int:
        self.n += by
        return self.n

    by_five = functools.partialmethod(modified, 5)

    def callback(self) -> Callable[[], int]:
        return self.bump

    def bump(self) -> int:
        self.n += 1
        return self.n


class Desk:
    """It moves about what it holds."""

    def __init__(self) -> None:
        self.todo: list[Any] = [[1], [2]]
        self.done: list[Any] = []
        self.children: list[Child] = []
        self.n = 0
        self.kept: Any = None

    def finish(self) -> Any:
        job = self.todo.pop()
        self.done.append(job)
        job.append("finished")
        return job

    def put_back(self) -> None:
        job = self.todo[0]
        self.todo[0] = None
        self.todo[0] = job
        job.append("back")

    def swap(self) -> None:
        self.todo, self.done = self.done, self.todo
        self.todo.append(["swapped"])

    def rename(self) -> None:
        self.other = self.todo
        del self.todo
        self.other.append(["renamed"])
        self.todo = self.other
        del self.other

    def mix(self) -> None:
        row: list[Any] = []
        self.todo.append(row)
        job = self.todo.pop(0)
        job.append("mixed")
        row.append(5)
        self.done.append(job)

    def state(self) -> Any:
        return [list(job) for job in self.todo], [list(job) for job in self.done]

    def keep(self, value: Any) -> None:
        self.kept = value

    def new_child(self) -> Child:
        child = Child()
        self.children.append(child)
        return child

    def take_child(self) -> Child:
        return self.children.pop()

    def first(self) -> Child:
        return self.children[0]

    def all(self) -> list[Child]:
        return list(self.children)

    def by_number(self) -> dict[int, Child]:
        return dict(enumerate(self.children))

    def counted(self) -> tuple[Any, int]:
        self.n += 1
        return self.children, self.n

    def bump(self) -> int:
        self.n += 1
        return self.n

    def deep(self) -> int:
        self.n += 1
        return self.deep()

    def down(self, times: int) -> int:
        self.n += 1
        return self.down(times - 1) if times else self.n

    def add_to(self, other: Any) -> None:
        other.n += 1
        self.n += 1


class Child:
    def __init__(self) -> None:
        self.x = 0
        self.marks: list[int] = []

    def step(self) -> int:
        self.x += 1
        self.marks.append(self.x)
        return self.x


class Slow:
    def __init__(self) -> None:
        self.n = 0
        self.counts = {"n": 0}
        self.state = "idle"

    def hold(self, wait: Callable[[], object]) -> int:
        self.n = 1
        wait()
        self.n = 2
        return self.n

    def count(self, wait: Callable[[], object]) -> None:
        self.counts["n"] += 10
        wait()

    def read(self, wait: Callable[[], object]) -> tuple[int, int]:
        before = self.n
        wait()
        return before, self.n

    def quick(self) -> int:
        self.n += 10
        return self.n

    @blocking
    def wait(self, begun: Any, go_on: Any) -> int:
        self.state = "waiting"
        self.n += 1
        begun.set()
        go_on.wait(DEADLINE)
        self.n += 1
        self.state = "done"
        return self.n


class Pair:
    """Its two halves agree after each method."""

    def __init__(self) -> None:
        self.count = 0
        self.items: list[int] = []

    def add(self, value: int) -> None:
        self.count += 1
        self.items.append(value)

    def agrees(self) -> bool:
        first = self.count
        for _ in range(100):
            pass
        return first == len(self.items) == self.count


class Adder(Skprocess):
    def __init__(self, share: Any) -> None:
        self.share = share
        self.process_config.runs = 20

    def __run__(self) -> None:
        self.share.account.pay(1)
        self.share.account.child.balance += 1
        self.share.number += 1


# Being one of its class


def test_an_object_looks_like_one_of_its_class(share: Any) -> None:
    share.account = Account("ann", 1, [1], {"a": 1}, Account())
    plain = Account("ann", 1, [1], {"a": 1}, Account())
    account = share.account

    assert isinstance(account, Account)
    assert account.__class__ is Account
    assert type(account).__name__ == "Account"
    assert repr(account) == repr(plain)
    assert str(account) == str(plain)
    assert account == plain
    assert plain == account
    assert account != Account()
    assert account == share.account
    assert {"pay", "balance"} <= set(dir(account))
    assert (hasattr(account, "owner"), hasattr(account, "wrong")) == (True, False)
    assert account.pay.__name__ == "pay"
    assert str(inspect.signature(account.pay)) == "(amount: 'int') -> 'int'"
    match account:
        case Account("ann", balance, entries=[1]):
            assert balance == 1
        case _:
            pytest.fail("does not match")


def test_what_asks_for_the_class_finds_it(share: Any) -> None:
    share.account = Account("ann", 1, [1], {"a": 1}, Account())

    @functools.singledispatch
    def kind(_thing: object) -> str:
        return "object"

    @kind.register
    def _(_thing: Account) -> str:
        return "account"

    assert kind(share.account) == "account"
    assert dataclasses.is_dataclass(share.account)
    assert dataclasses.asdict(share.account) == dataclasses.asdict(
        Account("ann", 1, [1], {"a": 1}, Account())
    )
    assert [each.name for each in dataclasses.fields(share.account)][:2] == ["owner", "balance"]
    replaced = dataclasses.replace(share.account, balance=9)
    assert (type(replaced), replaced.balance, share.account.balance) == (Account, 9, 1)


def test_copies_are_objects_of_ones_own(share: Any) -> None:
    share.account = Account("ann", 1, [1], {}, Account())

    copies = [
        copy.copy(share.account),
        copy.deepcopy(share.account),
        pickle.loads(pickle.dumps(share.account)),
        deserialize(serialize(share.account)),
    ]
    for each in copies:
        each.pay(5)
        each.child.pay(5)

    assert {type(each) for each in copies} == {Account}
    assert {type(each.entries) for each in copies} == {list}
    assert (share.account.balance, list(share.account.entries), share.account.child.balance) == (
        1,
        [1],
        0,
    )


def test_vars_are_the_attributes(share: Any) -> None:
    share.account = Account("ann")

    assert json.dumps(vars(share.account)) == json.dumps(vars(Account("ann")))
    vars(share.account)["balance"] = 3
    share.account.__dict__.update(owner="eve", new=1)
    del share.account.__dict__["new"]

    assert elsewhere(lambda: (share.account.balance, share.account.owner)) == (3, "eve")
    assert not hasattr(share.account, "new")


def test_attributes_are_set_and_deleted_for_all(share: Any) -> None:
    share.account = Account()

    share.account.new = 5
    assert elsewhere(lambda: share.account.new) == 5
    elsewhere(lambda: delattr(share.account, "new"))
    assert getattr(share.account, "new", None) is None
    with pytest.raises(AttributeError, match="new"):
        del share.account.new
    with pytest.raises(AttributeError, match="new"):
        share.account.new  # noqa: B018


def test_classes_of_a_function_are_shared_as_well(share: Any) -> None:
    @dataclass
    class Local:
        n: int = 0

        def add(self, by: int) -> int:
            self.n += by
            return self.n

    share.local = Local()

    def add(by: int) -> bool:
        share.local.add(by)
        return isinstance(share.local, Local)

    with Pool(workers=2) as pool:
        assert pool.map(add, range(10)) == [True] * 10

    assert share.local.n == 45
    assert share.local == Local(45)


def test_frozen_ones_stay_frozen(share: Any) -> None:
    share.fixed = Fixed(1)

    with pytest.raises(dataclasses.FrozenInstanceError):
        share.fixed.x = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        del share.fixed.x
    share.fixed = share.fixed.moved(3)

    assert elsewhere(lambda: share.fixed.x) == 4
    assert {share.fixed: 1}[Fixed(4)] == 1


def test_slots_are_attributes(share: Any) -> None:
    share.slotted, share.private = Slotted(1), MorePrivate()

    share.slotted.grow()
    elsewhere(lambda: share.slotted.items.append(4))
    share.slotted.x += 1

    assert elsewhere(lambda: (share.slotted.x, list(share.slotted.items))) == (3, [4])
    assert share.slotted < Slotted(9)
    assert Slotted(0) < share.slotted
    with pytest.raises(AttributeError, match="'Slotted' object has no attribute 'wrong'"):
        share.slotted.wrong = 1
    assert (share.private.bump(), share.private.bump_more()) == (2, 11)
    assert elsewhere(lambda: (share.private.bump(), share.private.bump_more())) == (3, 12)


def test_properties_are_read_set_and_deleted(share: Any) -> None:
    share.measured = Measured()

    share.measured.value = 5
    with pytest.raises(ValueError, match="negative"):
        share.measured.value = -1
    assert elsewhere(lambda: (share.measured.value, list(share.measured.log))) == (5, [5])
    assert (share.measured.heavy, share.measured.heavy, share.measured.calls) == (500, 500, 1)
    assert elsewhere(lambda: (share.measured.heavy, share.measured.calls)) == (500, 1)
    del share.measured.heavy
    assert elsewhere(lambda: (share.measured.heavy, share.measured.calls)) == (500, 2)
    del share.measured.value
    assert elsewhere(lambda: share.measured.value) is None


def test_operators_do_what_the_class_says(share: Any) -> None:
    share.o = Number(3)

    assert [(share.o + 1).n, (1 + share.o).n, (share.o + share.o).n, (Number(1) + share.o).n] == [
        4,
        4,
        6,
        4,
    ]
    assert [(10 - share.o).n, (-share.o).n] == [7, -3]
    assert share.o == Number(3)
    assert Number(3) == share.o
    assert share.o < Number(4)
    assert share.o > Number(1)
    assert hash(share.o) == hash(3)
    assert (int(share.o), float(share.o), bool(share.o), list(range(9))[share.o]) == (
        3,
        3.0,
        True,
        3,
    )
    assert (len(share.o), list(share.o), 3 in share.o, 4 in share.o, share.o[2]) == (
        3,
        [0, 1, 2],
        True,
        False,
        6,
    )
    assert (f"{share.o:x}", str(share.o), math.ceil(share.o)) == ("<3x>", "number 3", 42)
    assert share.o(1, 2, more=3) == 9
    share.o[1] = 5
    del share.o[5]
    with share.o as entered:
        assert entered is share.o
        assert entered.n == 101
    with share.o:
        raise KeyError
    assert elsewhere(lambda: share.o.n) == 122


def test_in_place_operators_are_one_step_wherever_the_object_is(share: Any) -> None:
    share.number, share.table, share.items = Number(), {"a": Number()}, [Number(), [Number()]]
    share.account = Account()
    share.account.child = Number()

    def work() -> None:
        for _ in range(40):
            share.number += 1
            share.table["a"] += 1
            share.items[0] += 1
            share.items[1][0] += Number(1)
            share.account.child += 1

    everywhere(work)

    found = [share.number, share.table["a"], share.items[0], share.items[1][0], share.account.child]
    assert [each.n for each in found] == [TOTAL] * 5


def test_an_in_place_operator_may_make_a_new_object(share: Any) -> None:
    share.number, share.items = Number(1), [Number(1)]

    share.number <<= 2
    share.items[0] <<= 3

    assert elsewhere(lambda: (share.number.n, share.items[0].n)) == (4, 8)


def test_inheritance_mixins_and_super(share: Any) -> None:
    share.derived = Derived()

    assert share.derived.put(3) == 1
    assert elsewhere(lambda: share.derived.put(4)) == 2
    share.derived.mutate()

    assert elsewhere(lambda: share.derived.extra["a"]) == 2
    assert (list(share.derived.items), list(share.derived.logs)) == ([3, 4], ["put 3", "put 4"])
    assert type(share.derived.make()) is Derived
    assert share.derived.double(4) == 8
    assert isinstance(share.derived, Base)
    assert Base.registry == ["Derived"]  # proxies are none of its subclasses
    share.derived.kind = "other"
    assert elsewhere(lambda: share.derived.kind) == "other"
    assert Base.kind == "base"


def test_hooks_descriptors_and_metaclasses(share: Any) -> None:
    share.hooked, share.lazy = Hooked(), Lazy()
    share.described, share.marked, share.concrete = Described(), Marked(), Concrete()

    share.hooked.x = 3
    share.hooked.x += 1
    with pytest.raises(ValueError, match="no"):
        share.hooked.y = -1
    assert elsewhere(lambda: (share.hooked.x, share.hooked.sets)) == (4, 2)
    del share.hooked.x
    assert not elsewhere(lambda: hasattr(share.hooked, "x"))
    assert (share.lazy.a, share.lazy.b, share.lazy.a) == (1, 2, 1)
    assert elsewhere(lambda: (share.lazy.a, list(share.lazy.made))) == (1, ["a", "b"])
    share.described.size = 3
    share.described.size += 1
    with pytest.raises(TypeError, match="whole"):
        share.described.size = "x"
    assert elsewhere(lambda: share.described.size) == 4
    del share.described.size
    assert share.described.size == 0
    assert share.marked.marked
    elsewhere(lambda: share.marked.unmark())
    assert not share.marked.marked
    assert (share.concrete.step(), elsewhere(lambda: share.concrete.step())) == (1, 2)
    assert isinstance(share.concrete, Abstract)


def test_subclasses_of_containers(share: Any) -> None:
    share.stack, share.registry, share.counts = Stack([1, 2]), Registry(a=1), Counts()

    share.stack.push(3)
    share.stack += [[4]]
    share.stack[-1].append(5)
    share.stack[0] = 9
    del share.stack[1]
    assert elsewhere(lambda: list(share.stack)) == [9, 3, [4, 5]]
    assert (share.stack.top, len(share.stack), 3 in share.stack, share.stack[1:2]) == (
        [4, 5],
        3,
        True,
        [3],
    )
    assert share.stack == [9, 3, [4, 5]]
    assert share.stack.pop() == [4, 5]
    assert isinstance(share.stack, list)
    share.registry["b"] = [1]
    share.registry["b"].append(2)
    share.registry["b"] += [3]
    share.registry.notes["x"] = 1
    assert share.registry["zz"] == "no zz"
    assert elsewhere(lambda: dict(share.registry)) == {"a": 1, "b": [1, 2, 3]}
    assert elsewhere(lambda: (share.registry.misses, dict(share.registry.notes))) == (1, {"x": 1})
    assert dict(**share.registry) == {"a": 1, "b": [1, 2, 3]}
    assert share.registry.get("q", 7) == 7
    share.counts["k"] = 1
    share.counts.bump("k")
    assert elsewhere(lambda: (dict(share.counts), len(share.counts), "k" in share.counts)) == (
        {"k": 2},
        1,
        True,
    )


def test_methods_of_every_kind(share: Any) -> None:
    share.m = Methods()

    async def collect() -> list[int]:
        return [value async for value in share.m.generate_later()]

    assert inspect.iscoroutinefunction(share.m.later)
    assert asyncio.run(share.m.later(3)) == 3
    assert list(share.m.generate(3)) == [4, 5, 6]
    assert asyncio.run(collect()) == [7, 8, 9]
    assert (share.m.decorated(), share.m.calls) == (9, 1)
    assert share.m.modified() == 10
    assert share.m.modified.timeout(DEADLINE)(2) == 12
    assert share.m.modified.background()(by=3).result(DEADLINE) == 15
    assert asyncio.run(share.m.modified.asynced()(1)) == 16
    assert share.m.by_five() == 21
    assert elsewhere(lambda: share.m.modified.timeout(DEADLINE)(1)) == 22
    callback = share.m.callback()
    assert (callback(), elsewhere(lambda: share.m.n)) == (23, 23)
    assert share.m.bump == share.m.bump


def test_a_method_can_be_sent_and_is_that_of_the_shared_object(share: Any) -> None:
    share.account = Account(child=Account())

    with Pool(workers=2) as pool:
        pool.map(share.account.pay, [1, 2, 3])
        pool.map(share.account.child.pay, [4, 5])

    assert (share.account.balance, share.account.child.balance) == (6, 9)


# What a method does


def test_a_method_returns_what_it_returns(share: Any) -> None:
    share.account = Account()

    assert share.account.pay(5) == 5
    assert elsewhere(lambda: share.account.pay(6)) == 11
    assert share.account.total() == 11
    assert share.account.with_more(1) is share.account
    share.account.with_more(1).with_more(1).entries.append(0)
    assert elsewhere(lambda: (share.account.balance, list(share.account.entries))) == (
        14,
        [5, 6, 0],
    )


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()], ids=repr
)
def test_a_method_that_raises_changes_nothing(share: Any, error: BaseException) -> None:
    share.account = Account("ann", 1, [1], {"a": 1})

    with pytest.raises(type(error)) as caught:
        share.account.fail(error)

    assert caught.value is error
    assert "fail" in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert share.account == Account("ann", 1, [1], {"a": 1})
    assert elsewhere(lambda: share.account == Account("ann", 1, [1], {"a": 1}))
    assert share.account.pay(1) == 2


def test_endless_recursion_changes_nothing(share: Any) -> None:
    share.desk = Desk()

    with pytest.raises(RecursionError):
        share.desk.deep()

    assert elsewhere(lambda: share.desk.n) == 0
    assert share.desk.down(5) == 6


def test_what_cannot_be_serialised_changes_nothing(share: Any) -> None:
    share.desk = Desk()

    with pytest.raises(TypeError, match=r"`share\.desk`"):
        share.desk.keep(zlib.compressobj())

    assert share.desk.kept is None
    share.desk.keep(1)
    assert elsewhere(lambda: share.desk.kept) == 1


def test_a_method_may_move_what_the_object_holds(share: Any) -> None:
    share.desk = Desk()

    def state() -> Any:
        seen = share.desk.state()
        assert elsewhere(lambda: share.desk.state()) == seen
        return seen

    share.desk.finish().append("later")
    assert state() == ([[1]], [[2, "finished", "later"]])
    share.desk.put_back()
    assert state() == ([[1, "back"]], [[2, "finished", "later"]])
    share.desk.swap()
    assert state() == ([[2, "finished", "later"], ["swapped"]], [[1, "back"]])
    share.desk.rename()
    assert state()[0] == [[2, "finished", "later"], ["swapped"], ["renamed"]]
    share.desk.mix()
    assert state() == (
        [["swapped"], ["renamed"], [5]],
        [[1, "back"], [2, "finished", "later", "mixed"]],
    )


def test_parts_that_a_method_returns_are_parts_of_the_share(share: Any) -> None:
    share.desk = Desk()

    child = share.desk.new_child()
    child.step()
    child.x += 1
    child.marks.append(9)
    share.desk.first().step()
    share.desk.all()[0].step()
    share.desk.by_number()[0].step()
    share.desk.counted()[0][0].step()
    for each in share.desk.children:
        each.step()

    assert elsewhere(lambda: (share.desk.children[0].x, list(share.desk.children[0].marks))) == (
        7, [1, 9, 3, 4, 5, 6, 7],
    )  # fmt: skip


def test_what_a_method_has_taken_out_is_the_callers_own(share: Any) -> None:
    share.desk = Desk()
    share.desk.new_child().step()
    share.desk.children.append(Child())

    popped, taken = share.desk.children.pop(), share.desk.take_child()
    for child in (popped, taken):
        child.step()
        child.marks.append(5)

    assert (type(popped), type(taken), type(taken.marks)) == (Child, Child, list)
    assert (popped.x, taken.x, len(share.desk.children)) == (1, 2, 0)


def test_what_the_caller_changes_later_does_not_leak_in(share: Any) -> None:
    share.desk = Desk()
    mine = [1]

    share.desk.keep(mine)
    mine.append(2)
    share.desk.todo.append(mine)
    mine.append(3)
    share.direct = mine
    mine.append(4)

    assert (list(share.desk.kept), list(share.desk.todo[-1]), list(share.direct)) == (
        [1],
        [1, 2],
        [1, 2, 3],
    )
    assert elsewhere(lambda: (list(share.desk.kept), list(share.desk.todo[-1]))) == ([1], [1, 2])


def test_a_method_may_use_the_share_its_object_and_others(share: Any) -> None:
    class User:
        def __init__(self) -> None:
            self.n = 0

        def bump(self) -> int:
            self.n += 1
            return self.n

        def look(self) -> int:
            self.n += 1
            share.other.n += 1
            share.count += 1
            return int(share.user.n)

        def call_myself(self) -> int:
            self.n += 1
            share.user.bump()
            share.user.n += 1
            return self.n

        def replace_myself(self) -> None:
            self.n = 99
            share.user = User()

    share.user, share.other, share.count = User(), User(), 0

    assert share.user.look() == 1
    assert share.user.call_myself() == 4
    assert elsewhere(lambda: (share.user.n, share.other.n, share.count)) == (4, 1, 1)
    share.user.replace_myself()
    assert elsewhere(lambda: share.user.n) == 0


def test_a_shared_object_can_be_an_argument(share: Any) -> None:
    share.one, share.two = Desk(), Desk()

    share.one.add_to(share.two)

    assert elsewhere(lambda: (share.one.n, share.two.n)) == (1, 1)


# Many at once


def test_nothing_is_lost_wherever_it_is(share: Any) -> None:
    share.account = Account(limits={"k": 0}, child=Account())
    share.items = [Account(), {"o": Account()}]
    share.fixed = (Account(), 1)
    share.measured, share.hooked = Measured(), Hooked()
    share.measured.value = 0
    share.hooked.n = 0
    share.registry, share.counts, share.stack = Registry(n=0), Counts(n=0), Stack([0])

    def work() -> None:
        for index in range(40):
            share.account.pay(1)
            share.account.balance += 1
            share.account.entries.append(index)
            share.account.limits["k"] += 1
            share.account.child.balance += 1
            share.account.child.pay(1)
            share.items[0].pay(1)
            share.items[1]["o"].balance += 1
            share.fixed[0].pay(1)
            share.measured.value += 1
            share.hooked.n += 1
            share.registry["n"] += 1
            share.counts["n"] += 1
            share.stack[0] += 1

    everywhere(work)

    assert (share.account.balance, len(share.account.entries)) == (2 * TOTAL, 2 * TOTAL)
    assert (share.account.limits["k"], share.account.child.balance) == (TOTAL, 2 * TOTAL)
    assert (share.items[0].balance, share.items[1]["o"].balance) == (TOTAL, TOTAL)
    assert (share.fixed[0].balance, share.measured.value, share.hooked.n) == (TOTAL, TOTAL, TOTAL)
    assert (share.registry["n"], share.counts["n"], share.stack[0]) == (TOTAL, TOTAL, TOTAL)


def test_a_method_begins_in_another_thread_while_an_element_is_read(share: Any) -> None:
    begun, may_end = threading.Event(), threading.Event()

    class Key(str):
        """Lets the method begin when the dict looks for it."""

        __slots__ = ()

        def __hash__(self) -> int:
            if not method.ident:
                method.start()
                assert begun.wait(DEADLINE)
            return str.__hash__(self)

    def wait() -> None:
        begun.set()
        assert may_end.wait(DEADLINE)

    share.slow = Slow()
    method = threading.Thread(target=lambda: share.slow.count(wait))

    value = share.slow.counts[Key("n")]
    assert value == 0  # not what the method had done halfway
    may_end.set()
    share.slow.counts["n"] = value + 1  # computed again, with what is there when it is its turn
    method.join(DEADLINE)

    assert elsewhere(lambda: share.slow.counts["n"]) == 11


def test_processes_work_on_an_object(share: Any) -> None:
    share.account, share.number = Account(child=Account()), Number()

    processes = [Adder(share) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        assert process.wait(DEADLINE)

    assert (share.account.balance, share.account.child.balance, share.number.n) == (60, 60, 60)


def test_a_reading_method_sees_one_state(share: Any) -> None:
    share.pair = Pair()
    is_over = threading.Event()
    disagreements: list[int] = []

    def read() -> None:
        while not is_over.is_set():
            if not share.pair.agrees():
                disagreements.append(1)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        everywhere(lambda: [share.pair.add(index) for index in range(100)], threads=1, processes=1)
    finally:
        is_over.set()
        sys.setswitchinterval(interval)
        for reader in readers:
            reader.join(DEADLINE)

    assert not disagreements
    assert (share.pair.count, len(share.pair.items)) == (200, 200)


def test_a_slow_method_delays_writers_of_its_object_alone(share: Any) -> None:
    share.slow, share.other = Slow(), Slow()
    inside, go_on = threading.Event(), threading.Event()
    results: list[int] = []

    def wait() -> None:
        inside.set()
        assert go_on.wait(DEADLINE)

    holder = threading.Thread(target=lambda: results.append(share.slow.hold(wait)))
    holder.start()
    assert inside.wait(DEADLINE)
    assert (share.slow.n, elsewhere(lambda: share.slow.n)) == (0, 0)
    assert share.other.quick() == 10
    assert elsewhere(lambda: share.other.quick()) == 20
    share.number = 1
    writer = threading.Thread(target=lambda: results.append(share.slow.quick()))
    writer.start()
    until(lambda: writer.is_alive())
    assert not results
    go_on.set()
    holder.join(DEADLINE)
    writer.join(DEADLINE)

    assert results == [2, 12]
    assert elsewhere(lambda: share.slow.n) == 12


def test_a_slow_reading_method_delays_nobody(share: Any) -> None:
    share.slow = Slow()
    inside, go_on = threading.Event(), threading.Event()
    seen: list[tuple[int, int]] = []

    def wait() -> None:
        inside.set()
        assert go_on.wait(DEADLINE)

    reader = threading.Thread(target=lambda: seen.append(share.slow.read(wait)))
    reader.start()
    assert inside.wait(DEADLINE)
    share.slow.quick()
    elsewhere(lambda: share.slow.quick())
    now = share.slow.n
    go_on.set()
    reader.join(DEADLINE)

    assert now == 20
    assert seen == [(0, 0)]


def test_a_blocking_method_goes_step_by_step(share: Any) -> None:
    share.slow = Slow()
    begun, go_on = threading.Event(), threading.Event()
    results: list[int] = []

    waiter = threading.Thread(target=lambda: results.append(share.slow.wait(begun, go_on)))
    waiter.start()
    assert begun.wait(DEADLINE)
    assert elsewhere(lambda: (share.slow.state, share.slow.n)) == ("waiting", 1)
    share.slow.n += 5
    elsewhere(lambda: share.slow.quick())
    go_on.set()
    waiter.join(DEADLINE)

    assert results == [17]
    assert (share.slow.n, share.slow.state) == (17, "done")


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)
