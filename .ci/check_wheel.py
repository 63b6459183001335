"""Checks that this environment holds one of the wheels, and no more than that wheel asks for.

Run by `hatch run wheels:check`, once for each package, before the package's tests.
"""

from __future__ import annotations

import sys
import zipfile
from importlib.metadata import distributions
from pathlib import Path

TEST_TOOLS = {"hypothesis", "pytest", "pytest-timeout", "pytest-xdist", "trustme"}
TEST_TOOLS_BRING = {
    "attrs",
    "cffi",
    "cryptography",
    "execnet",
    "idna",
    "iniconfig",
    "packaging",
    "pip",
    "pluggy",
    "pycparser",
    "pygments",
    "setuptools",
    "sortedcontainers",
    "wheel",
}
BRINGS = {
    "cucumber": {"suitkaise-cucumber", "cloudpickle"},
    "skclass": {"suitkaise-skclass"},
    "sktimer": {"suitkaise-sktimer", "suitkaise-skclass"},
    "processing": {
        "suitkaise-processing",
        "suitkaise-cucumber",
        "suitkaise-skclass",
        "suitkaise-sktimer",
        "cloudpickle",
        "psutil",
    },
}


def main(package: str) -> None:
    """Check the environment and the wheel of one package; exit with a message if one is wrong."""
    names = {distribution.metadata["Name"].lower() for distribution in distributions()}
    brought = names - TEST_TOOLS - TEST_TOOLS_BRING
    if brought != BRINGS[package]:
        sys.exit(f"suitkaise-{package} brings {sorted(brought)}, not {sorted(BRINGS[package])}")

    (wheel,) = Path("dist").glob(f"suitkaise_{package}-*.whl")
    files = zipfile.ZipFile(wheel).namelist()
    if "suitkaise/__init__.py" in files:
        sys.exit(f"{wheel} has a suitkaise/__init__.py, which would hide the other packages")
    leaves = {file.split("/")[1] for file in files if file.startswith("suitkaise/")}
    untyped = [leaf for leaf in leaves if f"suitkaise/{leaf}/py.typed" not in files]
    if untyped:
        sys.exit(f"{wheel}: no py.typed in {untyped}")
    if not any(file.endswith("licenses/LICENSE") for file in files):
        sys.exit(f"{wheel} has no LICENSE")
    sys.stdout.write(f"{wheel.name} brings {', '.join(sorted(brought))}\n")


if __name__ == "__main__":
    main(sys.argv[1])
