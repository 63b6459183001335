"""os.DirEntry: looked up again in its folder at the receiver, with an absolute path.

Nothing but a look through a folder makes one. What is gone from there is an error.
"""

import os
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, reducer


def reduce_entry(entry: "os.DirEntry[Any]") -> tuple[Any, Any]:
    """Send folder and name."""
    folder = os.path.dirname(os.path.abspath(entry.path))  # noqa: PTH100, PTH120  it may be bytes
    return folder, entry.name


def rebuild_entry(folder: Any, name: Any) -> "os.DirEntry[Any]":
    """Look for it in the folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name == name:
                    return entry
    except OSError as error:
        raise RefusalError(f"the folder {folder!r} cannot be read here: {error}") from error
    raise RefusalError(f"{os.path.join(folder, name)!r} is not there any more")  # noqa: PTH118


REDUCERS: dict[str, Reducer] = {"posix.DirEntry": reducer(reduce_entry, rebuild_entry)}
