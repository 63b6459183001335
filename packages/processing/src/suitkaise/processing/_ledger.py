"""The ledger: what a worker has finished of its chunk, in memory that outlives it.

Results go to the parent when a chunk is done. A worker that is killed before has finished items
whose results nobody else has: to run those again would do their work twice. So it notes, behind the
words of its status page, every half of a millisecond, what has been finished since. That takes a
few microseconds and no message; the parent looks if the worker has died, or takes long: what is
finished is not to wait for the slow item behind it.

    END   | header | payload, failures | header | ...      CHUNK   whose entries they are
                                                           BEGUN   counts the beginnings

An entry counts once END is behind it, one word, written last. Entries are added and stay, until the
worker begins anew: a reader beside it has read nothing but what is true if BEGUN is what it was.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Sequence
from typing import NamedTuple

from ._page import LEDGER_BEGUN, LEDGER_CHUNK, LEDGER_END, StatusPage

# What is in front of an entry: the position of its first item, the count as in Done, and the sizes
# of the payload and of the failures.
_HEADER = struct.Struct("<qqqq")


class Entry(NamedTuple):
    """Consecutive items of a chunk, finished."""

    start: int  # the position of the first
    values: int  # how many are in the payload, as a list; 0: one, by itself
    payload: bytes
    failures: dict[int, bytes]  # as in Done


def begin(page: StatusPage, chunk: int) -> None:
    """Begin with a chunk: what was noted of another counts no more."""
    page.words[LEDGER_END] = 0
    page.words[LEDGER_CHUNK] = chunk
    page.words[LEDGER_BEGUN] += 1


def note(
    page: StatusPage,
    start: int,
    groups: Sequence[tuple[int, bytes]],
    failures: dict[int, bytes],
) -> bool:
    """Note what has been finished; False if there is no room: then it is to be sent.

    Args:
        page: Where to.
        start: The position of the first item.
        groups: For each entry its count and its payload.
        failures: As in Done.
    """
    ledger = page.ledger
    end = page.words[LEDGER_END]
    for count, payload in groups:
        following = start + (count or 1)
        failed = b""
        if failures:
            failed = marshal.dumps({at: failures[at] for at in failures if start <= at < following})
        begin, size = end + _HEADER.size, len(payload)
        end = begin + size + len(failed)
        if end > len(ledger):
            return False
        _HEADER.pack_into(ledger, begin - _HEADER.size, start, count, size, len(failed))
        ledger[begin : begin + size] = payload
        if failed:
            ledger[begin + size : end] = failed
        start = following
    page.words[LEDGER_END] = end
    return True


def read(page: StatusPage, chunk: int) -> list[Entry]:
    """Return what was noted of a chunk so far, by a worker that runs or has ended."""
    begun = page.words[LEDGER_BEGUN]
    if page.words[LEDGER_CHUNK] != chunk:
        return []
    data = bytes(page.ledger[: page.words[LEDGER_END]])
    if page.words[LEDGER_BEGUN] != begun:
        return []  # what is left of it is in a message
    entries, offset = [], 0
    while offset < len(data):
        start, count, size, size_of_failures = _HEADER.unpack_from(data, offset)
        offset += _HEADER.size
        payload = data[offset : offset + size]
        offset += size
        failed = data[offset : offset + size_of_failures]
        offset += size_of_failures
        entries.append(Entry(start, count, payload, marshal.loads(failed) if failed else {}))
    return entries
