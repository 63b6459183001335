"""A diary: what a task has done, noted where its process's end does not reach.

A module of its own: a worker need not import pytest with it.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path


class Diary:
    """Notes numbers in a file, which survives the process."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def note(self, number: int) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, b"%d\n" % number)
        os.close(descriptor)

    def calls(self) -> Counter[int]:
        """Return how often each number was noted."""
        path = Path(self.path)
        return Counter(map(int, path.read_text().split() if path.exists() else ()))
