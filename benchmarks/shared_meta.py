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
        methods: How many methods they have, and properties.
        stars: How many of these may write anything.
        silent: How many write nothing.
        writes: How many attributes each of the others writes.
        seconds: How long each class took.
    """

    classes: int
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
    library = _measured(list(_library_classes()))
    print("| standard library | |\n|---|---|")
    print(f"| classes | {library.classes} |")
    print(f"| methods and properties | {library.methods} |")
    print(f"| of these with `*` | {library.stars / library.methods:.0%} |")
    print(f"| of these that write nothing | {library.silent / library.methods:.0%} |")
    print(f"| mean writes of the others | {statistics.mean(library.writes):.1f} |")
    milliseconds = sorted(1000 * seconds for seconds in library.seconds)
    print(f"| time per class, median | {statistics.median(milliseconds):.1f} ms |")
    print(f"| time per class, mean | {statistics.mean(milliseconds):.1f} ms |")
    print(f"| time per class, 95 % | {milliseconds[len(milliseconds) * 95 // 100]:.1f} ms |")
    print()
    print("| generated classes | |\n|---|---|")
    for name, number in _superfluous(options.generated).items():
        print(f"| {name} | {number} |")


def _measured(classes: list[type]) -> Counts:
    methods = stars = silent = 0
    writes: list[int] = []
    seconds: list[float] = []
    for cls in classes:
        begin = time.perf_counter()
        meta = shared_meta(cls)
        seconds.append(time.perf_counter() - begin)
        for access in [*meta["methods"].values(), *meta["properties"].values()]:
            methods += 1
            if access["writes"] == ALL:
                stars += 1
            elif access["writes"]:
                writes.append(len(access["writes"]))
            else:
                silent += 1
    return Counts(len(classes), methods, stars, silent, writes, seconds)


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
