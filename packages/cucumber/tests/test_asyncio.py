import asyncio
import gc
import logging
import sys
import threading

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize

DEADLINE = 30.0


class NamedQueue(asyncio.Queue):
    __slots__ = ("label",)

    def __init__(self, name, label):
        super().__init__(maxsize=3)
        self.name = name
        self.label = label


class NamedFuture(asyncio.Future):
    def __init__(self, name):
        super().__init__()
        self.name = name


class CustomError(Exception):
    def __init__(self, code, *, reason):
        super().__init__(f"{code}: {reason}")
        self.code = code


def travel(obj):
    return deserialize(serialize(obj))


def run(coroutine):
    async def in_time():
        async with asyncio.timeout(DEADLINE):
            return await coroutine

    return asyncio.run(in_time())


async def answer():
    return 42


async def fail():
    raise CustomError(7, reason="no")


async def finished(coroutine):
    """Return the task of a coroutine when it is done."""
    task = asyncio.create_task(coroutine, name="the task")
    await asyncio.wait([task])
    return task


def drain(queue):
    return [queue.get_nowait() for _ in range(queue.qsize())]


@pytest.mark.comes_back(
    "asyncio.Queue",
    "asyncio.LifoQueue",
    "asyncio.PriorityQueue",
    how="with its contents and unfinished tasks; nobody waits, and it is of the loop that uses it",
)
@pytest.mark.parametrize("make", [asyncio.Queue, asyncio.LifoQueue, asyncio.PriorityQueue])
def test_a_queue_arrives_with_its_contents_and_works_in_another_loop(make):
    async def send():
        queue = make(maxsize=3)
        with pytest.raises(TimeoutError):  # binds it to this loop
            async with asyncio.timeout(0.001):
                await queue.get()
        for number in (3, 1, 2):
            await queue.put(number)
        return serialize(queue), drain(queue)

    async def receive():
        assert (type(queue), queue.full()) == (make, True)
        putting = asyncio.create_task(queue.put(4))
        await asyncio.sleep(0)
        got = [await queue.get() for _ in range(3)]
        await putting
        for _ in range(4):
            queue.task_done()
        await queue.join()
        return got

    payload, items = run(send())
    queue = deserialize(payload)

    got = run(receive())

    if make is asyncio.Queue:
        assert got == items == [3, 1, 2]
    assert {*got, *drain(queue)} == {1, 2, 3, 4}


def test_a_queue_with_waiting_tasks_arrives_with_nobody_waiting():
    async def send():
        queue = asyncio.Queue()
        getting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)
        copy = travel(queue)
        copy.put_nowait("there")
        assert not getting.done()
        queue.put_nowait("here")
        return copy, await getting

    copy, got = run(send())

    assert (drain(copy), got) == (["there"], "here")


def test_join_waits_for_what_was_unfinished():
    queue = asyncio.Queue()
    queue.put_nowait("a")

    async def join():
        joining = asyncio.create_task(copy.join())
        await asyncio.sleep(0)
        assert not joining.done()
        copy.get_nowait()
        copy.task_done()
        await joining

    copy = travel(queue)
    run(join())


@pytest.mark.skipif(sys.version_info < (3, 13), reason="new in Python 3.13")
def test_a_queue_that_was_shut_down_arrives_shut_down():
    queue = asyncio.Queue()
    queue.shutdown()

    with pytest.raises(asyncio.QueueShutDown):
        travel(queue).get_nowait()


def test_a_subclass_of_a_queue_keeps_its_attributes_and_may_contain_itself():
    queue = NamedQueue("jobs", "slot")
    queue.put_nowait(queue)

    copy = travel(queue)

    assert (type(copy), copy.name, copy.label, copy.maxsize) == (NamedQueue, "jobs", "slot", 3)
    assert copy.get_nowait() is copy


@pytest.mark.comes_back("asyncio.Lock", "asyncio.Condition", how="unlocked; nobody waits")
def test_a_held_lock_arrives_unlocked_and_works_in_another_loop():
    async def send():
        lock = asyncio.Lock()
        async with lock:
            waiting = asyncio.create_task(lock.acquire())
            await asyncio.sleep(0)
            payload = serialize((lock, asyncio.Condition(lock)))
        await waiting
        return payload

    async def receive():
        async with lock:
            assert condition.locked()
        async with condition:
            assert lock.locked()
            condition.notify_all()

    lock, condition = deserialize(run(send()))

    assert not lock.locked()
    run(receive())


@pytest.mark.comes_back(
    "asyncio.Event",
    "asyncio.Semaphore",
    "asyncio.BoundedSemaphore",
    "asyncio.Barrier",
    how="with its flag, count or parties; nobody waits",
)
def test_flags_and_counts_are_kept():
    async def send():
        event, other = asyncio.Event(), asyncio.Event()
        semaphore, bounded = asyncio.Semaphore(2), asyncio.BoundedSemaphore(2)
        event.set()
        waiting = asyncio.create_task(other.wait())
        await semaphore.acquire()
        await bounded.acquire()
        await asyncio.sleep(0)
        payload = serialize((event, other, semaphore, bounded))
        other.set()
        await waiting
        return payload

    async def receive():
        await event.wait()
        await semaphore.acquire()
        assert semaphore.locked()
        bounded.release()
        with pytest.raises(ValueError):
            bounded.release()

    event, other, semaphore, bounded = deserialize(run(send()))

    assert (event.is_set(), other.is_set()) == (True, False)
    run(receive())


