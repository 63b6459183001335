"""Functions and modules: by reference where the receiver can import them, else by value.

The by-value form of functions is cloudpickle's. What differs is whether a module counts as
importable (see `_importable`); cloudpickle trusts `sys.modules`. Classes are in `_classes`, code in
`_code`.
"""

import functools
import sys
import types
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from cloudpickle import cloudpickle

from suitkaise.cucumber import _classes, _code, _type_parameters
from suitkaise.cucumber._handlers._cells import with_shared_cells
from suitkaise.cucumber._importable import is_importable, travels_by_reference
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

_STATE = 2  # where a reduce value has it
_HAVE_TYPE_PARAMETERS = sys.version_info >= (3, 12)

# What function payloads are made with.
_BY_REFERENCE = frozenset(
    {
        cloudpickle._builtin_type,
        cloudpickle._function_setstate,
        cloudpickle._make_cell,
        cloudpickle._make_empty_cell,
        cloudpickle._make_function,
        cloudpickle.subimport,
        _code.load_code,
        _code.rebuild_code,
    }
)

# What the import system writes into a module, for this process alone.
_IMPORT_STATE = ("__builtins__", "__cached__", "__loader__", "__spec__")


def reduce_function(pickler: "Pickler", function: types.FunctionType) -> ReduceValue:
    """Reduce a function written in Python."""
    # First what is in every payload that has a function, and what no name leads to.
    if function in _BY_REFERENCE:
        return NotImplemented
    if "<" not in function.__qualname__:
        if travels_by_reference(function):
            return NotImplemented
        if _is_of_an_importable_method(function):
            return find_function, (function.__module__, function.__qualname__)
    if function.__closure__ is None:
        value = pickler._dynamic_function_reduce(function)
    else:
        if function.__code__ is _SINGLE_DISPATCH:
            function._clear_cache()  # type: ignore[attr-defined]  # of the types it was called with
        value = pickler._dynamic_function_reduce(function)
        value = with_shared_cells(pickler, function, value)
    if _HAVE_TYPE_PARAMETERS and (parameters := function.__type_params__):  # type: ignore[attr-defined]
        _, attributes = value[_STATE]
        attributes["__type_params__"] = parameters
    return value


def _is_of_an_importable_method(function: types.FunctionType) -> bool:
    """Tell whether a function is a class method's of a module, as generic named tuples have one."""
    place = function.__module__, function.__qualname__
    return is_importable(place[0]) and find_function(*place) is function


def find_function(module: str, qualname: str) -> Any:
    """Find the function of a class method; None: there is none under this name."""
    found: Any = import_module(module)
    for name in qualname.split("."):
        found = getattr(found, name, None)
    return getattr(found, "__func__", None)


# The code of all functions that `functools.singledispatch` makes.
_SINGLE_DISPATCH = cast(Any, functools.singledispatch(reduce_function)).__code__


def reduce_module(pickler: "Pickler", module: types.ModuleType) -> ReduceValue:
    """Reduce a module; `__main__` is the receiver's own."""
    name = module.__name__
    if name == "__main__" or (sys.modules.get(name) is module and is_importable(name)):
        return cloudpickle.subimport, (name,)
    return _reduce_module_by_value(pickler, module)


def _split_module(module: types.ModuleType) -> tuple[tuple[Any, ...], dict[str, Any]]:
    content = {key: value for key, value in vars(module).items() if key not in _IMPORT_STATE}
    return (module.__name__,), content


def rebuild_module(name: str) -> types.ModuleType:
    """Make an empty module, not entered in `sys.modules`."""
    return types.ModuleType(name)


def restore_module(module: types.ModuleType, content: dict[str, Any]) -> None:
    """Give a module its content."""
    vars(module).update(content)


_reduce_module_by_value = reducer_with_state(_split_module, rebuild_module, restore_module)


REDUCERS: dict[type, Reducer] = {
    **_classes.REDUCERS,
    **_code.REDUCERS,
    **_type_parameters.REDUCERS,
    type: _classes.reduce_class,
    types.FunctionType: reduce_function,
    types.ModuleType: reduce_module,
}
