"""Deques in a Share."""

# What methods made of plans take and return, and that copies are ordinary, is not what stubs say.
# mypy: disable-error-code="misc, assignment, override, no-any-return"

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Iterable, Iterator
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


def _index(items: Any, index: Any, message: str = "deque index out of range") -> int:
    position = operator.index(strip(index))
    position += deque.__len__(items) if position < 0 else 0
    if not 0 <= position < deque.__len__(items):
        raise IndexError(message)
    return position


def _pop(items: Any) -> Planned:
    if not deque.__len__(items):
        raise IndexError("pop from an empty deque")
    return deque.__getitem__(items, -1), ("deque.pop",)


def _popleft(items: Any) -> Planned:
    if not deque.__len__(items):
        raise IndexError("pop from an empty deque")
    return deque.__getitem__(items, 0), ("deque.popleft",)


def _extend(_items: Any, values: list[Any]) -> Planned:
    return None, ("deque.extend", *values) if values else None


def _extendleft(_items: Any, values: list[Any]) -> Planned:
    return None, ("deque.extendleft", *values) if values else None


def _insert(items: Any, index: Any, value: Any) -> Planned:
    position = operator.index(strip(index))
    if items.maxlen is not None and deque.__len__(items) >= items.maxlen:
        raise IndexError("deque already at its maximum size")
    return None, ("deque.insert", position, strip(value))


def _remove(items: Any, value: Any) -> Planned:
    for position, present in enumerate(items._plain()):
        if present is value or present == value:
            return None, ("deque.delete", position)
    deque().remove(value)  # raises what it raises in this version of Python
    return None, None


def _clear(_items: Any) -> Planned:
    return None, ("deque.clear",)


def _reverse(_items: Any) -> Planned:
    return None, ("deque.reverse",)


def _rotate(_items: Any, steps: Any = 1, /) -> Planned:
    return None, ("deque.rotate", operator.index(strip(steps)))


def _set(items: Any, key: Any, value: Any) -> Planned:
    position = _index(items, key)
    present = deque.__getitem__(items, position)
    new = written(value, items, key, present)
    return None, None if new is present else ("deque.set", position, new)


def _delete(items: Any, key: Any) -> Planned:
    return None, ("deque.delete", _index(items, key))


def _repeat(items: Any, times: Any) -> Planned:
    count = operator.index(strip(times))
    [None] * (deque.__len__(items) * count)  # raises what it raises, before it is recorded
    return None, ("deque.repeat", count)


@shared_container(
    deque,
    {
        "append": deque.append,
        "appendleft": deque.appendleft,
        "extend": lambda target, *values: deque.extend(target, values),
        "extendleft": lambda target, *values: deque.extendleft(target, values),
        "pop": deque.pop,
        "popleft": deque.popleft,
        "insert": deque.insert,
        "set": deque.__setitem__,
        "delete": deque.__delitem__,
        "clear": deque.clear,
        "reverse": deque.reverse,
        "repeat": deque.__imul__,
        "rotate": deque.rotate,
    },
)
class SharedDeque(Node, deque[Any]):
    """A deque in a Share: this process's replica of it."""

    __slots__ = SLOTS
    __hash__ = None

    locals().update(
        reading(
            deque,
            ("__len__", "__contains__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
            + ("count", "index", "__repr__"),
        )
    )
    locals().update(with_plain(deque, ("__mul__", "__rmul__", "__add__")))

    _held = deque.__iter__
    _part = deque.__getitem__
    _put = deque.__setitem__

    @classmethod
    def _made_of(cls, plain: deque[Any]) -> Any:
        node = deque.__new__(cls)
        deque.__init__(node, plain, plain.maxlen)
        return node

    def _plain(self) -> deque[Any]:
        return deque(deque.__iter__(self), self.maxlen)

    def _parts(self) -> Iterable[tuple[Any, Any]]:
        return enumerate(self._plain())

    def _place(self, part: Any, key: Any) -> tuple[int, Any] | None:
        if (
            isinstance(key, int)
            and key < deque.__len__(self)
            and deque.__getitem__(self, key) is part
        ):
            return ITEM, key
        return Node._place(self, part, key)

    append = blindly("deque.append")
    appendleft = blindly("deque.appendleft")
    pop = changing(_pop)
    popleft = changing(_popleft)
    insert = changing(_insert)
    remove = changing(_remove)
    clear = changing(_clear)
    reverse = changing(_reverse)
    rotate = changing(_rotate)
    __setitem__ = changing(_set)
    __delitem__ = changing(_delete)
    _extend = changing(_extend)
    _extendleft = changing(_extendleft)
    _repeat = changing(_repeat)

    def extend(self, values: Iterable[Any]) -> None:
        """Append each of the values, all at once for who reads."""
        self._extend(list(map(strip, values)))

    def extendleft(self, values: Iterable[Any]) -> None:
        """Append each of the values on the left, all at once for who reads."""
        self._extendleft(list(map(strip, values)))

    def __iadd__(self, values: Iterable[Any]) -> Any:
        self.extend(values)
        return self

    def __imul__(self, times: Any) -> Any:
        self._repeat(times)
        return self

    def __getitem__(self, key: Any) -> Any:
        node = current(self)
        key = strip(key)
        return item(node, key, deque.__getitem__(node, key))

    def copy(self) -> deque[Any]:
        """Return an ordinary deque of what is there now."""
        node = current(self)
        return deque(node._replica.present_all(list(deque.__iter__(node)), node), node.maxlen)

    __copy__ = copy

    def __iter__(self) -> Iterator[Any]:
        return iter(self.copy())

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self.copy())

    def __reduce_ex__(self, _protocol: Any) -> Any:
        node = current(self)
        arguments = () if node.maxlen is None else ((), node.maxlen)
        return deque, arguments, None, iter(list(deque.__iter__(node)))
