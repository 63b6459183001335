"""Everything that crosses a process boundary, as small typed messages.

A message is a NamedTuple of plain values; users' objects ride inside as payloads (`_parcels`),
opened only by the thread that asked for them. The wire form is a frame (`_frames`): the tag says
which message it is, the body is the tuple of its fields as `marshal` writes it, a parcel's
descriptors travel beside it. `marshal` is the fastest that handles plain values, and both ends run
the same interpreter. What is told is mostly bytes alone: these are the body as they are, bare.

    parent  --Start, Told, Stop, Question--------->  process      (a child that runs an Skprocess)
    parent  <-Told, Logged, Checkpoint, Noted, Timings, Finished--  process
    parent  --Start, Function, Work, Forget------->  worker       (a child that serves a Pool)
    parent  <-Part, Done, Rejected, Logged---------  worker
    parent  <-Trimmed, Returned--------------------  worker       (that is at a slow item)
    parent  --Start------------------------------->  coordinator  (a child that serves a Share)
    parent  <-Serving------------------------------  coordinator

The server's messages, which carry descriptors, are in `_server`.
"""

from __future__ import annotations

import marshal
from typing import Any, NamedTuple

from ._frames import BARE, Frame, ReceivedFrame, frame
from ._parcels import Parcel, Payload


class Start(NamedTuple):
    """The first message to any child: who it is to be."""

    role: str  # "process", "worker" or "coordinator"
    surroundings: bytes  # see _surroundings; a coordinator needs none
    # process: the Skprocess; coordinator: the secret, with the listener and what members get
    payload: Payload = b""
    config: bytes = b""  # process: its config likewise; its __getstate__ may leave that out
    began: float = 0.0  # process: the monotonic time of start(), from which `join_in` counts
    current_run: int = 0  # process: where to go on
    lives: int = 1  # process: the lives left
    timers: bytes = b""  # process: those of its earlier lives as cucumber bytes
    name: str = ""  # what its log records call it
    forwards_logs: bool = False  # whether they are sent to the parent
    context: bytes = b""  # process: see _caller_context; empty: nothing to carry
    secrets: bytes = b""  # process: for _autoreconnect; in this message alone, never in a payload
    limits: tuple[Any, ...] = ()  # worker: see _limits


class Told(NamedTuple):
    """What one side gave to `tell`."""

    payload: Payload


class Logged(NamedTuple):
    """A log record made in the child, see _log_records."""

    fields: dict[str, Any]  # plain values
    rich: bytes  # those that are not plain, as cucumber bytes of a dict; empty: none


class Stop(NamedTuple):
    """Wakes a child that waits in `listen`; the status page already says that it should stop."""


class Checkpoint(NamedTuple):
    """A checkpoint that cannot lie in shared memory: descriptors belong to it, or none was left."""

    current_run: int
    payload: Payload  # as in Start
    told: int  # how many bytes of its timings this process has sent before
    timings: bytes  # what the timeline has noted since then
    heard: int  # how many messages this life has listened to so far


class Noted(NamedTuple):
    """There is a checkpoint in shared memory: what the parent keeps of the state is older.

    Sent with the first one after a start or a Checkpoint, and when there are enough timings.
    """

    told: int  # as in Checkpoint
    timings: bytes
    heard: int


class Question(NamedTuple):
    """Wakes a child that waits in `listen`; the status page already asks for the timers."""


class Timings(NamedTuple):
    """The answer to a question for the timers."""

    question: int  # its number
    timers: bytes  # ProcessTimers as cucumber bytes
    told: int  # how many bytes of timings this process has sent, the ones in there included


class Finished(NamedTuple):
    """The lifecycle came to its end."""

    raised: bool  # whether the payload is an exception to raise or a result to return
    payload: Payload  # result or exception; empty: None
    timers: bytes  # ProcessTimers as cucumber bytes
    error: bytes = b""  # the exception that ended it, if the payload is not that one


class Function(NamedTuple):
    """What a worker is to call for the items of a job; sent to each worker once per job."""

    job: int
    star: bool  # whether a tuple is unpacked into arguments
    surroundings: bytes  # empty: as they were
    context: bytes  # see _caller_context; empty: nothing to carry
    timeout: float  # seconds that each item may take; 0: as long as it likes
    payload: Payload
    secrets: bytes = b""  # as in Start
    ended: tuple[int, ...] = ()  # jobs whose functions are no longer needed, as in Forget


