from __future__ import annotations

import gc
import os
import select
import signal
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from suitkaise.cucumber import DeserializationError, SerializationError, serialize
from suitkaise.processing import Pipe, PipeEndpointError, Pool, ProcessDiedError, Skprocess
from suitkaise.processing import _backlog as backlog

DEADLINE = 30.0


@pytest.fixture
def pair() -> Iterator[tuple[Any, Any]]:
    anchor, point = Pipe.pair()
    yield anchor, point
    anchor.close()
    if not point.locked:
        point.close()


class Doubler(Skprocess):
    """Sends back what it receives, twice."""

    def __init__(self, point: Any, times: int = 1) -> None:
        self.point = point
        self.process_config.runs = times

    def __run__(self) -> None:
        received = self.point.recv(DEADLINE)
        self.point.send([received, received])

    def __result__(self) -> str:
        return repr(self.point)


def test_messages_go_both_ways_in_order(pair: tuple[Any, Any]) -> None:
    anchor, point = pair

    for number in range(100):
        anchor.send({"number": number})
        point.send(-number)

    assert [point.recv(DEADLINE) for _ in range(100)] == [{"number": n} for n in range(100)]
    assert [anchor.recv(DEADLINE) for _ in range(100)] == [-n for n in range(100)]


def test_the_point_moves_into_a_process_and_what_waits_in_it_as_well(
    pair: tuple[Any, Any],
) -> None:
    anchor, point = pair
    anchor.send("before")
    anchor.send(bytes(100_000))
    process = Doubler(point, times=3)

    process.start()
    anchor.send("after")

    assert anchor.recv(DEADLINE) == ["before", "before"]
    assert anchor.recv(DEADLINE) == [bytes(100_000)] * 2
    assert anchor.recv(DEADLINE) == ["after", "after"]
    assert process.result() == "<point of a Pipe>"


def test_a_point_that_has_moved_is_of_no_use_here(pair: tuple[Any, Any]) -> None:
    anchor, point = pair
    process = Doubler(point)
    process.start()

    with pytest.raises(PipeEndpointError, match="has moved to another process"):
        point.send(1)
    with pytest.raises(PipeEndpointError, match="has moved to another process"):
        point.recv(timeout=0)
    with pytest.raises(SerializationError, match="moved to another process"):
        Doubler(point).start()
    assert repr(point) == "<point of a Pipe (moved to another process)>"

    anchor.send("x")
    assert anchor.recv(DEADLINE) == ["x", "x"]
    process.wait()


def test_a_point_that_could_not_be_sent_stays(pair: tuple[Any, Any]) -> None:
    anchor, point = pair

    with pytest.raises(SerializationError):
        Doubler([point, iter(int, 1), gc.get_referrers, zlib.compressobj()]).start()

    anchor.send("still here")
    assert point.recv(DEADLINE) == "still here"


def test_a_point_goes_through_tell_a_pool_and_another_pipe(pair: tuple[Any, Any]) -> None:
    class Listener(Skprocess):
        def __run__(self) -> None:
            self.listen(DEADLINE).send("by tell")
            self.stop()

    anchor, point = Pipe.pair()
    listener = Listener()
    listener.start()
    listener.tell(point)
    assert anchor.recv(DEADLINE) == "by tell"
    listener.wait()

    ends = [Pipe.pair() for _ in range(6)]
    with Pool(2) as pool:
        pool.map(lambda item: item[1].send(item[0]), [(n, end[1]) for n, end in enumerate(ends)])
    assert [end[0].recv(DEADLINE) for end in ends] == list(range(6))

    anchor, point = Pipe.pair()
    pair[0].send(point)
    pair[1].recv(DEADLINE).send("by pipe")
    assert anchor.recv(DEADLINE) == "by pipe"


def test_a_result_can_be_a_point(pair: tuple[Any, Any]) -> None:
    def make(_: int) -> Any:
        anchor, point = Pipe.pair()
        anchor.send("from the worker")
        return point

    with Pool(1) as pool:
        [point] = pool.map(make, [1])

    assert point.recv(DEADLINE) == "from the worker"


