"""The specification's examples, unchanged, as scripts without a `__main__` guard.

Each script has what an example takes for granted before it, and what must be so after it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PATIENCE = 100.0
EXAMPLES = Path(__file__).parent / "examples"
PRINTED = {  # else nothing is
    "exceptions.py": r"Process failed: .*the third is wrong.*\n"
    r"Timeout in __run__ after 0\.25s on run 1\n"
    r"Timed out waiting for result\n",
    "lifecycle_methods.py": r"logged: .*no more batches.*\n",
    "pipe.py": r".*anchor.*\n",
    "share.py": r"100\n",
    "timing.py": r"(\d+\.\d+(e-\d+)?\n){7}",
}


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_an_example_of_the_specification_runs_unchanged(name: str, tmp_path: Path) -> None:
    _run(name, tmp_path)


@pytest.mark.endurance
@pytest.mark.timeout(900)
def test_what_is_shared_comes_to_the_same_fifty_times_in_a_row(tmp_path: Path) -> None:
    for _ in range(50):
        _run("share.py", tmp_path)


def _run(name: str, tmp_path: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, EXAMPLES / name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert re.fullmatch(PRINTED.get(name, ""), outcome.stdout), outcome.stdout
