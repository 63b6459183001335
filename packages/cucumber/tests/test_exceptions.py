import dataclasses
import errno
import json
import subprocess

import pytest

from suitkaise.cucumber import deserialize, serialize


class Needy(Exception):
    """Its constructor wants what `args` does not hold."""

    def __init__(self, code, *, where):
        super().__init__(f"{code} at {where}")
        self.code = code
        self.where = where


class Silent(ValueError):
    """Never calls the constructor of its base."""

    def __init__(self, first, second):
        self.both = (first, second)


class Made(Exception):
    def __new__(cls, first, second):
        return super().__new__(cls, first, second)


class Slotted(Exception):
    __slots__ = ("code",)


class NeedyFile(FileNotFoundError):
    def __init__(self, filename):
        super().__init__(errno.ENOENT, "No such file", filename)


class Mixin:
    pass


class Mixed(Mixin, KeyError, TimeoutError):
    pass


class Reducing(Exception):
    def __init__(self, code):
        super().__init__("text")
        self.code = code

    def __reduce__(self):
        return Reducing, (self.code * 2,)


class ReducingWithState(Exception):
    def __reduce__(self):
        return ReducingWithState, (), {"code": 7}


class Stateful(Exception):
    def __getstate__(self):
        return ("packed", self.code)

    def __setstate__(self, state):
        self.code = state[1] + 1


class Group(ExceptionGroup):
    def __new__(cls, errors, code):
        made = super().__new__(cls, f"code {code}", errors)
        made.code = code
        return made

    def derive(self, errors):
        return Group(errors, self.code)


class Named(Exception):
    @property
    def filename(self):
        return "of a property"


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int


def travel(obj):
    return deserialize(serialize(obj))


