"""This process's membership of a Share: the memory mapped, the locks, the attributes by name."""

from __future__ import annotations

import mmap
import os
import threading
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

from .._errors import ProcessError
from .._platform import anonymous_file, reserve
from ._attribute import Attribute
from ._effects import ABSENT_ROOT, encode_state, is_plain
from ._kinds import OBJECT, kind_of
from ._locks import Locks
from ._scalars import strip
from ._store import (
    ENDED,
    FAILED,
    FIRST_SLOT,
    FROZEN,
    MOST_SLOTS,
    RUNNING,
    SLOT_WORDS,
    STATE,
    STOPPED,
    Store,
)

_LEAST_CAPACITY = 1 << 34
_LOCK_FILE_BYTES = 4096
_DIRECTORY = 0  # the slot that lists the names


def create_memory() -> tuple[int, int]:
    """Make the memory and the lock file of a new Share; returns their descriptors."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    capacity = max(_LEAST_CAPACITY, 1 << (2 * pages - 1).bit_length())
    data = anonymous_file(capacity)
    try:
        return data, anonymous_file(_LOCK_FILE_BYTES)
    except BaseException:
        os.close(data)
        raise


class Member:
    """The memory and the locks of one Share, in one process, and what it knows of the attributes.

    Args:
        data, locks: The descriptors, which it owns from now on.
    """

    def __init__(self, data: int, locks: int) -> None:
        self.locks = Locks(locks)
        self._data = data
        self._memory = mmap.mmap(data, 0)
        self.store = Store(self._memory, self.locks.heap, self._reserve, self._discard)
        self.words = self.store.words
        self.names: dict[str, Attribute] = {}
        self._directory = Attribute(self, "", _DIRECTORY)
        _members.add(self)

    def format(self) -> None:
        """Make it an empty, running Share."""
        self.store.format()
        self.words[STATE] = RUNNING
        self._directory.assign(encode_state([]), [], is_object=False, is_plain=False)

    def find(self, name: str) -> Attribute | None:
        """Return an attribute by its name, if there has ever been one of that name."""
        attribute = self.names.get(name)
        if attribute is None:
            self._learn_names()
            attribute = self.names.get(name)
        return attribute

    def attributes(self) -> Iterator[Attribute]:
        """Yield the attributes that are there now, in the order of their first assignment."""
        self._learn_names()
        for attribute in list(self.names.values()):
            if attribute.read().root is not ABSENT_ROOT:
                yield attribute

    def assign(self, name: str, value: Any) -> None:
        """Make a value the attribute of that name.

        Raises:
            TypeError: It cannot be shared; all is as it was.
        """
        attribute = self.find(name)
        value = strip(value)
        try:
            body = encode_state(value)
        except Exception as error:
            kind = _type_name(value)
            raise TypeError(f"cannot share `share.{name}` ({kind}): {error}") from error
        if attribute is None:
            attribute = self._add(name)
        attribute.assign(
            body,
            value,
            is_object=not is_plain(value) and kind_of(type(value)) == OBJECT,
            is_plain=is_plain(value),
        )

    def delete(self, name: str) -> None:
        """Remove an attribute.

        Raises:
            AttributeError: There is none of that name.
        """
        attribute = self.find(name)
        if attribute is None or attribute.read().root is ABSENT_ROOT:
            raise AttributeError(absent_message(self, name))
        attribute.remove()

    def check(self) -> None:
        """Refuse to read what may not be true any more.

        Raises:
            ProcessError: The Share has ended or failed.
        """
        state = self.words[STATE]
        if state == FAILED:
            raise ProcessError(
                "this Share has failed: its coordinator ended again and again and could not be "
                "replaced; make a new Share"
            )
        if state == ENDED:
            raise ProcessError(
                "this Share has ended with the process that made it; keep the Share referenced "
                "there for as long as others use it"
            )

    def check_before_writing(self) -> None:
        """Warn of a write to a stopped Share, which waits there.

        Raises:
            ProcessError: The Share has ended or failed.
        """
        if self.words[STATE] != RUNNING:
            self.check()
            warnings.warn(
                "Share is stopped: this change waits and takes effect when it is started again",
                RuntimeWarning,
                stacklevel=6,
            )

    def freeze(self) -> None:
        """Have readers see what is there now, until `thaw`."""
        self.words[STATE] = STOPPED
        self._learn_names()
        for attribute in self.names.values():
            attribute.freeze()

    def thaw(self) -> None:
        """Have readers see all there is."""
        self._learn_names()
        for attribute in self.names.values():
            self.words[FIRST_SLOT + attribute.slot * SLOT_WORDS + FROZEN] = 0
        self.words[STATE] = RUNNING

    def renew_locks(self) -> None:
        """Begin anew in a forked process, where no thread holds any lock."""
        self.locks.heap.renew()
        self.locks.user.renew()
        self._directory.renew_locks()
        for attribute in self.names.values():
            attribute.renew_locks()

    def close(self) -> None:
        """Let go of the descriptors; the memory goes with the last object that looks into it."""
        self.locks.close()
        os.close(self._data)

    def _add(self, name: str) -> Attribute:
        names = self._directory.read().root
        if len(names) + 1 >= MOST_SLOTS:
            raise ValueError(
                f"a Share has had {MOST_SLOTS:,} names by now, `share.{name}` would be one too "
                "many; keep values whose names are made up in a dict: `share.jobs[name] = ...`"
            )
        if self.words[STATE] == STOPPED:
            self._freeze_next(len(names) + 1)
        self._directory.change(names, _append_new, (name,), {})
        self._learn_names()
        return self.names[name]

    def _freeze_next(self, slot: int) -> None:
        self.words[FIRST_SLOT + slot * SLOT_WORDS + FROZEN] = 1

    def _learn_names(self) -> None:
        replica = self._directory.replica
        if replica.seen != self.words[replica.end_at] or self.words[STATE] != RUNNING:
            replica = self._directory.read()
        for slot in range(len(self.names) + 1, list.__len__(replica.root) + 1):
            name = list.__getitem__(replica.root, slot - 1)
            self.names[name] = Attribute(self, name, slot)

    def _reserve(self, offset: int, size: int) -> None:
        reserve(self._data, offset, size)

    def _discard(self, offset: int, size: int) -> None:
        if hasattr(mmap, "MADV_REMOVE"):
            self._memory.madvise(mmap.MADV_REMOVE, offset, size)


def absent_message(member: Member, name: str) -> str:
    """Say that there is no such attribute, and which there are."""
    import difflib

    names = [attribute.name for attribute in member.attributes()]
    close = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean `share.{close[0]}`?" if close else f"it has {', '.join(names) or 'none'}"
    return f"this Share has no attribute {name!r}; {hint}"


def _append_new(names: list[str], name: str) -> tuple[None, tuple[Any, ...] | None]:
    if list.__contains__(names, name):
        return None, None
    return None, ("list.append", name)


def _type_name(value: Any) -> str:
    cls = type(value)
    name = cls.__qualname__
    return name if cls.__module__ == "builtins" else f"{cls.__module__}.{name}"


_members: weakref.WeakSet[Member] = weakref.WeakSet()
_lock = threading.Lock()


def _renew_after_fork() -> None:
    for member in list(_members):
        member.renew_locks()


os.register_at_fork(after_in_child=_renew_after_fork)
