"""This process's membership of a Share: the memory mapped, the locks, the attributes by name."""

from __future__ import annotations

import mmap
import os
import resource
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .._errors import ProcessError
from .._platform import anonymous_file, reserve
from .._segments import Descriptor
from ._attribute import Attribute
from ._effects import ABSENT_ROOT, encode_state, is_plain, refusal
from ._kinds import OBJECT, kind_of
from ._locks import Locks
from ._parts import flat_copy
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
    note_end,
)

_CAPACITY = 1 << 34  # of a Share on a small machine: a range of addresses, which takes no memory
_LEAST_CAPACITY = 1 << 28  # where a process may not have so many addresses (ulimit -v)
_LOCK_FILE_BYTES = 4096
_DIRECTORY = 0  # the slot that lists the names


def create_memory(capacity: int | None = None) -> tuple[int, int]:
    """Make the memory and the lock file of a new Share; returns their descriptors.

    Args:
        capacity: Bytes that it can grow to; None: more than the machine has.

    Raises:
        OSError: There are no descriptors, no memory or no addresses left.
    """
    if capacity is None:
        present = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        capacity = max(_CAPACITY, 1 << (2 * present - 1).bit_length())
        while capacity > _LEAST_CAPACITY and not _can_map(2 * capacity):
            capacity >>= 1
    data = anonymous_file(capacity)
    try:
        return data, anonymous_file(_LOCK_FILE_BYTES)
    except BaseException:
        os.close(data)
        raise


def _can_map(size: int) -> bool:
    """Tell whether this process may have so many addresses, and a file of that size."""
    try:
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ).close()
    except OSError:
        return False
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return limit == resource.RLIM_INFINITY or size <= limit


class Member:
    """The memory and the locks of one Share, in one process, and what it knows of the attributes.

    Args:
        data, locks: The descriptors, which it owns from now on.

    Attributes:
        descriptors: The same, for those who join.
    """

    def __init__(self, data: int, locks: int) -> None:
        self.descriptors = Descriptor(data), Descriptor(locks)
        self.locks = Locks(locks)
        self._data = data
        self._memory = mmap.mmap(data, 0)
        if hasattr(mmap, "MADV_DONTDUMP"):
            self._memory.madvise(mmap.MADV_DONTDUMP)
        self.store = Store(self._memory, self.locks.heap, self._reserve, self._discard)
        self.words = self.store.words
        self.names: dict[str, Attribute] = {}
        self.share: Callable[[], Any] = lambda: None  # whose member this is
        self._directory = Attribute(self, "", _DIRECTORY)
        _members.add(self)

    def format(self) -> None:
        """Make it an empty Share, which has not been started."""
        self.store.format()
        self.words[STATE] = RUNNING
        self._directory.assign(encode_state([]), [])
        self.words[STATE] = STOPPED

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
        if (reason := refusal(value)) is not None:
            raise TypeError(f"cannot share `share.{name}` ({_type_name(value)}): {reason}")
        copy = flat_copy(value)
        is_flat = copy is not None
        value = copy if is_flat else value
        try:
            body = encode_state(value)
        except Exception as error:
            raise TypeError(
                f"cannot share `share.{name}` ({_type_name(value)}): {error}"
            ) from error
        if attribute is None:
            attribute = self._add(name)
        attribute.assign(
            body,
            value,
            is_object=not is_plain(value) and kind_of(type(value)) == OBJECT,
            is_plain=is_plain(value),
            is_flat=is_flat,
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

    def set_state(self, state: int) -> None:
        """Note whether it runs, at a moment at which nobody adds a name."""
        self._directory.alone(lambda: self.words.__setitem__(STATE, state))

    def check(self) -> None:
        """Refuse to read what may not be true any more.

        Raises:
            ProcessError: The Share has ended or failed.
        """
        state = self.words[STATE]
        if state == FAILED:
            raise ProcessError(
                "this Share has failed: its coordinator ended again and again and could not be "
                "replaced; what it holds is not lost: call start() in the process that made it"
            )
        if state == STOPPED and self.locks.is_owner_gone():  # else its coordinator notes it
            note_end(self.words)
            state = ENDED
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
                stacklevel=_level_of_user(),
            )

    def freeze(self) -> None:
        """Have readers see what is there now, until `thaw`."""
        self.set_state(STOPPED)
        self._learn_names()
        for attribute in list(self.names.values()):
            attribute.freeze()

    def thaw(self) -> None:
        """Have readers see all there is."""
        self.set_state(RUNNING)
        self._learn_names()
        for attribute in list(self.names.values()):
            self.words[FIRST_SLOT + attribute.slot * SLOT_WORDS + FROZEN] = 0

    def renew_locks(self) -> None:
        """Begin anew in a forked process, where no thread holds any lock."""
        self.locks.heap.renew()
        self.locks.user.renew()
        self._directory.renew_locks()
        for attribute in self.names.values():
            attribute.renew_locks()

    def _add(self, name: str) -> Attribute:
        names = self._directory.read().root
        if len(names) + 1 >= MOST_SLOTS:
            raise ValueError(
                f"a Share has had {MOST_SLOTS:,} names by now, `share.{name}` would be one too "
                "many; keep values whose names are made up in a dict: `share.jobs[name] = ...`"
            )
        self._directory.change(names, self._append_new, (name,), {})
        self._learn_names()
        return self.names[name]

    def _append_new(self, names: list[str], name: str) -> tuple[None, tuple[Any, ...] | None]:
        """Plan to add a name, unless another member has just done so."""
        if list.__contains__(names, name):
            return None, None
        if self.words[STATE] == STOPPED:  # readers are to see that there is nothing yet
            slot = list.__len__(names) + 1
            self.words[FIRST_SLOT + slot * SLOT_WORDS + FROZEN] = 1
        return None, ("list.append", name)

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
    if member.words[STATE] == STOPPED:
        hint += "; it is stopped: what is assigned meanwhile is there once it is started"
    return f"this Share has no attribute {name!r}; {hint}"


def _level_of_user() -> int:
    """Return how many calls away the line is that uses the Share, for `warnings.warn`."""
    package = str(Path(__file__).parent)
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        level, frame = level + 1, frame.f_back
    return level


def _type_name(value: Any) -> str:
    cls = type(value)
    return (
        cls.__qualname__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"
    )


_members: weakref.WeakSet[Member] = weakref.WeakSet()


def _renew_after_fork() -> None:
    for member in list(_members):
        member.renew_locks()


os.register_at_fork(after_in_child=_renew_after_fork)
