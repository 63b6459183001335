"""Sets in a Share."""

# What methods made of plans take and return, and that copies are ordinary, is not what stubs say.
# mypy: disable-error-code="misc, assignment, override, no-any-return"

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from ._effects import is_found_again
from ._node import (
    SLOTS,
    Node,
    Planned,
    as_plain,
    changing,
    current,
    reading,
    shared_container,
    with_plain,
)
from ._scalars import strip


def _add(items: Any, value: Any) -> Planned:
    return None, None if set.__contains__(items, value) else ("set.add", value)


def _discard(items: Any, value: Any) -> Planned:
    if not set.__contains__(items, value):
        return None, None
    return None, _change(items, [frozenset(value) if isinstance(value, set) else value], ())


def _remove(items: Any, value: Any) -> Planned:
    if not set.__contains__(items, value):
        raise KeyError(value)
    return _discard(items, value)


def _pop(items: Any) -> Planned:
    if not set.__len__(items):
        raise KeyError("pop from an empty set")
    value = next(set.__iter__(items))
    return value, _change(items, [value], ())


def _clear(_items: Any) -> Planned:
    return None, ("set.clear",)


def _update(items: Any, values: set[Any]) -> Planned:
    new = [value for value in values if not set.__contains__(items, value)]
    return None, _change(items, (), new)


def _difference_update(items: Any, values: set[Any]) -> Planned:
    return None, _change(items, [value for value in values if set.__contains__(items, value)], ())


def _intersection_update(items: Any, others: list[set[Any]]) -> Planned:
    present = items._plain()
    return None, _change(items, present.difference(present.intersection(*others)), ())


def _symmetric_difference_update(items: Any, values: set[Any]) -> Planned:
    gone = [value for value in values if set.__contains__(items, value)]
    new = [value for value in values if not set.__contains__(items, value)]
    return None, _change(items, gone, new)


def _change(items: Any, gone: Collection[Any], new: Collection[Any]) -> tuple[Any, ...] | None:
    """Return the effect that takes some elements away and adds others."""
    if not gone and not new:
        return None
    if all(map(is_found_again, gone)):
        return "set.change", len(gone), *gone, *new
    return "set.become", *items._plain().difference(gone).union(new)


def _carry_out(target: set[Any], number_gone: int, *values: Any) -> None:
    set.difference_update(target, values[:number_gone])
    set.update(target, values[number_gone:])


def _become(target: set[Any], *values: Any) -> None:
    set.clear(target)
    set.update(target, values)


def _in_place(method: Callable[..., Any]) -> Any:
    def change(self: Any, other: Any) -> Any:
        if not isinstance(other, (set, frozenset)):
            return NotImplemented
        getattr(self, method.__name__)(other)
        return self

    return change


@shared_container(
    set, {"add": set.add, "change": _carry_out, "become": _become, "clear": set.clear}
)
class SharedSet(Node, set[Any]):
    """A set in a Share: this process's replica of it."""

    __slots__ = SLOTS
    __hash__ = None

    locals().update(reading(set, ("__len__", "__contains__")))
    locals().update(
        with_plain(
            set,
            ("__repr__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
            + ("__and__", "__or__", "__sub__", "__xor__")
            + ("__rand__", "__ror__", "__rsub__", "__rxor__")
            + ("difference", "intersection", "symmetric_difference", "union")
            + ("isdisjoint", "issubset", "issuperset"),
        )
    )

    def _plain(self) -> set[Any]:
        plain: set[Any] = set()
        plain.update(set.__iter__(self))
        return plain

    def _parts(self) -> Iterable[tuple[Any, Any]]:
        return [(None, value) for value in set.__iter__(self)]

    def _place(self, part: Any, _key: Any) -> tuple[int, Any] | None:
        if any(value is part for value in set.__iter__(self)):
            raise TypeError(
                f"a {type(part).__name__} cannot be changed in a set, which would not find it any "
                "more: remove it, change it, and add it again"
            )
        return None

    pop = changing(_pop)
    clear = changing(_clear)
    _add = changing(_add)
    _discard = changing(_discard)
    _remove = changing(_remove)
    _update = changing(_update)
    _difference_update = changing(_difference_update)
    _intersection_update = changing(_intersection_update)
    _symmetric_difference_update = changing(_symmetric_difference_update)

    def add(self, value: Any) -> None:
        """Add an element."""
        self._add(strip(value))

    def discard(self, value: Any) -> None:
        """Remove an element, if it is there."""
        self._discard(strip(value))

    def remove(self, value: Any) -> None:
        """Remove an element, which must be there."""
        self._remove(strip(value))

    def update(self, *others: Iterable[Any]) -> None:
        """Add the elements of others."""
        self._update(_union(others))

    def difference_update(self, *others: Iterable[Any]) -> None:
        """Remove the elements of others."""
        self._difference_update(_union(others))

    def intersection_update(self, *others: Iterable[Any]) -> None:
        """Keep only what is in all others."""
        self._intersection_update([_union([other]) for other in others])

    def symmetric_difference_update(self, other: Iterable[Any]) -> None:
        """Remove what is in the other as well, add what is there only."""
        self._symmetric_difference_update(_union([other]))

    __ior__ = _in_place(set.update)
    __iand__ = _in_place(set.intersection_update)
    __isub__ = _in_place(set.difference_update)
    __ixor__ = _in_place(set.symmetric_difference_update)

    def copy(self) -> set[Any]:
        """Return an ordinary set of what is there now."""
        node = current(self)
        plain: set[Any] = node._plain()
        if node._replica.holds_objects:
            return {node._replica.present(value, node, None) for value in plain}
        return plain

    __copy__ = copy

    def __iter__(self) -> Iterator[Any]:
        return iter(self.copy())

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return set, (list(set.__iter__(current(self))),)


def _union(others: Iterable[Iterable[Any]]) -> set[Any]:
    """Return the elements of others, read before anybody else is kept waiting."""
    return {strip(value) for other in others for value in as_plain(other)}
