import doctest
import importlib
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("name", ["", "._measurements", "._sktimer", "._stats", "._stopwatch"])
def test_the_examples_in_docstrings_give_what_they_show(name):
    module = importlib.import_module(f"suitkaise.timing{name}")

    failed, _ = doctest.testmod(module)

    assert failed == 0


def test_the_example_in_the_readme_runs(capsys):
    snippets = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)

    for snippet in snippets:
        exec(compile(snippet, str(README), "exec"), {})

    assert len(snippets) == 1
    assert capsys.readouterr().out.startswith("100 times, mean ")
