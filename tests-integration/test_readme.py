"""What the READMEs show, run as scripts: without an error, and with the output shown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE = 100.0
ROOT = Path(__file__).parents[1]
PROSE = {"seconds", "seconds per run", "seconds, in the child"}  # a comment that is no output


@pytest.mark.parametrize("readme", ["README.md", "packages/processing/README.md"])
def test_the_examples_of_a_readme_print_what_they_say(readme: str, tmp_path: Path) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    script = tmp_path / "script.py"
    script.write_text("\n".join(snippets), encoding="utf-8")
    said = re.findall(r"^ *print\(.*\)(?:\n#|  #) (.*)$", script.read_text("utf-8"), re.MULTILINE)

    outcome = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    without_bars = re.sub(r"\r?[^\r\n]*\d+%\|[^\r\n]*", "", outcome.stderr).strip()
    assert (outcome.returncode, without_bars) == (0, "")
    assert len(said) > 3
    printed = outcome.stdout.splitlines()
    expected = [line for line in said if line not in PROSE and "num_times" not in line]
    assert [line for line in expected if line not in printed] == []
