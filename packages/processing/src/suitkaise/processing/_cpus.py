"""How many CPUs this process may use: its affinity, and the quotas of its control groups."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def usable_cpus() -> int:
    """Count them; a quota counts rounded up."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, min([count, *_quotas()]))


def _quotas() -> Iterator[int]:
    """Yield the quotas that hold for this process, of version 1 and 2, in CPUs."""
    for folder, group in _groups():
        path = folder / group.lstrip("/")
        # A container may see its own group as the root, and not by the name that it has outside.
        for place in (path, *path.parents[: len(path.parts) - len(folder.parts)]):
            with contextlib.suppress(OSError, ValueError):  # no file there, or "max"
                yield _quota_in(place)


def _groups() -> Iterator[tuple[Path, str]]:
    """Yield the group of this process in each hierarchy that may limit CPUs, below its folder."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            if not controllers:
                yield _ROOT, group
            elif "cpu" in controllers.split(","):
                yield _ROOT / controllers, group


def _quota_in(place: Path) -> int:
    try:
        quota, period = (place / "cpu.max").read_text().split()
    except OSError:
        quota, period = ((place / f"cpu.cfs_{what}_us").read_text() for what in ("quota", "period"))
    if int(quota) <= 0:
        raise ValueError("there is none")
    return -(-int(quota) // int(period))
