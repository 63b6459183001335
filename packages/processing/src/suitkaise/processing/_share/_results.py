"""What a method of a shared object returned, as its caller sees it.

What is part of the Share is handed out as a part of it, so that who changes it changes the Share:
alone, or in a list, tuple, set or dict that the method made. What was part of it and is no longer
becomes something of the caller's own.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from ._effects import ATOMS
from ._kinds import OBJECT, kind_of
from ._node import Node
from ._replica import DetachedError, Replica


class Returned:
    """The results of one call.

    Args:
        replica: What it was carried out on.
        known: Proxies that there are, by the id of their object.
        proxy: Makes another.
    """

    def __init__(
        self, replica: Replica, known: dict[int, Any], proxy: Callable[[Replica, Any], Any]
    ) -> None:
        self._replica = replica
        self._known = known  # also what has been met: a result may hold itself
        self._proxy = proxy

    def present(self, result: Any) -> Any:
        """Return what stands for a result."""
        kind = type(result)
        if kind in ATOMS:
            return result
        known = self._known.get(id(result))
        if known is not None:
            return known
        if isinstance(result, Node) or kind_of(kind) == OBJECT:
            return self._part(result)
        if kind is MethodType:
            owner = self.present(result.__self__)
            return result if owner is result.__self__ else getattr(owner, result.__name__)
        if kind is list:
            self._known[id(result)] = result
            for index, part in enumerate(result):
                result[index] = self.present(part)
        elif kind is dict:
            self._known[id(result)] = result
            for key, part in result.items():
                result[key] = self.present(part)
        elif kind in (tuple, set, frozenset):
            parts = [self.present(part) for part in result]
            if any(new is not old for new, old in zip(parts, result, strict=True)):
                return kind(parts)
        return result

    def _part(self, thing: Any) -> Any:
        replica = self._replica
        is_node = isinstance(thing, Node)
        was_part = thing._replica is replica if is_node else replica.has(thing)
        if is_node and not was_part:
            return thing  # another attribute's, or read anew
        if was_part and replica.seen >= 0:
            try:
                replica.path_to(thing)
            except DetachedError:
                return replica.detached(thing)
            return thing if is_node else self._proxy(replica, thing)
        path = None if replica.seen >= 0 else replica.search(thing)
        if path is None:
            return replica.detached(thing) if was_part else thing
        # Another replica has taken the place of the one that the method worked on.
        present = replica.attribute.read()
        try:
            found = present.walk(path)
        except DetachedError:
            return replica.detached(thing)
        return found if isinstance(found, Node) else self._proxy(present, found)
