import asyncio

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize


class Labelled(asyncio.Queue):
    label = None


async def fail():
    raise ValueError("no")


async def give():
    return [1, 2]


async def done(coroutine):
    """Make a task, wait for it, and send it through bytes."""
    task = asyncio.create_task(coroutine, name="job")
    await asyncio.wait([task], timeout=30)
    return deserialize(serialize(task))


@pytest.mark.comes_back(
    "asyncio.Queue",
    "asyncio.LifoQueue",
    "asyncio.PriorityQueue",
    how="with what waits in them and their counts; for any loop",
)
@pytest.mark.parametrize("kind", [asyncio.Queue, asyncio.LifoQueue, asyncio.PriorityQueue])
def test_a_queue_keeps_what_waits_in_it(kind):
    async def send():
        waiting = kind(maxsize=3)
        for number in (3, 1, 2):
            waiting.put_nowait(number)
        getter = asyncio.create_task(waiting.put("too much"))
        await asyncio.sleep(0)
        payload = serialize(waiting)
        getter.cancel()
        return payload, [waiting.get_nowait() for _ in range(3)]

    async def receive(payload):
        copy = deserialize(payload)
        assert copy.full()
        items = [await asyncio.wait_for(copy.get(), 30) for _ in range(3)]
        for _ in items:
            copy.task_done()
        await asyncio.wait_for(copy.join(), 30)
        return items

    payload, items = asyncio.run(send())
    assert asyncio.run(receive(payload)) == items


def test_a_subclass_keeps_its_type_and_attributes_and_may_hold_itself():
    waiting = Labelled()
    waiting.label = "jobs"
    waiting.put_nowait(waiting)

    copy = deserialize(serialize(waiting))

    assert (type(copy), copy.label) == (Labelled, "jobs")
    assert copy.get_nowait() is copy


@pytest.mark.comes_back(
    "asyncio.Lock",
    "asyncio.Condition",
    "asyncio.Event",
    "asyncio.Semaphore",
    "asyncio.Barrier",
    how="unlocked, with flag and count; nobody waits",
)
def test_locks_arrive_unlocked_and_events_and_semaphores_with_flag_and_count():
    async def send():
        lock, event, semaphore = asyncio.Lock(), asyncio.Event(), asyncio.Semaphore(2)
        barrier = asyncio.Barrier(2)
        await lock.acquire()
        await semaphore.acquire()
        event.set()
        condition = asyncio.Condition(lock)
        return serialize([lock, event, semaphore, barrier, condition])

    async def receive(payload):
        lock, event, semaphore, barrier, condition = deserialize(payload)
        async with asyncio.timeout(30):
            async with condition:
                assert lock.locked()
                condition.notify_all()
            await event.wait()
            await semaphore.acquire()
            assert semaphore.locked()
            await asyncio.gather(barrier.wait(), barrier.wait())
        return True

    assert asyncio.run(receive(asyncio.run(send())))


@pytest.mark.comes_back(
    "asyncio.Future",
    "asyncio.Task",
    how="if done, as something to await, with its result or error; refused if pending",
)
def test_a_task_that_is_done_gives_its_outcome_in_any_loop_and_in_none():
    copy = asyncio.run(done(give()))

    async def wait():
        return await asyncio.gather(copy, copy)

    assert (copy.done(), copy.cancelled(), copy.exception()) == (True, False, None)
    assert (copy.result(), copy.get_name()) == ([1, 2], "job")
    assert asyncio.run(wait()) == [[1, 2], [1, 2]]
    assert repr(copy) == "<FinishedFuture 'job': [1, 2]>"


def test_a_task_that_failed_or_was_cancelled_raises():
    async def cancelled():
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        return deserialize(serialize(future))

    async def called_back(future):
        called = asyncio.Event()
        future.add_done_callback(lambda _: called.set())
        await asyncio.wait_for(called.wait(), 30)

    failed, gone = asyncio.run(done(fail())), asyncio.run(cancelled())

    with pytest.raises(ValueError, match="no"):
        failed.result()
    assert failed.exception().args == ("no",)
    assert gone.cancelled()
    with pytest.raises(asyncio.CancelledError):
        gone.exception()
    asyncio.run(called_back(failed))


def test_what_is_done_can_be_asked_in_another_process(load_elsewhere):
    async def send():
        future = asyncio.get_running_loop().create_future()
        future.set_result(7)
        return serialize(future)

    assert load_elsewhere(asyncio.run(send()), "print(value.result())") == "7"


def test_what_is_pending_is_refused_with_the_remedy():
    async def send():
        task = asyncio.create_task(asyncio.sleep(60))
        try:
            with pytest.raises(SerializationError, match="await it and send the result"):
                serialize([task])
        finally:
            task.cancel()

    asyncio.run(send())


@pytest.mark.comes_back("event loops, streams, transports", how="refused: make them there")
def test_what_a_loop_drives_is_refused():
    async def send():
        with pytest.raises(SerializationError, match="event loop"):
            serialize(asyncio.get_running_loop())
        with pytest.raises(SerializationError, match="event loop"):
            serialize(asyncio.StreamReader())

    asyncio.run(send())
