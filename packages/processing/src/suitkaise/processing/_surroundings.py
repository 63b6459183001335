"""What a child takes over from its parent as it is at the call.

The server that forks the children was started earlier, so what has changed since must travel. What
the kernel keeps (umask, CPU affinity, resource limits, niceness) does not: that is as it was at the
first start.
"""

from __future__ import annotations

import builtins
import contextlib
import logging
import marshal
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any


def capture() -> bytes:
    """Return the surroundings of this process.

    They are its working directory, `sys.path`, `sys.argv`, environment, warning filters (those for
    the built-in categories) and the root logger's level.
    """
    try:
        folder = str(Path.cwd())
    except FileNotFoundError:  # it was deleted: the child stays where the server is
        folder = ""
    filters: list[Any] = list(warnings.filters)
    return marshal.dumps(
        (
            folder,
            [str(entry) for entry in sys.path],
            [str(argument) for argument in sys.argv],
            dict(os.environ),
            [
                (action, _pattern(message), category.__name__, _pattern(module), line)
                for action, message, category, module, line in filters
                if category.__module__ == "builtins"
            ],
            logging.getLogger().level,
        )
    )


def apply(surroundings: bytes) -> None:
    """Make the captured surroundings those of this process."""
    folder, path, arguments, environment, filters, level = marshal.loads(surroundings)
    if folder:
        with contextlib.suppress(OSError):  # it was deleted in the meantime
            os.chdir(folder)
    sys.path[:] = path
    sys.argv[:] = arguments
    if environment != dict(os.environ):
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
    logging.getLogger().setLevel(level)
    warnings.resetwarnings()
    live: Any = warnings.filters  # typed as a read-only sequence, but documented as a list
    live[:] = [
        (
            action,
            message and re.compile(message, re.IGNORECASE),
            getattr(builtins, category),
            module and re.compile(module),
            line,
        )
        for action, message, category, module, line in filters
    ]


def _pattern(filter_part: Any) -> str | None:
    """Return the text of a filter's message or module: a pattern, a plain string, or None."""
    text: str | None = getattr(filter_part, "pattern", filter_part)
    return text
