"""`Share`: attributes that several processes have in common."""

from __future__ import annotations

import atexit
import gc
import os
import weakref
from collections.abc import Iterator
from sys import _getframe
from types import TracebackType
from typing import Any, Self

from suitkaise.cucumber import Reconnector, deserialize, reconnect_all, serialize

from .._errors import ProcessError
from . import _display
from ._effects import ABSENT_ROOT, ATOMS
from ._guardian import Guardian
from ._kinds import share_as_value
from ._locks import ByteLock
from ._lookahead import calls_a_method
from ._member import Member, absent_message, create_memory
from ._membership import Membership
from ._scalars import TRACKED, is_computed
from ._store import COORDINATOR, END, ENDED, FAILED, ROOT_AT, RUNNING, STATE

_STOP_PATIENCE = 5.0
_START_PATIENCE = 10.0
_OWN = ("_member", "_guardian", "_ticket")
_ROOT_AT = ROOT_AT - END  # beside a replica's `end_at`


class Share:
    """Attributes that several processes have in common, always in sync.

    Assign what you like, pass the Share to processes, and read and change the attributes as those
    of any object. A read that begins after a write has returned, in whichever process, sees it.
    What is read, changed and written back in one statement (``share.count += 1``, ``share.d["k"]
    += 1``, ``share.items.append(1)``, a method of an object) is one step: nothing is lost.

    The process that makes a Share owns it: with its last reference there, or its end, it ends.
    Wherever a Share is sent, it arrives as a reference to the same one. No read or write waits for
    another process, except for the moment in which that one changes the same attribute.

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

    __slots__ = ("__weakref__", "_guardian", "_member", "_ticket")

    def __init__(self, *, auto_start: bool = True) -> None:
        memberships.make_room()
        member = Member(*create_memory())
        try:
            guardian = Guardian(member.descriptors, on_change=_note_coordinator(member))
        except BaseException:
            del member
            gc.collect()  # it refers to itself, and has descriptors
            raise
        member.format()
        member.locks.hold_as_owner()
        self._set_own(member, guardian, (guardian.address, guardian.secret))
        memberships.add(self._ticket, member, self)
        weakref.finalize(self, _end, member, guardian).atexit = False
        if auto_start:
            self.start()
        else:
            guardian.receive()

    def _set_own(self, member: Member, guardian: Guardian | None, ticket: Any) -> None:
        for name, value in zip(_OWN, (member, guardian, ticket), strict=True):
            object.__setattr__(self, name, value)
        member.share = weakref.ref(self)

    # Attributes

    def __getattr__(self, name: str) -> Any:
        member: Member = self._member
        attribute = member.names.get(name)
        if attribute is not None:
            replica = attribute.replica
            words = replica.words
            seen = replica.seen
            if (
                seen == words[replica.end_at]
                or (
                    seen >= words[replica.end_at + _ROOT_AT]
                    and (replica.is_proxy or (replica.is_node and calls_a_method(_getframe(1))))
                )
            ) and words[STATE] == RUNNING:
                value = replica.value
                if value is not ABSENT_ROOT:
                    return value
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)  # asked for by copy, pickle and the like
        attribute = member.find(name)
        value = ABSENT_ROOT if attribute is None else attribute.read().value
        if value is ABSENT_ROOT:
            member.check()
            raise AttributeError(absent_message(member, name), name=name, obj=self)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        member: Member = self._member
        attribute = member.names.get(name)
        if attribute is None:
            if name in _RESERVED or (name.startswith("__") and name.endswith("__")):
                raise AttributeError(
                    f"`{name}` is Share's own and cannot be an attribute; take another name"
                )
        elif type(value) in TRACKED:
            if value._origin is attribute.origin and is_computed(value):
                attribute.compute(value)
                return
        elif type(value) in ATOMS:
            attribute.assign_atom(value)
            return
        elif attribute.holds(value):
            return  # `share.items += [1]` assigns what it has changed
        member.assign(name, value)

    def __delattr__(self, name: str) -> None:
        self._member.delete(name)

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __len__(self) -> int:
        return len(self.names())

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self.names()})

    def __repr__(self) -> str:
        return _display.text(self._member)

    def _repr_html_(self) -> str:
        return _display.html(self._member)

    def names(self) -> list[str]:
        """Return the names of the attributes, in the order of their first assignment."""
        return [attribute.name for attribute in self._member.attributes()]

    def clear(self) -> None:
        """Remove all attributes, and give back their memory."""
        for attribute in list(self._member.attributes()):
            attribute.remove()

    def reconnect_all(self, *, start_threads: bool = False, **auth: Any) -> dict[str, Any]:
        """Make live what attributes hold of resources, in this process; blocks while they connect.

        A live resource, such as a database connection, is in a Share as what is needed to connect
        again (a `suitkaise.cucumber.Reconnector`), and stays so: the live ones are yours alone.

        Args:
            start_threads: Whether to start threads among them.
            **auth: Secrets, as for `suitkaise.cucumber.reconnect_all`.

        Returns:
            The attributes that hold resources, by name: the live resource, or a copy of what holds
            it, with the live one in its place.

        Warns:
            RuntimeWarning: For each resource that could not be connected.
        """
        reconnected = {}
        for attribute in self._member.attributes():
            payload = serialize(attribute.read().root)
            if not _holds_resources(deserialize(payload)):
                continue
            reconnected[attribute.name] = reconnect_all(
                deserialize(payload), start_threads=start_threads, **auth
            )
        return reconnected

    def lock(self) -> ByteLock:
        """Return a lock for several steps that must be one, to be held by `with share.lock():`.

        It is one for the whole Share: whoever else takes it waits, in whichever process; who does
        not take it is not held up. It can be taken more than once by the same thread. The kernel
        frees it when its holder dies.
        """
        self._member.check()
        lock: ByteLock = self._member.locks.user
        return lock

    # Life

    @property
    def is_running(self) -> bool:
        """Whether changes take effect: it is started and not stopped."""
        return bool(self._member.words[STATE] == RUNNING)

    @property
    def has_error(self) -> bool:
        """Whether its coordinator has ended and could not be replaced: every use raises then."""
        return bool(self._member.words[STATE] == FAILED)

    @property
    def coordinator_pid(self) -> int | None:
        """The process id of the coordinator, which lets members in; None while it is stopped.

        In the process that made the Share it blocks for the milliseconds until there is one.
        """
        if self._guardian is not None and self.is_running:
            self._guardian.wait(_START_PATIENCE)
        return self._member.words[COORDINATOR] or None

    def start(self) -> None:
        """Start, or start again: changes made while it was stopped take effect. Does not block.

        Raises:
            ProcessError: This process is not the one that made it.
            OSError: There are no descriptors or processes left to do so.
        """
        guardian = self._owned()
        guardian.start()
        self._member.thaw()
        if guardian.has_failed:  # in the meantime
            self._member.words[STATE] = FAILED

    def stop(self, timeout: float = _STOP_PATIENCE) -> bool:
        """Stop: what has been written is what everybody sees, until it is started again.

        Changes made in the meantime, in any process, give a `RuntimeWarning` and wait for `start`.
        Blocks until the coordinator has ended. Stopping what is stopped does nothing.

        Args:
            timeout: Seconds that the coordinator gets to end; after that it is killed.

        Returns:
            Whether it ended by itself.

        Raises:
            ProcessError: This process is not the one that made it.
        """
        guardian = self._owned()
        if self._member.words[STATE] == RUNNING:
            self._member.freeze()
        has_ended = guardian.stop(timeout)
        self._member.words[COORDINATOR] = 0
        return has_ended

    def exit(self, timeout: float = _STOP_PATIENCE) -> bool:
        """Stop; another name for `stop`."""
        return self.stop(timeout)

    def __enter__(self) -> Self:
        if not self.is_running:
            self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return _arrive, self._ticket

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def _owned(self) -> Guardian:
        guardian: Guardian | None = self._guardian
        if guardian is None or not guardian.is_owner:
            raise ProcessError(
                "a Share is started and stopped in the process that made it, not in one that has "
                "joined it or was forked"
            )
        return guardian


def _arrive(address: Any, secret: bytes) -> Share:
    """Return the Share of this process that a reference is to; joins it first if need be."""
    return memberships.get((address, secret), _made_of)


def _made_of(member: Member, ticket: Any) -> Share:
    share = object.__new__(Share)
    share._set_own(member, None, ticket)
    return share


def _note_coordinator(member: Member) -> Any:
    words = member.words

    def note(pid: int | None, error: Exception | None) -> None:
        words[COORDINATOR] = pid or 0
        if error is not None:
            words[STATE] = FAILED

    return note


def _end(member: Member, guardian: Guardian) -> None:
    """End a Share that nobody refers to any more in the process that made it."""
    if guardian.is_owner:
        member.words[STATE] = ENDED
        guardian.close()


def _end_all() -> None:
    """End, with the interpreter, the Shares that were made here: their coordinators end as well."""
    for share in memberships.shares():
        if share._guardian is not None:
            _end(share._member, share._guardian)


def _holds_resources(value: Any) -> bool:
    """Tell whether there is a Reconnector in something."""
    from suitkaise.cucumber._siblings import walk

    found = False

    def visit(thing: Any, _place: Any) -> Any:
        nonlocal found
        found = found or isinstance(thing, Reconnector)
        return thing

    walk(value, visit)
    return found


memberships: Membership[Share] = Membership()
os.register_at_fork(after_in_child=memberships.renew_after_fork)
atexit.register(_end_all)
share_as_value(Share)
_RESERVED = frozenset(name for name in dir(Share) if not name.startswith("__"))
