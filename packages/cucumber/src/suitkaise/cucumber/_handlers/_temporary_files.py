"""Temporary files and folders: they stay the sender's, who removes them.

A copy of a NamedTemporaryFile or a TemporaryDirectory leads to the same file or folder, which is
there as long as the sender keeps it; closing the copy removes nothing. A SpooledTemporaryFile, and
what has no name, is a file of its own at the receiver, with the content.
"""

import os
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._reducer import Reducer, reducer_with_state

if TYPE_CHECKING:
    from tempfile import SpooledTemporaryFile, TemporaryDirectory

_OF_NAMED = frozenset({"file", "name", "delete", "_closer"})
_OF_SPOOLED = frozenset({"_file", "_max_size", "_rolled", "_TemporaryFileArgs"})
_OF_FOLDER = frozenset({"_finalizer", "_rmtree", "_delete", "_ignore_cleanup_errors", "name"})


def reduce_named(file: Any) -> tuple[tuple[type], tuple[Any, ...]]:
    """Send the file under it and its name."""
    others = _others(file, _OF_NAMED)
    # It keeps the methods of the file under it that were used.
    added = {name: value for name, value in others.items() if not hasattr(file.file, name)}
    return (type(file),), (file.file, file.name, added)


def rebuild_empty(kind: Any) -> Any:
    """Make one that is yet to get its content."""
    return kind.__new__(kind)


def restore_named(file: Any, state: tuple[Any, str, dict[str, Any]]) -> None:
    """Set it up so that it removes nothing."""
    from tempfile import _TemporaryFileWrapper

    under, name, others = state
    _TemporaryFileWrapper.__init__(file, under, name, delete=False)
    vars(file).update(others)


def reduce_spooled(file: "SpooledTemporaryFile[Any]") -> tuple[tuple[type], tuple[Any, ...]]:
    """Send content and position; the settings with which it was made."""
    internal: Any = file
    position = file.tell()  # also writes out what a text layer still holds
    under = getattr(internal._file, "buffer", internal._file)
    if hasattr(under, "getvalue"):
        content = under.getvalue()
    else:
        file.flush()
        content = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
    settings = {"mode": "w+b"}
    if hasattr(internal._file, "encoding"):
        encoding, errors = internal._file.encoding, internal._file.errors
        settings = {"mode": "w+", "encoding": encoding, "errors": errors}
    more = internal._max_size, settings, internal._rolled
    return (type(file),), (content, position, more, _others(file, _OF_SPOOLED))


def restore_spooled(file: Any, state: tuple[Any, ...]) -> None:
    """Fill it, in memory or on the disk as it was."""
    from tempfile import SpooledTemporaryFile

    content, position, (max_size, settings, is_rolled), others = state
    SpooledTemporaryFile.__init__(file, max_size, **settings)
    if is_rolled:
        file.rollover()
    under = getattr(file._file, "buffer", file._file)
    under.write(content)
    file.seek(position)
    vars(file).update(others)


def reduce_folder(folder: "TemporaryDirectory[Any]") -> tuple[tuple[type], tuple[Any, ...]]:
    """Send the path."""
    return (type(folder),), (folder.name, _others(folder, _OF_FOLDER))


def restore_folder(folder: Any, state: tuple[str, dict[str, Any]]) -> None:
    """Set it up so that it removes nothing, not even as a context manager."""
    import weakref

    folder.name, others = state
    folder._delete = False
    folder._ignore_cleanup_errors = True
    folder._rmtree = _remove_nothing
    folder._finalizer = weakref.finalize(folder, _remove_nothing)
    folder._finalizer.detach()
    vars(folder).update(others)


def _remove_nothing(*_: Any, **__: Any) -> None:
    """Leave it to the sender."""


def _others(thing: Any, own: frozenset[str]) -> dict[str, Any]:
    """Return what a user has added."""
    return {name: value for name, value in vars(thing).items() if name not in own}


REDUCERS: dict[str, Reducer] = {
    "tempfile._TemporaryFileWrapper": reducer_with_state(
        reduce_named, rebuild_empty, restore_named
    ),
    "tempfile.SpooledTemporaryFile": reducer_with_state(
        reduce_spooled, rebuild_empty, restore_spooled
    ),
    "tempfile.TemporaryDirectory": reducer_with_state(reduce_folder, rebuild_empty, restore_folder),
}
