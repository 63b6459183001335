"""Which Shares this process is a member of: of each once, however often a reference to it arrives.

A process has exactly one descriptor of a Share's lock file, and it joins again only after that one
is closed: to close any descriptor of a file frees all the record locks that the process holds on
it. So it is not left to the garbage collector when, in taking a member apart, it closes the lock
file; that is done here first, and only then is the member forgotten.
"""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from .._segments import Descriptor
from ._admission import join
from ._member import Member

Share = TypeVar("Share")
Ticket = tuple[Any, bytes]  # the address and the secret

_JOIN_PATIENCE = 60.0  # seconds that the owner gets to let a member in
_MOST_LEFT = 8  # members whose Share nobody refers to, before garbage is collected
_RETRY = 0.001


class _Place(NamedTuple):
    member: weakref.ref[Member]
    lock_file: Descriptor


class Membership(Generic[Share]):
    """The Shares of this process and its members of them, by their tickets."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._shares: weakref.WeakValueDictionary[Ticket, Share] = weakref.WeakValueDictionary()
        self._places: dict[Ticket, _Place] = {}

    def add(self, ticket: Ticket, member: Member, share: Share) -> None:
        """Know a Share that was made here."""
        with self._lock:
            self._note(ticket, member)
            self._shares[ticket] = share

    def get(self, ticket: Ticket, make: Callable[[Member, Ticket], Share]) -> Share:
        """Return a Share of this process, joining it first if need be. Blocks.

        Args:
            ticket: Its.
            make: Makes a Share of the member and the ticket.

        Raises:
            ProcessError: Its owner has ended.
            OSError: It was not let in, or has no descriptors or addresses left.
        """
        with self._lock:
            share = self._shares.get(ticket)
            if share is None:
                member = self._member(ticket)
                if member is None:
                    self.make_room()
                    member = Member(*join(*ticket, _JOIN_PATIENCE))
                    self._note(ticket, member)
                share = self._shares[ticket] = make(member, ticket)
            return share

    def shares(self) -> list[Share]:
        """Return those that somebody refers to."""
        return list(self._shares.values())

    def make_room(self) -> None:
        """Have members collected that nobody refers to any more, if there are several.

        What a member consists of refers to itself, and has descriptors and memory.
        """
        if len(self._places) - len(self._shares) >= _MOST_LEFT:
            gc.collect()

    def renew_after_fork(self) -> None:
        """Begin anew in a forked process: another thread may have held the lock."""
        self._lock = threading.RLock()

    def _member(self, ticket: Ticket) -> Member | None:
        """Return the member that there is; waits until one that is being collected has gone."""
        while (place := self._places.get(ticket)) is not None:
            member = place.member()
            if member is not None:
                return member
            time.sleep(_RETRY)
        return None

    def _note(self, ticket: Ticket, member: Member) -> None:
        lock_file = member.descriptors[1]
        forget = partial(_forget, self._places, ticket, lock_file)
        self._places[ticket] = _Place(weakref.ref(member, forget), lock_file)


def _forget(
    places: dict[Ticket, _Place], ticket: Ticket, lock_file: Descriptor, _member: object
) -> None:
    lock_file.close()
    places.pop(ticket, None)
