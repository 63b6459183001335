import doctest
import importlib
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize(
    "name",
    ["circuits", "circuits._backoff", "circuits._breaking_circuit", "circuits._circuit"]
    + ["sk", "sk._blocking"],
)
def test_the_examples_in_docstrings_give_what_they_show(name):
    module = importlib.import_module(f"suitkaise.{name}")

    failed, _ = doctest.testmod(module)

    assert failed == 0


def test_the_examples_in_the_readme_run(capsys):
    snippets = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)

    for snippet in snippets:
        exec(compile(snippet, str(README), "exec"), {})

    assert len(snippets) == 2
    assert capsys.readouterr().out.splitlines() == [
        "attempt 2 tripped the circuit",
        "attempt 5 tripped the circuit",
        "broken",
    ]
