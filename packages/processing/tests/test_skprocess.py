from __future__ import annotations

import os
import signal
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import psutil
import pytest

from suitkaise.cucumber import SerializationError
from suitkaise.processing import (
    ErrorHandlerError,
    OnFinishError,
    PostRunError,
    PreRunError,
    ProcessDiedError,
    ProcessError,
    ProcessTimeoutError,
    ResultError,
    RunError,
    Skprocess,
)

DEADLINE = 60.0


class Recorder(Skprocess):
    """Records which hooks ran, and returns the record."""

    def __init__(self, runs: int | None = 1, lives: int = 1, fail_at: str = "") -> None:
        self.record: list[str] = []
        self.fail_at = fail_at
        self.process_config.runs = runs
        self.process_config.lives = lives

    def _note(self, hook: str) -> None:
        self.record.append(f"{hook} {self.current_run}")
        if self.fail_at == hook:
            raise ValueError(f"wrong in {hook}")

    def __prerun__(self) -> None:
        self._note("prerun")

    def __run__(self) -> None:
        self._note("run")

    def __postrun__(self) -> None:
        self._note("postrun")

    def __onfinish__(self) -> None:
        self._note("onfinish")

    def __result__(self) -> Any:
        self._note("result")
        return self.record


class Echo(Skprocess):
    def __run__(self) -> None:
        self.tell(self.listen())


class Sleeper(Skprocess):
    def __run__(self) -> None:
        self.tell(os.getpid())
        time.sleep(1000)


class Quick(Skprocess):
    def __init__(self, result: Any = None) -> None:
        self.value = result
        self.process_config.runs = 1

    def __run__(self) -> None:
        pass

    def __result__(self) -> Any:
        return self.value


def ended(process: Skprocess) -> bool:
    return process.wait(timeout=DEADLINE)


# -- the lifecycle


def test_hooks_run_in_order() -> None:
    assert Recorder(runs=2).run() == [
        "prerun 0",
        "run 0",
        "postrun 0",
        "prerun 1",
        "run 1",
        "postrun 1",
        "onfinish 2",
        "result 2",
    ]


def test_the_specification_s_first_example_holds() -> None:
    class MyProcess(Skprocess):
        def __init__(self) -> None:
            self.counter = 0
            self.process_config.runs = 10

        def __run__(self) -> None:
            self.counter += 1

        def __result__(self) -> int:
            return self.counter

    process = MyProcess()
    process.start()
    process.wait()

    assert process.result() == 10
    assert process.counter == 0, "the parent's object keeps its own attributes"


def test_the_process_is_another_one() -> None:
    class Where(Quick):
        def __result__(self) -> int:
            return os.getpid()

    assert Where().run() != os.getpid()


class Mixin:
    def __prerun__(self) -> None:
        self.trace = ["mixin"]

    @property
    def double(self) -> int:
        return 2 * self.base  # type: ignore[attr-defined, no-any-return]


class Parent(Skprocess):
    base = 1

    def __run__(self) -> None:
        self.trace: list[Any] = [*self.trace, "parent"]

    @staticmethod
    def triple(number: int) -> int:
        return 3 * number


class Offspring(Mixin, Parent):
    __slots__ = ("slotted",)

    def __init__(self) -> None:
        self.process_config.runs = 1
        self.base = 5
        self.slotted = "slot"

    def __run__(self) -> None:
        super().__run__()
        self.__private()

    def __private(self) -> None:
        self.trace.append(self.triple(self.double))

    def __result__(self) -> Any:
        return self.trace, self.slotted


def test_inheritance_works_as_in_any_class() -> None:
    process = Offspring()

    assert process.run() == (["mixin", "parent", 30], "slot")
    assert process.__prerun__.timer.num_times == 1  # type: ignore[attr-defined]


def test_a_hook_called_by_hand_is_an_ordinary_method() -> None:
    process = Recorder()

    process.__run__()

    assert process.record == ["run 0"]
    assert process.__run__.timer is None  # type: ignore[attr-defined]


