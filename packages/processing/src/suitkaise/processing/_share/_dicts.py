"""Dictionaries in a Share."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
from typing import Any

from ._effects import ATOMS, ITEM
from ._lists import Planned, computed
from ._node import SLOTS, Node, changing, current, item, reading, shared_container
from ._scalars import strip

_MISSING = object()


def _set(items: SharedDict, key: Any, value: Any) -> Planned:
    key = strip(key)
    hash(key)
    present = dict.get(items, key)
    new = computed(value, items._replica, items, key, present)
    if new is present and type(new) not in ATOMS:
        return None, None
    return None, ("dict.set", key, new)


def _delete(items: dict[Any, Any], key: Any) -> Planned:
    key = strip(key)
    if not dict.__contains__(items, key):
        raise KeyError(key)
    return None, ("dict.delete", key)


def _pop(items: dict[Any, Any], key: Any, default: Any = _MISSING, /) -> Planned:
    key = strip(key)
    value = dict.get(items, key, _MISSING)
    if value is not _MISSING:
        return value, ("dict.delete", key)
    if default is _MISSING:
        raise KeyError(key)
    return default, None


def _popitem(items: dict[Any, Any]) -> Planned:
    if not dict.__len__(items):
        raise KeyError("popitem(): dictionary is empty")
    key = next(reversed(dict.keys(items)))
    return (key, dict.__getitem__(items, key)), ("dict.delete", key)


def _setdefault(items: dict[Any, Any], key: Any, default: Any = None, /) -> Planned:
    key = strip(key)
    if dict.__contains__(items, key):
        return dict.__getitem__(items, key), None
    return strip(default), ("dict.set", key, strip(default))


def _update(_items: dict[Any, Any], pairs: dict[Any, Any]) -> Planned:
    return None, ("dict.update", *(strip(part) for pair in pairs.items() for part in pair))


def _clear(_items: dict[Any, Any]) -> Planned:
    return None, ("dict.clear",)


def _dict_update(target: dict[Any, Any], *pairs: Any) -> None:
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        dict.__setitem__(target, key, value)


@shared_container(
    dict,
    {
        "set": dict.__setitem__,
        "delete": dict.__delitem__,
        "update": _dict_update,
        "clear": dict.clear,
    },
)
class SharedDict(Node, dict[Any, Any]):
    """A dict in a Share: this process's replica of it."""

    __slots__ = SLOTS

    locals().update(reading(dict, ("__len__", "__contains__", "__eq__", "__ne__", "__repr__")))
    __hash__ = None  # type: ignore[assignment]

    _part = dict.__getitem__
    _put = dict.__setitem__

    def _parts(self) -> Iterable[tuple[Any, Any]]:
        return list(dict.items(self))

    def _place(self, part: Any, key: Any) -> tuple[int, Any] | None:
        if dict.get(self, key) is part:
            return ITEM, key
        return Node._place(self, part, key)

    pop = changing(_pop)
    popitem = changing(_popitem)
    clear = changing(_clear)
    __setitem__ = changing(_set)
    __delitem__ = changing(_delete)
    _setdefault = changing(_setdefault)
    _update = changing(_update)

    def setdefault(self, key: Any, default: Any = None, /) -> Any:
        """Return the value of a key; put the default there first if there is none."""
        self._setdefault(key, default)
        return self[key]

    def update(self, *others: Any, **more: Any) -> None:
        """Set several keys at once, for who reads."""
        self._update(dict(*others, **more))

    def __ior__(self, other: Any) -> SharedDict:  # type: ignore[override,misc]
        self._update(dict(other))
        return self

    def __or__(self, other: Any) -> Any:
        return self.copy() | (other.copy() if isinstance(other, SharedDict) else other)

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __getitem__(self, key: Any) -> Any:
        node = current(self)
        key = strip(key)
        return item(node, key, dict.__getitem__(node, key))

    def get(self, key: Any, default: Any = None, /) -> Any:
        """Return the value of a key, or the default."""
        node = current(self)
        key = strip(key)
        value = dict.get(node, key, _MISSING)
        return default if value is _MISSING else item(node, key, value)

    def copy(self) -> dict[Any, Any]:
        """Return an ordinary dict of what is there now."""
        node = current(self)
        copy = dict(dict.items(node))
        if node._replica.holds_objects:
            return {
                key: node._replica.present(value, node, key) for key, value in copy.items()
            }
        return copy

    def keys(self) -> KeysView[Any]:  # type: ignore[override]
        """Return the keys as they are now."""
        return self.copy().keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        """Return the values as they are now."""
        return self.copy().values()

    def items(self) -> ItemsView[Any, Any]:  # type: ignore[override]
        """Return keys and values as they are now."""
        return self.copy().items()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.keys())

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self.keys())

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return dict, (), None, None, iter(list(dict.items(self)))
