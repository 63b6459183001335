import importlib.machinery
import importlib.util
import sys
import types
import zipfile

import pytest

from suitkaise.cucumber._importable import is_importable


class Finder:
    """As an editable install puts one into `sys.meta_path`."""

    def __init__(self, name, file):
        self.name = name
        self.file = file

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            return importlib.util.spec_from_file_location(name, self.file)
        return None


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package on the path, not imported yet, whose import would be noticed."""
    folder = tmp_path / "cucumber_sample"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "inner.py").write_text("class Thing: pass")
    (folder / "loud.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("cucumber_sample")]:
        del sys.modules[name]


def put(monkeypatch, name, **attributes):
    module = types.ModuleType(name)
    vars(module).update(attributes)
    monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize(
    "name", ["builtins", "sys", "os", "os.path", "threading", "collections.abc", "_thread"]
)
def test_the_standard_library_is_importable(name):
    assert is_importable(name)


def test_main_and_unknown_modules_are_not():
    assert not is_importable("__main__")
    assert not is_importable("no_such_module")


def test_packages_and_modules_on_the_path_are_importable(package):
    import cucumber_sample.inner  # noqa: F401

    assert is_importable("cucumber_sample")
    assert is_importable("cucumber_sample.inner")


def test_nothing_is_imported_for_the_answer(package, monkeypatch):
    put(monkeypatch, "cucumber_sample.loud", __file__=str(package / "loud.py"))

    assert is_importable("cucumber_sample.loud")
    assert "cucumber_sample" not in sys.modules


def test_a_module_made_by_hand_is_not_importable(monkeypatch):
    put(monkeypatch, "made_by_hand")

    assert not is_importable("made_by_hand")


def test_a_module_made_by_hand_in_place_of_a_real_one_is_not_importable(package, monkeypatch):
    import cucumber_sample.inner  # noqa: F401

    assert is_importable("cucumber_sample.inner")
    put(monkeypatch, "cucumber_sample.inner")

    assert not is_importable("cucumber_sample.inner")


def test_a_module_that_its_package_makes_is_importable(package, monkeypatch):
    import cucumber_sample  # noqa: F401

    put(monkeypatch, "cucumber_sample.made_on_import")

    assert is_importable("cucumber_sample.made_on_import")


def test_a_module_loaded_from_a_file_off_the_path_is_not_importable(tmp_path, monkeypatch):
    file = tmp_path / "off_the_path.py"
    file.write_text("")
    spec = importlib.util.spec_from_file_location("off_the_path", file)
    monkeypatch.setitem(sys.modules, "off_the_path", importlib.util.module_from_spec(spec))

    assert not is_importable("off_the_path")


def test_a_module_whose_name_finds_another_file_is_not_importable(package, tmp_path, monkeypatch):
    file = tmp_path / "elsewhere.py"
    file.write_text("")
    spec = importlib.util.spec_from_file_location("cucumber_sample", file)
    monkeypatch.setitem(sys.modules, "cucumber_sample", importlib.util.module_from_spec(spec))

    assert not is_importable("cucumber_sample")


def test_a_module_in_a_package_that_cannot_be_found_is_not_importable(package, monkeypatch):
    file = package / "inner.py"
    put(monkeypatch, "unfindable", __path__=[str(package)])
    put(monkeypatch, "unfindable.inner", __file__=str(file))

    assert not is_importable("unfindable.inner")


def test_a_module_found_by_a_finder_of_an_editable_install_is_importable(tmp_path, monkeypatch):
    file = tmp_path / "edited.py"
    file.write_text("")
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder("edited", str(file))])
    import edited  # noqa: F401

    try:
        assert is_importable("edited")
    finally:
        del sys.modules["edited"]


def test_a_module_in_an_archive_is_importable(tmp_path, monkeypatch):
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("in_archive/__init__.py", "")
        file.writestr("in_archive/inner.py", "")
    monkeypatch.syspath_prepend(archive)
    import in_archive.inner  # noqa: F401

    try:
        assert is_importable("in_archive.inner")
    finally:
        del sys.modules["in_archive.inner"], sys.modules["in_archive"]


def test_a_namespace_package_is_importable(tmp_path, monkeypatch):
    (tmp_path / "spacious" / "room").mkdir(parents=True)
    (tmp_path / "spacious" / "room" / "chair.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    import spacious.room.chair  # noqa: F401

    try:
        assert is_importable("spacious")
        assert is_importable("spacious.room.chair")
    finally:
        for name in ("spacious.room.chair", "spacious.room", "spacious"):
            del sys.modules[name]


def test_a_finder_that_fails_means_no(monkeypatch):
    class Failing:
        def find_spec(self, name, path=None, target=None):
            raise OSError("gone")

    put(monkeypatch, "asked_for")
    monkeypatch.setattr(sys, "meta_path", [Failing()])

    assert not is_importable("asked_for")
