"""Everything that crosses a process boundary, as small typed messages.

A message is a NamedTuple of plain values; users' objects ride inside as cucumber bytes, opened only
by the thread that asked for them. The wire form is a frame: eight bytes of length, then the tuple
(tag, *fields) as `marshal` writes it. `marshal` is the fastest that handles plain values, and both
ends run the same interpreter.

    parent  --Start, Told, Stop------------------->  process      (a child that runs an Skprocess)
    parent  <-Told, Checkpoint, Finished-----------  process
    parent  --Start, Function, Work, Forget------->  worker       (a child that serves a Pool)
    parent  <-Done, Rejected-----------------------  worker

The server's messages, which carry descriptors, are in `_server`.
"""

from __future__ import annotations

import marshal
import struct
from typing import NamedTuple

LENGTH = struct.Struct("<Q")


class Start(NamedTuple):
    """The first message to any child: who it is to be."""

    role: str  # "process" or "worker"
    surroundings: bytes  # see _surroundings
    payload: bytes = b""  # process: the Skprocess as cucumber bytes
    config: bytes = b""  # process: its config likewise; its __getstate__ may leave that out
    began: float = 0.0  # process: the monotonic time of start(), from which `join_in` counts
    current_run: int = 0  # process: where to go on
    lives: int = 1  # process: the lives left


class Told(NamedTuple):
    """What one side gave to `tell`."""

    payload: bytes


class Stop(NamedTuple):
    """Wakes a child that waits in `listen`; the status page already says that it should stop."""


class Checkpoint(NamedTuple):
    """The state at a run boundary, from which a new process can go on if this one dies."""

    current_run: int
    lives: int
    payload: bytes  # as in Start


class Finished(NamedTuple):
    """The lifecycle came to its end."""

    raised: bool  # whether the payload is an exception to raise or a result to return
    payload: bytes  # result or exception as cucumber bytes; empty: None
    timers: bytes  # ProcessTimers as cucumber bytes


class Function(NamedTuple):
    """What a worker is to call for the items of a job; sent to each worker once per job."""

    job: int
    star: bool  # whether a tuple is unpacked into arguments
    surroundings: bytes  # empty: as they were
    payload: bytes


class Work(NamedTuple):
    """Items to run: those of the chunk from `start` up to, not including, `stop`."""

    job: int
    chunk: int
    start: int
    stop: int
    payload: bytes  # the list of items as cucumber bytes


class Forget(NamedTuple):
    """The job has ended: its function is no longer needed."""

    job: int


class Done(NamedTuple):
    """The results of a chunk's first items; of all, unless they took long or were cancelled."""

    chunk: int
    items: int  # how many have run
    busy: float  # seconds that they took
    values: bytes | list[bytes]  # all values at once if they are plain, else each by itself
    failures: dict[int, bytes]  # position in the chunk -> the exception; its value is None


class Rejected(NamedTuple):
    """A chunk's items, or its function, could not be rebuilt in the worker; nothing has run."""

    chunk: int
    is_function: bool  # which of the two
    payload: bytes  # the error


Message = Start | Told | Stop | Checkpoint | Finished | Function | Work | Forget | Done | Rejected

_KINDS: tuple[type[Message], ...] = (
    Start,
    Told,
    Stop,
    Checkpoint,
    Finished,
    Function,
    Work,
    Forget,
    Done,
    Rejected,
)
_TAGS = {kind: tag for tag, kind in enumerate(_KINDS)}


def encode(message: Message) -> bytes:
    """Return the message as a frame."""
    body = marshal.dumps((_TAGS[type(message)], *message))
    return LENGTH.pack(len(body)) + body


def decode(body: bytes | bytearray | memoryview) -> Message:
    """Return the message in a frame without its length."""
    tag, *fields = marshal.loads(body)
    message: Message = _KINDS[tag](*fields)
    return message
