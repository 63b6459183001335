"""What a thing does when it is called: the payloads of things, and the arguments of a call."""

from __future__ import annotations

from typing import NamedTuple

from suitkaise.sk._analysis._members import Member
from suitkaise.sk._analysis._memory import NOTHING, Thing, Value
from suitkaise.sk._analysis._unit import Unit


class Known(NamedTuple):
    """The payload of a thing that exists now: a global, a default, a class attribute."""

    value: object


class Bound(NamedTuple):
    """The payload of a function of Python, with the argument that is bound to it, if any."""

    unit: Unit
    first: Thing | None


class Suspended(NamedTuple):
    """The payload of a generator or coroutine: using it runs its body."""

    unit: Unit


class Taken(NamedTuple):
    """The payload of a method that was taken from a thing and not called yet."""

    receiver: Thing
    name: str


class OwnClass(NamedTuple):
    """The payload of the class, or of one of its bases."""

    owner: type


class Super(NamedTuple):
    """The payload of what `super()` gives."""

    after: type
    first: Value


class BaseMethod(NamedTuple):
    """The payload of a method written in C, with what it is bound to, if anything."""

    member: Member
    first: Value | None


class Arguments(NamedTuple):
    """The arguments of a call.

    Attributes:
        positional: Those given one by one.
        names: For each of these the text, where it is a string literal; else None.
        keywords: Those given by name.
        spread: What may be in any place, for ``*args`` and ``**kwargs``.
    """

    positional: tuple[Value, ...] = ()
    names: tuple[str | None, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()
    spread: Value = NOTHING

    @property
    def all(self) -> Value:
        """Everything that is handed over."""
        return self.spread.union(*self.positional, *(value for _, value in self.keywords))

    def after(self, first: Value) -> Arguments:
        """The same, behind one more."""
        return self._replace(positional=(first, *self.positional), names=(None, *self.names))

    def name(self, index: int) -> str | None:
        """The text of an argument, if it is a string literal."""
        return self.names[index] if index < len(self.names) else None
