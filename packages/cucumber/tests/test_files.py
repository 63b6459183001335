import gzip
import io
import os
import sys
import tempfile

import pytest

from suitkaise.cucumber import DeserializationError, SerializationError, deserialize, serialize


class Numbered(io.TextIOWrapper):
    """Has more attributes than its base."""


@pytest.fixture
def opened(tmp_path):
    """Open files at `tmp_path`, or send them through bytes, and close all in the end."""
    files = []

    def open_one(name, mode="r", **options):
        files.append(open(tmp_path / name, mode, **options))  # noqa: PTH123, SIM115
        return files[-1]

    def travel(file):
        files.append(deserialize(serialize(file)))
        return files[-1]

    open_one.travel = travel
    (tmp_path / "lines").write_text("one\ntwo\nthree\n")
    yield open_one
    for file in files:
        if not isinstance(file, str):
            file.close()


@pytest.mark.comes_back(
    "io.TextIOWrapper",
    "io.BufferedReader",
    "io.BufferedWriter",
    "io.BufferedRandom",
    "io.FileIO",
    how="live: opened again at its path, in its mode and encoding, at its position; "
    "what is written is never truncated again",
)
@pytest.mark.parametrize(
    ("mode", "options"),
    [("r", {}), ("rb", {}), ("r+", {}), ("rb+", {}), ("rb", {"buffering": 0})],
)
def test_a_file_goes_on_where_it_was_read_to(opened, mode, options):
    file = opened("lines", mode, **options)
    first = file.readline()

    copy = opened.travel(file)

    assert (type(copy), copy.mode, copy.tell()) == (type(file), file.mode, file.tell())
    whole = first + copy.read()
    assert whole == ("one\ntwo\nthree\n" if isinstance(whole, str) else b"one\ntwo\nthree\n")
    assert file.readline() in ("two\n", b"two\n")


@pytest.mark.parametrize("mode", ["w", "x", "wb", "xb", "w+", "a", "ab", "a+"])
def test_what_was_written_stays_and_is_written_on_to(opened, tmp_path, mode):
    file = opened("new", mode)
    first, second = ("first ", "second") if "b" not in mode else (b"first ", b"second")
    file.write(first)

    copy = opened.travel(file)
    copy.write(second)
    can_read = copy.readable()
    copy.close()

    assert (tmp_path / "new").read_text() == "first second"
    assert (copy.mode, can_read) == (file.mode, "+" in mode)


def test_encoding_errors_and_line_buffering_arrive(opened, tmp_path):
    file = opened("new", "w", encoding="utf-16", errors="replace", buffering=1)

    copy = opened.travel(file)
    copy.write("grüße\n")

    assert (copy.encoding, copy.errors, copy.line_buffering) == ("utf-16", "replace", True)
    assert (tmp_path / "new").read_text(encoding="utf-16") == "grüße\n"