def test_a_process_without_result_returns_none() -> None:
    class Silent(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __postrun__(self) -> None:
            pass

    assert Silent().run() is None


def test_a_class_with_nothing_to_run_is_refused_at_the_start() -> None:
    class Idle(Skprocess):
        def __onfinish__(self) -> None:
            pass

    with pytest.raises(TypeError, match=r"Idle.*__run__"):
        Idle().start()


def test_a_config_that_makes_no_sense_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="runs is 0"):
        Recorder(runs=0).start()


def test_an_attribute_that_cannot_travel_is_refused_at_the_start() -> None:
    process = Quick(zlib.compressobj())

    with pytest.raises(SerializationError, match=r"Quick: cannot serialise \.value \(zlib"):
        process.start()

    assert not process.is_alive


@pytest.mark.parametrize("method", ["wait", "result", "listen", "stop", "kill"])
def test_a_process_that_was_not_started_says_so(method: str) -> None:
    process = Quick()

    with pytest.raises(ProcessError, match=r"not started: call start\(\) or run\(\) first"):
        getattr(process, method)()

    with pytest.raises(ProcessError, match="not started"):
        process.tell(1)
    assert (process.is_alive, process.timers, process.error, process.current_run) == (
        False,
        None,
        None,
        0,
    )


def test_a_process_starts_once() -> None:
    process = Quick()
    process.run()

    with pytest.raises(ProcessError, match="started before"):
        process.start()


def test_the_result_is_the_same_object_every_time() -> None:
    process = Quick([1, 2])
    process.start()

    assert process.result() is process.result()


def test_a_result_that_cannot_travel_is_a_result_error() -> None:
    class Frame(Quick):
        def __result__(self) -> Any:
            return zlib.compressobj()

    with pytest.raises(ResultError, match="Compress"):
        Frame().run()


class OnlyThere:
    """Cannot be rebuilt in the process that sent it."""

    def __init__(self, home: int) -> None:
        self.home = home

    def __reduce__(self) -> tuple[Any, ...]:
        return (rebuild_elsewhere, (os.getpid(), self.home))


def rebuild_elsewhere(sender: int, home: int) -> OnlyThere:
    if os.getpid() == home:
        raise RuntimeError("not in here")
    return OnlyThere(home)


def test_a_result_that_cannot_be_rebuilt_is_a_result_error() -> None:
    process = Quick(OnlyThere(home=os.getpid()))

    with pytest.raises(ResultError, match="not in here"):
        process.run()


def test_an_object_that_cannot_be_rebuilt_in_the_child_is_an_error() -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (int, ("no number",))

    with pytest.raises(ProcessError, match="no number"):
        Quick(Bomb()).run()


# -- stopping


def test_stop_lets_the_section_finish_and_the_result_come() -> None:
    process = Echo()
    process.start()
    process.tell("hello")
    assert process.listen(timeout=DEADLINE) == "hello"

    process.stop()

    assert ended(process)
    assert process.result() is None
    assert not process.is_alive


def test_stop_from_inside_counts_the_iteration_when_it_comes_in_postrun() -> None:
    class Limited(Recorder):
        def __postrun__(self) -> None:
            super().__postrun__()
            if self.current_run == 2:
                self.stop()

    record = Limited(runs=None).run()

    assert record[-3:] == ["postrun 2", "onfinish 3", "result 3"]


def test_stop_from_inside_skips_the_rest_of_the_iteration() -> None:
    class Limited(Recorder):
        def __run__(self) -> None:
            super().__run__()
            self.stop()

    assert Limited(runs=None).run() == ["prerun 0", "run 0", "onfinish 0", "result 0"]


