"""Files: opened again at their path, in their mode, at their position.

A file is a stack of objects, which travel one by one: text around a buffer around the descriptor's
FileIO. What was written is flushed before. A file that was opened to be written is not truncated
again, and a receiver that does not have it gets an error, no empty file. The standard streams are
the receiver's own. What has no path any more (a `tempfile.TemporaryFile`, a file that was deleted)
travels with its content.

Not kept: the `newline` of a text file, which the file does not tell.
"""

import io
import os
import stat
import sys
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

_STANDARD = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")
_STANDARD_DESCRIPTORS = (0, 1, 2)
_LAYERS: tuple[tuple[str, ...], ...] = ((), ("buffer",), ("buffer", "raw"))
_FOUND_AS_IT_IS = ~(os.O_TRUNC | os.O_CREAT | os.O_EXCL)


def _unless_standard(reducer: Reducer) -> Reducer:
    """Make a reducer for all but the standard streams and what is closed."""

    def reduce_file(pickler: Any, file: Any) -> ReduceValue:
        for name in _STANDARD:
            for layers in _LAYERS:
                layer = getattr(sys, name, None)
                for attribute in layers:
                    layer = getattr(layer, attribute, None)
                if layer is file:
                    return rebuild_standard, (name, *layers)
        if file.closed:
            return rebuild_closed, (type(file), _name_of(file), _mode_of(file))
        return reducer(pickler, file)

    return reduce_file


def rebuild_standard(name: str, *layers: str) -> Any:
    """Find a standard stream of this process, or the buffer in it."""
    stream = getattr(sys, name)
    for layer in layers:
        stream = getattr(stream, layer)
    return stream


def rebuild_closed(kind: type, name: Any, mode: str) -> Any:
    """Make a closed file."""
    raw = io.FileIO(os.devnull, mode.replace("t", "") or "r", opener=_open_existing)
    raw.name = name
    file: Any = raw
    if not issubclass(kind, io.FileIO):
        file = _around(io.BufferedReader if raw.readable() else io.BufferedWriter, raw)
    if issubclass(kind, io.TextIOWrapper):
        text = kind.__new__(kind)
        io.TextIOWrapper.__init__(text, file, encoding="utf-8")
        file = text
    file.close()
    return file


def reduce_raw(raw: io.FileIO) -> tuple[tuple[Any, ...], Any]:
    """Send path, mode and position; the content of what has no path."""
    descriptor = raw.fileno()
    status = os.fstat(descriptor)
    position = raw.tell() if raw.seekable() else None
    state = position, _attributes(raw, "name")
    if isinstance(raw.name, int) and raw.name in _STANDARD_DESCRIPTORS:
        return (type(raw), raw.name, raw.mode, None), state
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
        return (type(raw), None, raw.mode, _content(descriptor, raw.mode)), state
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISCHR(status.st_mode)):
        raise RefusalError(
            "it is a pipe or a socket, which no path leads to; send what comes out of it, or let "
            "the processes talk by way of a socket, tell() or Pipe.pair()"
        )
    return (type(raw), _path_of(raw, status), raw.mode, None), state


def rebuild_raw(kind: type[io.FileIO], path: Any, mode: str, content: bytes | None) -> io.FileIO:
    """Open a file, or make one without a name."""
    raw = kind.__new__(kind)
    if content is not None:
        import tempfile

        with tempfile.TemporaryFile(buffering=0) as file:
            file.write(content)
            io.FileIO.__init__(raw, os.dup(file.fileno()), mode.replace("x", "w"))
        return raw
    if isinstance(path, int):
        io.FileIO.__init__(raw, path, mode, closefd=False)
        return raw
    try:
        io.FileIO.__init__(raw, path, mode, opener=_open_existing)
    except OSError as error:
        raise RefusalError(
            f"the file {os.fsdecode(path)!r} cannot be opened here: {error.strerror}; it must be "
            "at the same path as at the sender"
        ) from error
    return raw


def restore_raw(raw: io.FileIO, state: tuple[int | None, dict[str, Any]]) -> None:
    """Go to its position."""
    position, attributes = state
    if position is not None:
        raw.seek(position)
    vars(raw).update(attributes)


