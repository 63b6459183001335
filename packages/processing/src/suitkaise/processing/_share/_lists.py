"""Lists in a Share."""

# What methods made of plans take and return, and that copies are ordinary, is not what stubs say.
# mypy: disable-error-code="misc, assignment, override, no-any-return"

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ._effects import ITEM
from ._node import (
    SLOTS,
    Node,
    Planned,
    blindly,
    changing,
    current,
    item,
    reading,
    shared_container,
    with_plain,
    written,
)
from ._scalars import strip


def _index(items: list[Any], index: Any, message: str) -> int:
    """Return an index as one from 0 on."""
    position = operator.index(strip(index))
    position += len(items) if position < 0 else 0
    if not 0 <= position < list.__len__(items):
        raise IndexError(message)
    return position


def _append(_items: list[Any], value: Any) -> Planned:
    return None, ("list.append", strip(value))


def _extend(_items: list[Any], values: Iterable[Any]) -> Planned:
    return None, ("list.extend", *map(strip, values))


def _insert(_items: list[Any], index: Any, value: Any) -> Planned:
    return None, ("list.insert", operator.index(strip(index)), strip(value))


def _pop(items: list[Any], index: Any = -1) -> Planned:
    if not list.__len__(items):
        raise IndexError("pop from empty list")
    position = _index(items, index, "pop index out of range")
    return list.__getitem__(items, position), ("list.delete", position)


def _remove(items: list[Any], value: Any) -> Planned:
    try:
        return None, ("list.delete", list.index(items, value))
    except ValueError:
        raise ValueError("list.remove(x): x not in list") from None


def _clear(_items: list[Any]) -> Planned:
    return None, ("list.clear",)


def _reverse(_items: list[Any]) -> Planned:
    return None, ("list.reverse",)


def _sort(
    items: list[Any], *, key: Callable[[Any], Any] | None = None, reverse: bool = False
) -> Planned:
    return None, (
        "list.slice",
        None,
        None,
        None,
        *sorted(list.copy(items), key=key, reverse=reverse),
    )


def _set(items: SharedList, key: Any, value: Any) -> Planned:
    if isinstance(key, slice):
        values = list(map(strip, value))
        list.copy(items)[key] = values  # raises what it would raise
        return None, ("list.slice", *_bounds(key), *values)
    position = _index(items, key, "list assignment index out of range")
    present = list.__getitem__(items, position)
    new = written(value, items, key, present)
    return None, None if new is present else ("list.set", position, new)


def _delete(items: list[Any], key: Any) -> Planned:
    if isinstance(key, slice):
        return None, ("list.cut", *_bounds(key))
    return None, ("list.delete", _index(items, key, "list assignment index out of range"))


def _repeat(items: list[Any], times: Any) -> Planned:
    count = operator.index(strip(times))
    [None] * (list.__len__(items) * count)  # raises what it raises, before it is recorded
    return None, ("list.repeat", count)


def _bounds(key: slice) -> tuple[Any, Any, Any]:
    return strip(key.start), strip(key.stop), strip(key.step)


def _slice_set(target: list[Any], start: Any, stop: Any, step: Any, *items: Any) -> None:
    list.__setitem__(target, slice(start, stop, step), items)


def _slice_delete(target: list[Any], start: Any, stop: Any, step: Any) -> None:
    list.__delitem__(target, slice(start, stop, step))


@shared_container(
    list,
    {
        "append": list.append,
        "extend": lambda target, *items: list.extend(target, items),
        "insert": list.insert,
        "set": list.__setitem__,
        "delete": list.__delitem__,
        "slice": _slice_set,
        "cut": _slice_delete,
        "clear": list.clear,
        "reverse": list.reverse,
        "repeat": list.__imul__,
    },
)
class SharedList(Node, list[Any]):
    """A list in a Share: this process's replica of it."""

    __slots__ = SLOTS

    locals().update(
        reading(
            list,
            ("__len__", "__contains__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
            + ("__repr__", "count", "index"),
        )
    )
    locals().update(with_plain(list, ("__add__", "__mul__", "__rmul__")))
    __hash__ = None

    _held = list.__iter__
    _part = list.__getitem__
    _put = list.__setitem__

    def _parts(self) -> Iterable[tuple[int, Any]]:
        return enumerate(list.copy(self))

    def _place(self, part: Any, key: Any) -> tuple[int, Any] | None:
        if isinstance(key, int) and key < list.__len__(self):  # noqa: SIM102
            if list.__getitem__(self, key) is part:
                return ITEM, key
        return Node._place(self, part, key)

    append = blindly("list.append")
    insert = changing(_insert)
    pop = changing(_pop)
    remove = changing(_remove)
    clear = changing(_clear)
    reverse = changing(_reverse)
    sort = changing(_sort)
    __setitem__ = changing(_set)
    __delitem__ = changing(_delete)
    _extend = changing(_extend)
    _repeat = changing(_repeat)

    def extend(self, values: Iterable[Any]) -> None:
        """Append each of the values, all at once for who reads."""
        self._extend(list(values))

    def __iadd__(self, values: Iterable[Any]) -> Any:
        self._extend(list(values))
        return self

    def __imul__(self, times: Any) -> Any:
        self._repeat(times)
        return self

    def __radd__(self, other: Any) -> Any:
        return other + self.copy() if isinstance(other, list) else NotImplemented

    def copy(self) -> list[Any]:
        """Return an ordinary list of what is there now."""
        node = current(self)
        present: list[Any] = node._replica.present_all(list.copy(node), node)
        return present

    __copy__ = copy

    def __getitem__(self, key: Any) -> Any:
        node = current(self)
        key = strip(key)
        value = list.__getitem__(node, key)
        if type(key) is slice:
            return node._replica.present_all(value, node)
        return item(node, key, value)

    def __iter__(self) -> Iterator[Any]:
        node = current(self)
        return iter(node._replica.present_all(list.copy(node), node))

    def __reversed__(self) -> Iterator[Any]:
        node = current(self)
        return reversed(node._replica.present_all(list.copy(node), node))

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return list, (), None, iter(list.copy(current(self)))
