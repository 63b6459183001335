import queue
import sched
import shlex
import subprocess
import sys
import textwrap
import threading

import pytest

from suitkaise.circuits import BreakingCircuit, Circuit
from suitkaise.sk import Skclass, sk


@Skclass
class Counter:
    def __init__(self):
        self.count = 0
        self.log = []

    def add(self, number):
        self.count += number
        self.log.append(number)

    def look(self):
        return self.count

    @property
    def last(self):
        return self.log[-1]


def test_the_class_stays_the_class_and_tells_what_its_methods_touch():
    assert Counter._shared_meta == {
        "methods": {
            "__init__": {"writes": ["count", "log"], "reads": []},
            "add": {"writes": ["count", "log"], "reads": ["count", "log"]},
            "look": {"writes": [], "reads": ["count"]},
        },
        "properties": {"last": {"reads": ["log"], "writes": []}},
    }
    assert isinstance(Counter(), Counter)


def test_a_subclass_gets_its_own():
    class Pair(Counter):
        def add(self, number):
            super().add(number)
            self.other = number

    assert Pair._shared_meta["methods"]["add"]["writes"] == ["count", "log", "other"]
    assert Skclass(Pair)._shared_meta["methods"]["add"]["writes"] == ["count", "log", "other"]
    assert Counter._shared_meta["methods"]["add"]["writes"] == ["count", "log"]


def test_an_object_shows_what_its_class_has():
    assert Counter()._shared_meta == Counter._shared_meta


def test_nobody_can_change_what_the_next_one_sees():
    Counter._shared_meta["methods"].clear()

    assert "add" in Counter._shared_meta["methods"]


def test_what_a_class_uses_may_be_defined_below_it():
    @Skclass
    class Keeper:
        def keep(self):
            self.item = later()
            return later()

        def rename(self):
            Keeper.name = "x"

    def later():
        return []

    assert Keeper._shared_meta["methods"]["keep"]["writes"] == ["item"]
    assert Keeper._shared_meta["methods"]["rename"]["writes"] == ["name"]


def test_what_a_class_uses_and_nobody_has_defined_yet_may_be_the_class():
    @Skclass
    class Early:
        def rename(self):
            Alias.name = "x"

        def count(self):
            instance.n += 1

    if "name" in Early._shared_meta["methods"]["rename"]["writes"]:
        Alias = Early
        instance = Early()

    assert Alias is Early
    assert "n" in Early._shared_meta["methods"]["count"]["writes"]
    assert isinstance(instance, Early)


@sk
class Account:
    total = 0

    def __init__(self):
        self.entries = []

    def add(self, amount):
        self.entries.append(amount)

    def look(self):
        return len(self.entries)

    def add_later(self, amount):
        return self.add.timeout(2.0).background()(amount)

    def look_later(self):
        return self.look.timeout(2.0)()

    @staticmethod
    def double(amount):
        return 2 * amount

    @classmethod
    def count(cls):
        cls.total += 1


def test_sk_on_a_class_attaches_it_too_and_sees_through_its_own_modifiers():
    methods = Account._shared_meta["methods"]

    assert methods["add"] == {"writes": ["entries"], "reads": ["entries"]}
    assert methods["look"] == {"writes": [], "reads": ["entries"]}
    assert methods["double"] == {"writes": [], "reads": []}
    assert methods["count"]["writes"] == ["total"]


def test_a_method_that_is_called_with_modifiers_is_followed():
    methods = Account._shared_meta["methods"]

    assert methods["add_later"]["writes"] == ["entries"]
    assert methods["look_later"]["writes"] == []


def test_the_async_twin_of_a_method_counts_as_well():
    @Skclass
    class Service:
        async def _ask_async(self):
            self.asked_async = 1

        @sk(asynced=_ask_async)
        def ask(self):
            self.asked = 1

        async def go(self):
            await self.ask.asynced()()

    methods = Service._shared_meta["methods"]

    assert methods["ask"]["writes"] == ["asked", "asked_async"]
    assert {"asked", "asked_async"} <= set(methods["go"]["writes"])


def test_what_sk_was_given_that_is_no_function_is_all_stars():
    class Asker:
        def __call__(self, other):
            other.n = 1

    @Skclass
    class Service:
        ask = sk(Asker())

    assert Service._shared_meta["methods"]["ask"]["writes"] == ["*"]


@pytest.mark.parametrize("kind", [Circuit, BreakingCircuit])
def test_the_circuits_have_it_without_being_asked(kind):
    meta = kind._shared_meta

    assert "_count" in meta["methods"]["short"]["writes"]
    assert "_count" in meta["methods"]["trip"]["writes"]
    assert "_count" in meta["methods"]["reset_backoff"]["writes"]
    for name, access in meta["properties"].items():
        assert access == {"writes": [], "reads": ["_count"]}, name


def test_a_breaking_circuit_is_written_by_its_reset_only_not_by_a_look():
    meta = BreakingCircuit._shared_meta

    assert "_count" in meta["methods"]["reset"]["writes"]
    assert meta["properties"]["broken"] == {"writes": [], "reads": ["_count"]}


@pytest.mark.parametrize(
    "kind",
    [queue.Queue, threading.Event, shlex.shlex, textwrap.TextWrapper, sched.scheduler],
)
def test_classes_that_keep_to_themselves_are_known_in_full(kind):
    class Mine(kind):
        pass

    meta = Skclass(Mine)._shared_meta

    assert [name for name, access in meta["methods"].items() if "*" in access["writes"]] == []
    assert [name for name, access in meta["properties"].items() if "*" in access["writes"]] == []


def test_importing_it_imports_no_analysis():
    program = (
        "import sys, suitkaise.circuits\n"
        "suitkaise.sk.Skclass(type('Mine', (), {}))\n"
        "print(*(name for name in sys.modules if '_analysis' in name or name == 'asyncio'))"
    )

    ended = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    )

    assert ended.stdout.split() == []


def test_a_second_call_gives_the_same():
    before = Counter._shared_meta

    assert Skclass(Counter)._shared_meta == before


def test_a_class_that_takes_no_attributes_is_a_type_error_with_the_remedy():
    with pytest.raises(TypeError, match=r"builtins\.list.*use a subclass"):
        Skclass(list)


def test_what_is_no_class_is_a_type_error_with_the_remedy():
    with pytest.raises(TypeError, match="use sk for a function"):
        Skclass(len)


def test_a_metaclass_of_someone_elses_is_not_asked():
    class Meta(type):
        def __setattr__(cls, name, value):
            raise AssertionError(name)

    class Guarded(metaclass=Meta):
        def m(self):
            self.n = 1

    assert Skclass(Guarded)._shared_meta["methods"]["m"]["writes"] == ["n"]