def test_stop_before_the_first_section_makes_no_run() -> None:
    class Held(Recorder):
        def __getstate__(self) -> dict[str, Any]:
            return self.__dict__

        def __setstate__(self, state: dict[str, Any]) -> None:
            self.__dict__.update(state)
            deadline = time.monotonic() + DEADLINE
            while not Path(state["gate"]).exists() and time.monotonic() < deadline:
                time.sleep(0.005)

    gate = Path(os.environ.get("TMPDIR", "/tmp")) / f"gate-{os.getpid()}-{time.monotonic_ns()}"
    process = Held(runs=None)
    process.gate = str(gate)  # type: ignore[attr-defined]
    process.start()
    process.stop()
    gate.touch()
    try:
        assert process.result() == ["onfinish 0", "result 0"]
    finally:
        gate.unlink()


def test_join_in_acts_like_a_stop_at_its_moment() -> None:
    class Listening(Skprocess):
        def __init__(self) -> None:
            self.process_config.join_in = 0.05

        def __run__(self) -> None:
            self.listen()

        def __result__(self) -> str:
            return "stopped"

    assert Listening().run() == "stopped"


def test_kill_ends_it_without_a_result_or_an_error() -> None:
    process = Sleeper()
    process.start()
    pid = process.listen(timeout=DEADLINE)

    process.kill()

    assert ended(process)
    assert process.result() is None
    assert process.error is None
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"


def test_kill_takes_what_the_process_has_started_along() -> None:
    class Starter(Skprocess):
        def __run__(self) -> None:
            import subprocess

            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
            self.tell(child.pid)
            inner = Sleeper()
            inner.start()
            self.tell(inner.listen())
            time.sleep(1000)

    process = Starter()
    process.start()
    children = [psutil.Process(process.listen(timeout=DEADLINE)) for _ in range(2)]

    process.kill()

    assert ended(process)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def test_killing_one_that_has_ended_changes_nothing() -> None:
    process = Quick(7)
    process.run()

    process.kill()

    assert process.result() == 7


def test_waiting_gives_up_at_its_timeout() -> None:
    process = Sleeper()
    process.start()

    assert process.wait(0) is False
    assert process.wait(timeout=0.05) is False
    assert process.is_alive

    process.kill()
    assert ended(process)
    assert process.wait(0) is True


def test_many_threads_can_wait_for_the_same_result() -> None:
    process = Echo()
    process.process_config.runs = 1
    process.start()
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(process.result())) for _ in range(8)]
    for thread in threads:
        thread.start()

    process.tell("go")

    for thread in threads:
        thread.join(DEADLINE)
    assert results == [None] * 8


# -- talking


def test_what_is_told_arrives_in_order_and_whole() -> None:
    process = Echo()
    process.start()
    messages = [*range(200), b"x" * 3_000_000, {"nested": [1, {2}]}]

    for message in messages:
        process.tell(message)

    assert [process.listen(timeout=DEADLINE) for _ in messages] == messages
    process.kill()


