import doctest
import importlib
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize(
    "name",
    ["", "._explanation", "._inspection", "._reconnection", "._reconnector", "._registry"],
)
def test_the_examples_in_docstrings_give_what_they_show(name):
    module = importlib.import_module(f"suitkaise.cucumber{name}")

    failed, tried = doctest.testmod(module)

    assert failed == 0
    assert tried > 0


def test_the_examples_in_the_readme_run(capsys):
    snippets = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)

    for snippet in snippets:
        names = {"__name__": "__main__"}
        exec(compile(snippet, str(README), "exec"), names)
        if "db" in names:
            names["db"].close()
            names["job"]["db"].close()

    printed = capsys.readouterr().out
    assert len(snippets) == 4
    for line in ("42 False", "['lock'] _thread.lock · by value", "(42,)", "21.5"):
        assert line in printed
    assert printed[printed.index("payload of") :] in README.read_text(encoding="utf-8")
