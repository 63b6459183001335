from __future__ import annotations

import contextlib
import os
import random
import resource
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packages.processing.tests.interrupter import Interrupter

from suitkaise.processing._frames import BARE, READ_BYTES, FrameReader, FrameWriter, frame
from suitkaise.processing._messages import (
    Done,
    Forget,
    Part,
    Returned,
    Told,
    Trimmed,
    Work,
    decode,
    encode,
)
from suitkaise.processing._parcels import pack
from suitkaise.processing._segments import LOST, Descriptor

KINDS = [socket.SOCK_STREAM, socket.SOCK_SEQPACKET]


@pytest.fixture(params=KINDS, ids=["stream", "packets"])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(type=request.param)
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


@pytest.fixture
def packet_ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def everything_in(reader: FrameReader) -> list[tuple[int, bytes]]:
    found = []
    while reader.next_tag() is not None:
        received = reader.take()
        found.append((received.tag, received.body))
    return found


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 40))
def test_frames_are_whole_however_the_stream_is_cut(bodies: list[bytes], cut: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = b"".join(frame(7, body).data for body in bodies)
        reader = FrameReader(theirs)

        received = []
        for start in range(0, len(stream), cut):
            ours.sendall(stream[start : start + cut])
            reader.receive(at_once=True)
            received += everything_in(reader)

        assert received == [(7, body) for body in bodies]
        with pytest.raises(BlockingIOError):
            reader.receive(at_once=True)


def interrupted(moments: random.Random, most: int = 20) -> Interrupter:
    return Interrupter("/_frames.py", moments.randrange(1, most), where_it_looks=True)


@pytest.mark.parametrize("seed", range(150))
def test_no_interrupt_loses_or_doubles_a_byte(
    ends: tuple[socket.socket, socket.socket], seed: int
) -> None:
    ours, theirs = ends
    writer, reader = FrameWriter(ours), FrameReader(theirs)
    bodies = [bytes([number]) * (number * 3001 % 40_000) for number in range(24)]
    moments = random.Random(seed)
    received: list[tuple[int, bytes]] = []

    for number, body in enumerate(bodies):
        writer.put(frame(number, body))
        with interrupted(moments), contextlib.suppress(BlockingIOError):
            writer.flush()
        with interrupted(moments), contextlib.suppress(BlockingIOError):
            reader.receive(at_once=True)
        received += everything_in(reader)
    while len(received) < len(bodies):
        with contextlib.suppress(BlockingIOError):
            writer.flush()
        reader.receive(at_once=True)
        received += everything_in(reader)

    assert received == list(enumerate(bodies))


@pytest.mark.parametrize("seed", range(150))
def test_no_interrupt_loses_or_doubles_what_comes_bare(
    packet_ends: tuple[socket.socket, socket.socket], seed: int
) -> None:
    ours, theirs = packet_ends
    writer, reader = FrameWriter(ours), FrameReader(theirs)
    bodies = [bytes([number]) * (number * 3001 % 40_000 + 1) for number in range(1, 25)]
    moments = random.Random(seed)
    received: list[bytes] = []

    for body in bodies:
        if body[0] % 4 and writer.send_bare(body):
            pass
        else:
            writer.put(frame(1, body, [Descriptor(os.dup(0))] if body[0] % 8 else []))
            writer.flush()
        for _ in range(4):
            bare = None
            with interrupted(moments, most=8), contextlib.suppress(BlockingIOError):
                bare = reader.receive_bare(at_once=True)
            if bare is not None:
                received.append(bare)
            while reader.next_tag() is not None:
                arrived = reader.take()
                received.append(arrived.body)
                for number in arrived.descriptors:
                    os.close(number)
    while len(received) < len(bodies):
        bare = reader.receive_bare(at_once=True)
        received.append(reader.take().body if bare is None else bare)

    assert received == bodies


def test_what_is_bare_and_what_is_not_keep_their_order(
    packet_ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = packet_ends
    writer, reader = FrameWriter(ours), FrameReader(theirs)
    messages = []

    with contextlib.suppress(BlockingIOError):
        for number in range(1, 10_000):
            body = b"%d" % number
            messages.append(body)
            if not writer.send_bare(body):
                writer.put(frame(BARE, body))
                writer.flush()
    for number in range(10_000, 10_100):  # what waits lets nothing pass
        messages.append(b"%d" % number)
        assert not writer.send_bare(messages[-1])
        writer.put(frame(BARE, messages[-1]))
    received = []
    while len(received) < len(messages):
        with contextlib.suppress(BlockingIOError):
            writer.flush()
        bare = reader.receive_bare()
        received += [bare] if bare is not None else [body for _, body in everything_in(reader)]

    assert received == messages


def test_bare_is_only_what_cannot_be_taken_for_a_frame(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    writer = FrameWriter(ends[0])
    keeps_packets = ends[0].type == socket.SOCK_SEQPACKET

    assert writer.send_bare(b"a body") is keeps_packets
    assert not writer.send_bare(b"")
    assert not writer.send_bare(b"\0 begins like a header")
    assert not writer.send_bare(b"x" * (READ_BYTES + 1))


def test_a_reader_that_knows_nothing_of_bare_bodies_takes_them_as_frames(
    packet_ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = packet_ends
    writer, reader = FrameWriter(ours), FrameReader(theirs)
    writer.send_bare(b"one")

    reader.receive()

    assert everything_in(reader) == [(BARE, b"one")]


def test_the_last_words_of_an_end_that_left_something_unread_are_received(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    reader = FrameReader(theirs)
    theirs.send(b"nobody reads this")
    writer = FrameWriter(ours)
    writer.put(frame(1, b"last words"))
    writer.flush()
    ours.close()

    reader.receive()

    assert everything_in(reader) == [(1, b"last words")]
    with pytest.raises(EOFError):
        reader.receive()


def test_descriptors_arrive_with_their_frames(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    writer, reader = FrameWriter(ours), FrameReader(theirs)
    pipes = [os.pipe() for _ in range(3)]
    writer.put(frame(1, b"a", [Descriptor(pipes[0][1])]))
    writer.put(frame(2, b"b"))
    writer.put(frame(3, b"c" * 10, [Descriptor(pipes[1][1]), Descriptor(pipes[2][1])]))

    writer.flush()
    received = []
    while len(received) < 3:
        reader.receive(at_once=True)
        while reader.next_tag() is not None:
            received.append(reader.take())

    assert [len(got.descriptors) for got in received] == [1, 0, 2]
    for (read_end, _), number in zip(
        pipes, [*received[0].descriptors, *received[2].descriptors], strict=True
    ):
        os.write(number, b"through")
        os.close(number)
        assert os.read(read_end, 10) == b"through"
        assert os.read(read_end, 10) == b""  # the sender's copy is closed, too
        os.close(read_end)


def test_the_end_is_told_after_the_last_frame(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    reader = FrameReader(theirs)
    ours.sendall(frame(1, b"last words").data)
    ours.close()

    reader.receive()

    assert everything_in(reader) == [(1, b"last words")]
    with pytest.raises(EOFError):
        reader.receive()


def test_what_nobody_takes_is_closed(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    writer, reader = FrameWriter(ours), FrameReader(theirs)
    read_end, write_end = os.pipe()
    writer.put(frame(1, b"", [Descriptor(write_end)]))
    writer.flush()
    while reader.next_tag() is None:
        reader.receive()

    reader.close()

    assert os.read(read_end, 1) == b""
    os.close(read_end)


def sent(message: Any) -> Any:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer, reader = FrameWriter(ours), FrameReader(theirs)
        writer.put(encode(message))
        writer.flush()
        while reader.next_tag() is None:
            reader.receive()
        return decode(reader.take())


@pytest.mark.parametrize(
    "message",
    [
        Work(1, 2, 3, 4, 5, b"items"),
        Part(1, 2, 0.5, [0, 0], [b"a", b"b"], {3: b"error"}),
        Done(1, 9, 0.5, [9], [b"all"], {}),
        Done(1, 9, 0.5, [9], [b"all"], {}, leaves=True),
        Trimmed(1, 5),
        Returned(1),
        Told(b"cucumber bytes"),
        Told(b""),
        Forget(7),
    ],
)
def test_a_message_survives_the_wire(message: Any) -> None:
    decoded = sent(message)

    assert decoded == message
    assert type(decoded) is type(message)


def test_parcels_survive_the_wire_in_their_order() -> None:
    large = [bytes([number]) * 100_000 for number in range(3)]

    decoded = sent(Done(1, 4, 0.5, [0, 0, 0], [pack(large[0]), b"small", pack(large[1:])], {}))

    assert decoded.values[0].open() == large[0]
    assert decoded.values[1] == b"small"
    assert decoded.values[2].open() == large[1:]


@pytest.mark.parametrize("room", range(8))
def test_descriptors_that_find_no_room_are_lost_to_their_frame_alone(
    room: int, ends: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = ends
    writer, reader = FrameWriter(ours), FrameReader(theirs)
    three = [Descriptor(os.dup(0)) for _ in range(3)]
    for number in range(3):
        writer.put(frame(number, b"with", three))
        writer.put(frame(number, b"without"))
    writer.flush()
    taken = []

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    fillers = []
    try:
        with contextlib.suppress(OSError):
            while True:
                fillers.append(Descriptor(os.dup(0)))
        del fillers[len(fillers) - room :]
        with contextlib.suppress(BlockingIOError):
            while True:
                reader.receive(at_once=True)
        while reader.next_tag() is not None:
            taken.append(reader.take())
    finally:
        fillers.clear()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert [(got.tag, got.body) for got in taken] == [
        (number, body) for number in range(3) for body in (b"with", b"without")
    ]
    arrived = [got.descriptors for got in taken if got.body == b"with"]
    assert [number != LOST for numbers in arrived for number in numbers] == [
        place < room for place in range(9)
    ]
    assert all(got.descriptors == () for got in taken if got.body == b"without")
    for number in (number for numbers in arrived for number in numbers if number != LOST):
        os.close(number)
