"""Large memory that several items of a map refer to: it travels once, not with each of them.

The second time that the memory of an object is packed, it is copied into a segment of its own, and
from then on each item that refers to it takes that along. Receivers map it copy-on-write, so one
sees nothing of what another changes.
"""

from __future__ import annotations

import contextlib
import weakref

from . import _segments
from ._segments import Descriptor

LEAST_BYTES = 1 << 18


class Recurring:
    """Knows the memory of one map's items, which stays as it is until the map has ended."""

    def __init__(self) -> None:
        # By the id of the object whose memory it is; None: it was seen once.
        self._seen: dict[int, tuple[weakref.ref[object], int, Descriptor | None]] = {}

    def lend(self, memory: memoryview) -> Descriptor | None:
        """Return the segment with a copy of some memory, if it has been packed before."""
        thing, size = memory.obj, memory.nbytes
        if size < LEAST_BYTES:
            return None
        known = self._seen.get(id(thing))
        descriptor = None
        if known is not None and known[0]() is thing and known[1] == size:
            descriptor = known[2]
            if descriptor is None:
                with contextlib.suppress(OSError):  # no memory, no descriptor: it goes along anew
                    descriptor = _segments.lend([memory])
        with contextlib.suppress(TypeError):  # what cannot be referred to weakly is not remembered
            self._seen[id(thing)] = weakref.ref(thing), size, descriptor
        return descriptor
