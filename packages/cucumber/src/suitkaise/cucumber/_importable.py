"""Which modules a receiver can import by name.

Being in `sys.modules` proves nothing: `__main__`, a test module loaded from its file, a module
made with `types.ModuleType` and a notebook's cells are there too. A module counts as importable
when the import system, asked anew for its dotted name, would find the file it came from. Asking
imports nothing.
"""

import os
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from cloudpickle import cloudpickle

# By name, each with the module it was found for: a module may be replaced by another of its name.
_verdicts: dict[str, tuple[ModuleType, bool]] = {}


def is_importable(name: str) -> bool:
    """Tell whether another process, with the same `sys.path`, can import this module."""
    module = sys.modules.get(name)
    verdict = _verdicts.get(name)
    if verdict is not None and verdict[0] is module:
        return verdict[1]
    if module is None:
        return False
    is_found = name != "__main__" and _is_found(name, module)
    _verdicts[name] = (module, is_found)
    return is_found


def travels_by_reference(obj: Any) -> bool:
    """Tell whether the receiver can import this class or function."""
    module_name = obj.__module__
    if not isinstance(module_name, str) or not is_importable(module_name):
        # Without a module of its own, cloudpickle searches all modules for the object.
        return module_name is None and bool(cloudpickle._should_pickle_by_reference(obj))
    if (
        getattr(sys.modules[module_name], "__dict__", {}).get(obj.__qualname__) is obj
        and not cloudpickle._PICKLE_BY_VALUE_MODULES
    ):
        return True
    return bool(cloudpickle._should_pickle_by_reference(obj))


def _is_found(name: str, module: ModuleType) -> bool:
    spec: object = getattr(module, "__spec__", None)
    file: str | None = getattr(module, "__file__", None)
    found = _find_spec(name)
    has_second_name = isinstance(spec, ModuleSpec) and spec.name != name
    is_made_by_hand = spec is None and file is None
    if has_second_name or (is_made_by_hand and found is None):
        # A package may make its submodules itself (six.moves), or enter a module under a second
        # name (os.path): importing the package does so again.
        parent = name.rpartition(".")[0]
        return parent != "" and is_importable(parent)
    if found is None:
        return False
    if isinstance(spec, ModuleSpec) and spec.origin == found.origin:
        return True
    if file is None or found.origin is None or not found.has_location:
        return False
    return os.path.realpath(file) == os.path.realpath(found.origin)


def _find_spec(name: str) -> ModuleSpec | None:
    """Ask the finders as `import` would, with nothing imported."""
    path = None
    parent = name.rpartition(".")[0]
    if parent:
        parent_spec = _find_spec(parent)
        if parent_spec is None:
            return None
        # A package may have changed its __path__ while it was imported.
        path = getattr(sys.modules.get(parent), "__path__", parent_spec.submodule_search_locations)
        if path is None:
            return None
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        if find_spec is None:
            continue
        try:
            spec: ModuleSpec | None = find_spec(name, path, None)
        except Exception:  # a finder that fails here would fail the import as well
            return None
        if spec is not None:
            return spec
    return None
