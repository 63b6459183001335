"""The ledger: what a worker has finished of its chunk, in memory that outlives it.

Results go to the parent when a chunk is done. A worker that is killed before has finished items
whose results nobody else has: to run those again would do their work twice. So it notes, behind the
words of its status page, every half of a millisecond, what has been finished since. That takes a
few microseconds and no message; the parent looks if the worker has died, or takes long: what is
finished is not to wait for the slow item behind it.

    END   | length | entry | length | entry | ...            CHUNK   whose entries they are
                                                             BEGUN   counts the beginnings

An entry counts once END is behind it, one word, written last. Entries are added and stay, until the
worker begins anew: a reader beside it has read nothing but what is true if BEGUN is what it was.
"""

from __future__ import annotations

import marshal
import struct
from typing import NamedTuple

from ._page import LEDGER_BEGUN, LEDGER_CHUNK, LEDGER_END, StatusPage

_LENGTH = struct.Struct("<Q")


class Entry(NamedTuple):
    """Consecutive items of a chunk, finished."""

    start: int  # the position of the first
    items: int
    payloads: list[tuple[int, bytes]]  # as in Done
    failures: dict[int, bytes]  # as in Done


def begin(page: StatusPage, chunk: int) -> None:
    """Begin with a chunk: what was noted of another counts no more."""
    page.words[LEDGER_END] = 0
    page.words[LEDGER_CHUNK] = chunk
    page.words[LEDGER_BEGUN] += 1


def note(page: StatusPage, entry: Entry) -> bool:
    """Note what has been finished; False if there is no room: then it is to be sent."""
    data = marshal.dumps(tuple(entry))
    begin = page.words[LEDGER_END]
    end = begin + _LENGTH.size + len(data)
    if end > len(page.ledger):
        return False
    page.ledger[begin:end] = _LENGTH.pack(len(data)) + data
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
        (length,) = _LENGTH.unpack_from(data, offset)
        offset += _LENGTH.size
        entries.append(Entry(*marshal.loads(data[offset : offset + length])))
        offset += length
    return entries
