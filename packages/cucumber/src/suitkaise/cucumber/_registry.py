"""Which reducer an object gets: the registry, and the order in which it is asked.

For an object of type T, the first that applies:

1. int, str, list, dict and the other basic types themselves (not their subclasses): pickle's C
   code writes them and asks nobody.
2. Classes, functions, modules and TypeVars: by reference where the receiver can import them, else
   by value (`_by_value`, `_classes`).
3. Along T's method resolution order, T first, at each class:
   a. what `register` was given for it, by the class or by its dotted name;
   b. the built-in handler for it (`_handlers`), by the class or by its dotted name;
   c. its own `__reduce_ex__`, `__reduce__`, `__getstate__`, `__getnewargs__` or
      `__getnewargs_ex__`: the search ends, step 5 calls them. (Exceptions go on to their built-in
      handler, which honours these methods itself.)
   So a handler serves subclasses too, unless one nearer to T says otherwise, and a user's
   registration wins over a built-in one. `reduce` sees the instance: where the subclass matters,
   send `type(obj)` along.
4. cloudpickle's table, then copyreg's, for T itself.
5. `T.__reduce_ex__(5)`, as in pickle; for ordinary classes by a shorter way (`_ordinary`). An
   iterator of the interpreter's that has no such way is consumed (`_handlers._iterators`).

The answer is kept per type until the registry changes.
"""

import os
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from cloudpickle import cloudpickle

from suitkaise.cucumber import _by_value
from suitkaise.cucumber._classes import reduce_class
from suitkaise.cucumber._handlers import BUILTIN_REDUCERS, find_library_reducer
from suitkaise.cucumber._handlers._iterators import (
    is_iterator_of_the_interpreter,
    reduce_unless_it_pickles,
)
from suitkaise.cucumber._ordinary import (
    is_ordinary,
    ordinary_reducer,
    reduce_natively,
    reduce_unasked,
    would_be_asked,
)
from suitkaise.cucumber._reducer import Reducer, reducer

T = TypeVar("T")

# Step 1, and step 2: nothing can be registered for these.
_BASIC_TYPES = frozenset(
    {type(None), bool, int, float, str, bytes, bytearray, tuple, list, dict, set, frozenset}
)

_OWN_METHODS = frozenset(
    {"__reduce_ex__", "__reduce__", "__getstate__", "__getnewargs__", "__getnewargs_ex__"}
)

# Classes that are made and dropped again (in a test, a notebook cell) must not pile up here.
_MAX_REMEMBERED_TYPES = 4096

_lock = threading.RLock()  # re-entrant: a look at a class may run its metaclass's code
_registered: dict[type, Reducer] = {}
_awaited: dict[str, Reducer] = {}  # by dotted name: their modules were not loaded yet


