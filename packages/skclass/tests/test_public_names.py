from importlib.metadata import version
from types import ModuleType

import pytest

from suitkaise import circuits, sk


@pytest.mark.parametrize(
    ("package", "names"),
    [
        (circuits, ["BreakingCircuit", "Circuit"]),
        (sk, ["FunctionTimeoutError", "SkModifierError", "Skclass", "blocking", "sk"]),
    ],
)
def test_each_import_package_exports_exactly_its_names(package, names):
    public = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }

    assert package.__all__ == names
    assert public == set(names)


def test_the_version_is_the_one_of_the_installed_distribution():
    assert sk.__version__ == version("suitkaise-skclass")
