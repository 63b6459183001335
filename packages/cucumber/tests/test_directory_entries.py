import os

import pytest

from suitkaise.cucumber import DeserializationError, deserialize, serialize


@pytest.fixture
def entries(tmp_path):
    (tmp_path / "file").write_text("12345")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    with os.scandir(tmp_path) as found:
        return {entry.name: entry for entry in found}


@pytest.mark.comes_back("os.DirEntry", how="looked up again in its folder; its path is absolute")
@pytest.mark.parametrize("name", ["file", "folder", "link"])
def test_an_entry_is_found_again(entries, name):
    entry = entries[name]

    copy = deserialize(serialize(entry))

    assert type(copy) is os.DirEntry
    assert (copy.name, copy.path, os.fspath(copy)) == (name, entry.path, entry.path)
    assert (copy.is_dir(), copy.is_file(), copy.is_symlink(), copy.inode()) == (
        entry.is_dir(),
        entry.is_file(),
        entry.is_symlink(),
        entry.inode(),
    )
    assert copy.stat().st_size == entry.stat().st_size


def test_an_entry_found_by_a_relative_path_or_by_bytes_is_found_from_anywhere(
    entries, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with os.scandir() as found:
        payload = serialize(next(entry for entry in found if entry.name == "file"))
    with os.scandir(os.fsencode(tmp_path)) as found:
        in_bytes = next(entry for entry in found if entry.name == b"file")
    monkeypatch.chdir("/")

    assert deserialize(payload).path == str(tmp_path / "file")
    assert deserialize(serialize(in_bytes)).path == in_bytes.path


def test_an_entry_that_is_gone_is_an_error_that_names_it(entries, tmp_path):
    payload = serialize(entries["file"])
    (tmp_path / "file").unlink()

    with pytest.raises(DeserializationError, match=f"{tmp_path}/file.* not there"):
        deserialize(payload)
