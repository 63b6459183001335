"""What a child logs goes through the handlers of its parent."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from suitkaise.processing import Pool, ProcessDiedError, Skprocess

DEADLINE = 60.0

log = logging.getLogger("suitkaise.test")


class Keeping(logging.Handler):
    """Keeps the records that it is given, and who gave them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.threads: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.threads.add(threading.current_thread().name)
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


@contextlib.contextmanager
def keeping(logger: logging.Logger, level: int = logging.DEBUG) -> Iterator[Keeping]:
    handler, before = Keeping(), logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@pytest.fixture
def kept() -> Iterator[Keeping]:
    with keeping(log) as handler:
        yield handler


class Doing(Skprocess):
    """Does something once."""

    def __init__(self, action: Any) -> None:
        self.action = action
        self.process_config.runs = 1

    def __run__(self) -> None:
        self.value = self.action()

    def __result__(self) -> Any:
        return self.value


def logger() -> logging.Logger:
    return logging.getLogger("suitkaise.test")


def test_records_are_handled_in_the_parent_before_the_result_is_there(kept: Keeping) -> None:
    def act() -> int:
        for number in range(200):
            logger().info("number %d of %s", number, "many", extra={"number": number})
        return os.getpid()

    process = Doing(act)
    process.start()
    process.wait()

    assert kept.messages == [f"number {number} of many" for number in range(200)]
    record = kept.records[7]
    assert (record.name, record.levelno, record.levelname) == ("suitkaise.test", 20, "INFO")
    assert (record.msg, record.args, record.number) == (  # type: ignore[attr-defined]
        "number %d of %s",
        (7, "many"),
        7,
    )
    assert record.process == process.result() != os.getpid()
    assert str(record.processName).startswith("Doing-")
    assert (record.threadName, record.funcName) == ("MainThread", "act")
    assert abs(record.created - time.time()) < DEADLINE
    here = logging.makeLogRecord({})
    assert record.relativeCreated <= here.relativeCreated
    assert record.created - record.relativeCreated / 1000 == pytest.approx(
        here.created - here.relativeCreated / 1000, abs=0.01
    )
    assert kept.threads == {"suitkaise-logs"}, "users' handlers have a thread of their own"


def test_only_what_the_parent_s_levels_let_pass_is_sent() -> None:
    with keeping(log, logging.WARNING) as kept:
        Doing(lambda: (logger().debug("fine"), logger().warning("coarse"))).run()

    assert kept.messages == ["coarse"]


def test_records_of_a_process_that_dies_are_handled_first(kept: Keeping) -> None:
    def act() -> None:
        logger().error("about to die")
        os._exit(3)

    with pytest.raises(ProcessDiedError):
        Doing(act).run()

    assert kept.messages == ["about to die"]


def test_a_slow_handler_is_waited_for() -> None:
    class Slow(Keeping):
        def emit(self, record: logging.LogRecord) -> None:
            time.sleep(0.02)
            super().emit(record)

    slow = Slow()
    log.addHandler(slow)
    try:
        Doing(lambda: [logger().error(str(number)) for number in range(20)]).run()
        assert len(slow.records) == 20
        with Pool(2) as pool:
            pool.map(lambda number: logger().error(str(number)), range(20))
        assert len(slow.records) == 40
    finally:
        log.removeHandler(slow)


def test_a_handler_that_hangs_holds_up_a_result_for_seconds_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("suitkaise.processing._logs.GRACE", 0.3)
    gate = threading.Event()

    class Hanging(Keeping):
        def emit(self, record: logging.LogRecord) -> None:
            gate.wait(DEADLINE)
            super().emit(record)

    hanging = Hanging()
    log.addHandler(hanging)
    try:
        assert Doing(lambda: logger().error("stuck") or 5).run() == 5
        assert hanging.records == []
        gate.set()
        assert Doing(lambda: logger().error("free") or 6).run() == 6
        assert hanging.messages == ["stuck", "free"]
    finally:
        gate.set()
        log.removeHandler(hanging)


def test_an_exception_comes_as_text(kept: Keeping) -> None:
    def act() -> None:
        try:
            raise ValueError("no good")
        except ValueError:
            logger().exception("it failed", stack_info=True)

    Doing(act).run()

    (record,) = kept.records
    assert record.exc_info is None
    assert "ValueError: no good" in str(record.exc_text)
    assert "Stack (most recent call last)" in str(record.stack_info)
    assert "ValueError: no good" in logging.Formatter().format(record)


