"""A rehearsal: the life of an Skprocess that does nothing, before there is one to run.

A forked process shares its memory with the server until one of the two writes to it, page by page,
and Python writes wherever it reads. A rehearsal has the kernel copy those pages while nobody waits.
"""

from __future__ import annotations

import contextlib
import signal
import socket

from . import _log_records
from ._alarm import SectionAlarm
from ._channel import ChildChannel
from ._child import live
from ._frames import FrameWriter
from ._messages import Start, encode
from ._page import create_page
from ._platform import PACKETS
from ._segments import Descriptor
from ._serializing import serialize
from ._skprocess import Skprocess
from ._surroundings import capture


class _Rehearsal(Skprocess):
    """Every hook, and nothing in it."""

    def __init__(self) -> None:
        self.process_config.runs = 1

    def __prerun__(self) -> None:
        pass

    def __run__(self) -> None:
        pass

    def __postrun__(self) -> None:
        pass

    def __onfinish__(self) -> None:
        pass

    def __result__(self) -> str:
        return "a result"


def rehearse() -> None:
    """Go through all that a child does from its first message to its last; leaves no trace."""
    thing = _Rehearsal()
    payload, config = serialize(thing), serialize(thing.process_config)
    start = Start("process", capture(), payload, config, forwards_logs=True)
    alarm = SectionAlarm()
    page, descriptor = create_page()
    ours, theirs = socket.socketpair(type=PACKETS)
    with ours, contextlib.closing(ChildChannel(theirs.detach())) as channel:
        writer = FrameWriter(ours)
        writer.put(encode(start))
        writer.flush()
        live(channel, page, Descriptor(descriptor), alarm)
    _log_records.keep()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
