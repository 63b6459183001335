import collections
import sys
import threading
import types
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.cucumber import SerializationError, deserialize, serialize
from suitkaise.cucumber._prologue import Prologue, Series, UnsettledError

SCRIPT = """
import datetime, decimal, logging, pathlib, re, typing
from collections import OrderedDict

number, names, table = 1, ["a"], {"key": (1, 2)}
log, here, pattern = logging.getLogger("here"), pathlib.Path("."), re.compile("x")
options = typing.Optional[int]

class Setting:
    def __init__(self):
        self.level = 1

setting = Setting()

def limit(value, most=10):
    return min(value, most)

limit.calls = 0

def counter():
    count = 0
    def count_on():
        nonlocal count
        count += 1
        return count
    return count_on

count_on = counter()

class Base:
    kind = "base"

class Job(Base):
    made = 0

    def __init__(self):
        self.done = []

    def run(self) -> "int | None":
        log.debug("%s %s %s", here, pattern, options)
        return limit(number + setting.level + len(names) + len(table)), count_on()

    @property
    def last(self):
        return self.done[-1]

    @staticmethod
    def now():
        return datetime.timedelta(seconds=decimal.Decimal(1).__int__()), OrderedDict
"""


@pytest.fixture
def script(monkeypatch):
    """A module that nobody else can import."""
    module = types.ModuleType("a_script")
    monkeypatch.setitem(sys.modules, "a_script", module)
    exec(SCRIPT, vars(module))
    return module


def written(writer, obj):
    file = BytesIO()
    writer.write(obj, file)
    return file.getvalue()


def test_another_process_needs_only_deserialize(script, load_elsewhere):
    job = script.Job()
    job.done.append("one")
    prologue = Prologue([script.Job])
    job.done.append("two")

    shown = load_elsewhere(
        written(prologue, job), "print(type(value).__name__, value.done, value.last, value.run())"
    )

    assert shown == "Job ['one', 'two'] two (4, 1)"


def test_the_payload_is_one_that_serialize_could_have_made(script):
    job = script.Job()
    job.done.append(job)

    copy = deserialize(written(Prologue([script.Job]), job))

    assert type(copy) is script.Job
    assert copy.done == [copy]


def test_what_comes_after_the_prologue_is_short(script):
    job = script.Job()
    job.done.append(bytes(1000))
    prologue = Prologue([script.Job])

    rest = len(written(prologue, job)) - len(prologue._stream)

    assert len(prologue._stream) > 1500
    assert rest < 1100


def test_functions_after_the_prologue_share_their_globals_with_those_in_it(script, load_elsewhere):
    exec("def set_number(value):\n    global number\n    number = value", vars(script))
    prologue = Prologue([script.Job])

    shown = load_elsewhere(
        written(prologue, [script.Job(), script.set_number]),
        "print(value[0].run()[0]); value[1](5); print(value[0].run()[0])",
    )

    assert shown.split() == ["4", "8"]


def test_constants_are_as_they_were(script):
    constant = {"size": 1}
    prologue = Prologue([script.Job], [constant])
    constant["size"] = 2

    assert prologue.is_current()
    assert deserialize(written(prologue, [constant])) == [{"size": 1}]


CHANGES = {
    "a class attribute": lambda script: setattr(script.Job, "made", 1),
    "another class attribute": lambda script: setattr(script.Job, "size", None),
    "an attribute of a base": lambda script: setattr(script.Base, "kind", "else"),
    "a method": lambda script: setattr(script.Job, "run", lambda self: 0),
    "no property": lambda script: delattr(script.Job, "last"),
    "a global": lambda script: setattr(script, "number", 2),
    "an equal global": lambda script: setattr(script, "number", True),
    "no global": lambda script: delattr(script, "here"),
    "a global list": lambda script: script.names.append("b"),
    "an element": lambda script: script.names.__setitem__(0, "b"),
    "a global dict": lambda script: script.table.update(key=(1,)),
    "a key": lambda script: script.table.update(other=script.table.pop("key")),
    "an attribute of a global": lambda script: setattr(script.setting, "level", 2),
    "a function's attribute": lambda script: setattr(script.limit, "calls", 1),
    "a function's defaults": lambda script: setattr(script.limit, "__defaults__", (3,)),
    "a function's code": lambda script: setattr(
        script.limit, "__code__", (lambda value, most: 0).__code__
    ),
    "a variable of a closure": lambda script: script.count_on(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_definition_that_has_changed_is_noticed_and_travels_as_it_is(
    change, script, load_elsewhere
):
    series = Series([script.Job])
    written(series, script.Job())
    prologue = series._prologue
    assert prologue.is_current()

    CHANGES[change](script)

    assert not prologue.is_current()
    look = (
        "import json; job = type(value); scope = job.__init__.__globals__\n"
        "print(job.made, job.kind, vars(job).get('size', 0), 'last' in vars(job))\n"
        "print({n: scope.get(n) for n in ('number', 'names', 'table')})\n"
        "try: print(value.run())\n"
        "except NameError as error: print(error)\n"
    )
    expected = load_elsewhere(serialize(script.Job()), look)
    assert load_elsewhere(written(series, script.Job()), look) == expected


def test_a_module_that_was_imported_meanwhile_may_be_needed(script, monkeypatch):
    prologue = Prologue([script.Job])

    monkeypatch.setitem(sys.modules, "one_more", types.ModuleType("one_more"))

    assert not prologue.is_current()


class Own:
    def __reduce__(self):
        return Own, ()


@pytest.mark.parametrize(
    "thing",
    [
        threading.Lock(),
        bytearray(b"bytes"),
        iter([1]),
        collections.deque(),
        [].append,
        Own(),
        list(range(101)),
        types.ModuleType("made_here"),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_with_what_may_change_unseen_there_is_no_prologue_and_a_payload_all_the_same(thing, script):
    script.Job.extra = thing
    series = Series([script.Job])

    with pytest.raises(UnsettledError):
        Prologue([script.Job])
    assert type(deserialize(written(series, script.Job()))) is script.Job


def test_definitions_that_change_each_time_are_soon_written_without_a_prologue(script):
    series = Series([script.Job])

    for made in range(200):
        script.Job.made = made
        written(series, script.Job())

    assert series._prologue is None
    assert series._made < 10


def test_a_prologue_made_too_soon_is_made_again(script):
    series = Series([script.Job])
    for made in range(10):
        script.Job.made = made
        written(series, script.Job())

    for _ in range(300):
        written(series, script.Job())

    assert series._prologue is not None


def test_what_cannot_be_serialised_is_named_as_ever(script):
    job = script.Job()
    series = Series([script.Job])
    written(series, job)
    job.done.append(zlib.compressobj())

    with pytest.raises(SerializationError, match=r"done\[0\]"):
        written(series, job)


plain = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.binary(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts),
    max_leaves=8,
)
series = Series([Prologue, Series, collections.OrderedDict], ["a constant"])


@given(plain)
def test_any_object_comes_back_equal(obj):
    assert deserialize(written(series, [obj, Series, "a constant"])) == [obj, Series, "a constant"]
