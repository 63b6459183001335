"""What `typing` names types with: variables and other parameters, new types, aliases.

They go by reference where the receiver finds them under their name in their module. What comes back
to the process that made it is the very same, as with classes: annotations compare by identity.

A parameter or alias of Python 3.12's syntax evaluates what it stands for when it is asked; that may
lead back to itself. It is made in that syntax at the receiver, of an empty dict, which is filled as
its state. (An alias cannot be referred to weakly, so it comes back as another.)
"""

import sys
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cloudpickle import cloudpickle

from suitkaise.cucumber._importable import is_importable
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

_FLAGS = ("covariant", "contravariant", "infer_variance")


def _is_in_its_module(thing: Any) -> bool:
    """Tell whether a receiver finds a thing of `typing` under its name in its module."""
    module = sys.modules.get(thing.__module__)
    found = getattr(module, "__dict__", {}).get(thing.__name__)
    return found is thing and is_importable(thing.__module__)


def _find_or_make(tracker_id: str, make: Callable[..., Any], *arguments: Any) -> Any:
    """Find what a payload names in this process, or make it."""
    found = cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.get(tracker_id)
    if found is None:
        found = cloudpickle._lookup_class_or_track(tracker_id, make(*arguments))
    return found


def _reduction(thing: Any, make: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
    tracker_id = cloudpickle._get_or_create_tracker_id(thing)
    return _find_or_make, (tracker_id, make, thing.__module__, thing.__name__, *arguments)


def reduce_new_type(pickler: "Pickler", kind: typing.NewType) -> ReduceValue:
    """Reduce what `typing.NewType` has made."""
    if _is_in_its_module(kind):
        return kind.__name__
    return _reduction(kind, rebuild_new_type, kind.__supertype__)


def rebuild_new_type(module: str, name: str, supertype: Any) -> Any:
    """Make such a type."""
    make: Any = typing.NewType
    made = make(name, supertype)
    made.__module__ = module
    return made


def reduce_parameter(pickler: "Pickler", parameter: Any) -> ReduceValue:
    """Reduce a TypeVar, a ParamSpec or a TypeVarTuple."""
    if _is_in_its_module(parameter):
        return parameter.__name__
    options = {each: True for each in _FLAGS if getattr(parameter, f"__{each}__", False)}
    types = {}
    if getattr(parameter, "__bound__", None) is not None:
        types["bound"] = parameter.__bound__
    if sys.version_info >= (3, 13) and parameter.has_default():
        types["default"] = parameter.__default__
    constraints = getattr(parameter, "__constraints__", ())
    is_variable = isinstance(parameter, typing.TypeVar)
    if types and is_variable and not constraints and "infer_variance" in options:
        late: dict[str, Any] = {}
        value = _reduction(parameter, rebuild_late_variable, late, tuple(types))
        return *value, (late, types), None, None, give_late
    return _reduction(parameter, rebuild_parameter, type(parameter), constraints, options | types)


def rebuild_parameter(
    module: str, name: str, kind: Any, constraints: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Make one."""
    made = kind(name, *constraints, **options)
    made.__module__ = module
    return made


def rebuild_late_variable(
    module: str, name: str, late: dict[str, Any], awaited: tuple[str, ...]
) -> Any:
    """Make a variable of Python 3.12's syntax that is yet to be given its bound or default."""
    bound = ": __late__['bound']" if "bound" in awaited else ""
    default = " = __late__['default']" if "default" in awaited else ""
    scope: dict[str, Any] = {"__late__": late}
    exec(f"def function[{name}{bound}{default}](): ...", scope)
    made = scope["function"].__type_params__[0]
    made.__module__ = module
    return made


def reduce_alias(pickler: "Pickler", alias: Any) -> ReduceValue:
    """Reduce what the statement `type` has made."""
    if _is_in_its_module(alias):
        return alias.__name__
    name, parameters = (alias.__module__, alias.__name__), alias.__type_params__
    if parameters:
        return rebuild_alias, (*name, parameters, alias.__value__)
    late: dict[str, Any] = {}
    state = (late, {"value": alias.__value__})
    return rebuild_late_alias, (*name, late), state, None, None, give_late


def rebuild_alias(module: str, name: str, parameters: tuple[Any, ...], value: Any) -> Any:
    """Make an alias with parameters."""
    scope = {"make": vars(typing)["TypeAliasType"], "arguments": (name, value)}
    scope |= {"__name__": module, "parameters": parameters}  # it is of the module that calls
    return eval("make(*arguments, type_params=parameters)", scope)


def rebuild_late_alias(module: str, name: str, late: dict[str, Any]) -> Any:
    """Make an alias that is yet to be given its value."""
    scope: dict[str, Any] = {"__name__": module, "__late__": late}
    exec(f"type {name} = __late__['value']", scope)
    return scope[name]


def give_late(made: object, state: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Give a variable or an alias what it evaluates to."""
    late, types = state
    late.update(types)


REDUCERS: dict[type, Reducer] = {
    typing.NewType: reduce_new_type,
    typing.ParamSpec: reduce_parameter,
    typing.TypeVar: reduce_parameter,
    typing.TypeVarTuple: reduce_parameter,
}
if sys.version_info >= (3, 12):
    REDUCERS[typing.TypeAliasType] = reduce_alias
