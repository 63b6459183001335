"""Instances of ordinary classes: reduced in a third of the time `object.__reduce_ex__` takes.

An ordinary class is written in Python, keeps its attributes in `__dict__` alone and leaves it to
`object` how it is reduced. Then the reduce value is known in advance, but for the attributes.

pickle asks an object that has no attributes yet for its `__setstate__`: a `__getattr__` that looks
into an attribute would ask itself for ever. Instances of such classes are given theirs unasked.
"""

import copyreg
from copyreg import __newobj__, _slotnames  # type: ignore[attr-defined]
from types import GetSetDescriptorType
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

# Counted up by each serialize(), so that a class is looked at once per payload: it may have been
# given a __reduce__ since the last. A lost count between threads delays that look by one payload.
dump_number = [0]

_PROTOCOL = 5
_SETTER = 5  # where a reduce value has it
_GETATTRIBUTE: Any = object.__getattribute__
_REDUCE_EX: Any = object.__reduce_ex__
_REDUCE: Any = object.__reduce__
_GETSTATE: Any = object.__getstate__


class _Sample:
    """An ordinary class, to compare the memory layout with."""


_DICT = vars(_Sample)["__dict__"]


def is_ordinary(cls: type) -> bool:
    """Tell whether instances of `cls` are a new object and its `__dict__`, nothing else."""
    return (
        cls.__itemsize__ == 0
        and cls.__basicsize__ == _Sample.__basicsize__
        and cls.__dictoffset__ == _Sample.__dictoffset__
        and cls.__weakrefoffset__ == _Sample.__weakrefoffset__
        and cls.__getattribute__ is _GETATTRIBUTE
        and not hasattr(cls, "__getnewargs_ex__")
        and not hasattr(cls, "__getnewargs__")
        and all(
            isinstance(vars(base).get("__dict__", _DICT), GetSetDescriptorType)
            for base in cls.__mro__
        )
        and not _slotnames(cls)
        and _leaves_reduction_to_object(cls)
    )


def _leaves_reduction_to_object(cls: type) -> bool:
    return (
        cls.__reduce_ex__ is _REDUCE_EX
        and cls.__reduce__ is _REDUCE
        and cls.__getstate__ is _GETSTATE
        and cls not in copyreg.dispatch_table
    )


def ordinary_reducer(cls: type) -> Reducer:
    """Make the reducer for instances of an ordinary class."""
    arguments = (cls,)
    looked_at = -1
    rest = (None, None, set_attributes_unasked) if would_be_asked(cls) else ()

    def reduce_ordinary(pickler: "Pickler", obj: Any) -> ReduceValue:
        nonlocal looked_at
        if looked_at != dump_number[0]:
            if not _leaves_reduction_to_object(cls):
                return reduce_natively(pickler, obj)
            looked_at = dump_number[0]
        return __newobj__, arguments, obj.__dict__, *rest

    return reduce_ordinary


def reduce_natively(pickler: "Pickler", obj: Any) -> ReduceValue:
    """Reduce an object as pickle itself would: by copyreg, else by its own methods."""
    reduce = copyreg.dispatch_table.get(type(obj))
    return obj.__reduce_ex__(_PROTOCOL) if reduce is None else reduce(obj)


def would_be_asked(cls: type) -> bool:
    """Tell whether pickle would call a class's `__getattr__` before there are any attributes."""
    return (
        hasattr(cls, "__getattr__")
        and not hasattr(cls, "__setstate__")
        and _leaves_reduction_to_object(cls)
    )


def reduce_unasked(pickler: "Pickler", obj: Any) -> ReduceValue:
    """Reduce an object that is to be given its attributes without being asked."""
    value = reduce_natively(pickler, obj)
    return (*value, set_attributes_unasked) if len(value) == _SETTER else value


def set_attributes_unasked(obj: object, state: Any) -> None:
    """Set attributes and slots, whatever the object's class does about that."""
    own, slots = state if isinstance(state, tuple) else (state, None)
    if own:
        object.__getattribute__(obj, "__dict__").update(own)
    for name, value in (slots or {}).items():
        object.__setattr__(obj, name, value)
