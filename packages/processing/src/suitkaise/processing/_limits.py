"""What the workers of a pool are held to: how long one serves, and how many threads it computes on.

    parent   Limits  --in Start-->  worker   Wear: has it served long enough?

A worker that has ends between two items, and another takes its place.
"""

from __future__ import annotations

import os
from typing import NamedTuple

_BETWEEN_LOOKS = 0.01  # seconds between two looks at the memory, which take some 20 µs
_MOST = 1 << 62  # items: no limit

# What numerical libraries ask for when they are loaded. A worker has loaded none of them before it
# knows its limits, so nothing need be told to those that run (which threadpoolctl could).
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


class Limits(NamedTuple):
    """Each is 0 where there is none."""

    max_tasks: int = 0  # items that a worker may run
    max_memory: int = 0  # bytes that it may have between two items
    threads: int = 0  # that a numerical library in it may use
    is_threads_chosen: bool = False  # whether that goes before the environment's own settings

    @property
    def end_workers(self) -> bool:
        """Whether a worker may have to end for them."""
        return bool(self.max_tasks or self.max_memory)

    def limit_threads(self) -> None:
        """Have the libraries that this process loads from now on use no more threads."""
        if not self.threads:
            return
        for variable in _THREAD_VARIABLES:
            if self.is_threads_chosen or variable not in os.environ:
                os.environ[variable] = str(self.threads)


class Wear:
    """What a worker has used up of its limits.

    Args:
        limits: The limits.

    Attributes:
        items: How many it may still run.
    """

    def __init__(self, limits: Limits) -> None:
        self.items = limits.max_tasks or _MOST
        self._max_memory = limits.max_memory
        self._next_look = 0.0
        self._is_too_large = False
        if limits.max_memory:
            import psutil  # not on top: it takes longer to load than a worker to start

            self._memory = psutil.Process().memory_info

    @property
    def is_over(self) -> bool:
        """Whether the worker has served long enough."""
        return self._is_too_large or self.items <= 0

    def note(self, items: int, now: float) -> None:
        """Count items that have run; the time is that of `time.perf_counter`."""
        self.items -= items
        if self._max_memory and now >= self._next_look:
            self.look()
            self._next_look = now + _BETWEEN_LOOKS

    def look(self) -> bool:
        """Measure the memory that this process has of its own; returns whether all is over."""
        if self._max_memory:
            memory = self._memory()
            own = memory.rss - getattr(memory, "shared", 0)  # segments belong to others, too
            self._is_too_large = own > self._max_memory
        return self.is_over
