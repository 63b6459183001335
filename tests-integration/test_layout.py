"""The shape of the repository: one namespace, four wheels, imports that point one way."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WHEELS = {
    "cucumber": ["cucumber"],
    "skclass": ["circuits", "sk"],
    "sktimer": ["timing"],
    "processing": ["processing"],
}
MAY_IMPORT = {
    "cucumber": set(),
    "sk": set(),
    "circuits": {"sk"},
    "timing": {"sk", "circuits"},
    "processing": {"cucumber", "sk", "circuits", "timing"},
}
RUN_TIME_DEPENDENCIES = {
    "cucumber": {"cloudpickle"},
    "skclass": set(),
    "sktimer": {"suitkaise-skclass"},
    "processing": {
        "suitkaise-cucumber",
        "suitkaise-skclass",
        "suitkaise-sktimer",
        "psutil",
    },
}


def source(wheel: str) -> Path:
    return ROOT / "packages" / wheel / "src" / "suitkaise"


def project(wheel: str) -> dict[str, object]:
    text = (ROOT / "packages" / wheel / "pyproject.toml").read_text()
    table: dict[str, object] = tomllib.loads(text)["project"]
    return table


def version(wheel: str) -> tuple[int, ...]:
    folder = "sk" if wheel == "skclass" else WHEELS[wheel][0]
    tree = ast.parse((source(wheel) / folder / "__init__.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return tuple(int(part) for part in ast.literal_eval(node.value).split("."))
    raise AssertionError(f"{wheel} has no __version__")


def test_there_are_these_wheels_and_no_others() -> None:
    assert {path.name for path in (ROOT / "packages").iterdir()} == set(WHEELS)


@pytest.mark.parametrize("wheel", WHEELS)
def test_no_wheel_has_a_package_at_the_namespace_root(wheel: str) -> None:
    assert not (source(wheel) / "__init__.py").exists()
    folders = {path.name for path in source(wheel).iterdir() if path.name != "__pycache__"}
    assert folders == set(WHEELS[wheel])


@pytest.mark.parametrize("wheel", WHEELS)
def test_each_leaf_package_is_marked_as_typed(wheel: str) -> None:
    for leaf in WHEELS[wheel]:
        assert (source(wheel) / leaf / "py.typed").is_file()


@pytest.mark.parametrize("wheel", WHEELS)
def test_each_wheel_has_what_it_publishes(wheel: str) -> None:
    folder = ROOT / "packages" / wheel
    for name in ("README.md", "LICENSE", "src", "tests"):
        assert (folder / name).exists()
    assert (folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert not (folder / "LICENSE").is_symlink()


def imported_siblings(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
            if node.module == "suitkaise":
                names.update(f"suitkaise.{alias.name}" for alias in node.names)
    return {name.split(".")[1] for name in names if name.startswith("suitkaise.")}


@pytest.mark.parametrize("leaf", MAY_IMPORT)
def test_imports_point_one_way(leaf: str) -> None:
    wheel = next(wheel for wheel, leaves in WHEELS.items() if leaf in leaves)
    files = list((source(wheel) / leaf).rglob("*.py"))
    assert files

    for file in files:
        assert imported_siblings(file) <= MAY_IMPORT[leaf] | {leaf}, file


def private_imports(file: Path) -> set[str]:
    """The private modules that are imported, and the private names, with the leaf before them."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    parts = {tuple(name.split(".")) for name in names if name.startswith("suitkaise.")}
    return {".".join(name) for name in parts if any(part.startswith("_") for part in name)}


@pytest.mark.parametrize("leaf", MAY_IMPORT)
def test_what_is_private_to_a_wheel_is_used_there_alone_but_for_what_it_names(leaf: str) -> None:
    wheel = next(wheel for wheel, leaves in WHEELS.items() if leaf in leaves)
    own = tuple(f"suitkaise.{each}." for each in WHEELS[wheel])

    for file in (source(wheel) / leaf).rglob("*.py"):
        others = {name for name in private_imports(file) if not name.startswith(own)}
        assert all(name.split(".")[2] == "_siblings" for name in others), file


@pytest.mark.parametrize("wheel", WHEELS)
def test_run_time_dependencies_are_these(wheel: str) -> None:
    requirements = project(wheel)["dependencies"]
    assert isinstance(requirements, list)

    names = {requirement.split("~")[0].split(">")[0] for requirement in requirements}
    assert names == RUN_TIME_DEPENDENCIES[wheel]


@pytest.mark.parametrize("wheel", WHEELS)
def test_every_pin_admits_the_sibling_s_present_version(wheel: str) -> None:
    requirements = project(wheel)["dependencies"]
    assert isinstance(requirements, list)

    for requirement in requirements:
        if requirement.startswith("suitkaise-"):
            sibling, pin = requirement.removeprefix("suitkaise-").split("~=")
            least = tuple(int(part) for part in pin.split("."))
            present = version(sibling)
            assert present[: len(least) - 1] == least[:-1]
            assert present >= least


@pytest.mark.parametrize("wheel", WHEELS)
def test_no_engine_module_hides_behind_a_vague_name(wheel: str) -> None:
    vague = {"utils", "common", "helpers", "core", "base", "misc", "int"}

    for file in source(wheel).rglob("*.py"):
        assert file.stem.strip("_") not in vague, file