def test_arguments_that_travel_are_themselves_and_others_are_text(kept: Keeping) -> None:
    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

        def __repr__(self) -> str:
            return f"Point({self.x})"

    def act() -> list[int]:
        numbers = (n for n in range(3))
        logger().info("at %s", Point(3), extra={"point": Point(4)})
        logger().info("held by %s", threading.Lock(), extra={"lock": threading.Lock()})
        logger().info("numbers %s", numbers)
        logger().info("%(a)s and %(b)s", {"a": 1, "b": [2]})
        logger().info(Point(5))
        logger().info("too few: %s %s", 1)
        return list(numbers)

    previous, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        left = Doing(act).run()
    finally:
        logging.raiseExceptions = previous

    at, held, numbers, named, bare, wrong = kept.records
    assert (at.msg, at.getMessage()) == ("at %s", "at Point(3)")
    assert at.point.x == 4  # type: ignore[attr-defined]
    assert held.getMessage().startswith("held by <unlocked _thread.lock")
    assert held.lock.startswith("<unlocked _thread.lock")  # type: ignore[attr-defined]
    assert numbers.getMessage().startswith("numbers <generator object")
    assert left == [0, 1, 2], "logging a generator used it up"
    assert named.getMessage() == "1 and [2]"
    assert bare.getMessage() == "Point(5)"
    assert wrong.msg == "too few: %s %s"


def test_an_argument_that_cannot_be_rebuilt_here_is_text(kept: Keeping) -> None:
    class Stubborn:
        def __getstate__(self) -> dict[str, int]:
            return {"x": 1}

        def __setstate__(self, state: Any) -> None:
            raise RuntimeError("never")

        def __repr__(self) -> str:
            return "Stubborn()"

    Doing(lambda: logger().info("it is %s", Stubborn())).run()

    assert kept.messages == ["it is Stubborn()"]


def test_a_level_that_only_the_parent_has_named_has_its_name(kept: Keeping) -> None:
    logging.addLevelName(25, "NOTICE")

    Doing(lambda: logger().log(25, "mind this")).run()

    assert kept.records[0].levelname == "NOTICE"


def test_tasks_of_a_pool_log_too(kept: Keeping) -> None:
    with Pool(2) as pool:
        pool.map(lambda number: logger().info("item %d", number), range(50))

        assert sorted(kept.messages) == sorted(f"item {number}" for number in range(50))
        names = {str(record.processName) for record in kept.records}
        assert names <= {"PoolWorker-1", "PoolWorker-2"}

        class Logging(Skprocess):
            def __init__(self, number: int) -> None:
                self.number = number
                self.process_config.runs = 1

            def __run__(self) -> None:
                logger().info("process %d", self.number)

        kept.records.clear()
        pool.map(Logging, range(5))
        assert sorted(kept.messages) == [f"process {number}" for number in range(5)]


def test_a_record_passes_every_process_on_its_way_up(kept: Keeping) -> None:
    def act() -> int:
        inner = Doing(lambda: logger().info("from below") or os.getpid())
        pid: int = inner.run()
        logger().info("from the middle")
        return pid

    pid = Doing(act).run()

    assert kept.messages == ["from below", "from the middle"]
    assert kept.records[0].process == pid


def test_handlers_of_the_child_s_own_work_beside_the_parent_s(
    kept: Keeping, tmp_path: Path
) -> None:
    def act() -> None:
        logging.basicConfig(filename=tmp_path / "log", format="%(processName)s: %(message)s")
        logger().info("to both")

    Doing(act).run()

    assert kept.messages == ["to both"]
    name, message = (tmp_path / "log").read_text().split(": ")
    assert (name[:6], message) == ("Doing-", "to both\n")


