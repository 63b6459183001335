"""Dictionaries in a Share: dict, and what is derived from it in `collections`."""

# What methods made of plans take and return, and that copies are ordinary, is not what stubs say.
# mypy: disable-error-code="misc, assignment, override, no-any-return"

from __future__ import annotations

import sys
import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import chain
from types import FrameType
from typing import Any

from ._effects import ITEM, NTH, is_found_again
from ._node import (
    PLAIN_TYPES,
    SLOTS,
    Node,
    Plan,
    Planned,
    as_plain,
    changing,
    current,
    item,
    reading,
    shared_container,
    with_plain,
    written,
)
from ._scalars import (
    TRACKED,
    TRACKING,
    Origin,
    Vacancy,
    evaluate,
    is_computed,
    origin,
    strip,
    track,
)

_MISSING = object()


# What `dict(share.d)` and `{**share.d}` are copying, by thread. They ask for the keys and then for
# each item by itself, all in one instruction of whoever is calling: so both come from one moment.
_copies: dict[int, list[Any]] = {}


def _copied(items: Any, key: Any, frame: FrameType) -> Any:
    """Return an item for the instruction that has just asked for the keys; else _MISSING."""
    thread = threading.get_ident()
    copying = _copies.get(thread)
    if copying is None:
        return _MISSING
    of, caller, instruction, copy, left = copying
    copying[4] = left - 1
    if of is items and frame is caller and frame.f_lasti == instruction:
        if left == 1:
            del _copies[thread]
        return copy.get(key, _MISSING)
    del _copies[thread]
    return _MISSING


def _set(items: Any, key: Any, value: Any) -> Planned:
    key = strip(key)
    present = dict.get(items, key, _MISSING)
    if present is _MISSING:
        if _was_read_here(value, items, key):  # somebody has deleted it in the meantime
            vacant = items._vacant()
            if vacant is _MISSING:
                raise KeyError(key)
            return None, ("dict.set", key, strip(evaluate(value, vacant)))
        return None, ("dict.set", key, strip(value))
    new = written(value, items, key, present)
    if new is present:
        return None, None
    if is_found_again(key):
        return None, ("dict.set", key, new)
    return None, ("dict.set_nth", _nth(items, key), new)


def _vacancy(node: Any, key: Any, default: Any) -> Any:
    """Return a default that remembers where it was taken, in the place of a value."""
    replica = node._replica
    if type(default) not in TRACKING or (
        replica.seen < 0 and replica.attribute.is_at_hand(replica)
    ):
        return default
    return track(default, Vacancy(replica, node, key))


def _was_read_here(value: Any, items: Any, key: Any) -> bool:
    """Tell whether a value was computed from what stood at a key of this dict."""
    if type(value) not in TRACKED or not is_computed(value):
        return False
    where = origin(value)
    return type(where) is Origin and bool(items._replica.is_same_place(where, items, key))


def _delete(items: Any, key: Any) -> Planned:
    key = strip(key)
    if not dict.__contains__(items, key):
        raise KeyError(key)
    return None, _deletion(items, key)


def _pop(items: Any, key: Any, default: Any = _MISSING, /) -> Planned:
    key = strip(key)
    value = dict.get(items, key, _MISSING)
    if value is not _MISSING:
        return value, _deletion(items, key)
    if default is _MISSING:
        raise KeyError(key)
    return default, None


def _popitem(items: Any) -> Planned:
    if not dict.__len__(items):
        raise KeyError("popitem(): dictionary is empty")
    key = next(reversed(dict.keys(items)))
    return (key, dict.__getitem__(items, key)), _deletion(items, key)


def _setdefault(items: Any, key: Any, default: Any) -> Planned:
    key = strip(key)
    present = dict.get(items, key, _MISSING)
    if present is not _MISSING:
        return present, None
    return strip(default), ("dict.set", key, strip(default))


def _update(items: Any, pairs: dict[Any, Any]) -> Planned:
    if not pairs:
        return None, None
    stripped = {strip(key): strip(value) for key, value in pairs.items()}
    if all(is_found_again(key) or not dict.__contains__(items, key) for key in stripped):
        return None, ("dict.update", *chain.from_iterable(stripped.items()))
    return None, ("dict.become", *chain.from_iterable((items._plain() | stripped).items()))


def _clear(_items: Any) -> Planned:
    return None, ("dict.clear",)


def _deletion(items: Any, key: Any) -> tuple[Any, ...]:
    if is_found_again(key):
        return "dict.delete", key
    return "dict.delete_nth", _nth(items, key)


def _nth(items: Any, key: Any) -> int:
    """Return the place of a key that would not be found again in the order of a dict."""
    return next(n for n, present in enumerate(items._plain()) if present is key or present == key)


