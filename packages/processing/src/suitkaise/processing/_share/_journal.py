"""What a method of a shared object has done so far to the containers inside the object."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ._effects import ATOMS, OPERATIONS, Effect
from ._kinds import OBJECT, kind_of
from ._node import Node, Plan
from ._parts import HOLDING, attribute_of, holding_parts
from ._replica import DetachedError

if TYPE_CHECKING:
    from ._replica import Replica


class Journal:
    """Notes the effects of one method, which changes a replica that nobody else sees meanwhile.

    Attributes:
        effects: The effects, in order.
        thread: The thread that the method runs in.
        is_moved_changed: Whether something was changed that had been put elsewhere before: the
            effect that put it there is recorded as it is at the end, with the change in it.
    """

    __slots__ = ("_moved", "_replica", "effects", "is_moved_changed", "thread")

    def __init__(self, replica: Replica) -> None:
        self.effects: list[Effect] = []
        self.thread = threading.get_ident()
        self.is_moved_changed = False
        self._replica = replica
        self._moved: dict[int, Any] = {}  # what was put somewhere and had been elsewhere, by id

    def note(
        self, target: Any, plan: Plan, arguments: tuple[Any, ...], named: dict[str, Any]
    ) -> Any:
        """Carry out a plan at once, and note its effect; returns what the plan returns."""
        replica = self._replica
        replica.attribute.changing = replica
        result, effect = plan(target, *arguments, **named)
        if effect is not None:
            operation, *values = effect
            if self._is_moved(target):
                self.is_moved_changed = True
            with suppress(DetachedError):  # else it has been taken out: nobody else has it
                self.effects.append((operation, replica.path_to(target), *values))
            for value in values:
                self._note_moved(value)
            OPERATIONS[operation](target, *values)
        return result

    def _note_moved(self, value: Any) -> None:
        """Note what of a value, which is put somewhere, is part of the replica already."""
        waiting = [value]
        while waiting:
            thing = waiting.pop()
            if type(thing) in ATOMS or id(thing) in self._moved:
                continue
            if isinstance(thing, Node) or self._replica.has(thing):
                self._moved[id(thing)] = thing
            elif kind_of(type(thing)) in HOLDING:
                waiting += [part for _, part in holding_parts(thing)]

    def _is_moved(self, target: Any) -> bool:
        """Tell whether the method has put something, or what holds it, elsewhere."""
        met: set[int] = set()
        while target is not self._replica.root and id(target) not in met:
            if id(target) in self._moved:
                return True
            met.add(id(target))
            up, key = self._replica.link(target)
            if up is None:
                return False
            if (
                type(key) is str
                and kind_of(type(up)) == OBJECT
                and attribute_of(up, key) is not target
            ):
                return True
            target = up
        return False
