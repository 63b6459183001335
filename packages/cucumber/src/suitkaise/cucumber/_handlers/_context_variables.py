"""Context variables: the variable itself, and its value if the receiver's context has none.

A variable that an importable module holds is that one at the receiver, with what that has in it.
Any other, of a script or a closure, has an identity: all that arrive under it are one variable, and
the one that comes back is the one that went out. Which module holds a variable it does not
know, so the modules are searched, once per variable.
"""

import contextlib
import sys
import uuid
from collections.abc import Iterator
from contextvars import Context, ContextVar, Token, copy_context
from types import FunctionType, MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._importable import is_importable
from suitkaise.cucumber._reducer import Reducer, ReduceValue, reducer_with_state

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

Place = tuple[str, ...]  # the name of a module, and then of attributes

# Both live as long as the process, as context variables do: nothing can refer to one weakly.
_places: dict[ContextVar[Any], list[Place]] = {}
_identities: dict[ContextVar[Any], str] = {}
_variables: dict[str, ContextVar[Any]] = {}  # by identity


def places_of(variable: ContextVar[Any]) -> list[Place]:
    """Return where importable modules hold the variable; empty if none does."""
    places = _places.get(variable)
    if places is None:
        places = [place for place in _find(variable) if is_importable(place[0])]
        if not places:
            places = [place for place in _find_inside(variable) if is_importable(place[0])]
        _places[variable] = places
    return places


def reduce_variable(pickler: "Pickler", variable: ContextVar[Any]) -> ReduceValue:
    """Send the place, or the identity with all that it takes to make such a variable."""
    places = places_of(variable)
    if places:
        # Who imports the variable from another module is entered before that module is.
        return find_variable, places[-1]
    identity = _identities.get(variable)
    if identity is None:
        identity = _identities.setdefault(variable, uuid.uuid4().hex)
        _variables[identity] = variable
    arguments: tuple[Any, ...] = identity, variable.name
    with contextlib.suppress(LookupError):
        arguments = *arguments, Context().run(variable.get)
    if not pickler.with_context_values or variable not in copy_context():
        return rebuild_variable, arguments
    return rebuild_variable, arguments, (variable.get(),), None, None, set_value


def find_variable(module: str, *attributes: str) -> Any:
    """Import the module that holds the variable."""
    __import__(module)
    found: Any = sys.modules[module]
    for attribute in attributes:
        found = getattr(found, attribute)
    return found


def rebuild_variable(identity: str, name: str, *default: Any) -> ContextVar[Any]:
    """Return the variable that has this identity here; the first time, make it."""
    variable = _variables.get(identity)
    if variable is None:
        made = ContextVar(name, default=default[0]) if default else ContextVar(name)
        variable = _variables.setdefault(identity, made)
        _identities[variable] = identity
    return variable


def set_value(variable: ContextVar[Any], value: tuple[Any]) -> None:
    """Give the variable its value, if it has none in the context of this thread or task."""
    if variable not in copy_context():
        variable.set(*value)


def _find(variable: ContextVar[Any]) -> Iterator[Place]:
    for module, name, value in _module_attributes():
        if value is variable:
            yield module, name


def _find_inside(variable: ContextVar[Any]) -> Iterator[Place]:
    """Look into the classes and the objects that modules hold."""
    for module, name, value in _module_attributes():
        kind = type(value)
        if kind is FunctionType or kind is ModuleType:
            continue
        try:  # asking the object itself may run its code
            attributes = object.__getattribute__(value, "__dict__")
        except AttributeError:
            continue
        if not isinstance(attributes, dict | MappingProxyType):
            continue
        for inner, held in list(attributes.items()):
            if held is variable:
                yield module, name, inner


def _module_attributes() -> Iterator[tuple[str, str, Any]]:
    for module, content in list(sys.modules.items()):
        attributes = getattr(content, "__dict__", None)
        if isinstance(attributes, dict):
            for name, value in list(attributes.items()):
                yield module, name, value


def reduce_context(context: Context) -> tuple[tuple[()], list[tuple[ContextVar[Any], Any]]]:
    """Send the variables that it has values for, with these."""
    return (), list(context.items())


def rebuild_context() -> Context:
    """Make an empty context."""
    return Context()


def restore_context(context: Context, values: list[tuple[ContextVar[Any], Any]]) -> None:
    """Give it its values."""
    for variable, value in values:
        context.run(variable.set, value)


def refuse_token(pickler: object, token: "Token[Any]") -> ReduceValue:
    """Say what to send instead."""
    raise RefusalError(
        "it is of use in the context that it was made in, and nowhere else; send token.var and "
        "token.old_value"
    )


def reduce_missing(pickler: object, mark: object) -> ReduceValue:
    """Find it at the receiver."""
    return getattr, (Token, "MISSING")


REDUCERS: dict[type, Reducer] = {
    ContextVar: reduce_variable,
    Context: reducer_with_state(reduce_context, rebuild_context, restore_context),
    Token: refuse_token,
    type(Token.MISSING): reduce_missing,
}