def test_what_was_told_before_the_end_is_heard_after_it() -> None:
    class Chatty(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 100

        def __run__(self) -> None:
            self.tell(self.current_run)

    process = Chatty()
    process.start()
    assert ended(process)

    assert [process.listen() for _ in range(100)] == list(range(100))
    with pytest.raises(ProcessError, match="nothing more will come"):
        process.listen()
    assert process.listen(timeout=0.01) is None
    with pytest.raises(ProcessError, match="has ended"):
        process.tell(1)


def test_listening_ends_when_the_process_does() -> None:
    process = Sleeper()
    process.start()
    process.listen(timeout=DEADLINE)
    heard: list[Any] = []

    def listen() -> None:
        try:
            process.listen()
        except ProcessError as error:
            heard.append(error)

    threads = [threading.Thread(target=listen) for _ in range(3)]
    for thread in threads:
        thread.start()

    process.kill()

    for thread in threads:
        thread.join(DEADLINE)
    assert len(heard) == 3


def test_a_process_listens_with_a_timeout() -> None:
    class Patient(Quick):
        def __run__(self) -> None:
            self.value = [self.listen(timeout=0.01), self.listen(timeout=0)]

    assert Patient().run() == [None, None]


def test_threads_of_the_process_may_talk_too() -> None:
    class Threaded(Skprocess):
        def __init__(self) -> None:
            self.process_config.runs = 1

        def __run__(self) -> None:
            threads = [
                threading.Thread(target=lambda: [self.tell(self.listen()) for _ in range(50)])
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    process = Threaded()
    process.start()
    for number in range(200):
        process.tell(number)

    assert sorted(process.listen(timeout=DEADLINE) for _ in range(200)) == list(range(200))
    assert ended(process)


def test_control_from_inside_is_refused_with_the_remedy() -> None:
    class Confused(Quick):
        def __run__(self) -> None:
            self.value = []
            for call in (self.start, self.run, self.wait, self.result, self.kill):
                try:
                    call()  # type: ignore[operator]
                except ProcessError as error:
                    self.value.append(str(error))

    messages = Confused().run()

    assert len(messages) == 5
    assert all("started before" in text or "stop()" in text for text in messages)


# -- failing


@pytest.mark.parametrize(
    ("hook", "kind", "run"),
    [
        ("prerun", PreRunError, 0),
        ("run", RunError, 0),
        ("postrun", PostRunError, 0),
        ("onfinish", OnFinishError, 1),
        ("result", ResultError, 1),
    ],
)
def test_each_section_has_its_error(hook: str, kind: type[ProcessError], run: int) -> None:
    process = Recorder(fail_at=hook)

    with pytest.raises(kind, match=rf"Recorder\.__{hook}__ failed.*ValueError: wrong in") as caught:
        process.run()

    error = caught.value
    assert type(error) is kind
    assert error.current_run == run
    assert type(error.original_error) is ValueError
    assert error.original_error.args == (f"wrong in {hook}",)
    assert error.__cause__ is error.original_error
    assert process.error is error


def test_the_remote_traceback_comes_along() -> None:
    with pytest.raises(RunError) as caught:
        Recorder(fail_at="run").run()

    original = caught.value.original_error
    assert original is not None
    remote = str(original.__cause__)
    assert "in __run__" in remote
    assert 'self._note("run")' in remote
    assert "_runner.py" not in remote


def test_an_exception_crosses_whole() -> None:
    class Odd(Exception):
        def __init__(self, code: int, *, hint: str) -> None:
            super().__init__(f"code {code}")
            self.code = code
            self.hint = hint

    class Failing(Quick):
        def __run__(self) -> None:
            try:
                raise KeyError("inner")
            except KeyError as inner:
                error = Odd(3, hint="look there")
                error.add_note("a note")
                raise error from inner

    with pytest.raises(RunError) as caught:
        Failing().run()

    error = caught.value.original_error
    assert type(error) is Odd
    assert (error.code, error.hint, str(error)) == (3, "look there", "code 3")
    assert error.__notes__ == ["a note"]
    assert isinstance(error.__cause__, KeyError)
    assert "Odd: code 3" in str(error.__cause__.__cause__)


def test_an_exception_that_cannot_travel_is_described() -> None:
    class Failing(Quick):
        def __run__(self) -> None:
            error = ValueError("holds a compressor")
            error.compressor = zlib.compressobj()  # type: ignore[attr-defined]
            raise error

    with pytest.raises(RunError, match="holds a compressor") as caught:
        Failing().run()

    assert "cannot travel" in caught.value.__notes__[0]


def test_the_same_error_is_raised_every_time() -> None:
    process = Recorder(fail_at="run")
    process.start()
    caught = []
    for _ in range(2):
        with pytest.raises(RunError) as info:
            process.result()
        caught.append(info.value)

    assert caught[0] is caught[1]


def test_a_life_repeats_the_iteration_with_what_the_object_has_become() -> None:
    class Stubborn(Recorder):
        def __run__(self) -> None:
            super().__run__()
            if len(self.record) < 5:
                raise ValueError("not yet")

    assert Stubborn(runs=1, lives=3).run() == [
        "prerun 0",
        "run 0",
        "prerun 0",
        "run 0",
        "prerun 0",
        "run 0",
        "postrun 0",
        "onfinish 1",
        "result 1",
    ]


def test_the_error_handler_s_value_is_the_result() -> None:
    class Handling(Recorder):
        def __error__(self) -> Any:
            return {"failed": type(self.error).__name__}

    process = Handling(fail_at="run")

    assert process.run() == {"failed": "RunError"}
    assert isinstance(process.error, RunError)
    assert str(process.error.original_error) == "wrong in run"


def test_an_exception_returned_by_the_error_handler_is_raised() -> None:
    class Handling(Recorder):
        def __error__(self) -> Any:
            return LookupError("instead")

    process = Handling(fail_at="run")
    with pytest.raises(LookupError, match="instead"):
        process.run()
    assert isinstance(process.error, RunError)


def test_a_failing_error_handler_has_the_first_error_as_its_cause() -> None:
    class Handling(Recorder):
        def __error__(self) -> Any:
            raise KeyError("in the handler")

    with pytest.raises(ErrorHandlerError, match="in the handler") as caught:
        Handling(fail_at="run").run()

    assert isinstance(caught.value.__cause__, RunError)
    assert isinstance(caught.value.original_error, KeyError)


# -- dying


@pytest.mark.parametrize(
    ("death", "exitcode", "words"),
    [
        (lambda: os._exit(3), 3, "status 3"),
        (lambda: sys.exit(4), 4, "status 4"),
        (lambda: sys.exit(), 0, "status 0"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), -9, "SIGKILL.*out of memory"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), -11, "SIGSEGV.*compiled code"),
    ],
)
def test_a_death_that_nobody_asked_for_is_an_error(death: Any, exitcode: int, words: str) -> None:
    class Dying(Quick):
        def __run__(self) -> None:
            death()

    with pytest.raises(ProcessDiedError, match=words) as caught:
        Dying().run()

    assert caught.value.exitcode == exitcode
    assert caught.value.current_run == 0
    assert (caught.value.signal_name is None) == (exitcode >= 0)