class Work(NamedTuple):
    """Items to run: those of the chunk from `start` up to, not including, `stop`."""

    job: int
    chunk: int
    first: int  # the index of the item at position 0 in the input; -1: it has none to speak of
    start: int
    stop: int
    payload: Payload  # the list of items


class Forget(NamedTuple):
    """The job has ended: its function is no longer needed."""

    job: int


class Part(NamedTuple):
    """The results of the first items of a chunk, whose next ones are about to run."""

    chunk: int
    items: int  # how many have run
    busy: float  # seconds that they took
    counts: list[int]  # how many values are in each payload, as a list; 0: one, by itself
    values: list[Payload]
    failures: dict[int, bytes]  # position in the chunk -> the exception; its value is None


class Done(NamedTuple):
    """The same, of the last ones that run: of the rest, unless that took long or was cancelled.

    With `leaves` the worker takes no more work: it is at its limits.
    """

    chunk: int
    items: int
    busy: float
    counts: list[int]
    values: list[Payload]
    failures: dict[int, bytes]
    leaves: bool = False


class Trimmed(NamedTuple):
    """A slow item holds up its chunk: the items from `stop` on are given back, and will not run."""

    chunk: int
    stop: int


class Returned(NamedTuple):
    """A chunk that waited behind a slow item is given back as it came; nothing of it has run."""

    chunk: int


class Rejected(NamedTuple):
    """A chunk's items, or its function, could not be rebuilt in the worker; nothing has run."""

    chunk: int
    is_function: bool  # which of the two
    payload: bytes  # the error


class Serving(NamedTuple):
    """A coordinator is up: it lets members in."""

    pid: int


Message = (
    Start
    | Told
    | Logged
    | Stop
    | Checkpoint
    | Noted
    | Question
    | Timings
    | Finished
    | Function
    | Work
    | Forget
    | Part
    | Done
    | Trimmed
    | Returned
    | Rejected
    | Serving
)

_KINDS: tuple[type[Message], ...] = (
    Start,
    Told,
    Logged,
    Stop,
    Checkpoint,
    Noted,
    Question,
    Timings,
    Finished,
    Function,
    Work,
    Forget,
    Part,
    Done,
    Trimmed,
    Returned,
    Rejected,
    Serving,
)
_TAGS = {kind: tag for tag, kind in enumerate(_KINDS)}


# Which field of a message holds what may be a parcel, or a list of such.
_PAYLOAD = {
    tag: kind._fields.index("payload" if "payload" in kind._fields else "values")
    for tag, kind in enumerate(_KINDS)
    if {"payload", "values"} & set(kind._fields)
}
TOLD = (BARE, _TAGS[Told])


def encode(message: Message) -> Frame:
    """Return the message as a frame."""
    tag = _TAGS[type(message)]
    fields: tuple[Any, ...] = tuple(message)
    at = _PAYLOAD.get(tag)
    if at is not None:
        payload = fields[at]
        if type(payload) is Parcel:
            wire = (*fields[:at], payload.to_wire(), *fields[at + 1 :])
            return frame(tag, marshal.dumps(wire), payload.descriptors)
        if type(payload) is list:
            return _encode_list(tag, fields, at)
        if tag == _TAGS[Told]:
            return frame(BARE, payload)
    return frame(tag, marshal.dumps(fields))


def _encode_list(tag: int, fields: tuple[Any, ...], at: int) -> Frame:
    parcels = [payload for payload in fields[at] if type(payload) is Parcel]
    payloads = [payload.to_wire() if type(payload) is Parcel else payload for payload in fields[at]]
    wire = (*fields[:at], payloads, *fields[at + 1 :])
    return frame(tag, marshal.dumps(wire), [d for parcel in parcels for d in parcel.descriptors])


def decode(received: ReceivedFrame) -> Message:
    """Return the message in a frame."""
    tag, body, descriptors = received
    if tag == BARE:
        return Told(body)
    fields = marshal.loads(body)
    at = _PAYLOAD.get(tag)
    if at is not None:
        take = iter(descriptors).__next__
        payload = fields[at]
        if type(payload) is tuple:
            fields = (*fields[:at], Parcel.from_wire(payload, take), *fields[at + 1 :])
        elif type(payload) is list:
            payloads = [Parcel.from_wire(p, take) if type(p) is tuple else p for p in payload]
            fields = (*fields[:at], payloads, *fields[at + 1 :])
    message: Message = _KINDS[tag](*fields)
    return message
