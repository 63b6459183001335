"""The pickler: cloudpickle's, with every decision taken in one look-up.

pickle's C code writes the basic types itself and asks `reducer_override` about everything else:
once per instance, class and function. That call is the hot path: one dict look-up by type, one
call. cloudpickle's own pickler tests for classes and functions first and then has a ChainMap
searched; and it makes a Python call each for `__init__` and `dump`.
"""

import pickle
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import cloudpickle

from suitkaise.cucumber._handlers._cells import SharedCell
from suitkaise.cucumber._handlers._iterators import Taken
from suitkaise.cucumber._reducer import ReduceValue
from suitkaise.cucumber._registry import REDUCERS

T = TypeVar("T")

MAX_ITEMS = 10_000_000


class _MadeOnUse(Generic[T]):
    """An attribute that most payloads never need; without the lock of `cached_property`."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, pickler: object, owner: type) -> T:
        made = vars(pickler)[self._name] = self._make()
        return made


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Writes one payload; takes `pickle.Pickler`'s arguments by position."""

    __slots__ = ()

    __init__ = pickle.Pickler.__init__
    dump = pickle.Pickler.dump

    def reducer_override(self, obj: Any) -> ReduceValue:
        """Reduce anything but pickle's basic types; NotImplemented: by reference."""
        return REDUCERS[type(obj)](self, obj)

    # Functions that share their globals here share them at the receiver (cloudpickle).
    globals_ref = _MadeOnUse[dict[int, dict[str, Any]]](dict)

    # What could be taken only once, by the id of its owner. A second attempt at the same payload
    # goes on with it.
    taken = _MadeOnUse[dict[int, Taken]](dict)

    # Cells that functions share, by id.
    cells = _MadeOnUse[dict[int, SharedCell]](dict)

    # Where matches of regular expressions were found, by pattern and text.
    searches = _MadeOnUse[dict[Any, Any]](dict)

    # Whether nothing is to be used up: what is written is of no use then.
    is_dry = False

    # An iterator that gives more is taken for endless.
    max_items = MAX_ITEMS

    # Whether a context variable brings along the value that it has here.
    with_context_values = False

    # Exceptions whose cause and context another exception of this payload carries, by id.
    linked_exceptions = _MadeOnUse[set[int]](set)