def _operations(base: Any) -> dict[str, Callable[..., object]]:
    """Return what effects do to a dict, by the methods of its own class."""
    put, delete, clear = base.__setitem__, base.__delitem__, base.clear

    def update(target: Any, *pairs: Any) -> None:
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            put(target, key, value)

    def become(target: Any, *pairs: Any) -> None:
        clear(target)
        update(target, *pairs)

    return {
        "set": put,
        "delete": delete,
        "update": update,
        "become": become,
        "clear": clear,
        "set_nth": lambda target, n, value: put(target, list(base.keys(target))[n], value),
        "delete_nth": lambda target, n: delete(target, list(base.keys(target))[n]),
    }


class _Dictionary(Node):
    """What all dictionaries in a Share have in common."""

    __slots__ = ()
    __hash__ = None

    def _plain(self) -> Any:
        """Return an ordinary copy of this node as it is, with the parts as they are."""
        raise NotImplementedError

    def _vacant(self) -> Any:
        """Return what a value is computed from where there is none; _MISSING: it cannot be."""
        return _MISSING

    def _part(self, key: Any) -> Any:
        this: Any = self
        return dict.__getitem__(this, key)

    def _put(self, key: Any, part: Any) -> None:
        this: Any = self
        dict.__setitem__(this, key, part)

    def _held(self) -> Iterable[Any]:
        this: Any = self
        return dict.values(this)

    def _parts(self) -> Iterable[tuple[Any, Any]]:
        return list(self._plain().items())

    def _place(self, part: Any, key: Any) -> tuple[int, Any] | None:
        this: Any = self
        if dict.get(this, key) is part and is_found_again(key):
            return ITEM, key
        for n, (place, present) in enumerate(self._parts()):
            if present is part:
                return (ITEM, place) if is_found_again(place) else (NTH, n)
        return None

    pop = changing(_pop)
    popitem = changing(_popitem)
    clear = changing(_clear)
    __setitem__ = changing(_set)
    __delitem__ = changing(_delete)
    _setdefault = changing(_setdefault)
    _update = changing(_update)

    def setdefault(self, key: Any, default: Any = None, /) -> Any:
        """Return the value of a key; put the default there first if there is none."""
        plain = strip(key)
        node = current(self)
        value = dict.get(node, plain, _MISSING)
        if value is not _MISSING:
            return item(node, plain, value)
        put = self._setdefault(plain, default)
        node = current(self)
        value = dict.get(node, plain, _MISSING)
        # It may be missing again: because it has been deleted, or because the Share is stopped.
        return put if value is _MISSING else item(node, plain, value)

    def update(self, *others: Any, **more: Any) -> None:
        """Set several keys at once, for who reads."""
        pairs: dict[Any, Any] = {}
        pairs.update(*map(as_plain, others), **more)
        self._update(pairs)

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def __or__(self, other: Any) -> Any:
        return self.copy() | as_plain(other)

    def __ror__(self, other: Any) -> Any:
        return other | self.copy()

    def __getitem__(self, key: Any) -> Any:
        if _copies:
            copied = _copied(self, key, sys._getframe(1))
            if copied is not _MISSING:
                return copied
        node = current(self)
        key = strip(key)
        value = dict.get(node, key, _MISSING)
        if value is not _MISSING:
            return item(node, key, value)
        missing = getattr(self, "__missing__", None)
        if missing is None:
            raise KeyError(key)
        return missing(key)

    def get(self, key: Any, default: Any = None, /) -> Any:
        """Return the value of a key, or the default."""
        node = current(self)
        key = strip(key)
        value = dict.get(node, key, _MISSING)
        if value is not _MISSING:
            return item(node, key, value)
        # So that `share.d["k"] = share.d.get("k", 0) + 1` counts what comes between.
        return _vacancy(node, key, default)

    def copy(self) -> Any:
        """Return an ordinary copy of what is there now."""
        node = current(self)
        copy = node._plain()
        if node._replica.holds_objects:
            for key, value in list(copy.items()):
                copy[key] = node._replica.present(value, node, key)
        return copy

    __copy__ = copy

    fromkeys = staticmethod(dict.fromkeys)

    def keys(self) -> KeysView[Any]:
        """Return the keys as they are now."""
        copy = self.copy()
        frame = sys._getframe(1)
        # A call of this method itself has no arguments; one that copies the dict has it as one.
        if copy and frame.f_code.co_code[frame.f_lasti + 1]:
            _copies[threading.get_ident()] = [self, frame, frame.f_lasti, copy, len(copy)]
        keys: KeysView[Any] = copy.keys()
        return keys

    def values(self) -> ValuesView[Any]:
        """Return the values as they are now."""
        values: ValuesView[Any] = self.copy().values()
        return values

    def items(self) -> ItemsView[Any, Any]:
        """Return keys and values as they are now."""
        items: ItemsView[Any, Any] = self.copy().items()
        return items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.keys())

    def __reversed__(self) -> Iterator[Any]:
        return reversed(list(self.keys()))

    def __reduce_ex__(self, _protocol: Any) -> Any:
        node = current(self)
        return PLAIN_TYPES[type(node)], (), None, None, iter(list(node._plain().items()))


