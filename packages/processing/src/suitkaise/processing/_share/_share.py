"""`Share`: attributes that several processes have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._effects import ABSENT_ROOT
from ._locks import ByteLock
from ._member import Member, absent_message, create_memory
from ._scalars import TRACKED, is_computed
from ._store import RUNNING, STATE

__all__ = ["Share"]


class Share:
    """Attributes that several processes have in common, always in sync.

    Assign what you like, pass the Share to processes, and read and change the attributes as those
    of any object. A read that begins after a write has returned, in whichever process, sees it.
    What is read, changed and written back in one statement (``share.count += 1``, ``share.d["k"]
    += 1``, ``share.items.append(1)``, a method of an object) is one step: nothing is lost.

    Args:
        auto_start: Whether it is started at once; else with `start`.

    Raises:
        OSError: There is no memory, or no descriptors, for it.

    Example:
        >>> share = Share()
        >>> share.count = 0
        >>> share.count += 1
        >>> share.count
        1
    """

    __slots__ = ("__weakref__", "_member")

    def __init__(self, *, auto_start: bool = True) -> None:
        data, locks = create_memory()
        member = Member(data, locks)
        member.format()
        object.__setattr__(self, "_member", member)

    def __getattr__(self, name: str) -> Any:
        member: Member = self._member
        attribute = member.names.get(name)
        if attribute is not None:
            replica = attribute.replica
            words = replica.words
            if replica.seen == words[replica.end_at] and words[STATE] == RUNNING:
                value = replica.value
                if value is not ABSENT_ROOT:
                    return value
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # asked for by copy, pickle and the like
        attribute = member.find(name)
        value = ABSENT_ROOT if attribute is None else attribute.read().value
        if value is ABSENT_ROOT:
            member.check()
            raise AttributeError(absent_message(member, name))
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        member: Member = self._member
        present = member.names.get(name)
        if type(value) in TRACKED:
            if present is not None and value._origin is present.origin and is_computed(value):
                present.compute(value)
                return
        elif name in _RESERVED:
            raise AttributeError(
                f"`{name}` is Share's own and cannot be an attribute; take another name"
            )
        elif present is not None and present.is_value(value):
            return  # `share.items += [1]` assigns what it has changed
        member.assign(name, value)

    def __delattr__(self, name: str) -> None:
        self._member.delete(name)

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __len__(self) -> int:
        return len(self.names())

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def names(self) -> list[str]:
        """Return the names of the attributes, in the order of their first assignment."""
        return [attribute.name for attribute in self._member.attributes()]

    def lock(self) -> ByteLock:
        """Return a lock for several steps that must be one, to be held by `with share.lock():`.

        It is one for the whole Share: whoever else takes it waits, in whichever process; who does
        not take it is not held up. It can be taken more than once by the same thread. The kernel
        frees it when its holder dies.
        """
        member: Member = self._member
        return member.locks.user


_RESERVED = frozenset(name for name in dir(Share) if not name.startswith("__")) | {"_member"}