def test_a_barrier_arrives_with_nobody_waiting():
    async def send():
        barrier = asyncio.Barrier(2)
        waiting = asyncio.create_task(barrier.wait())
        await asyncio.sleep(0)
        assert barrier.n_waiting == 1
        payload = serialize(barrier)
        await barrier.wait()
        await waiting
        return payload

    async def receive():
        await asyncio.gather(barrier.wait(), barrier.wait())
        await barrier.abort()

    barrier = deserialize(run(send()))

    assert (barrier.parties, barrier.n_waiting) == (2, 0)
    run(receive())
    assert travel(barrier).broken


@pytest.mark.comes_back(
    "asyncio.Future",
    "asyncio.Task",
    how="if it has finished: a future with its result, exception or cancellation, to `await` in "
    "any loop or to ask in none; refused if it is pending",
)
def test_a_finished_task_arrives_with_its_result():
    task = run(finished(answer()))

    copy = travel(task)

    assert isinstance(copy, asyncio.Future)
    assert (copy.done(), copy.result(), copy.get_name()) == (True, 42, "the task")


def test_a_finished_task_travels_on():
    copy = travel(travel(run(finished(answer()))))

    assert (copy.result(), copy.get_name()) == (42, "the task")


def test_what_arrived_without_a_loop_does_all_in_a_loop_that_a_future_of_it_would():
    copy = travel(run(finished(answer())))

    async def use():
        called = asyncio.Event()
        copy.add_done_callback(lambda future: called.set())
        await called.wait()
        assert await copy == 42
        assert await asyncio.wait_for(copy, DEADLINE) == 42
        assert await asyncio.gather(copy, answer()) == [42, 42]
        assert await asyncio.shield(copy) == 42
        done, _ = await asyncio.wait([copy])
        assert done == {copy}
        assert [await each for each in asyncio.as_completed([copy])] == [42]
        return "used"

    assert run(use()) == run(use()) == "used"


def test_what_arrived_in_a_loop_is_used_there():
    payload = serialize(run(finished(answer())))

    async def use():
        copy = deserialize(payload)
        return await asyncio.gather(copy, answer()), await asyncio.wait_for(copy, DEADLINE)

    assert run(use()) == ([42, 42], 42)


def test_a_failed_task_arrives_with_its_exception():
    async def use():
        with pytest.raises(CustomError, match="no"):
            await copy
        with pytest.raises(CustomError):
            await asyncio.gather(copy, answer())

    task = run(finished(fail()))
    copy = travel(task)

    assert task.exception().code == copy.exception().code == 7
    run(use())


def test_a_cancelled_future_arrives_cancelled():
    async def send():
        future = asyncio.get_running_loop().create_future()
        future.cancel("enough")
        return serialize(future)

    async def use():
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await copy

    copy = deserialize(run(send()))

    assert copy.cancelled()
    run(use())


def test_a_failure_counts_as_seen_or_not_seen_at_the_sender_only(caplog):
    async def send():
        task = await finished(fail())
        payload = serialize(task)
        copy = deserialize(payload)
        del copy
        gc.collect()
        assert not caplog.records
        del task

    with caplog.at_level(logging.ERROR, "asyncio"):
        run(send())
        gc.collect()

    assert "never retrieved" in caplog.text


def test_a_subclass_of_a_future_keeps_its_type_and_attributes():
    async def send():
        future = NamedFuture("reply")
        future.set_result([future])
        return serialize(future)

    async def use(future):
        return await future

    copy = deserialize(run(send()))

    assert (type(copy), copy.name) == (NamedFuture, "reply")
    assert run(use(copy)) == [copy]


def test_what_gather_returned_arrives_though_not_all_of_it_has_finished():
    async def send():
        never = asyncio.get_running_loop().create_future()
        gathered = asyncio.gather(fail(), never)
        await asyncio.wait([gathered])
        copy = travel(gathered)
        gathered.exception()
        never.cancel()
        return copy

    assert run(send()).exception().code == 7


def test_a_pending_future_is_refused_with_the_remedy():
    async def send():
        future = asyncio.get_running_loop().create_future()
        with pytest.raises(SerializationError, match=r"\['reply'\].*not finished.*await"):
            serialize({"reply": future})
        task = asyncio.create_task(answer())
        with pytest.raises(SerializationError, match="not finished"):
            serialize(task)
        return await task

    assert run(send()) == 42


@pytest.mark.comes_back(
    "asyncio event loops, streams, transports, servers",
    how="refused: they belong to the event loop of their process; send what they are made from",
)
def test_what_lives_in_a_loop_is_refused_with_the_remedy():
    async def send():
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        loop = asyncio.get_running_loop()
        handle = loop.call_later(DEADLINE, print)
        for thing in (loop, server, reader, writer, writer.transport, handle):
            with pytest.raises(SerializationError, match="event loop of this process"):
                serialize([thing])
        handle.cancel()
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    run(send())


def test_a_queue_is_serialised_by_another_thread_while_its_loop_uses_it():
    queue, copies = asyncio.Queue(), []

    def copy():
        copies.extend(travel(queue) for _ in range(200))

    async def use():
        thread = threading.Thread(target=copy)
        thread.start()
        number = 0
        while thread.is_alive():
            for _ in range(50):
                queue.put_nowait(number)
                number += 1
            await asyncio.sleep(0)
            drain(queue)

    run(use())

    assert len(copies) == 200
    for each in copies:
        items = drain(each)
        assert items == [items[0] + index for index in range(len(items))]


def test_all_arrive_in_another_process(load_elsewhere):
    queue = asyncio.Queue()
    queue.put_nowait("item")
    payload = serialize({"queue": queue, "lock": asyncio.Lock(), "task": run(finished(answer()))})

    lines = (
        "import asyncio\n"
        "async def use():\n"
        "    async with value['lock']:\n"
        "        return await value['queue'].get(), await value['task']\n"
        "print(value['task'].result(), *asyncio.run(use()))"
    )
    assert load_elsewhere(payload, lines) == "42 item 42"