_READING = ("__len__", "__contains__", "__eq__", "__ne__", "__repr__")


@shared_container(dict, _operations(dict))
class SharedDict(_Dictionary, dict[Any, Any]):
    """A dict in a Share: this process's replica of it."""

    __slots__ = SLOTS

    locals().update(reading(dict, _READING))
    _part = dict.__getitem__
    _put = dict.__setitem__

    def _plain(self) -> dict[Any, Any]:
        return dict(dict.items(self))


def _set_factory(_items: Any, factory: Any) -> Planned:
    return None, ("defaultdict.factory", factory)


_default_factory: Any = defaultdict.__dict__["default_factory"]


@shared_container(defaultdict, {"factory": _default_factory.__set__})
class SharedDefaultDict(_Dictionary, defaultdict[Any, Any]):
    """A defaultdict in a Share: what is missing is made in the process that asks for it."""

    __slots__ = SLOTS

    locals().update(reading(defaultdict, _READING))

    @classmethod
    def _made_of(cls, plain: defaultdict[Any, Any]) -> Any:
        node = defaultdict.__new__(cls)
        defaultdict.__init__(node, plain.default_factory, plain)
        return node

    def _plain(self) -> defaultdict[Any, Any]:
        return defaultdict(_default_factory.__get__(self), dict.items(self))

    @property
    def default_factory(self) -> Callable[[], Any] | None:
        """What makes the values of missing keys."""
        factory: Callable[[], Any] | None = _default_factory.__get__(current(self))
        return factory

    @default_factory.setter
    def default_factory(self, factory: Callable[[], Any] | None) -> None:
        self._set_factory(factory)

    _set_factory = changing(_set_factory)

    def __missing__(self, key: Any) -> Any:
        factory = self.default_factory
        if factory is None:
            raise KeyError(key)
        return self.setdefault(key, factory())

    def _vacant(self) -> Any:
        factory = self.default_factory
        return _MISSING if factory is None else factory()

    def __reduce_ex__(self, _protocol: Any) -> Any:
        node = current(self)
        factory = _default_factory.__get__(node)
        arguments = () if factory is None else (factory,)
        return defaultdict, arguments, None, None, iter(list(dict.items(node)))


def _discard(items: Any, key: Any) -> Planned:
    key = strip(key)
    return None, _deletion(items, key) if dict.__contains__(items, key) else None


def _count(items: Any, others: tuple[Any, ...], is_added: bool) -> Planned:
    counts = items._plain()
    for other in others:
        (counts.update if is_added else counts.subtract)(other)
    return None, _difference(items, counts)


def _combine(items: Any, method: Callable[..., Any], other: Any) -> Planned:
    counts = items._plain()
    method(counts, other)
    return None, _difference(items, counts)


def _difference(items: Any, counts: Counter[Any]) -> tuple[Any, ...] | None:
    """Return the effect that makes of the counts that are there those that are to be."""
    gone = [key for key in dict.keys(items) if key not in counts]
    changed = {
        key: count for key, count in counts.items() if dict.get(items, key, _MISSING) is not count
    }
    if not gone and not changed:
        return None
    if all(map(is_found_again, gone)) and all(map(is_found_again, changed)):
        return "counter.change", len(gone), *gone, *chain.from_iterable(changed.items())
    return "dict.become", *chain.from_iterable(counts.items())


def _change_counts(target: Any, number_gone: int, *keys_and_pairs: Any) -> None:
    for key in keys_and_pairs[:number_gone]:
        dict.__delitem__(target, key)
    pairs = keys_and_pairs[number_gone:]
    for key, count in zip(pairs[::2], pairs[1::2], strict=True):
        dict.__setitem__(target, key, count)


def _in_place(method: Callable[..., Any]) -> Any:
    def change(self: Any, other: Any) -> Any:
        self._combine(method, as_plain(other))
        return self

    change.__name__ = method.__name__
    return change


