"""Classes that others help to make, and classes that are typed in somewhere."""

import subprocess
import sys
import textwrap

import pytest

from suitkaise.sk import Skclass

PATIENCE = 60


def writes(cls, name):
    return cls._shared_meta["methods"][name]["writes"]


@pytest.mark.parametrize("is_slotted", [True, False])
def test_an_attrs_class_is_understood(is_slotted):
    attrs = pytest.importorskip("attrs")

    @Skclass
    @attrs.define(slots=is_slotted)
    class Account:
        owner: str
        entries: list[int] = attrs.field(factory=list)

        def add(self, amount: int) -> None:
            self.entries.append(amount)

        def look(self) -> int:
            return len(self.entries)

        def rename(self, owner: str) -> None:
            self.owner = owner

    assert {"owner", "entries"} <= set(writes(Account, "__init__")) or (
        writes(Account, "__init__") == ["*"]
    )
    assert "entries" in writes(Account, "add") or writes(Account, "add") == ["*"]
    assert "owner" in writes(Account, "rename") or writes(Account, "rename") == ["*"]
    assert {"entries", "*"} & set(Account._shared_meta["methods"]["look"]["reads"])


def test_what_attrs_converts_and_validates_at_an_assignment_is_not_overlooked():
    attrs = pytest.importorskip("attrs")

    def count(instance, attribute, value):
        instance.checks += 1

    @Skclass
    @attrs.define
    class Checked:
        checks: int = attrs.field(default=0, on_setattr=attrs.setters.NO_OP)
        name: str = attrs.field(default="", validator=count)

        def rename(self, name: str) -> None:
            self.name = name

    checked = Checked()
    before = checked.checks
    checked.rename("new")
    assert checked.checks == before + 1

    assert {"checks", "name"} <= set(writes(Checked, "rename")) or (
        writes(Checked, "rename") == ["*"]
    )


def test_a_pydantic_model_is_understood_or_a_star():
    pydantic = pytest.importorskip("pydantic")

    @Skclass
    class Model(pydantic.BaseModel):
        count: int = 0
        items: list[int] = []  # noqa: RUF012 (pydantic copies it)

        def add(self, item: int) -> None:
            self.items.append(item)
            self.count += 1

        def look(self) -> int:
            return self.count

    model = Model()
    model.add(1)
    assert (model.count, model.items) == (1, [1])

    assert {"count", "items"} <= set(writes(Model, "add")) or writes(Model, "add") == ["*"]
    assert writes(Model, "__init__") == ["*"]


CLASS = """
from suitkaise.sk import Skclass
@Skclass
class Counter:
    def add(self):
        self.helper()
    def helper(self):
        self.n = 1
    def look(self):
        return self.n

"""
SHOWN = """
print("add", Counter._shared_meta["methods"]["add"]["writes"])
print("look", Counter._shared_meta["methods"]["look"]["writes"])
"""


def run(arguments, text):
    ended = subprocess.run(
        [sys.executable, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    return [line for line in ended.stdout.splitlines() if line.startswith(("add ", "look "))]


def test_a_class_typed_into_the_interactive_interpreter_is_right_or_a_star():
    shown = run(["-i", "-q"], CLASS + SHOWN)

    assert shown in (["add ['n']", "look []"], ["add ['*']", "look ['*']"])


def test_a_class_from_standard_input_or_the_command_line_is_right_or_a_star():
    for shown in (run(["-"], CLASS + SHOWN), run(["-c", CLASS + SHOWN], "")):
        assert shown in (["add ['n']", "look []"], ["add ['*']", "look ['*']"])


def test_a_class_in_a_cell_of_a_notebook_is_understood_and_follows_when_the_cell_changes():
    pytest.importorskip("IPython")
    program = """
    import warnings
    warnings.simplefilter("ignore")
    from IPython.core.interactiveshell import InteractiveShell
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.run_cell(CLASS)
    shell.run_cell(SHOWN)
    shell.run_cell(CLASS.replace("self.n = 1", "self.m = 1"))
    shell.run_cell(SHOWN)
    """

    shown = run(["-c", f"CLASS = {CLASS!r}\nSHOWN = {SHOWN!r}\n{textwrap.dedent(program)}"], "")

    assert shown == ["add ['n']", "look []", "add ['m']", "look []"]
