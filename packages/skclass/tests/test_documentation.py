import doctest
import importlib
import linecache
import re
import runpy
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


MODULES = sorted(
    f"suitkaise.{package}.{path.stem}"
    for package in ("circuits", "sk", "sk._analysis")
    for path in Path(importlib.import_module(f"suitkaise.{package}").__path__[0]).glob("*.py")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_give_what_they_show(name):
    module = importlib.import_module(name.removesuffix(".__init__"))

    failed, _ = doctest.testmod(module)

    assert failed == 0


def test_the_examples_in_the_readme_run(capsys, tmp_path):
    snippets = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)

    for snippet in snippets:
        script = tmp_path / "snippet.py"
        script.write_text(snippet, encoding="utf-8")
        linecache.clearcache()
        runpy.run_path(str(script))

    assert capsys.readouterr().out.splitlines() == [
        *("8", "8", "8", "8"),
        "sleep took longer than its timeout of 0.05 s",
        "True ['time.sleep']",
        "True",
        "{'writes': ['entries'], 'reads': ['entries']}",
        "{'writes': [], 'reads': ['entries']}",
        "['*']",
        "attempt 2 tripped the circuit",
        "attempt 5 tripped the circuit",
        "broken",
    ]
