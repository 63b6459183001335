"""Context variables travel as themselves."""

from __future__ import annotations

import subprocess
import sys
import types
from contextvars import Context, ContextVar, Token
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize
from suitkaise.cucumber._handlers._context_variables import places_of

held_by_a_test: ContextVar[int] = ContextVar("held_by_a_test", default=3)

MODULE = """
from contextvars import ContextVar
plain = ContextVar("plain")
class Holder:
    of_the_class = ContextVar("of the class")
    def __init__(self):
        self.of_the_object = ContextVar("of the object")
holder = Holder()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "holds_variables.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    import holds_variables  # type: ignore[import-not-found]

    yield holds_variables
    del sys.modules["holds_variables"]


@pytest.mark.comes_back(
    "contextvars.ContextVar",
    how="the receiver's own, found in its module; that of a script with name, default and value",
)
@pytest.mark.parametrize("path", ["plain", "Holder.of_the_class", "holder.of_the_object"])
def test_a_variable_of_a_module_is_found_there_by_another_process(module: Any, path: str) -> None:
    variable: Any = module
    for name in path.split("."):
        variable = getattr(variable, name)
    script = (
        "import sys\n"
        "from suitkaise.cucumber import deserialize\n"
        "variable = deserialize(sys.stdin.buffer.read())\n"
        "import holds_variables\n"
        f"assert variable is holds_variables.{path}\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script],
        input=serialize(variable),
        cwd=Path(module.__file__).parent,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    assert deserialize(serialize(variable)) is variable


def test_a_variable_of_a_script_comes_back_as_itself() -> None:
    variable: ContextVar[str] = ContextVar("of a script")

    first, second = deserialize(serialize([variable, variable]))

    assert first is second is variable
    assert places_of(variable) == []


def test_all_copies_of_a_variable_are_one_at_the_receiver_with_name_and_default() -> None:
    variable: ContextVar[tuple[int, ...]] = ContextVar("colour", default=(1, 2))
    script = (
        "import sys\n"
        "from suitkaise.cucumber import deserialize\n"
        f"first, second = map(deserialize, [{serialize(variable)!r}, {serialize([variable])!r}])\n"
        "assert first is second[0]\n"
        "print(first.name, first.get())\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("colour (1, 2)\n", "")


def test_a_variable_of_a_script_brings_its_value() -> None:
    variable: ContextVar[list[Any]] = ContextVar("of a script")
    context = Context()
    context.run(variable.set, [1])
    context.run(variable.get).append(variable)  # a value may lead back to its variable

    payload = context.run(serialize, {"variable": variable})
    nested = context.run(serialize, _nested(variable))

    assert Context().run(_get, payload)[0] == 1
    assert Context().run(_get, payload)[1] is variable
    assert context.run(_get, payload) is context.run(variable.get)  # as it has one
    assert Context().run(_get, serialize({"variable": variable})) is None
    with pytest.raises(LookupError):
        variable.get()
    assert b"of a script" in nested
    assert Context().run(_get_nested, nested)[0] == 1


def test_a_value_that_cannot_travel_is_an_error_that_says_where() -> None:
    variable: ContextVar[Any] = ContextVar("variable")
    context = Context()
    context.run(variable.set, [1, sys._getframe])
    context.run(variable.get).append(object.__new__(Unwilling))

    with pytest.raises(SerializationError, match=r"variable.*\.get\(\)\[2\]"):
        context.run(serialize, {"variable": variable})


class Unwilling:
    """Stays here."""

    def __reduce__(self) -> Any:
        raise TypeError("it will not")


def _get(payload: bytes) -> Any:
    return deserialize(payload)["variable"].get(None)


def _nested(value: Any) -> Any:
    for _ in range(20_000):
        value = [value]
    return value


def _get_nested(payload: bytes) -> Any:
    value = deserialize(payload)
    while isinstance(value, list):
        (value,) = value
    return value.get()


def test_a_module_that_the_receiver_cannot_import_is_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = types.ModuleType("made_by_hand")
    made.__spec__ = ModuleSpec("made_by_hand", None, origin="nowhere")
    made.variable = ContextVar("variable")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "made_by_hand", made)

    assert places_of(made.variable) == []  # type: ignore[attr-defined]
    assert deserialize(serialize(made.variable)) is made.variable  # type: ignore[attr-defined]


@pytest.mark.comes_back("contextvars.Context", how="with the values of its variables")
def test_a_context_keeps_the_values_of_its_variables() -> None:
    variable: ContextVar[Any] = ContextVar("variable")
    context = Context()
    context.run(variable.set, [1, 2])
    context.run(variable.get).append(context)

    copy, same = deserialize(serialize([context, variable]))

    assert copy.run(same.get)[:2] == [1, 2]
    assert copy.run(same.get)[2] is copy
    assert copy.run(same.get) is not context.run(variable.get)


@pytest.mark.comes_back("contextvars.Token", how="refused: of use in its own context alone")
def test_a_token_is_refused_with_the_remedy() -> None:
    variable: ContextVar[int] = ContextVar("variable")
    token = Context().run(variable.set, 1)

    with pytest.raises(SerializationError, match="old_value"):
        serialize(token)
    assert deserialize(serialize(token.old_value)) is Token.MISSING