def test_a_module_that_sets_up_logging_when_imported_has_each_record_once(tmp_path: Path) -> None:
    (tmp_path / "sets_up_logging.py").write_text(
        "import logging, logging.config\n"
        "logging.basicConfig(format='root: %(message)s')\n"
        "logging.config.dictConfig({'version': 1, 'disable_existing_loggers': False,\n"
        "    'formatters': {'f': {'format': 'app: %(message)s'}},\n"
        "    'handlers': {'h': {'class': 'logging.StreamHandler', 'formatter': 'f'}},\n"
        "    'loggers': {'app': {'handlers': ['h'], 'propagate': False}}})\n"
        "from suitkaise.processing import Skprocess\n"
        "class Work(Skprocess):\n"
        "    def __init__(self): self.process_config.runs = 1\n"
        "    def __run__(self):\n"
        "        logging.getLogger('other').error('one')\n"
        "        logging.getLogger('app').error('two')\n"
        "def task(n):\n"
        "    logging.getLogger('app').error('three')\n"
    )
    script = (
        "from sets_up_logging import Work, task\n"
        "from suitkaise.processing import Pool\n"
        "Work().run()\n"
        "with Pool(1) as pool:\n    pool.map(task, [0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )

    assert done.stderr == "root: one\napp: two\napp: three\n"


@pytest.mark.parametrize("kind", ["process", "pool"])
def test_forwarding_can_be_switched_off(
    kind: str, kept: Keeping, capfd: pytest.CaptureFixture[str]
) -> None:
    if kind == "process":
        process = Doing(lambda: logger().error("stays there"))
        process.process_config.forward_logs = False
        process.run()
    else:
        with Pool(1, forward_logs=False) as pool:
            pool.map(lambda _: logger().error("stays there"), [0])

    assert kept.records == []
    assert "stays there" in capfd.readouterr().err, "Python's last resort"


def test_a_switch_that_is_none_is_refused() -> None:
    process = Doing(None)
    process.process_config.forward_logs = "no"  # type: ignore[assignment]

    with pytest.raises(ValueError, match="forward_logs is 'no'"):
        process.start()


def test_threads_that_log_at_once_lose_nothing(kept: Keeping) -> None:
    def act() -> None:
        def write(name: int) -> None:
            for number in range(300):
                logger().info("%d %d %s", name, number, "x" * 500)

        threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    Doing(act).run()

    by_thread = [[r.args[1] for r in kept.records if r.args[0] == n] for n in range(4)]  # type: ignore[index]
    assert by_thread == [list(range(300))] * 4


def test_logging_in_a_signal_handler_while_logging_spoils_nothing(kept: Keeping) -> None:
    def act() -> int:
        import signal

        hits = []

        def on_signal(*_: object) -> None:
            hits.append(None)
            logger().info("signal")

        signal.signal(signal.SIGUSR1, on_signal)
        stop = threading.Event()

        def send() -> None:
            while not stop.wait(0.001):
                os.kill(os.getpid(), signal.SIGUSR1)

        sender = threading.Thread(target=send)
        sender.start()
        for _ in range(500):
            logger().info("x" * 20_000)
        stop.set()
        sender.join()
        return len(hits)

    hits = Doing(act).run()

    assert kept.messages.count("x" * 20_000) == 500
    assert kept.messages.count("signal") == hits > 0


def test_a_fork_of_a_child_does_not_write_into_its_channel(kept: Keeping) -> None:
    def act() -> None:
        pid = os.fork()
        if pid == 0:
            for _ in range(100):
                logger().info("x" * 10_000)
            os._exit(0)
        for _ in range(100):
            logger().info("y" * 10_000)
        os.waitpid(pid, 0)

    Doing(act).run()

    assert kept.messages == ["y" * 10_000] * 100


def test_a_filter_that_fails_hurts_no_other_record(kept: Keeping) -> None:
    caught: queue.SimpleQueue[Any] = queue.SimpleQueue()
    previous, threading.excepthook = threading.excepthook, caught.put

    def refuse(record: logging.LogRecord) -> bool:
        if record.getMessage() == "bad":
            raise RuntimeError("a filter of mine")
        return True

    log.addFilter(refuse)
    try:
        Doing(lambda: (logger().info("bad"), logger().info("good"))).run()
    finally:
        log.removeFilter(refuse)
        threading.excepthook = previous

    assert kept.messages == ["good"]
    assert str(caught.get(timeout=DEADLINE).exc_value) == "a filter of mine"


def test_records_are_handled_before_the_program_ends(tmp_path: Path) -> None:
    script = (
        "import logging, time\n"
        "from suitkaise.processing import Skprocess\n"
        "class Slow(logging.StreamHandler):\n"
        "    def emit(self, record):\n"
        "        time.sleep(0.02)\n"
        "        super().emit(record)\n"
        "logging.getLogger().addHandler(Slow())\n"
        "class Work(Skprocess):\n"
        "    def __run__(self):\n"
        "        for number in range(20):\n"
        "            logging.error('number %d', number)\n"
        "        self.tell('logged')\n"
        "        time.sleep(1000)\n"
        "work = Work()\n"
        "work.start()\n"
        "work.listen()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=DEADLINE, check=True
    )

    assert done.stderr == "".join(f"number {number}\n" for number in range(20))


def test_without_any_handler_a_warning_goes_to_standard_error_once() -> None:
    script = (
        "import logging\n"
        "from suitkaise.processing import Pool\n"
        "with Pool(1) as pool:\n"
        "    pool.map(logging.getLogger('some').warning, ['careful'])\n"
        "    pool.map(logging.getLogger('some').info, ['never mind'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=DEADLINE, check=True
    )

    assert done.stderr == "careful\n"


def test_logging_while_cleaning_up_after_the_parent_ends_no_process(tmp_path: Path) -> None:
    script = (
        "import logging, os, signal, sys, time\n"
        "from suitkaise.processing import Skprocess\n"
        "class Careful(Skprocess):\n"
        "    def __run__(self):\n"
        "        signal.signal(signal.SIGTERM, lambda *_: sys.exit())\n"
        "        try:\n"
        "            self.tell('ready')\n"
        "            time.sleep(1000)\n"
        "        finally:\n"
        "            logging.error('the end')\n"
        "            open('cleaned up', 'w').close()\n"
        "careful = Careful()\n"
        "careful.start()\n"
        "careful.listen()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, timeout=DEADLINE, check=False)

    deadline = time.monotonic() + DEADLINE
    while not (tmp_path / "cleaned up").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_there_is_no_thread_for_logs_before_there_are_any() -> None:
    script = (
        "import threading\n"
        "from suitkaise.processing import Pool\n"
        "with Pool(1) as pool:\n"
        "    pool.map(abs, [1])\n"
        "    print(sorted(thread.name for thread in threading.enumerate()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=DEADLINE, check=True
    )

    assert done.stdout == "['MainThread', 'suitkaise-io']\n"
