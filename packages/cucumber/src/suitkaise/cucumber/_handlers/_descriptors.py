"""Properties, class methods and static methods, with their subclasses and attributes.

The constructor of a subclass is not called: it may want other arguments.
"""

from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._handlers._attributes import assign_attributes, attributes_of
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler


def reduce_property(pickler: "Pickler", made: property) -> ReduceValue:
    """Send its functions and its text."""
    arguments = (type(made), property, made.fget, made.fset, made.fdel, made.__doc__)
    return rebuild_descriptor, arguments, attributes_of(made), None, None, assign_attributes


def reduce_method(pickler: "Pickler", method: Any) -> ReduceValue:
    """Send its function, and what was added to it."""
    kind: Any = classmethod if isinstance(method, classmethod) else staticmethod
    function = method.__func__
    added = attributes_of(method, except_for=vars(kind(function)))
    arguments = (type(method), kind, function)
    return rebuild_descriptor, arguments, added, None, None, assign_attributes


def rebuild_descriptor(kind: Any, base: Any, *arguments: Any) -> Any:
    """Make such a descriptor."""
    made = base.__new__(kind, *arguments)
    base.__init__(made, *arguments)
    return made


REDUCERS: dict[type, Reducer] = {
    property: reduce_property,
    classmethod: reduce_method,
    staticmethod: reduce_method,
}
