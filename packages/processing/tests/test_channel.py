from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from suitkaise.processing._channel import ChildChannel, ParentChannel
from suitkaise.processing._messages import Told

DEADLINE = 30.0


@pytest.fixture(params=[socket.SOCK_STREAM, socket.SOCK_SEQPACKET], ids=["stream", "packets"])
def ends(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[ParentChannel, ChildChannel, list[bool]]]:
    wanted: list[bool] = []
    ours, theirs = socket.socketpair(type=request.param)
    parent = ParentChannel(ours, wanted.append)
    child = ChildChannel(theirs.detach())
    yield parent, child, wanted
    parent.close()
    child.close()


def test_what_the_socket_does_not_take_waits_without_blocking(
    ends: tuple[ParentChannel, ChildChannel, list[bool]],
) -> None:
    parent, child, wanted = ends
    payloads = [bytes([number]) * 1_000_000 for number in range(5)]

    for payload in payloads:
        assert parent.send(Told(payload))  # nobody reads yet

    assert wanted[0] is True
    received: list[object] = []
    reader = threading.Thread(
        target=lambda: received.extend(child.receive(DEADLINE) for _ in payloads)
    )
    reader.start()
    while reader.is_alive():
        parent.send_queued()
        reader.join(0.001)
    assert received == [Told(payload) for payload in payloads]
    assert wanted[-1] is False


def test_what_was_sent_before_the_end_can_still_be_read(
    ends: tuple[ParentChannel, ChildChannel, list[bool]],
) -> None:
    parent, child, _ = ends
    child.send(Told(b"last words"))
    child.close()

    assert parent.receive_ready() == [Told(b"last words")]
    with pytest.raises(EOFError):
        parent.receive_ready()


def test_receiving_gives_up_at_its_timeout(
    ends: tuple[ParentChannel, ChildChannel, list[bool]],
) -> None:
    _, child, _ = ends

    assert child.receive(timeout=0) is None
    assert child.receive(timeout=0.01) is None


def test_sending_to_an_ended_child_is_noticed(
    ends: tuple[ParentChannel, ChildChannel, list[bool]],
) -> None:
    parent, child, _ = ends
    child.close()

    assert not parent.send(Told(b"anyone?"))


def test_the_child_sees_the_end_of_sending(
    ends: tuple[ParentChannel, ChildChannel, list[bool]],
) -> None:
    parent, child, _ = ends
    parent.send(Told(b"one"))

    parent.end_sending()

    assert child.receive_blocking() == Told(b"one")
    with pytest.raises(EOFError):
        child.receive_blocking()
    assert not parent.send(Told(b"two"))