def caught(function, *arguments):
    try:
        function(*arguments)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.comes_back(
    "exceptions",
    how="whole: args, fields, attributes, cause, context, notes; the constructor is not "
    "called; without traceback",
)
@pytest.mark.parametrize(
    "error",
    [
        Exception(),
        ValueError("a", 2),
        KeyError("k"),
        KeyboardInterrupt("stop"),
        AssertionError("a"),
        StopIteration(5),
        StopAsyncIteration(5),
        OSError("only text"),
        Needy(3, where="here"),
        Silent(1, 2),
        Made(1, 2),
        Mixed("a"),
        json.JSONDecodeError("bad", "{", 1),
        subprocess.CalledProcessError(3, ["ls"], output="o"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_type_args_text_and_attributes_arrive(error):
    copy = travel(error)

    assert type(copy) is type(error)
    assert copy.args == error.args
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (caught(open, "/no/such/file"), ("errno", "strerror", "filename", "filename2")),
        (OSError(errno.EXDEV, "cross", "a", None, "b"), ("errno", "filename", "filename2")),
        (BlockingIOError(errno.EAGAIN, "full", 7), ("errno", "characters_written")),
        (NeedyFile("f"), ("errno", "strerror", "filename")),
        (caught(b"\xff".decode, "utf-8"), ("encoding", "object", "start", "end", "reason")),
        (caught("é".encode, "ascii"), ("encoding", "object", "start", "end", "reason")),
        (SystemExit(3), ("code",)),
        (SystemExit("text"), ("code",)),
        (StopIteration("value"), ("value",)),
        (ImportError("no", name="n", path="p"), ("msg", "name", "path")),
        (caught(__import__, "no_such_module"), ("msg", "name")),
        (caught(compile, "a b", "file", "exec"), ("msg", "filename", "lineno", "offset", "text")),
        (caught(lambda: ().missing), ("name",)),
        (caught(lambda: missing), ("name",)),  # noqa: F821
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_fields_of_built_in_exceptions_arrive(error, fields):
    copy = travel(error)

    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.args == error.args
    assert [getattr(copy, name) for name in fields] == [getattr(error, name) for name in fields]


def test_a_field_changed_after_construction_arrives_changed():
    error = SystemExit(1)
    error.code = 5

    assert travel(error).code == 5


def test_slots_attributes_and_notes_arrive():
    error = Slotted("text")
    error.code = 4
    error.more = [1]
    error.add_note("a note")

    copy = travel(error)

    assert (copy.code, copy.more, copy.__notes__) == (4, [1], ["a note"])


def test_a_frozen_dataclass_arrives():
    error = Frozen(3)
    BaseException.__setattr__(error, "__cause__", KeyError("k"))

    copy = travel(error)

    assert copy.code == 3
    assert type(copy.__cause__) is KeyError


def test_a_property_that_hides_a_field_is_no_obstacle():
    assert travel(Named("a")).filename == "of a property"


def test_the_users_own_reduce_and_getstate_are_honoured():
    stateful = Stateful()
    stateful.code = 1

    assert travel(Reducing(2)).code == 4
    assert travel(ReducingWithState()).code == 7
    assert travel(stateful).code == 2


def test_the_users_own_reduce_keeps_cause_and_notes():
    for error in (Reducing(2), ReducingWithState()):
        error.__cause__ = KeyError("k")
        error.add_note("a note")

        copy = travel(error)

        assert copy.__cause__.args == ("k",)
        assert copy.__notes__ == ["a note"]
        assert copy.code in (4, 7)


def test_cause_context_and_suppression_arrive():
    def fail():
        try:
            try:
                raise KeyError("first")
            except KeyError:
                raise Needy(1, where="here")  # noqa: B904
        except Needy as error:
            raise ValueError("last") from error

    copy = travel(caught(fail))

    assert type(copy.__cause__) is Needy
    assert copy.__cause__ is copy.__context__
    assert copy.__cause__.__context__.args == ("first",)
    assert copy.__suppress_context__
    assert not copy.__cause__.__suppress_context__
    assert copy.__traceback__ is None


def test_raising_from_none_stays_so():
    error = caught(exec, "try: 1 / 0\nexcept ArithmeticError: raise ValueError from None")

    copy = travel(error)

    assert copy.__cause__ is None
    assert type(copy.__context__) is ZeroDivisionError
    assert copy.__suppress_context__


def test_a_cycle_of_causes_arrives():
    first, second = ValueError("first"), KeyError("second")
    first.__cause__, second.__cause__ = second, first

    copy = travel(first)

    assert copy.__cause__.__cause__ is copy


def test_an_attribute_that_leads_back_arrives():
    error = Needy(1, where="here")
    error.itself = [error]

    copy = travel(error)

    assert copy.itself[0] is copy


def test_a_very_long_chain_arrives():
    error = None
    for index in range(20_000):
        following = ValueError(index)
        following.__cause__ = error
        error = following

    copy = travel(error)

    length = 0
    while copy is not None:
        length += 1
        copy = copy.__cause__
    assert length == 20_000


def test_exceptions_met_elsewhere_in_the_payload_stay_the_same_objects():
    error, cause = ValueError(), KeyError()
    error.__cause__ = cause

    for copy, cause_copy in (travel([error, cause]), reversed(travel([cause, error]))):
        assert copy.__cause__ is cause_copy


@pytest.mark.comes_back("ExceptionGroup", how="with its members")
def test_groups_arrive_with_their_members():
    inner = ExceptionGroup("inner", [KeyError("k")])
    group = ExceptionGroup("outer", [Needy(1, where="here"), inner])
    group.add_note("a note")
    inner.exceptions[0].__cause__ = OSError(errno.ENOENT, "text", "file")

    copy = travel(group)

    assert type(copy) is ExceptionGroup
    assert (copy.message, copy.args[0], copy.__notes__) == ("outer", "outer", ["a note"])
    assert copy.exceptions[0].where == "here"
    assert copy.exceptions[1].exceptions[0].__cause__.filename == "file"


def test_a_group_whose_member_has_it_as_context_arrives():
    member = ValueError()
    group = ExceptionGroup("group", [member])
    group.__cause__ = KeyError("k")
    member.__context__ = group

    copy = travel(group)

    assert copy.exceptions[0].__context__ is copy
    assert copy.__cause__.args == ("k",)


def test_a_group_of_the_users_own_class_arrives():
    copy = travel(Group([ValueError("a")], 5))

    assert (type(copy), copy.message, copy.code) == (Group, "code 5", 5)
    assert copy.args == ([copy.exceptions[0]], 5)
    assert copy.subgroup(ValueError).code == 5


def test_a_base_group_stays_one():
    copy = travel(BaseExceptionGroup("group", [KeyboardInterrupt()]))

    assert type(copy) is BaseExceptionGroup


def test_an_exception_of_a_script_arrives_in_another_process(run_python, load_elsewhere):
    payload = run_python(
        "import sys\n"
        "from suitkaise.cucumber import serialize\n"
        "class Failed(Exception):\n"
        "    def __init__(self, code, *, where):\n"
        "        super().__init__(f'{code} at {where}')\n"
        "        self.code = code\n"
        "print(serialize(Failed(3, where='here')).hex())\n"
    )

    printed = load_elsewhere(bytes.fromhex(payload.decode()), "print(repr(value), value.code)")

    assert printed == "Failed('3 at here') 3"