def test_the_next_life_has_the_point_as_well(pair: tuple[Any, Any]) -> None:
    class Mortal(Doubler):
        def __init__(self, point: Any) -> None:
            super().__init__(point, times=3)
            self.process_config.lives = 2
            self.has_died = False

        def __prerun__(self) -> None:
            if self.current_run == 1 and not self.point.recv(DEADLINE):
                os.kill(os.getpid(), signal.SIGKILL)

    anchor, point = pair
    process = Mortal(point)
    process.start()
    anchor.send("first")
    assert anchor.recv(DEADLINE) == ["first", "first"]
    anchor.send(False)  # it dies of this
    anchor.send(True)
    anchor.send("second")
    anchor.send("third")

    assert anchor.recv(DEADLINE) == ["second", "second"]
    assert anchor.recv(DEADLINE) == ["third", "third"]
    assert process.wait(DEADLINE)


def test_the_end_of_the_other_process_is_the_end_of_the_pipe(pair: tuple[Any, Any]) -> None:
    class Dies(Doubler):
        def __run__(self) -> None:
            self.point.send("last words")
            os.kill(os.getpid(), signal.SIGKILL)

    anchor, point = pair
    process = Dies(point)
    process.start()

    assert anchor.recv(DEADLINE) == "last words"
    with pytest.raises(EOFError):
        anchor.recv(DEADLINE)
    with pytest.raises(BrokenPipeError, match="other end"):
        anchor.send(1)
    with pytest.raises(ProcessDiedError):
        process.result()


def test_closing_an_end_is_told_to_the_other_after_what_was_sent(pair: tuple[Any, Any]) -> None:
    anchor, point = pair
    anchor.send("last")
    anchor.close()
    anchor.close()

    assert point.recv(DEADLINE) == "last"
    assert point.poll()
    with pytest.raises(EOFError):
        point.recv(DEADLINE)
    with pytest.raises(BrokenPipeError):
        point.send("anyone?")
    with pytest.raises(PipeEndpointError, match="closed"):
        anchor.recv()


def test_what_an_end_sent_is_received_also_if_it_left_something_unread(
    pair: tuple[Any, Any],
) -> None:
    anchor, point = pair
    point.send("last words")
    anchor.send("nobody reads this")

    point.close()

    assert anchor.recv() == "last words"
    with pytest.raises(EOFError):
        anchor.recv()


def test_one_way_goes_from_anchor_to_point() -> None:
    anchor, point = Pipe.pair(one_way=True)
    with anchor, point:
        anchor.send(1)

        assert point.recv(DEADLINE) == 1
        with pytest.raises(PipeEndpointError, match="only sends: it cannot receive"):
            anchor.recv()
        with pytest.raises(PipeEndpointError, match="only receives: it cannot send"):
            point.send(1)
        assert "sends only" in repr(anchor)


def test_a_locked_end_does_not_move(pair: tuple[Any, Any]) -> None:
    anchor, point = pair
    point.lock()

    with pytest.raises(SerializationError, match=r"\.point.*locked"):
        Doubler(point).start()
    with pytest.raises(SerializationError, match=r"\.point.*anchor"):
        Doubler(anchor).start()
    with pytest.raises(PipeEndpointError, match="always locked"):
        anchor.unlock()
    anchor.lock()
    assert (anchor.locked, point.locked) == (True, True)

    point.unlock()
    assert not point.locked
    process = Doubler(point)
    process.start()
    anchor.send(1)
    assert anchor.recv(DEADLINE) == [1, 1]
    process.wait()


def test_a_point_does_not_go_into_bytes(pair: tuple[Any, Any]) -> None:
    with pytest.raises(SerializationError, match="needs a process to move to"):
        serialize({"point": pair[1]})


def test_receiving_gives_up_at_its_timeout(pair: tuple[Any, Any]) -> None:
    with pytest.raises(TimeoutError, match="nothing came to the anchor of a Pipe within"):
        pair[0].recv(timeout=0.05)
    assert not pair[0].poll(0.01)
    assert not pair[0].poll()


