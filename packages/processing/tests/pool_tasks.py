"""What pools are given to do in tests.

A module of its own: a worker need not import pytest with it, which takes longer than all else.
"""

from __future__ import annotations

import os
from pathlib import Path


def own_id(_: object = None) -> int:
    return os.getpid()


class FatalAtFirst:
    """Ends its process until it has done so often enough, of which a file keeps count."""

    def __init__(self, log: Path, deaths: int) -> None:
        self.log = log
        self.deaths = deaths

    def __call__(self, item: int) -> int:
        with (self.log / str(item)).open("a") as file:
            file.write("x")
        if item % 10 == 3 and self.calls(item) <= self.deaths:
            os._exit(5)
        return item

    def calls(self, item: int) -> int:
        return len((self.log / str(item)).read_text())


def hoard(size: int) -> int:
    hoarded: list[bytearray] = globals().setdefault("hoarded", [])
    hoarded.append(bytearray(size))
    return os.getpid()


def pass_on(data: bytes) -> tuple[bytes, int]:
    return data, os.getpid()


def blas_threads(_: object = None) -> int:
    import numpy as np
    from threadpoolctl import threadpool_info

    np.ones((64, 64)) @ np.ones((64, 64))
    return max(library["num_threads"] for library in threadpool_info())


def variable(name: str) -> str | None:
    return os.environ.get(name)
