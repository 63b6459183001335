import contextlib
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import settings

# A busy machine must not fail a test: hypothesis would time every example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def memory_db():
    """A connection to a database in memory."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        yield connection


@pytest.fixture
def run_python(tmp_path):
    """Run a program in a process of its own, outside the repository; what it prints, stripped."""

    def run(program, payload=b""):
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=payload,
            capture_output=True,
            timeout=60,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.strip()

    return run


@pytest.fixture
def load_elsewhere(run_python):
    """Deserialise a payload as `value` in another process; what the given lines print there."""

    def load(payload, lines):
        program = (
            "import sys\n"
            "from suitkaise.cucumber import deserialize\n"
            "value = deserialize(sys.stdin.buffer.read())\n"
        )
        return run_python(program + lines, payload).decode()

    return load
