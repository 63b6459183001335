"""Exceptions: whole, with cause, context, notes and attributes, however they are constructed.

pickle calls `cls(*args)`, which fails for every class whose constructor wants something else than
`args`. Here nothing of the user's is called: the nearest built-in base makes the object, then
each of its fields (OSError.filename, SystemExit.code) and the attributes are set. A class that
defines `__reduce__`, `__reduce_ex__`, `__getstate__` or `__setstate__` itself is taken at its word.

Causes, contexts and members of groups form a graph that may be cyclic and very deep. The first
exception of it carries all its edges in one flat list, so that neither matters:

    reduce value of the first   rebuild_exception, (cls, args), (fields, attributes, edges)
    ... of each other           rebuild_exception, (cls, args), (fields, attributes, None)

Tracebacks are not carried.
"""

from functools import cache
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

# An exception, its cause, its context, and whether the context is suppressed.
Edge = tuple[BaseException, BaseException | None, BaseException | None, bool]

# AttributeError.obj may be anything at all, and CPython does not pickle it; the others are
# constructor arguments of a group and read-only.
_FIELDS_LEFT_OUT = frozenset({"args", "obj", "message", "exceptions"})

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: not compiled into the interpreter


def reduce_exception(pickler: "Pickler", error: BaseException) -> ReduceValue:
    """Reduce an exception, by the user's own `__reduce__` if there is one."""
    cls = type(error)
    base = _builtin_base(cls)
    edges = _collect_edges(error, pickler.linked_exceptions)
    if cls.__reduce__ is not base.__reduce__ or cls.__reduce_ex__ is not base.__reduce_ex__:
        return _add_edges(error, error.__reduce_ex__(5), edges)
    new_arguments = error.args
    fields = {}
    for name, field in _builtin_fields(base).items():
        try:
            value = field.__get__(error)
        except AttributeError:  # BlockingIOError.characters_written, not set
            continue
        if value is not None:
            fields[name] = value
    if isinstance(error, BaseExceptionGroup):
        new_arguments = (error.message, error.exceptions)
        fields["args"] = error.args
    has_own_getstate = cls.__getstate__ is not base.__getstate__
    attributes = error.__getstate__() if has_own_getstate else object.__getstate__(error)
    if fields or attributes or edges:
        state = (fields, attributes, edges)
        return rebuild_exception, (cls, new_arguments), state, None, None, restore_exception
    return rebuild_exception, (cls, new_arguments)


def rebuild_exception(cls: type[BaseException], arguments: tuple[Any, ...]) -> BaseException:
    """Make the exception, without calling anything of the user's."""
    made: BaseException = _builtin_base(cls).__new__(cls, *arguments)
    # OSError leaves args to an __init__ that a subclass has redefined.
    BaseException.__setattr__(made, "args", arguments)
    return made


def restore_exception(
    error: BaseException, state: tuple[dict[str, Any], Any, list[Edge] | None]
) -> None:
    """Set fields, attributes, and the edges that this exception carries."""
    fields, attributes, edges = state
    cls: Any = type(error)
    base = _builtin_base(cls)
    args = fields.pop("args", None)
    if args is not None:
        BaseException.__setattr__(error, "args", args)
    builtin_fields = _builtin_fields(base)
    for name, value in fields.items():
        builtin_fields[name].__set__(error, value)
    has_own_getstate = cls.__getstate__ is not base.__getstate__
    if has_own_getstate or cls.__setstate__ is not base.__setstate__:
        _set_state(error, attributes)
    else:
        _set_attributes(error, attributes)
    _link(edges)


def _add_edges(error: BaseException, value: ReduceValue, edges: list[Edge] | None) -> ReduceValue:
    """Let the user's reduce value carry what it knows nothing of."""
    notes = getattr(error, "__notes__", None)
    if not isinstance(value, tuple) or not (edges or notes):
        return value
    rebuild, arguments, state, items, pairs, setter = value + (None,) * (6 - len(value))
    carried = (state, setter, notes, edges)
    return rebuild, arguments, carried, items, pairs, restore_reduced_exception


def restore_reduced_exception(error: BaseException, carried: tuple[Any, Any, Any, Any]) -> None:
    """Set the state of the user's own reduce value, then notes and edges."""
    state, setter, notes, edges = carried
    if setter is not None:
        setter(error, state)
    elif state is not None:
        _set_state(error, state)
    if notes and not hasattr(error, "__notes__"):
        BaseException.__setattr__(error, "__notes__", notes)
    _link(edges)


def _collect_edges(error: BaseException, linked: set[int]) -> list[Edge] | None:
    """List the edges of all that `error` leads to, except what another exception carries."""
    edges: list[Edge] = []
    pending = [error]
    while pending:
        each = pending.pop()
        if id(each) in linked:
            continue
        linked.add(id(each))
        cause, context, is_suppressed = (
            each.__cause__,
            each.__context__,
            each.__suppress_context__,
        )
        if cause is not None or context is not None or is_suppressed:
            edges.append((each, cause, context, is_suppressed))
        pending.extend(other for other in (context, cause) if other is not None)
        if isinstance(each, BaseExceptionGroup):
            pending.extend(each.exceptions)
    return edges or None


def _link(edges: list[Edge] | None) -> None:
    # BaseException's own __setattr__: a frozen dataclass refuses, and setting a cause also
    # suppresses the context.
    for error, cause, context, is_suppressed in edges or ():
        BaseException.__setattr__(error, "__cause__", cause)
        BaseException.__setattr__(error, "__context__", context)
        BaseException.__setattr__(error, "__suppress_context__", is_suppressed)


def _set_state(error: BaseException, state: Any) -> None:
    """Set a state as pickle does."""
    cls: Any = type(error)
    if isinstance(state, tuple) and cls.__setstate__ is BaseException.__setstate__:
        _set_attributes(error, state)
    else:
        error.__setstate__(state)


def _set_attributes(error: BaseException, attributes: Any) -> None:
    """Set what `object.__getstate__` gives: the attributes, or a pair of them and the slots."""
    own, slots = attributes if isinstance(attributes, tuple) else (attributes, None)
    vars(error).update(own or {})
    for name, value in (slots or {}).items():
        BaseException.__setattr__(error, name, value)


def _builtin_base(cls: Any) -> Any:
    """Find the built-in class whose memory layout `cls` has."""
    while cls.__flags__ & _HEAP_TYPE:
        cls = cls.__base__
    return cls


@cache
def _builtin_fields(base: Any) -> dict[str, Any]:
    """Find the fields that a built-in exception keeps outside its `__dict__`."""
    return {
        name: descriptor
        for ancestor in base.__mro__
        for name, descriptor in vars(ancestor).items()
        if isinstance(descriptor, GetSetDescriptorType | MemberDescriptorType)
        and not name.startswith("__")
        and name not in _FIELDS_LEFT_OUT
    }


REDUCERS: dict[type, Reducer] = {BaseException: reduce_exception}