def test_a_death_with_a_life_left_resumes_at_the_last_run_boundary(tmp_path: Path) -> None:
    class Mortal(Skprocess):
        def __init__(self, marker: Path) -> None:
            self.marker = marker
            self.seen: list[int] = []
            self.process_config.runs = 5
            self.process_config.lives = 2

        def __run__(self) -> None:
            self.seen.append(self.current_run)
            if self.current_run == 3 and not self.marker.exists():
                self.marker.touch()
                os._exit(1)

        def __result__(self) -> list[int]:
            return self.seen

    assert Mortal(tmp_path / "died").run() == [0, 1, 2, 3, 4]


def test_a_section_that_runs_over_is_interrupted() -> None:
    class Slow(Skprocess):
        def __init__(self) -> None:
            self.process_config.timeouts.run = 0.05

        def __run__(self) -> None:
            time.sleep(1000)

    with pytest.raises(ProcessTimeoutError, match=r"Slow\.__run__") as caught:
        Slow().run()

    error = caught.value
    assert (error.section, error.timeout, error.current_run) == ("__run__", 0.05, 0)
    assert isinstance(error, TimeoutError)


def test_a_section_that_does_not_obey_its_timeout_is_killed() -> None:
    class Deaf(Skprocess):
        def __init__(self) -> None:
            self.process_config.timeouts.run = 0.05

        def __run__(self) -> None:
            sum(range(10**15))

    with pytest.raises(ProcessTimeoutError, match=r"Deaf\.__run__"):
        Deaf().run()


# -- time


def test_every_section_is_timed() -> None:
    process = Recorder(runs=3)
    process.run()

    timers = process.timers
    assert timers is not None
    for timer in (timers.prerun, timers.run, timers.postrun, timers.full_run):
        assert timer is not None
        assert timer.num_times == 3
    for timer in (timers.onfinish, timers.result):
        assert timer is not None
        assert timer.num_times == 1
    assert process.__run__.timer is timers.run  # type: ignore[attr-defined]
    assert process.process_timer is timers.full_run
    assert timers.full_run.total_time == pytest.approx(
        sum(timer.total_time for timer in (timers.prerun, timers.run, timers.postrun) if timer)
    )