@shared_container(Counter, {"change": _change_counts})
class SharedCounter(_Dictionary, Counter[Any]):
    """A Counter in a Share."""

    __slots__ = SLOTS

    locals().update(reading(dict, ("__len__", "__contains__")))
    locals().update(
        with_plain(
            Counter,
            ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__repr__")
            + ("__add__", "__sub__", "__or__", "__and__", "__pos__", "__neg__")
            + ("elements", "most_common", "total"),
        )
    )

    @classmethod
    def _made_of(cls, plain: Counter[Any]) -> Any:
        node = Counter.__new__(cls)
        dict.update(node, dict.items(plain))
        return node

    def _plain(self) -> Counter[Any]:
        counts: Counter[Any] = Counter()
        dict.update(counts, dict.items(self))
        return counts

    def __missing__(self, key: Any) -> Any:
        # So that `share.counts["new"] += 1` counts what comes between.
        return _vacancy(current(self), key, 0)

    def _vacant(self) -> Any:
        return 0

    __delitem__ = changing(_discard)
    _count = changing(_count)
    _combine = changing(_combine)
    for _name in ("__iadd__", "__isub__", "__ior__", "__iand__"):
        locals()[_name] = _in_place(getattr(Counter, _name))
    del _name

    def update(self, iterable: Any = None, /, **counts: Any) -> None:
        """Add the counts of elements, or those of another mapping."""
        self._count(_counted(iterable, counts), True)

    def subtract(self, iterable: Any = None, /, **counts: Any) -> None:
        """Take away the counts of elements, or those of another mapping."""
        self._count(_counted(iterable, counts), False)


def _counted(iterable: Any, counts: dict[str, Any]) -> tuple[Any, ...]:
    """Return what is to be counted, read to its end before anybody else is kept waiting."""
    if iterable is None:
        return (counts,) if counts else ()
    if type(iterable) in PLAIN_TYPES:
        iterable = iterable.copy()
    if isinstance(iterable, Mapping):
        counted = {strip(key): strip(value) for key, value in iterable.items()}
    else:
        counted = list(map(strip, iterable))
    return (counted, counts) if counts else (counted,)


def _ordered(plan: Plan) -> Any:
    """Make a method of a plan for a dict that changes an OrderedDict by its own methods."""

    def ordered(items: Any, /, *args: Any, **named: Any) -> Planned:
        result, effect = plan(items, *args, **named)
        return result, effect and ("ordered" + effect[0], *effect[1:])

    ordered.__name__ = plan.__name__
    return changing(ordered)


def _pop_ordered(items: Any, key: Any, default: Any = _MISSING) -> Planned:
    return _pop(items, key, default)


def _pop_end(items: Any, last: Any = True) -> Planned:
    if not dict.__len__(items):
        raise KeyError("dictionary is empty")
    key = next(reversed(items._plain()) if last else iter(items._plain()))
    return (key, dict.__getitem__(items, key)), _deletion(items, key)


def _move_to_end(items: Any, key: Any, last: Any = True) -> Planned:
    key = strip(key)
    if not dict.__contains__(items, key):
        raise KeyError(key)
    if is_found_again(key):
        return None, ("dict.move", key, bool(last))
    return None, ("dict.move_nth", _nth(items, key), bool(last))


@shared_container(
    OrderedDict,
    {
        **_operations(OrderedDict),
        "move": OrderedDict.move_to_end,
        "move_nth": lambda target, n, last: OrderedDict.move_to_end(
            target, list(OrderedDict.keys(target))[n], last
        ),
    },
)
class SharedOrderedDict(_Dictionary, OrderedDict[Any, Any]):
    """An OrderedDict in a Share."""

    __slots__ = SLOTS

    locals().update(reading(OrderedDict, ("__len__", "__contains__")))
    locals().update(with_plain(OrderedDict, ("__eq__", "__ne__", "__repr__")))

    @classmethod
    def _made_of(cls, plain: OrderedDict[Any, Any]) -> Any:
        node = OrderedDict.__new__(cls)
        for key, value in plain.items():
            OrderedDict.__setitem__(node, key, value)
        return node

    def _plain(self) -> OrderedDict[Any, Any]:
        return OrderedDict(OrderedDict.items(self))

    def _put(self, key: Any, part: Any) -> None:
        OrderedDict.__setitem__(self, key, part)

    pop = _ordered(_pop_ordered)
    popitem = _ordered(_pop_end)
    move_to_end = _ordered(_move_to_end)
    clear = _ordered(_clear)
    __setitem__ = _ordered(_set)
    __delitem__ = _ordered(_delete)
    _setdefault = _ordered(_setdefault)
    _update = _ordered(_update)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Return the value of a key; put the default there first if there is none."""
        return _Dictionary.setdefault(self, key, default)
