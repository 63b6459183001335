"""Classes, functions and modules: by reference where the receiver can import them, else by value.

The by-value forms are cloudpickle's. Three things differ:

- Whether a module counts as importable (see `_importable`); cloudpickle trusts `sys.modules`.
- A class that comes back to the process which defined it is that class, untouched. cloudpickle
  would overwrite its attributes and methods with the copies that went round.
- A class with `__slots__` has slots at the receiver; cloudpickle's has a `__dict__`.
"""

import builtins
import functools
import marshal
import sys
import types
import typing
import weakref
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from cloudpickle import cloudpickle

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._importable import is_importable
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

# Classes made here from a payload, as opposed to those defined here.
_rebuilt_classes: "weakref.WeakSet[type]" = weakref.WeakSet()

# Where cloudpickle's arguments for a class have what must be known when the class is made.
_CLASS_BASES, _CLASS_KEYWORDS = 2, 3

_NUMBERS = 6  # with which the arguments of a code begin: how many arguments it takes, its flags
_MARSHAL_VERSION = 2  # the last that writes equal values equally

# What function payloads are made with.
_BY_REFERENCE = frozenset(
    {
        cloudpickle._builtin_type,
        cloudpickle._function_setstate,
        cloudpickle._make_cell,
        cloudpickle._make_empty_cell,
        cloudpickle._make_function,
        cloudpickle.subimport,
    }
)

# Types that the interpreter has under another name than they say, such as that of functions.
_INTERPRETERS_TYPES = {
    cls: name
    for cls, name in cloudpickle._BUILTIN_TYPE_NAMES.items()
    if cls.__module__ == "builtins" and getattr(builtins, cls.__qualname__, None) is not cls
}

# What the import system writes into a module, for this process alone.
_IMPORT_STATE = ("__builtins__", "__cached__", "__loader__", "__spec__")


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


def reduce_class(pickler: "Pickler", cls: type) -> ReduceValue:
    """Reduce a class."""
    name = _INTERPRETERS_TYPES.get(cls)
    if name is not None:
        return cloudpickle._builtin_type, (name,)
    if travels_by_reference(cls):
        return NotImplemented
    value = cloudpickle._class_reduce(cls)
    if value is NotImplemented:
        value = cloudpickle._dynamic_class_reduce(cls)
    if value[0] is cloudpickle._make_skeleton_class:
        # cloudpickle sets the name only, once the class is made. (NamedTuple sets it itself.)
        if "__slots__" in vars(cls) and typing.NamedTuple not in value[1][_CLASS_BASES]:
            value[1][_CLASS_KEYWORDS]["__slots__"] = vars(cls)["__slots__"]
        return rebuild_class, *value[1:5], fill_class
    if value[0] is cloudpickle._make_skeleton_enum:
        return rebuild_enum, *value[1:5], fill_class
    return value  # a type of the interpreter, such as types.FunctionType


def rebuild_class(*arguments: Any) -> type:
    """Find the class of a payload, or make it, empty as yet."""
    return _find_or_make(cloudpickle._make_skeleton_class, arguments)


def rebuild_enum(*arguments: Any) -> type:
    """Find the enumeration of a payload, or make it with its members."""
    return _find_or_make(cloudpickle._make_skeleton_enum, arguments)


def _find_or_make(make: Callable[..., type], arguments: tuple[Any, ...]) -> type:
    tracker_id = arguments[-2]
    cls: type | None = cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.get(tracker_id)
    if cls is None:
        cls = make(*arguments)
        _rebuilt_classes.add(cls)
    return cls


def fill_class(cls: type, state: Any) -> None:
    """Give a class its attributes, unless it was defined in this process."""
    if cls in _rebuilt_classes:
        cloudpickle._class_setstate(cls, state)


def reduce_code(pickler: "Pickler", code: types.CodeType) -> ReduceValue:
    """Reduce the code of a function, with a checksum: the interpreter believes all that it gets."""
    _, arguments = cloudpickle._code_reduce(code)
    return rebuild_code, (_checksum(arguments), *arguments)


def rebuild_code(checksum: int, *arguments: Any) -> types.CodeType:
    """Make the code, if it is what was sent: the interpreter could crash else."""
    if _checksum(arguments) != checksum:
        raise RefusalError("the payload is damaged: the code of a function is not what it was")
    return types.CodeType(*arguments)


def _checksum(arguments: tuple[Any, ...]) -> int:
    """Sum up the instructions and numbers of code, and how much there is of the rest."""
    checksum = zlib.crc32(marshal.dumps(arguments[:_NUMBERS], _MARSHAL_VERSION))
    for each in arguments[_NUMBERS:]:
        if type(each) is bytes:
            checksum = zlib.crc32(each, checksum)
        elif type(each) is tuple:
            checksum ^= len(each)
    return checksum


def reduce_function(pickler: "Pickler", function: types.FunctionType) -> ReduceValue:
    """Reduce a function written in Python."""
    # First what is in every payload that has a function, and what no name leads to.
    if (
        function in _BY_REFERENCE
        or function is rebuild_code
        or ("<" not in function.__qualname__ and travels_by_reference(function))
    ):
        return NotImplemented
    if function.__code__ is _SINGLE_DISPATCH:
        function._clear_cache()  # type: ignore[attr-defined]  # of the types it was called with
    return pickler._dynamic_function_reduce(function)


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


def reduce_type_variable(pickler: "Pickler", variable: typing.TypeVar) -> ReduceValue:
    """Reduce a TypeVar, by reference where its module can be imported."""
    if is_importable(variable.__module__):
        return cloudpickle._typevar_reduce(variable)
    return cloudpickle._make_typevar, cloudpickle._decompose_typevar(variable)


def _is_in_its_module(thing: Any) -> bool:
    """Tell whether a receiver finds a thing of `typing` under its name in its module."""
    module = sys.modules.get(thing.__module__)
    found = getattr(module, "__dict__", {}).get(thing.__name__)
    return found is thing and is_importable(thing.__module__)


def reduce_new_type(pickler: "Pickler", kind: typing.NewType) -> ReduceValue:
    """Reduce what `typing.NewType` has made."""
    if _is_in_its_module(kind):
        return kind.__name__
    return rebuild_new_type, (kind.__name__, kind.__supertype__, kind.__module__)


def rebuild_new_type(name: str, supertype: Any, module: str) -> Any:
    """Make such a type."""
    make: Any = typing.NewType
    made = make(name, supertype)
    made.__module__ = module
    return made


def reduce_parameters(
    pickler: "Pickler", parameters: "typing.ParamSpec | typing.TypeVarTuple"
) -> ReduceValue:
    """Reduce a ParamSpec or a TypeVarTuple."""
    if _is_in_its_module(parameters):
        return parameters.__name__
    return rebuild_parameters, (type(parameters), parameters.__name__)


def rebuild_parameters(kind: Any, name: str) -> Any:
    """Make one."""
    return kind(name)


REDUCERS: dict[type, Reducer] = {
    type: reduce_class,
    types.CodeType: reduce_code,
    types.FunctionType: reduce_function,
    types.ModuleType: reduce_module,
    typing.NewType: reduce_new_type,
    typing.ParamSpec: reduce_parameters,
    typing.TypeVar: reduce_type_variable,
    typing.TypeVarTuple: reduce_parameters,
}
