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
from typing import Any

# The environment as the interpreter keeps it, encoded: to decode it all takes longer than the rest.
_encoded: Any = getattr(os.environ, "_data", None)
_last: tuple[Any, dict[str, str]] = (None, {})  # encoded, decoded
_leveled: set[str] = set()  # the loggers that `apply` has given a level last; the main thread's


def capture() -> bytes:
    """Return the surroundings of this process.

    They are its working directory, `sys.path`, `sys.argv`, environment, warning filters, and what
    its loggers let pass: their levels, and what `logging.disable` has set.
    """
    try:
        folder = os.getcwd()  # noqa: PTH109  a Path is made of it and back
    except FileNotFoundError:  # it was deleted: the child stays where the server is
        folder = ""
    filters: list[Any] = list(warnings.filters)
    return marshal.dumps(
        (
            folder,
            [str(entry) for entry in sys.path],
            [str(argument) for argument in sys.argv],
            _environment(),
            [
                (
                    action,
                    _pattern(message),
                    (category.__module__, category.__name__),
                    _pattern(module),
                    line,
                )
                for action, message, category, module, line in filters
            ],
            _levels(),
        )
    )


def apply(surroundings: bytes) -> None:
    """Make the captured surroundings those of this process."""
    folder, path, arguments, environment, filters, levels = marshal.loads(surroundings)
    if folder:
        with contextlib.suppress(OSError):  # it was deleted in the meantime
            os.chdir(folder)
    sys.path[:] = path
    sys.argv[:] = arguments
    if environment != _environment():
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
    _set_levels(*levels)
    warnings.resetwarnings()
    live: Any = warnings.filters  # typed as a read-only sequence, but documented as a list
    live[:] = [
        (
            action,
            message and re.compile(message, re.IGNORECASE),
            _category(*category),
            module and re.compile(module),
            line,
        )
        for action, message, category, module, line in filters
    ]


def _environment() -> dict[str, str]:
    """Return the environment variables; what it returns is not to be changed."""
    global _last
    if _encoded is None:
        return dict(os.environ)
    encoded, environment = _last
    if encoded != _encoded:
        encoded = _encoded.copy()
        environment = dict(os.environ)
        _last = encoded, environment
    return environment


def _levels() -> tuple[int, int, dict[str, int]]:
    """Return what is disabled, the root logger's level, and those of the loggers that have one."""
    loggers = logging.root.manager.loggerDict.copy()
    levels = {
        name: logger.level
        for name, logger in loggers.items()
        if isinstance(logger, logging.Logger) and logger.level
    }
    return logging.root.manager.disable, logging.root.level, levels


def _set_levels(disabled: int, root: int, levels: dict[str, int]) -> None:
    logging.disable(disabled)
    logging.root.setLevel(root)
    for name in _leveled - levels.keys():
        logging.getLogger(name).setLevel(logging.NOTSET)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    _leveled.clear()
    _leveled.update(levels)


class _CategoryByName(type):
    """A warning category that is known by its name: its module need not be imported for it."""

    def __subclasscheck__(cls, category: type) -> bool:
        names = (cls.__module__, cls.__name__)  # a class that travels by value has but these
        return any((base.__module__, base.__name__) == names for base in category.__mro__)


def _category(module: str, name: str) -> type:
    if module == "builtins":
        category: type = getattr(builtins, name)
        return category
    return _CategoryByName(name, (Warning,), {"__module__": module})


def _pattern(filter_part: Any) -> str | None:
    """Return the text of a filter's message or module: a pattern, a plain string, or None."""
    text: str | None = getattr(filter_part, "pattern", filter_part)
    return text