def test_a_failed_section_is_not_recorded_but_the_others_are() -> None:
    process = Recorder(fail_at="run")
    with pytest.raises(RunError):
        process.run()

    timers = process.timers
    assert timers is not None
    assert timers.prerun is not None
    assert timers.run is not None
    assert (timers.prerun.num_times, timers.run.num_times) == (1, 0)
    assert timers.full_run.num_times == 0


def test_an_undefined_section_has_no_timer() -> None:
    process = Quick()
    process.run()

    assert process.timers is not None
    assert process.timers.prerun is None
    assert "run=1" in repr(process.timers)


# -- surroundings


def test_the_child_takes_over_the_surroundings_as_they_are_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Looking(Quick):
        def __result__(self) -> Any:
            return (str(Path.cwd()), os.environ.get("SUITKAISE_TEST"), sys.path[0], sys.argv[-1])

    Looking().run()  # the server is running by now
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUITKAISE_TEST", "after the server")
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "argv", [*sys.argv, "--last"])

    assert Looking().run() == (
        str(tmp_path.resolve()),
        "after the server",
        str(tmp_path / "modules"),
        "--last",
    )


def test_what_a_process_prints_appears_in_order(capfd: pytest.CaptureFixture[str]) -> None:
    class Printing(Quick):
        def __run__(self) -> None:
            print("out of the child")
            print("a word of error", file=sys.stderr)

    process = Printing()
    process.run()

    deadline = time.monotonic() + DEADLINE
    out, err = "", ""
    while "child" not in out or "error" not in err:
        assert time.monotonic() < deadline
        more_out, more_err = capfd.readouterr()
        out, err = out + more_out, err + more_err
    assert (out, err) == ("out of the child\n", "a word of error\n")


def test_processes_start_processes() -> None:
    class Outer(Quick):
        def __run__(self) -> None:
            self.value = Quick("from the innermost").run()

    assert Outer().run() == "from the innermost"


def test_its_repr_tells_its_state() -> None:
    process = Echo()
    assert repr(process) == "<Echo (not started)>"
    process.start()
    assert repr(process) == "<Echo (running, run=0, lives=1)>"
    process.stop()
    assert repr(process) in ("<Echo (stopping, run=0, lives=1)>", FINISHED)
    assert ended(process)
    assert repr(process) == FINISHED


FINISHED = "<Echo (finished, run=0, lives=1)>"


def test_its_repr_tells_how_it_ended_and_what_lives_it_took() -> None:
    class Inside(Recorder):
        def __result__(self) -> Any:
            return repr(self)

    failing, killed, dead = Recorder(runs=3, lives=2, fail_at="run"), Sleeper(), Exiting()
    inside = Inside(runs=2, lives=3).run()
    with pytest.raises(RunError):
        failing.run()
    with pytest.raises(ProcessDiedError):
        dead.run()
    killed.start()
    assert killed.listen(timeout=DEADLINE)
    killed.kill()
    assert ended(killed)

    assert inside == "<Inside (running, run=2, lives=3)>"
    assert repr(failing) == "<Recorder (failed, run=0, lives=0)>"
    assert repr(killed) == "<Sleeper (killed, run=0, lives=1)>"
    assert repr(dead) == "<Exiting (failed, run=0, lives=0)>"


class Exiting(Skprocess):
    def __run__(self) -> None:
        os._exit(3)


def test_in_a_notebook_it_is_its_repr_and_its_timers() -> None:
    process = Recorder(runs=3)
    before = process._repr_html_()
    process.run()

    after = process._repr_html_()

    assert "&lt;Recorder (not started)&gt;" in before
    assert "<table" not in before
    assert "&lt;Recorder (finished, run=3, lives=1)&gt;" in after
    for word in str(process.timers).split():
        assert word in after


def test_a_started_process_travels_as_a_copy_that_was_not_started() -> None:
    process = Quick(3)
    process.run()
    carrier = Quick(process)

    copy = carrier.run()

    assert repr(copy) == "<Quick (not started)>"
    assert copy.run() == 3
