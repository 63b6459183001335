"""How precise the analysis behind `_shared_meta` is: `python -m benchmarks.shared_meta`.

Over the classes of the standard library: how many methods get ``"*"``, how many attributes the
others write, and how long it takes. Over generated classes (those of the tests, whose methods are
run): how many of the declared writes a call did not make.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import pkgutil
import random
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from suitkaise.sk._analysis import ALL, shared_meta

_GENERATOR = (
    Path(__file__).parents[1] / "packages" / "skclass" / "tests" / "test_shared_meta_generated.py"
)
# Importing them opens windows, prints, installs, or runs tests.
_LEFT_OUT = frozenset(
    ["antigravity", "ensurepip", "idlelib", "lib2to3", "test", "this", "tkinter", "turtle"]
    + ["turtledemo", "venv"]
)


class Counts(NamedTuple):
    """What was found over a set of classes.

    Attributes:
        classes: How many there were.
        certain: How many of them have no method that may write anything.
        methods: How many methods they have, and properties, inherited ones included.
        stars: How many of these may write anything.
        silent: How many write nothing.
        writes: How many attributes each of the others writes.
        seconds: How much CPU time each class took.
    """

    classes: int
    certain: int
    methods: int
    stars: int
    silent: int
    writes: list[int]
    seconds: list[float]


def main() -> None:
    """Measure, and print a small table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shared_meta", description=__doc__)
    parser.add_argument("--generated", type=int, default=300, help="how many generated classes")
    options = parser.parse_args()
    classes = list(_library_classes())
    in_c = [cls for cls in classes if any(map(_is_written_in_c, cls.__mro__[:-1]))]
    in_python = [cls for cls in classes if cls not in set(in_c)]
    columns = [_column(_measured(group)) for group in (in_python, in_c)]
    print("| standard library | all of it Python | with a base written in C |\n|---|--:|--:|")
    for name in columns[0]:
        print(f"| {name} | {' | '.join(column[name] for column in columns)} |")
    print()
    print("| generated classes | |\n|---|--:|")
    for name, number in _superfluous(options.generated).items():
        print(f"| {name} | {number} |")


def _is_written_in_c(cls: type) -> bool:
    return not cls.__flags__ & 1 << 9  # Py_TPFLAGS_HEAPTYPE


def _column(counts: Counts) -> dict[str, str]:
    milliseconds = sorted(1000 * seconds for seconds in counts.seconds)
    return {
        "classes": f"{counts.classes:,}",
        "of these without any `*`": f"{counts.certain / counts.classes:.0%}",
        "methods and properties": f"{counts.methods:,}",
        "of these with `*`": f"{counts.stars / counts.methods:.0%}",
        "of these that write nothing": f"{counts.silent / counts.methods:.0%}",
        "mean writes of the others": f"{statistics.mean(counts.writes):.1f}",
        "time per class, median": f"{statistics.median(milliseconds):.1f} ms",
        "time per class, mean": f"{statistics.mean(milliseconds):.0f} ms",
        "time per class, 95 %": f"{milliseconds[len(milliseconds) * 95 // 100]:.0f} ms",
    }


def _measured(classes: list[type]) -> Counts:
    certain = methods = stars = silent = 0
    writes: list[int] = []
    seconds: list[float] = []
    for cls in classes:
        begin = time.process_time()
        meta = shared_meta(cls)
        seconds.append(time.process_time() - begin)
        accesses = [*meta["methods"].values(), *meta["properties"].values()]
        methods += len(accesses)
        certain += all(access["writes"] != ALL for access in accesses)
        for access in accesses:
            if access["writes"] == ALL:
                stars += 1
            elif access["writes"]:
                writes.append(len(access["writes"]))
            else:
                silent += 1
    return Counts(len(classes), certain, methods, stars, silent, writes, seconds)


def _library_classes() -> Iterator[type]:
    for module in _library_modules():
        for cls in list(vars(module).values()):
            if isinstance(cls, type) and cls.__module__ == module.__name__:
                yield cls


def _library_modules() -> Iterator[ModuleType]:
    folder = str(Path(statistics.__file__).parent)
    warnings.simplefilter("ignore")
    for info in pkgutil.iter_modules([folder]):
        if info.name in _LEFT_OUT or info.name.startswith("_test"):
            continue
        names = [info.name]
        if info.ispkg:
            package = str(Path(folder) / info.name)
            names += [f"{info.name}.{inner.name}" for inner in pkgutil.iter_modules([package])]
        for name in names:
            if name.endswith("__main__") or "test" in name:
                continue
            try:
                yield importlib.import_module(name)
            except (ImportError, AttributeError, OSError) as error:
                print(f"... {name} is left out: {error}", file=sys.stderr)


def _superfluous(count: int) -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("generated_classes", _GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    calls = stars = declared = superfluous = 0
    for seed in range(count):
        cls = generator.build(generator.write_class(seed), seed)
        meta = shared_meta(cls)
        for name, changed in generator.observe(cls, random.Random(seed)):
            writes = generator.declared(meta, name)
            calls += 1
            if writes == ALL:
                stars += 1
                continue
            declared += len(writes)
            superfluous += len(set(writes) - changed)
    return {
        "classes": str(count),
        "calls observed": str(calls),
        "of these with `*`": f"{stars / calls:.0%}",
        "declared writes": str(declared),
        "of these not made by the call": f"{superfluous / declared:.0%}",
    }


if __name__ == "__main__":
    main()