def _renew_lock() -> None:
    """Begin anew in a forked process: another thread may have held the lock."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class _Reducers(dict[type, Reducer]):
    """The reducer per type; found when a type is first seen."""

    def __missing__(self, cls: type) -> Reducer:
        with _lock:
            _resolve_awaited()
            found = _find_reducer(cls)
            if len(self) >= _MAX_REMEMBERED_TYPES:
                self.clear()
            self[cls] = found
        return found


REDUCERS = _Reducers()


def register(
    type_or_dotted_name: type[Any] | str,
    *,
    reduce: Callable[[Any], tuple[Any, ...]],
    rebuild: Callable[..., Any],
) -> None:
    """Teach cucumber a type.

    Subclasses are served too, unless they define `__reduce__` or the like or are registered
    themselves. A second registration for the same type replaces the first.

    Args:
        type_or_dotted_name: The type, or its name as one would import it
            (`"psycopg2.extensions.connection"`): nothing is imported, the registration takes
            effect once the program has loaded that module itself.
        reduce: Called at the sender with the object; returns the tuple of `rebuild`'s arguments,
            which are serialised in turn.
        rebuild: Called at the receiver with these arguments; returns the object. Best a function
            of an importable module; any other travels by value. The receiver needs no
            registration.

    Raises:
        TypeError: Not a type or a dotted name; a type that no handler can serve (int, list, a
            class of classes); `reduce` or `rebuild` cannot be called.

    Example:
        >>> class Celsius:
        ...     def __init__(self, degrees):
        ...         self.degrees = degrees
        >>> register(Celsius, reduce=lambda value: (value.degrees,), rebuild=Celsius)
    """
    for name, function in (("reduce", reduce), ("rebuild", rebuild)):
        if not callable(function):
            raise TypeError(f"register(..., {name}={function!r}): {name} must be a function")
    made = reducer(_checked(reduce, type_or_dotted_name), rebuild)
    with _lock:
        if isinstance(type_or_dotted_name, str):
            if "." not in type_or_dotted_name.strip("."):
                raise TypeError(
                    f"register({type_or_dotted_name!r}, ...): a name must be dotted, as in "
                    "'module.Class'"
                )
            _awaited[type_or_dotted_name] = made
            _resolve_awaited()
        else:
            _enter(type_or_dotted_name, made)
        REDUCERS.clear()


def _enter(cls: type, made: Reducer) -> None:
    if not isinstance(cls, type):
        raise TypeError(f"register({cls!r}, ...): give a type or its dotted name")
    if cls in _BASIC_TYPES or issubclass(cls, type) or cls in _by_value.REDUCERS:
        raise TypeError(
            f"register({cls.__qualname__}, ...): {cls.__qualname__} is serialised by itself and "
            "cannot have a handler; register a subclass"
        )
    _registered[cls] = made


def _checked(
    reduce: Callable[[T], tuple[Any, ...]], name: object
) -> Callable[[T], tuple[Any, ...]]:
    def reduce_checked(obj: T) -> tuple[Any, ...]:
        arguments = reduce(obj)
        if type(arguments) is not tuple:
            raise TypeError(
                f"reduce of the handler registered for {name} returned "
                f"{type(arguments).__name__}; return the tuple of rebuild's arguments"
            )
        return arguments

    return reduce_checked


def _resolve_awaited() -> None:
    """Enter the dotted names whose modules have been loaded by now. The caller holds the lock."""
    for name in list(_awaited):
        cls = _find_loaded(name)
        if cls is not None:
            _enter(cls, _awaited.pop(name))
            REDUCERS.clear()


def _find_loaded(name: str) -> type | None:
    """Find a class by its dotted name, without an import or a module's `__getattr__`."""
    module_name, _, qualname = name.rpartition(".")
    attributes = [qualname]
    while module_name and module_name not in sys.modules:
        module_name, _, attribute = module_name.rpartition(".")
        attributes.insert(0, attribute)
    found: Any = sys.modules.get(module_name)
    for attribute in attributes:
        found = getattr(found, "__dict__", {}).get(attribute)
    return found if isinstance(found, type) else None


def _find_reducer(cls: type) -> Reducer:
    """Go through the order that the module's docstring gives, from step 2."""
    if issubclass(cls, type):
        return reduce_class
    if cls in _by_value.REDUCERS:
        return _by_value.REDUCERS[cls]
    for base in cls.__mro__:
        found = _registered.get(base) or BUILTIN_REDUCERS.get(base) or find_library_reducer(base)
        if found is not None:
            return found
        if not _OWN_METHODS.isdisjoint(vars(base)) and not issubclass(cls, BaseException):
            break
    reduce = cloudpickle.Pickler._dispatch_table.get(cls)
    if reduce is not None:
        return lambda pickler, obj: reduce(obj)
    if is_ordinary(cls):
        return ordinary_reducer(cls)
    if would_be_asked(cls):
        return reduce_unasked
    return reduce_unless_it_pickles if is_iterator_of_the_interpreter(cls) else reduce_natively