def test_a_relative_path_means_the_same_file_in_another_folder(opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("lines") as file:  # noqa: PTH123
        payload = serialize(file)
    monkeypatch.chdir("/")

    with deserialize(payload) as copy:
        assert copy.read().startswith("one")


def test_a_file_is_found_where_it_was_moved_to(opened, tmp_path):
    file = opened("lines")
    (tmp_path / "lines").rename(tmp_path / "moved")

    assert opened.travel(file).name == str(tmp_path / "moved")


def test_a_file_arrives_in_another_process(opened, load_elsewhere):
    file = opened("lines")
    file.readline()

    assert load_elsewhere(serialize(file), "print(value.read())\nvalue.close()") == "two\nthree"


def test_a_file_that_is_gone_is_an_error_that_names_it_and_no_empty_one_appears(opened, tmp_path):
    payload = serialize([opened("new", "w")])
    (tmp_path / "new").unlink()

    with pytest.raises(DeserializationError, match=f"{tmp_path / 'new'}.*No such file"):
        deserialize(payload)
    assert not (tmp_path / "new").exists()


def test_a_file_replaced_by_another_is_an_error_that_says_so(opened, tmp_path):
    file = opened("lines")
    os.link(tmp_path / "lines", tmp_path / "elsewhere")
    (tmp_path / "lines").unlink()
    (tmp_path / "lines").write_text("another")

    with pytest.raises(SerializationError, match="not at that path any more"):
        serialize(file)


@pytest.mark.comes_back(
    "tempfile.TemporaryFile", "deleted files", how="with its content: a file of its own"
)
@pytest.mark.parametrize("mode", ["w+b", "w+", "wb"])
def test_a_file_without_a_path_travels_with_its_content(opened, mode):
    with tempfile.TemporaryFile(mode) as file:
        file.write("content" if "b" not in mode else b"content")

        copy = opened.travel(file)

    assert copy.tell() == 7
    if "+" in mode:
        copy.seek(0)
        assert copy.read() in ("content", b"content")
    else:
        assert os.pread(os.open(f"/proc/self/fd/{copy.fileno()}", os.O_RDONLY), 20, 0) == b"content"


@pytest.mark.comes_back("sys.stdin", "sys.stdout", "sys.stderr", how="the receiver's own")
def test_the_standard_streams_are_the_receivers_own(run_python):
    program = (
        "import sys\nfrom suitkaise.cucumber import deserialize, serialize\n"
        "inner = [sys.__stdout__.buffer, sys.stdin.buffer.raw]\n"
        "things = [sys.stdout, sys.stderr, sys.stdin, *inner]\n"
        "copies = deserialize(serialize(things))\n"
        "print(all(a is b for a, b in zip(things, copies)))"
    )

    assert run_python(program) == b"True"
    assert deserialize(serialize(sys.stdout)) is sys.stdout


@pytest.mark.parametrize("mode", ["r", "w", "rb", "wb", "r+b", "xb"])
def test_a_closed_file_arrives_closed(opened, tmp_path, mode):
    file = opened("new" if "x" in mode or "w" in mode else "lines", mode)
    file.close()

    copy = opened.travel(file)

    assert copy.closed
    assert copy.name == file.name
    with pytest.raises(ValueError, match="closed"):
        copy.fileno()


def test_layers_that_are_shared_stay_shared(opened):
    file = opened("lines")

    text, buffer, raw = deserialize(serialize([file, file.buffer, file.buffer.raw]))

    assert text.buffer is buffer
    assert buffer.raw is raw
    text.close()


def test_a_subclass_keeps_its_type_and_attributes(opened):
    file = Numbered(opened("lines", "rb"), encoding="utf-8")
    file.number = 7
    file.me = file

    copy = opened.travel(file)

    assert (type(copy), copy.number, copy.readline()) == (Numbered, 7, "one\n")
    assert copy.me is copy
    file.detach()


@pytest.mark.comes_back("io.StringIO", "io.BytesIO", how="with content and position")
@pytest.mark.parametrize("make", [lambda: io.StringIO("abc"), lambda: io.BytesIO(b"abc")])
def test_files_in_memory_arrive_with_content_and_position(make):
    file = make()
    file.read(1)
    file.label = "x"

    copy = deserialize(serialize(file))

    assert (copy.getvalue(), copy.tell(), copy.label) == (file.getvalue(), 1, "x")
    copy.seek(0, 2)
    assert copy.write(file.read()) == 2


def test_text_around_a_file_in_memory_travels():
    text = io.TextIOWrapper(io.BytesIO(b"one\ntwo\n"), encoding="ascii")
    text.readline()

    assert deserialize(serialize(text)).readline() == "two\n"


@pytest.mark.comes_back(
    "a text file in the middle of `for line in file`",
    how="refused: Python does not tell its position; `while line := file.readline()`",
)
def test_a_text_file_that_is_iterated_over_is_refused_with_the_remedy(opened):
    file = opened("lines")
    next(file)

    with pytest.raises(SerializationError, match="readline"):
        serialize(file)
    assert next(file) == "two\n"


def test_a_binary_file_that_is_iterated_over_goes_on(opened):
    file = opened("lines", "rb")
    next(file)

    assert next(opened.travel(file)) == b"two\n"


@pytest.mark.comes_back("pipes", how="refused: no path leads to them; `Pipe.pair()`, `tell`")
def test_a_pipe_is_refused():
    ends = [os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("r", "w"), strict=True)]

    for end in ends:
        with pytest.raises(SerializationError, match="pipe"):
            serialize(end)
        end.close()


def test_a_device_is_opened_again(opened):
    with open(os.devnull, "w") as file:  # noqa: PTH123
        copy = opened.travel(file)

    assert copy.write("nothing") == 7


def test_a_compressed_file_is_refused_in_plain_words(tmp_path):
    with (
        gzip.open(tmp_path / "x.gz", "wb") as file,
        pytest.raises(SerializationError, match=r"zlib\.Compress"),
    ):
        serialize(file)
