import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def type_table():
    """The module beside this one, which is not on the path."""
    spec = importlib.util.spec_from_file_location(
        "type_table", Path(__file__).with_name("type_table.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_has_the_table_that_the_tests_make(type_table):
    readme = type_table.README.read_text(encoding="utf-8")

    assert type_table.table() in readme, "run `hatch run type-table`"


def test_no_type_comes_back_in_two_ways(type_table):
    names = [name for row in type_table.rows() for name in row.types]

    assert len(names) == len(set(names)) > 20, sorted(
        name for name in set(names) if names.count(name) > 1
    )
