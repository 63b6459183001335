"""`.timeout()`, `.background()` and `.asynced()` on `wait`, `result`, `run` and `listen`."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import inspect
import os
import pickle
import pydoc
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from concurrent import futures
from typing import Any

import psutil
import pytest

from suitkaise.processing import ProcessError, ResultTimeoutError, RunError, Skprocess
from suitkaise.sk import SkModifierError

DEADLINE = 60.0


def light_classes() -> tuple[Any, ...]:
    """Make classes that travel by value: their processes need not import this module."""

    class Quick(Skprocess):
        def __init__(self, result: Any = None) -> None:
            self.value = result
            self.process_config.runs = 1

        def __run__(self) -> None:
            if isinstance(self.value, Exception):
                raise self.value

        def __result__(self) -> Any:
            return self.value

    class Echo(Skprocess):
        """Tells back what it is told; ends when it is told to."""

        def __run__(self) -> None:
            data = self.listen()
            if data == "end":
                self.stop()
            elif data is not None:
                self.tell(data)

        def __result__(self) -> str:
            return "ended"

    class Sleeper(Skprocess):
        def __run__(self) -> None:
            self.tell(os.getpid())
            time.sleep(1000)

    class Unstoppable(Sleeper):
        """Notes its process id in a file: whoever runs it does not listen."""

        def __init__(self, path: str) -> None:
            self.path = path

        def __run__(self) -> None:
            with open(self.path + ".new", "w") as file:  # noqa: PTH123
                file.write(str(os.getpid()))
            os.rename(self.path + ".new", self.path)  # noqa: PTH104
            time.sleep(1000)

    return Quick, Echo, Sleeper, Unstoppable


Quick, Echo, Sleeper, Unstoppable = light_classes()


@pytest.fixture
def echo() -> Iterator[Any]:
    process = Echo()
    process.start()
    yield process
    process.kill()


@pytest.fixture
def sleeper() -> Iterator[Any]:
    process = Sleeper()
    process.start()
    yield process
    process.kill()


def eventually(is_so: Callable[[], object]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


# -- the chain


def test_a_timeout_that_is_long_enough_changes_nothing() -> None:
    assert Quick(5).run.timeout(DEADLINE)() == 5


@pytest.mark.parametrize("method", ["wait", "result", "listen"])
def test_a_timeout_that_is_over_raises_and_the_process_goes_on(echo: Any, method: str) -> None:
    with pytest.raises(ResultTimeoutError, match=rf"Echo.{method} took longer .* 0.05 s") as caught:
        getattr(echo, method).timeout(0.05)()

    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, ProcessError)
    assert caught.value.timeout == 0.05
    echo.tell("still there")
    assert echo.listen.timeout(DEADLINE)() == "still there"


def test_a_run_that_is_over_its_timeout_is_killed() -> None:
    process = Sleeper()

    with pytest.raises(ResultTimeoutError, match="the process was killed"):
        process.run.timeout(0.5)()

    assert process.wait(DEADLINE)
    assert process.result() is None


def test_the_shorter_of_two_timeouts_counts(echo: Any) -> None:
    assert echo.wait.timeout(DEADLINE)(timeout=0.01) is False
    assert echo.listen.timeout(DEADLINE)(0.01) is None
    with pytest.raises(ResultTimeoutError):
        echo.wait.timeout(0.01)(timeout=DEADLINE)
    with pytest.raises(ResultTimeoutError):
        echo.listen.background().timeout(0.01)(DEADLINE).result(DEADLINE)


def test_modifiers_combine_in_any_order(echo: Any) -> None:
    first = echo.result.timeout(DEADLINE).background()()
    second = echo.result.background().timeout(DEADLINE).background()()

    echo.tell("end")

    assert (first.result(DEADLINE), second.result(DEADLINE)) == ("ended", "ended")


@pytest.mark.parametrize("method", ["wait", "result", "run", "listen"])
def test_background_and_asynced_do_not_go_together(method: str) -> None:
    chain = getattr(Quick(), method)

    with pytest.raises(SkModifierError):
        chain.background().asynced()
    with pytest.raises(SkModifierError):
        chain.asynced().timeout(1).background()


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_makes_no_sense_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        Quick().wait.timeout(seconds)


def test_what_makes_no_sense_is_not_offered() -> None:
    assert not hasattr(Quick().wait, "retry")
    assert not hasattr(Quick().wait.timeout(1), "rate_limit")


@pytest.mark.parametrize("method", ["wait", "result", "listen"])
def test_one_that_was_not_started_says_so_whichever_way_it_is_asked(method: str) -> None:
    asked = getattr(Quick(), method)

    with pytest.raises(ProcessError, match="was not started"):
        asked.timeout(1)()
    with pytest.raises(ProcessError, match="was not started"):
        asked.background()().result(DEADLINE)
    with pytest.raises(ProcessError, match="was not started"):
        asyncio.run(asked.asynced()())


def test_running_what_runs_already_is_refused_and_does_not_kill_it(echo: Any) -> None:
    with pytest.raises(ProcessError, match="was started before"):
        echo.run()
    with pytest.raises(ProcessError, match="was started before"):
        echo.run.timeout(1)()
    with pytest.raises(ProcessError, match="was started before"):
        echo.run.background()().result(DEADLINE)

    echo.tell("alive")
    assert echo.listen(DEADLINE) == "alive"


def test_the_methods_look_like_methods() -> None:
    process = Quick()

    assert str(inspect.signature(Skprocess.wait)).startswith("(self, timeout:")
    assert str(inspect.signature(process.wait)).startswith("(timeout:")
    assert process.wait.__name__ == "wait"
    assert process.wait.__self__ is process
    assert process.wait == process.wait
    assert {process.wait: 1}[process.wait] == 1
    for shown in (pydoc.render_doc(Skprocess.wait), pydoc.render_doc(Skprocess)):
        assert "Block until it has ended" in shown
    assert (process.listen.__doc__ or "").startswith("Return the next thing")
    assert repr(process.wait.timeout(2).background()).startswith(
        "<Skprocess.wait.timeout(2).background() of"
    )


def test_a_subclass_overrides_them_as_any_method() -> None:
    class Loud(Quick):
        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(timeout) and super().wait.timeout(DEADLINE)()

    process = Loud(3)
    process.start()

    assert process.wait(DEADLINE)


def test_an_attribute_may_have_the_name_of_one() -> None:
    class Shadowing(Quick):
        def __run__(self) -> None:
            self.wait = self.result = 5

        def __result__(self) -> Any:
            return self.wait

    assert Shadowing().run() == 5


# -- background


def test_a_future_holds_what_the_call_would_return(echo: Any) -> None:
    result, wait = echo.result.background()(), echo.wait.background()()
    message = echo.listen.background()()
    assert not result.done()
    assert result.running()

    echo.tell("hello")
    echo.tell("end")

    assert message.result(DEADLINE) == "hello"
    assert result.result(DEADLINE) == "ended"
    assert result.exception() is None
    assert wait.result(DEADLINE) is True
    assert result.done()
    assert not result.running()
    assert not result.cancel()


def test_a_future_holds_what_the_call_would_raise() -> None:
    process = Quick(ValueError("wrong"))

    future = process.run.background()()

    with pytest.raises(RunError) as caught:
        future.result(DEADLINE)
    assert isinstance(caught.value.original_error, ValueError)
    assert future.exception() is caught.value
    assert process.error is caught.value


def test_a_future_s_result_is_the_same_object_every_time() -> None:
    future = Quick([1, 2]).run.background()()

    assert future.result(DEADLINE) is future.result(DEADLINE)


def test_a_run_in_the_background_that_cannot_start_says_why_in_its_future() -> None:
    future = Quick(threading.get_native_id).run.background()()
    assert future.result(DEADLINE) is not None

    class Nothing(Skprocess):
        pass

    with pytest.raises(TypeError, match="nothing to run"):
        Nothing().run.background()().result(DEADLINE)


def test_a_future_s_own_timeout_only_ends_the_waiting(echo: Any) -> None:
    future = echo.result.background()()

    with pytest.raises(TimeoutError):
        future.result(0.02)

    assert not future.done()
    echo.tell("end")
    assert future.result(DEADLINE) == "ended"


def test_a_timeout_ends_a_future(sleeper: Any) -> None:
    future = sleeper.result.timeout(0.05).background()()

    assert isinstance(future.exception(DEADLINE), ResultTimeoutError)
    assert sleeper.is_alive


def test_a_timeout_of_a_run_in_the_background_kills_it() -> None:
    process = Sleeper()

    future = process.run.timeout(0.5).background()()

    with pytest.raises(ResultTimeoutError, match="killed"):
        future.result(DEADLINE)
    assert process.wait(DEADLINE)


def test_futures_of_messages_get_them_in_the_order_of_asking(echo: Any) -> None:
    asked = [echo.listen.background()(timeout=DEADLINE) for _ in range(20)]

    for number in range(20):
        echo.tell(number)

    assert [future.result(DEADLINE) for future in asked] == list(range(20))


def test_a_future_of_a_message_comes_to_none_when_the_call_s_time_is_over(echo: Any) -> None:
    assert echo.listen.background()(timeout=0.05).result(DEADLINE) is None


def test_a_cancelled_future_takes_no_message(echo: Any) -> None:
    future = echo.listen.background()()

    assert future.cancel()
    echo.tell("for another")

    assert echo.listen(DEADLINE) == "for another"
    assert future.cancelled()
    assert future.done()
    with pytest.raises(futures.CancelledError):
        future.result()
    with pytest.raises(futures.CancelledError):
        future.exception()
    assert echo.is_alive


def test_cancelling_the_future_of_a_run_kills_the_process(tmp_path: Any) -> None:
    path = tmp_path / "pid"
    process = Unstoppable(str(path))
    future = process.run.background()()
    assert eventually(path.exists)

    assert future.cancel()

    assert process.wait(DEADLINE)
    assert eventually(lambda: not psutil.pid_exists(int(path.read_text())))


def test_callbacks_are_called_once_and_not_in_the_io_thread(echo: Any) -> None:
    future = echo.result.background()()
    threads: list[str] = []
    called = threading.Event()

    def callback(done: futures.Future[Any]) -> None:
        assert done.result() == "ended"
        threads.append(threading.current_thread().name)
        called.set()

    future.add_done_callback(callback)
    echo.tell("end")

    assert called.wait(DEADLINE)
    assert threads == ["suitkaise-callbacks"]
    future.add_done_callback(callback)
    assert threads[1:] == [threading.current_thread().name]


def test_a_callback_that_blocks_keeps_no_other_from_its_turn(echo: Any) -> None:
    release, called = threading.Event(), threading.Event()
    future = echo.result.background()()
    others = [echo.wait.background()() for _ in range(3)]
    future.add_done_callback(lambda _: release.wait(DEADLINE))
    for other in others:
        other.add_done_callback(lambda _: called.set())

    echo.tell("end")

    assert called.wait(DEADLINE)
    assert Quick(1).run() == 1, "the engine goes on too"
    release.set()


def test_a_callback_that_fails_is_logged_and_the_next_is_called(
    echo: Any, caplog: pytest.LogCaptureFixture
) -> None:
    called = threading.Event()
    future = echo.wait.background()()
    future.add_done_callback(lambda _: 1 / 0)
    future.add_done_callback(lambda _: called.set())

    echo.tell("end")

    assert called.wait(DEADLINE)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "return_when", [futures.ALL_COMPLETED, futures.FIRST_COMPLETED, futures.FIRST_EXCEPTION]
)
def test_futures_can_be_waited_for_together(return_when: str) -> None:
    asked = [Quick(number).run.background()() for number in range(8)]
    asked.append(Quick(ValueError()).run.background()())

    done, rest = futures.wait(asked, DEADLINE, return_when)

    assert done | rest == set(asked)
    if return_when == futures.ALL_COMPLETED:
        assert not rest
    elif return_when == futures.FIRST_EXCEPTION:
        assert asked[-1] in done
    else:
        assert done
    assert not futures.wait(asked, DEADLINE).not_done


def test_futures_come_as_they_are_completed() -> None:
    asked = [Quick(number).run.background()() for number in range(8)]

    values = [future.result() for future in futures.as_completed(asked, DEADLINE)]

    assert sorted(values) == list(range(8))


def test_waiting_together_has_a_timeout(sleeper: Any) -> None:
    asked = [sleeper.result.background()(), Quick(1).run.background()()]

    futures.wait(asked[1:], DEADLINE)
    done, rest = futures.wait(asked, 0.05)

    assert (done, rest) == ({asked[1]}, {asked[0]})
    asked[0].cancel()
    assert futures.wait(asked, DEADLINE).done == set(asked)


def test_waiting_together_never_misses_a_future_that_comes_meanwhile(echo: Any) -> None:
    for _ in range(300):
        asked = [echo.listen.background()() for _ in range(4)]
        for number in range(4):
            echo.tell(number)
        assert not futures.wait(asked, DEADLINE).not_done
        asked = [echo.listen.background()() for _ in range(4)]
        for number in range(4):
            echo.tell(number)
        assert len(list(futures.as_completed(asked, DEADLINE))) == 4


def test_a_future_is_completed_by_nobody_else(echo: Any) -> None:
    future = echo.wait.background()()

    with pytest.raises(futures.InvalidStateError):
        future.set_result(True)
    with pytest.raises(futures.InvalidStateError):
        future.set_exception(ValueError())
    with pytest.raises(futures.InvalidStateError):
        future.set_running_or_notify_cancel()
    with pytest.raises(TypeError, match="cannot travel"):
        pickle.dumps(future)


def test_a_future_can_be_awaited_through_asyncio(echo: Any) -> None:
    async def main() -> str:
        future = asyncio.wrap_future(echo.result.background()())
        given_up = asyncio.wrap_future(echo.listen.background()())
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        echo.tell("message")
        assert await echo.listen.asynced()() == "message"
        echo.tell("end")
        result: str = await future
        return result

    assert asyncio.run(asyncio.wait_for(main(), DEADLINE)) == "ended"


def test_many_futures_add_no_thread(echo: Any) -> None:
    before = threading.active_count()

    asked = [echo.result.background()() for _ in range(2000)]
    echo.tell("end")

    assert [future.result(DEADLINE) for future in asked] == ["ended"] * 2000
    assert threading.active_count() == before


def test_a_future_that_is_done_is_let_go(echo: Any) -> None:
    future = echo.listen.timeout(1000).background()()
    echo.tell("message")
    assert future.result(DEADLINE) == "message"
    gone = weakref.ref(future)

    del future

    assert eventually(lambda: gc.collect() >= 0 and gone() is None)


# -- asynced, in whatever loop


def in_asyncio(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return asyncio.run(main())


def in_uvloop(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    uvloop = pytest.importorskip("uvloop")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


def in_trio(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    trio = pytest.importorskip("trio")
    return trio.run(main)


LOOPS = [in_asyncio, in_uvloop, in_trio]
run_in = pytest.mark.parametrize("run", LOOPS)


@run_in
def test_every_method_can_be_awaited(run: Any) -> None:
    async def main() -> None:
        assert await Quick(7).run.asynced()() == 7
        echo = Echo()
        echo.start()
        echo.tell("hello")
        assert await echo.listen.asynced()() == "hello"
        assert await echo.listen.asynced()(timeout=0.02) is None
        assert await echo.wait.asynced()(timeout=0.02) is False
        assert await echo.wait.asynced()(0) is False
        with pytest.raises(ResultTimeoutError):
            await echo.result.asynced().timeout(0.02)()
        echo.tell("end")
        assert await echo.result.timeout(DEADLINE).asynced()() == "ended"
        assert await echo.wait.asynced()() is True
        with pytest.raises(ProcessError, match="nothing more"):
            await echo.listen.asynced()()
        with pytest.raises(RunError):
            await Quick(ValueError()).run.asynced()()

    run(main)


@run_in
def test_a_run_that_is_over_its_timeout_is_killed_when_awaited(run: Any) -> None:
    process = Sleeper()

    async def main() -> None:
        with pytest.raises(ResultTimeoutError):
            await process.run.asynced().timeout(0.5)()

    run(main)

    assert process.wait(DEADLINE)


def test_no_loop_is_said_to_be_missing(echo: Any) -> None:
    coroutine = echo.wait.asynced()()

    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)


def test_two_thousand_awaits_on_twenty_processes_add_no_thread() -> None:
    processes = [Echo() for _ in range(20)]
    for process in processes:
        process.start()
    before = threading.active_count()
    most = 0

    async def main() -> list[bool]:
        nonlocal most
        awaited = [
            asyncio.ensure_future(process.wait.asynced()())
            for _ in range(100)
            for process in processes
        ]
        await asyncio.sleep(0)
        most = threading.active_count()
        for process in processes:
            process.tell("end")
        done = await asyncio.gather(*awaited)
        most = max(most, threading.active_count())
        return list(done)

    done = asyncio.run(asyncio.wait_for(main(), DEADLINE))

    assert done == [True] * 2000
    assert most == before


def test_many_tasks_that_listen_get_every_message_once(echo: Any) -> None:
    async def main() -> list[int]:
        heard = [asyncio.ensure_future(echo.listen.asynced()()) for _ in range(200)]
        await asyncio.sleep(0)
        for number in range(200):
            echo.tell(number)
        return list(await asyncio.gather(*heard))

    assert sorted(asyncio.run(asyncio.wait_for(main(), DEADLINE))) == list(range(200))


@pytest.mark.parametrize("method", ["wait", "result", "listen"])
def test_cancelling_an_await_only_stops_waiting(echo: Any, method: str) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(getattr(echo, method).asynced()())
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        echo.tell("not lost")
        assert await echo.listen.asynced()() == "not lost"

    asyncio.run(asyncio.wait_for(main(), DEADLINE))
    assert echo.is_alive
    assert not echo._end.news._watches


def test_cancelling_the_await_of_a_run_kills_the_process(tmp_path: Any) -> None:
    path = tmp_path / "pid"
    process = Unstoppable(str(path))

    async def main() -> None:
        task = asyncio.ensure_future(process.run.asynced()())
        while not path.exists():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(main(), DEADLINE))

    assert process.wait(DEADLINE)
    assert eventually(lambda: not psutil.pid_exists(int(path.read_text())))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancel_scopes_of_anyio_work(backend: str) -> None:
    anyio = pytest.importorskip("anyio")
    pytest.importorskip(backend)
    echo, sleeper = Echo(), Sleeper()
    echo.start()

    async def main() -> None:
        with anyio.move_on_after(0.05) as scope:
            await echo.result.asynced()()
        assert scope.cancelled_caught
        with anyio.move_on_after(0.5) as scope:
            await sleeper.run.asynced()()
        assert scope.cancelled_caught
        heard: list[int] = []

        async def hear() -> None:
            heard.append(await echo.listen.asynced()())

        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(hear)
                echo.tell(number)
        assert sorted(heard) == list(range(20))
        echo.tell("end")
        with anyio.fail_after(DEADLINE):
            assert await echo.result.asynced()() == "ended"

    anyio.run(main, backend=backend)

    assert sleeper.wait(DEADLINE)
    assert sleeper.result() is None


# -- in the process


def light_child() -> Any:
    """Make a class that travels by value, whose process does what it is told by name."""

    class Child(Skprocess):
        def __init__(self, what: str) -> None:
            self.what = what
            self.process_config.runs = 1

        def __run__(self) -> None:
            self.heard = getattr(self, self.what)()

        def __result__(self) -> Any:
            return self.heard

        def timeout(self) -> Any:
            heard = []
            try:
                self.listen.timeout(0.05)()
            except TimeoutError as error:
                heard.append(type(error).__name__)
            self.tell("now")
            heard.append(self.listen.timeout(60)())
            heard.append(self.listen.timeout(60)(timeout=0.01))
            return heard

        def background(self) -> Any:
            asked = [self.listen.background()() for _ in range(5)]
            given_up = self.listen.background()()
            given_up.cancel()
            late = self.listen.background().timeout(0.05)(timeout=60)
            assert isinstance(late.exception(60), TimeoutError)
            self.tell("now")
            heard = [future.result(60) for future in asked]
            assert self.listen.background()(timeout=0.01).result(60) is None
            return heard, given_up.cancelled()

        def in_asyncio(self) -> Any:
            import asyncio

            async def main() -> Any:
                tasks = [asyncio.ensure_future(self.listen.asynced()()) for _ in range(5)]
                cancelled = asyncio.ensure_future(self.listen.asynced()())
                await asyncio.sleep(0.02)
                cancelled.cancel()
                assert await self.listen.asynced()(timeout=0.01) is None
                self.tell("now")
                return sorted(await asyncio.gather(*tasks))

            return asyncio.run(main())

        def in_trio(self) -> Any:
            import trio

            heard = []

            async def hear() -> None:
                heard.append(await self.listen.asynced()())

            async def main() -> Any:
                with trio.move_on_after(0.02):
                    await self.listen.asynced()()
                async with trio.open_nursery() as nursery:
                    for _ in range(5):
                        nursery.start_soon(hear)
                    self.tell("now")
                return sorted(heard)

            return trio.run(main)

        def until_stop(self) -> Any:
            import asyncio

            asked = self.listen.background()()
            self.tell("now")
            heard = [asyncio.run(self.listen.asynced()()), asked.result(60)]
            return [*heard, self.listen.timeout(60)()]

        def refused(self) -> Any:
            from suitkaise.processing import ProcessError

            errors = []
            for method in (self.wait, self.result):
                try:
                    method.timeout(1)()
                except ProcessError as error:
                    errors.append(str(error))
            return errors

    return Child


Child = light_child()


def told(process: Any, *data: Any) -> Any:
    process.start()
    assert process.listen(DEADLINE) == "now"
    for thing in data:
        process.tell(thing)
    return process.result.timeout(DEADLINE)()


def test_a_process_listens_with_a_modifier_s_timeout() -> None:
    assert told(Child("timeout"), "data") == ["ResultTimeoutError", "data", None]


def test_a_process_listens_in_the_background() -> None:
    assert told(Child("background"), *range(5)) == (list(range(5)), True)


def test_a_process_listens_in_an_event_loop() -> None:
    assert told(Child("in_asyncio"), *range(5)) == list(range(5))
    pytest.importorskip("trio")
    assert told(Child("in_trio"), *range(5)) == list(range(5))


def test_a_stop_ends_all_listening_in_a_process() -> None:
    process = Child("until_stop")
    process.start()
    assert process.listen(DEADLINE) == "now"

    process.stop()

    assert process.result.timeout(DEADLINE)() == [None, None, None]


def test_waiting_for_itself_is_refused_in_a_process() -> None:
    errors = Child("refused").run.timeout(DEADLINE)()

    assert len(errors) == 2
    assert all("is for the parent" in error for error in errors)


# -- more than one loop


def test_a_loop_that_was_closed_meanwhile_disturbs_nobody(echo: Any) -> None:
    loop = asyncio.new_event_loop()
    task = loop.create_task(echo.wait.asynced()())
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()

    echo.tell("end")

    assert echo.wait(DEADLINE)
    assert Quick(2).run() == 2
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del task


def test_a_process_can_be_awaited_in_several_loops_at_once(echo: Any) -> None:
    results: list[Any] = []

    async def main() -> None:
        results.append(await echo.result.asynced()())

    other = in_uvloop if importlib.util.find_spec("uvloop") else in_asyncio
    threads = [threading.Thread(target=run, args=(main,)) for run in (in_asyncio, other) * 2]
    for thread in threads:
        thread.start()
    echo.tell("end")
    for thread in threads:
        thread.join(DEADLINE)

    assert results == ["ended"] * 4
