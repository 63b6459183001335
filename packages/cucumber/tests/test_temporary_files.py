import os
import tempfile
from pathlib import Path

import pytest

from suitkaise.cucumber import deserialize, serialize


@pytest.mark.comes_back(
    "tempfile.NamedTemporaryFile",
    how="the sender's file, opened again; the sender removes it, nobody else",
)
def test_a_named_file_is_the_senders_who_alone_removes_it():
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("first ")

        with deserialize(serialize(file)) as copy:
            assert copy.name == file.name
            copy.write("second")

        assert Path(file.name).read_text() == "first second"
    assert not Path(file.name).exists()


def test_a_named_file_arrives_in_another_process_which_does_not_remove_it(load_elsewhere):
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"content")

        assert load_elsewhere(serialize(file), "value.seek(0); print(value.read())") == "b'content'"
        assert Path(file.name).exists()


@pytest.mark.comes_back("tempfile.SpooledTemporaryFile", how="with content and position")
@pytest.mark.parametrize("max_size", [0, 4, 1000])
@pytest.mark.parametrize("mode", ["w+b", "w+"])
def test_a_spooled_file_is_one_of_its_own(max_size, mode):
    text = "grüße" if mode == "w+" else b"greetings"
    with tempfile.SpooledTemporaryFile(max_size, mode) as file:
        file.write(text)
        file.seek(1)

        with deserialize(serialize(file)) as copy:
            assert copy._rolled == file._rolled
            assert copy.read() == text[1:]
            copy.write(text)

        assert file.tell() == 1
        assert file.read() == text[1:]


@pytest.mark.comes_back(
    "tempfile.TemporaryDirectory", how="its path; the sender removes it, nobody else"
)
def test_a_folder_is_removed_by_the_sender_alone(load_elsewhere):
    with tempfile.TemporaryDirectory() as path:
        pass
    folder = tempfile.TemporaryDirectory()
    (Path(folder.name) / "file").touch()

    with deserialize(serialize(folder)) as path:
        assert os.listdir(path) == ["file"]  # noqa: PTH208
    deserialize(serialize(folder)).cleanup()
    load_elsewhere(serialize(folder), "value.cleanup()")

    assert (Path(folder.name) / "file").exists()
    folder.cleanup()
    assert not Path(folder.name).exists()
