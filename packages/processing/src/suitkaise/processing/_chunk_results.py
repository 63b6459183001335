"""The results of a chunk, on their way to the parent."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from suitkaise.cucumber import SerializationError
from suitkaise.cucumber._siblings import serialize_flat, serialize_plain

from . import _ledger
from ._channel import ChildChannel
from ._errors import ProcessError, in_short
from ._limits import Wear
from ._messages import Done, Part, Work
from ._page import ITEM, ITEM_DEADLINE, StatusPage, item_at
from ._parcels import Payload, carrying, pack, set_out
from ._runner import flush_output, serialize_error

_MOST_NOTED = 256  # bytes that are packed twice rather than sent by themselves


class ChunkResults:
    """What a worker has finished of a chunk and not sent.

    It is noted in the ledger now and then, and sent at the end; or at once, if it is more than the
    ledger takes.

        [_packed ...] [_noted ...] [values ...]      in the order of the items

    Attributes:
        chunk: Its number.
        values: Those that are neither packed nor noted yet.
        failures: Position in the chunk -> the exception, of those that are not sent yet.
        saved: When the ledger was written last, as of `time.perf_counter`.
    """

    def __init__(self, page: StatusPage, channel: ChildChannel, work: Work) -> None:
        self._page = page
        self._channel = channel
        self.chunk = work.chunk
        self._first = work.first
        self._start = work.start  # the position of the first that is not sent yet
        self._next = work.start  # and behind the last that is packed
        self._packed: list[tuple[int, Payload]] = []  # (how many as in Done, the payload)
        # Scalars are packed for the ledger a few at a time, and once more when they are sent, all
        # together: the parent opens one payload for many items.
        self._noted: list[Any] = []
        self.values: list[Any] = []
        self.failures: dict[int, bytes] = {}
        _ledger.begin(page, work.chunk)
        self.saved = self._told = time.perf_counter()

    @property
    def reached(self) -> int:
        """The position behind the last item with a result."""
        return self._next + len(self._noted) + len(self.values)

    def save(self, now: float, *, only_plain: bool = False) -> None:
        """See to it that what is finished outlives this process.

        With `only_plain` it is packed only if that runs no code of its own.
        """
        new, stop = self.values, self.reached
        start = stop - len(new)
        if start == stop:
            return
        plain = serialize_flat(new)  # None if they are more than a few, or no scalars
        groups: list[tuple[int, Payload]]
        if plain is not None and len(plain) <= _MOST_NOTED:
            groups = [(len(new), plain)]
            self._noted += new
            new.clear()
        else:
            plain = plain or serialize_plain(new)
            if plain is None and only_plain:
                return
            self._pack_noted()
            groups = self._pack(plain)
        small = [(values, payload) for values, payload in groups if type(payload) is bytes]
        failures = self._failures(start, stop)
        if len(small) < len(groups) or not _ledger.note(self._page, start, small, failures):
            self._pack_noted()
            self._send(Part, now)
            _ledger.begin(self._page, self.chunk)
        self.saved = now

    def finish(self, now: float, wear: Wear | None) -> None:
        """Send what is left, and whether the worker leaves with it."""
        self._pack_noted()
        self._pack()
        leaves = wear is not None and wear.look()
        words = self._page.words
        words[ITEM_DEADLINE] = words[ITEM] = 0  # before: what is sent has ended
        self._send(partial(Done, leaves=leaves), now)

    def _send(self, kind: Callable[..., Part | Done], now: float) -> None:
        flush_output()
        counts = [count for count, _ in self._packed]
        payloads = [payload for _, payload in self._packed]
        items = self._next - self._start
        busy = now - self._told
        failures = self._failures(self._start, self._next)
        self._channel.send(kind(self.chunk, items, busy, counts, payloads, failures))
        for payload in payloads:
            set_out(payload)
        self._start, self._told = self._next, now
        self._packed = []
        for position in failures:
            del self.failures[position]

    def _failures(self, start: int, stop: int) -> dict[int, bytes]:
        """Return the failures in a range of positions."""
        if not self.failures:
            return {}
        return {at: error for at, error in self.failures.items() if start <= at < stop}

    def _pack_noted(self) -> None:
        if self._noted:
            self._packed.append((len(self._noted), pack(self._noted)))
            self._next += len(self._noted)
            self._noted.clear()

    def _pack(self, plain: bytes | None = None) -> list[tuple[int, Payload]]:
        """Serialise the values: all at once if nothing can go wrong, else each by itself.

        Args:
            plain: Their payload, if it is known.

        Returns:
            What has been packed.
        """
        values, start = self.values[:], self._next
        self.values.clear()
        self._next += len(values)
        groups = self._groups(values, start, plain) if values else []
        self._packed += groups
        return groups

    def _groups(
        self, values: list[Any], start: int, plain: bytes | None
    ) -> list[tuple[int, Payload]]:
        plain = plain or serialize_plain(values)
        if plain is not None:
            with contextlib.suppress(SerializationError):  # too large together
                return [(len(values), carrying(plain))]
        return [(0, self._pack_one(value, at)) for at, value in enumerate(values, start)]

    def _pack_one(self, value: Any, position: int) -> Payload:
        self._page.words[ITEM] = item_at(position)
        try:
            return pack(value)
        except Exception as reason:
            item = f" of item {self._first + position}" if self._first >= 0 else ""
            error = ProcessError(
                f"the task{item} returned a {type(value).__name__} that cannot travel to the "
                f"parent: {in_short(reason)}",
                original_error=reason,
            )
            error.__cause__ = reason
            self.failures[position] = serialize_error(error)
            return pack(None)
