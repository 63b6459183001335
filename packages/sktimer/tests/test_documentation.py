import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from suitkaise import timing

README = Path(__file__).parents[1] / "README.md"
MODULES = ["suitkaise.timing"] + [
    f"suitkaise.timing.{module.name}" for module in pkgutil.iter_modules(timing.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_give_what_they_show(name):
    module = importlib.import_module(name)

    failed, _ = doctest.testmod(module)

    assert failed == 0


def snippets() -> list[tuple[str, str]]:
    """The examples of the README, each with the output shown below it."""
    text = README.read_text(encoding="utf-8")
    found = re.findall(r"```python\n(.*?)```(?:\s+```text\n(.*?)```)?", text, re.DOTALL)
    assert found
    return found


@pytest.mark.parametrize(("code", "output"), snippets())
def test_the_examples_in_the_readme_print_what_they_show(code, output, tmp_path):
    script = tmp_path / "example.py"
    script.write_text(code, encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, "-X", "utf8", str(script)], capture_output=True, encoding="utf-8"
    )

    assert ended.stderr == ""
    assert ended.stdout == output


def test_the_readme_names_every_public_name():
    text = README.read_text(encoding="utf-8")
    names = set(timing.__all__)
    for owner in (timing.Sktimer, timing.TimerStats):
        names |= {name for name in dir(owner) if not name.startswith("_")}

    missing = [name for name in names if not re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", text)]

    assert missing == []
