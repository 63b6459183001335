"""Where it was measured."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

_PACKAGES = (
    "suitkaise-processing",
    "suitkaise-cucumber",
    "UltraDict-wheels",
    "cloudpickle",
    "dill",
    "joblib",
    "loky",
    "mpire",
    "multiprocess",
    "numpy",
    "pebble",
)


def describe() -> dict[str, str]:
    """Describe the machine and the software, each fact under its name."""
    return {
        "Date": datetime.date.today().isoformat(),
        "CPU": f"{_cpu_model()}, {_cpus()} CPUs usable",
        "Load before": f"{os.getloadavg()[0]:.1f}",
        "System": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Packages": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