def test_select_sees_a_message(pair: tuple[Any, Any]) -> None:
    anchor, point = pair
    assert select.select([point], [], [], 0) == ([], [], [])

    anchor.send(1)

    assert select.select([point], [], [], DEADLINE)[0] == [point]


def test_large_messages_cross_without_anybody_receiving(pair: tuple[Any, Any]) -> None:
    anchor, point = pair
    data = os.urandom(3 << 20)

    for _ in range(40):
        anchor.send(data)
        point.send([data, 1])

    for _ in range(40):
        assert point.recv(DEADLINE) == data
        assert anchor.recv(DEADLINE) == [data, 1]


def test_more_small_messages_than_the_socket_takes_wait_here(pair: tuple[Any, Any]) -> None:
    anchor, point = pair

    for number in range(20_000):
        anchor.send(number)

    assert [point.recv(DEADLINE) for _ in range(20_000)] == list(range(20_000))
    anchor.send("and after that")
    assert point.recv(DEADLINE) == "and after that"


def test_a_point_with_unsent_messages_stays_until_they_are_received(
    pair: tuple[Any, Any],
) -> None:
    anchor, point = pair
    for number in range(20_000):
        point.send(number)

    with pytest.raises(SerializationError, match="still wait in this process"):
        Doubler(point).start()

    assert [anchor.recv(DEADLINE) for _ in range(20_000)] == list(range(20_000))


def test_a_full_pipe_is_an_error_and_goes_on_once_there_is_room(
    pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MOST_BYTES", 1 << 20)
    anchor, point = pair
    sent = 0

    def fill() -> None:
        nonlocal sent
        while True:
            anchor.send(bytes(1000))
            sent += 1

    with pytest.raises(PipeEndpointError, match="is full"):
        fill()
    assert 500 < sent < 1100
    for _ in range(sent):
        assert point.recv(DEADLINE) == bytes(1000)
    anchor.send(bytes(5 << 20))  # of any size, as nothing waits

    assert point.recv(DEADLINE) == bytes(5 << 20)


def test_several_threads_send_and_receive(pair: tuple[Any, Any]) -> None:
    anchor, point = pair
    received: list[tuple[int, int]] = []

    def send(thread: int) -> None:
        for number in range(500):
            anchor.send((thread, number))

    def receive() -> None:
        received.extend(point.recv(DEADLINE) for _ in range(500))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    threads += [threading.Thread(target=receive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)

    assert sorted(received) == [(thread, number) for thread in range(4) for number in range(500)]


def test_closing_wakes_who_waits(pair: tuple[Any, Any]) -> None:
    anchor, _ = pair
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            anchor.recv()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.05)
    anchor.close()
    thread.join(DEADLINE)

    assert isinstance(raised[0], PipeEndpointError | EOFError)


def test_what_cannot_be_rebuilt_is_an_error_and_the_next_message_comes(
    pair: tuple[Any, Any],
) -> None:
    anchor, point = pair
    anchor.send(Unrebuildable())
    anchor.send("next")

    with pytest.raises(DeserializationError):
        point.recv(DEADLINE)
    assert point.recv(DEADLINE) == "next"


class Unrebuildable:
    def __reduce__(self) -> Any:
        return int, ("no number",)


def test_dropped_ends_leave_no_descriptor() -> None:
    Pipe.pair()[0].close()
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(20):
        anchor, _point = Pipe.pair()
        anchor.send(bytes(100_000))
        del anchor, _point

    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 17  # segments kept for reuse


def test_a_message_is_not_cut_by_the_end_of_a_thread_that_is_interrupted() -> None:
    ours, theirs = socket.socketpair()  # a program's own sockets are left alone
    with ours, theirs:
        anchor, point = Pipe.pair()
        anchor.send(ours.fileno())
        assert point.recv(DEADLINE) == ours.fileno()
        anchor.close()
        point.close()