def reduce_buffered(file: Any) -> tuple[tuple[Any, ...], Any]:
    """Send what the buffer is around, and the position that its user sees."""
    if file.writable():
        file.flush()
    position = file.tell() if file.seekable() else None
    return (type(file), file.raw), (position, _attributes(file))


def rebuild_buffered(kind: type, raw: Any) -> Any:
    """Make an empty buffer around a file."""
    return _around(kind, raw)


def restore_buffered(file: Any, state: tuple[int | None, dict[str, Any]]) -> None:
    """Go to its position."""
    position, attributes = state
    if position is not None:
        file.seek(position)
    if attributes:
        vars(file).update(attributes)


def reduce_text(text: io.TextIOWrapper) -> tuple[tuple[Any, ...], Any]:
    """Send what the text is around, how it is encoded, and its position."""
    try:
        position = text.tell() if text.seekable() else None
    except OSError as error:
        raise RefusalError(
            "it is in the middle of `for line in file`, where Python does not tell the position; "
            "send it before or after, or go through it with `while line := file.readline()`"
        ) from error
    arguments = (
        type(text),
        text.buffer,
        text.encoding,
        text.errors,
        text.line_buffering,
        text.write_through,
    )
    return arguments, (position, _attributes(text))


def rebuild_text(
    kind: type[io.TextIOWrapper],
    buffer: Any,
    encoding: str,
    errors: str,
    line_buffering: bool,
    write_through: bool,
) -> io.TextIOWrapper:
    """Make text around a buffer."""
    text = kind.__new__(kind)
    io.TextIOWrapper.__init__(
        text,
        buffer,
        encoding,
        errors,
        line_buffering=line_buffering,
        write_through=write_through,
    )
    return text


def _around(kind: Any, raw: Any) -> Any:
    buffered = kind.__new__(kind)
    own: Any = next(base for base in kind.__mro__ if base.__module__ == "_io")
    own.__init__(buffered, raw)
    return buffered


def _open_existing(path: str, flags: int) -> int:
    """Open as `open` would, but neither make a file nor empty it."""
    return os.open(path, flags & _FOUND_AS_IT_IS)


def _path_of(raw: io.FileIO, status: os.stat_result) -> Any:
    """Return the absolute path that leads to an open file now."""
    for path in (_linked(raw.fileno()), raw.name):
        if isinstance(path, str | bytes):
            try:
                found = os.stat(path)  # noqa: PTH116  it may be bytes
            except OSError:
                continue
            if (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino):
                return os.path.abspath(path)  # noqa: PTH100  it may be bytes
    raise RefusalError(
        f"the file that was opened as {raw.name!r} is not at that path any more; send its content"
    )


def _linked(descriptor: int) -> str | None:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115  it need not be a file
    except OSError:
        return None


def _content(descriptor: int, mode: str) -> bytes:
    """Read a file that has no path, whatever its position."""
    if "r" not in mode and "+" not in mode:
        descriptor = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
        try:
            return _content(descriptor, "r")
        finally:
            os.close(descriptor)
    parts, offset = [], 0
    while part := os.pread(descriptor, 1 << 24, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _attributes(file: Any, *left_out: str) -> dict[str, Any]:
    attributes = getattr(file, "__dict__", {})
    return {name: value for name, value in attributes.items() if name not in left_out}


def _name_of(file: Any) -> Any:
    try:
        return file.name
    except (AttributeError, ValueError):
        return os.devnull


def _mode_of(file: Any) -> str:
    raw = getattr(getattr(file, "buffer", file), "raw", file)
    return str(getattr(raw, "mode", "rb"))


_buffered = _unless_standard(
    reducer_with_state(reduce_buffered, rebuild_buffered, restore_buffered)
)

REDUCERS: dict[str, Reducer] = {
    "_io.TextIOWrapper": _unless_standard(
        reducer_with_state(reduce_text, rebuild_text, restore_buffered)
    ),
    "_io.BufferedReader": _buffered,
    "_io.BufferedWriter": _buffered,
    "_io.BufferedRandom": _buffered,
    "_io.FileIO": _unless_standard(reducer_with_state(reduce_raw, rebuild_raw, restore_raw)),
}
