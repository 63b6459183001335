"""Things to do in a child once a module has been imported there, if it ever is.

What concerns a module that the child may never need must not make it import the module: that can
take longer than all the rest of its start.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

Call = Callable[[], object]


class _Watch:
    """A finder that finds nothing by itself; it sees what others find, and waits for its import."""

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[object, Call]]] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in self.calls:
            return None
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = None if find is None else find(name, path, target)
            if spec is not None:
                break
        else:
            return None
        loader: Any = spec.loader
        if isinstance(loader, type) or not hasattr(loader, "exec_module"):
            return spec  # shared by all modules that are compiled in, none of which is waited for
        execute = loader.exec_module

        def execute_and_call(module: ModuleType) -> None:
            execute(module)
            for _, call in self.calls.pop(name, ()):
                _try(call)

        with contextlib.suppress(AttributeError):
            loader.exec_module = execute_and_call
        return spec


_watch = _Watch()


def when_imported(module: str, call: Call, *, owner: object = None) -> None:
    """Make a call once this process has imported a module; at once if it has already.

    A call that raises is over: whoever imports a module is not to learn of it.
    """
    if module in sys.modules:
        _try(call)
        return
    if _watch not in sys.meta_path:
        sys.meta_path.insert(0, _watch)
    _watch.calls.setdefault(module, []).append((owner, call))


def forget(owner: object) -> None:
    """Drop the calls of an owner."""
    for module, calls in list(_watch.calls.items()):
        calls[:] = [entry for entry in calls if entry[0] is not owner]
        if not calls:
            del _watch.calls[module]


def _try(call: Call) -> None:
    with contextlib.suppress(Exception):
        call()
