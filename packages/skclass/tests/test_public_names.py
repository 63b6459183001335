from importlib.metadata import version

import pytest

from suitkaise import circuits, sk


@pytest.mark.parametrize(
    ("package", "names"),
    [
        (circuits, ["BreakingCircuit", "Circuit"]),
        (sk, ["FunctionTimeoutError", "SkModifierError", "blocking", "sk"]),
    ],
)
def test_each_import_package_exports_exactly_its_names(package, names):
    public = {name for name in vars(package) if not name.startswith("_")}

    assert package.__all__ == names
    assert public == set(names)


def test_the_version_is_the_one_of_the_installed_distribution():
    assert sk.__version__ == version("suitkaise-skclass")
