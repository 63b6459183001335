"""A child finds what its parent had at the call: folder, path, filters, levels, context."""

from __future__ import annotations

import asyncio
import decimal
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any

import pytest

from suitkaise.processing import Pool, Skprocess
from suitkaise.processing._caller_context import capture

DEADLINE = 60.0

Ask = Callable[[Callable[[], Any]], Any]


class Asking(Skprocess):
    """Calls a function in a process of its own."""

    def __init__(self, question: Callable[[], Any]) -> None:
        self.question = question
        self.process_config.runs = 1

    def __run__(self) -> None:
        self.answer = self.question()

    def __result__(self) -> Any:
        return self.answer


def ask_process(question: Callable[[], Any]) -> Any:
    return Asking(question).run()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(1, blas_threads=0) as pool:
        yield pool


@pytest.fixture(params=["process", "pool"])
def ask(request: pytest.FixtureRequest, pool: Pool) -> Ask:
    """Ask in a new process, or in a worker that has served others before."""
    if request.param == "process":
        return ask_process
    return lambda question: pool.map(lambda _: question(), [0])[0]


# -- what a process has


def test_folder_path_arguments_and_environment_are_those_of_the_call(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "extra")])
    monkeypatch.setattr(sys, "argv", ["program", "--flag"])
    monkeypatch.setenv("SUITKAISE_TEST", "as set")
    monkeypatch.delenv("HOME", raising=False)

    folder, path, arguments, environment = ask(
        lambda: (os.getcwd(), sys.path[-1], sys.argv, dict(os.environ))  # noqa: PTH109
    )

    assert (folder, path) == (str(tmp_path), str(tmp_path / "extra"))
    assert arguments == ["program", "--flag"]
    assert environment == dict(os.environ)


def test_warning_filters_are_those_of_the_call_in_their_order(ask: Ask) -> None:
    class Mine(UserWarning):
        pass

    def what_is_raised() -> list[str]:
        raised = []
        for category, message in [(Mine, "one"), (Mine, "two"), (UserWarning, "three")]:
            try:
                with warnings.catch_warnings():
                    warnings.warn(message, category, stacklevel=1)
            except Warning as warning:
                raised.append(str(warning))
        return raised

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", category=Mine)
        warnings.filterwarnings("ignore", message="tw", category=Mine)

        assert what_is_raised() == ["one"]
        assert ask(what_is_raised) == ["one"]


def test_a_filter_for_a_category_of_a_module_does_not_import_the_module(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "has_a_category.py").write_text("class Odd(UserWarning): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    from has_a_category import Odd  # type: ignore[import-not-found]

    def warn() -> tuple[bool, str]:
        was_imported = "has_a_category" in sys.modules
        import has_a_category

        try:
            warnings.warn("it is odd", has_a_category.Odd, stacklevel=1)
        except has_a_category.Odd as odd:
            return was_imported, str(odd)
        return was_imported, "nothing"

    with warnings.catch_warnings():
        warnings.simplefilter("error", Odd)

        assert ask_process(warn) == (False, "it is odd")
        assert ask_process(lambda: ask_process(warn)) == (False, "it is odd")


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
def test_loggers_let_pass_what_they_let_pass_at_the_call(ask: Ask, level: int) -> None:
    logger, quiet = logging.getLogger("suitkaise.test.level"), logging.getLogger("suitkaise.quiet")
    before = logging.root.level
    logging.root.setLevel(level)
    logger.setLevel(17)
    quiet.setLevel(logging.CRITICAL)
    logging.disable(5)
    try:
        levels = ask(
            lambda: [
                logging.getLogger().level,
                logging.getLogger("suitkaise.test.level").level,
                logging.getLogger("suitkaise.quiet").level,
                logging.root.manager.disable,
            ]
        )
    finally:
        logging.root.setLevel(before)
        logger.setLevel(logging.NOTSET)
        quiet.setLevel(logging.NOTSET)
        logging.disable(logging.NOTSET)

    assert levels == [level, 17, logging.CRITICAL, 5]
    assert ask(lambda: logging.getLogger("suitkaise.test.level").level) == logging.NOTSET


def test_output_and_errors_are_the_parents(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from suitkaise.processing import Pool, Skprocess\n"
        "class Printer(Skprocess):\n"
        "    def __init__(self): self.process_config.runs = 1\n"
        "    def __run__(self):\n"
        "        print('to output')\n"
        "        print('to errors', file=sys.stderr)\n"
        "Printer().run()\n"
        "with Pool(1) as pool:\n"
        "    pool.map(print, ['from a worker'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=DEADLINE, check=True
    )

    assert (done.stdout, done.stderr) == ("to output\nfrom a worker\n", "to errors\n")


# -- the decimal context


def third() -> str:
    return str(decimal.Decimal(1) / decimal.Decimal(3))


def test_the_decimal_context_is_that_of_the_caller(ask: Ask) -> None:
    with decimal.localcontext() as context:
        context.prec = 5
        context.rounding = decimal.ROUND_UP
        context.traps[decimal.Inexact] = False
        context.traps[decimal.DivisionByZero] = False

        assert ask(third) == "0.33334"
        assert ask(lambda: str(decimal.Decimal(1) / decimal.Decimal(0))) == "Infinity"

    assert ask(third) == third() == "0." + "3" * 28


# -- context variables

request_id: ContextVar[str] = ContextVar("request_id", default="nobody")


def test_a_variable_of_the_caller_has_its_value_in_the_child(ask: Ask) -> None:
    def call() -> Any:
        request_id.set("42")
        return ask(lambda: request_id.get())

    assert copy_context().run(call) == "42"
    assert ask(lambda: request_id.get()) == "nobody"


def test_a_variable_of_a_module_is_that_of_the_module_in_the_child(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = f"has_a_variable_for_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        "from contextvars import ContextVar\nvariable = ContextVar('variable')\n"
        "class Local:\n    def __init__(self): self.inner = ContextVar('inner')\n"
        "local = Local()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__(name)

    def question() -> tuple[bool, Any, Any]:
        was_imported = name in sys.modules
        found = __import__(name)
        return was_imported, found.variable.get("unset"), found.local.inner.get("unset")

    def call(value: Any) -> Any:
        module.variable.set(value)
        module.local.inner.set([value])
        return ask(question)

    # Nothing is imported in the child for a value: it waits for the module.
    assert copy_context().run(call, {"user": 7}) == (False, {"user": 7}, [{"user": 7}])
    assert copy_context().run(call, 8)[1:] == (8, [8])
    assert ask(question)[1:] == ("unset", "unset")


def test_a_value_of_a_class_of_the_script_travels(ask: Ask) -> None:
    class User:
        def __init__(self, name: str) -> None:
            self.name = name

    user: ContextVar[User] = ContextVar("user")

    def call() -> Any:
        user.set(User("Ada"))
        return ask(lambda: user.get().name)

    assert copy_context().run(call) == "Ada"


def test_what_cannot_travel_is_left_out_and_the_rest_arrives(ask: Ask) -> None:
    lock: ContextVar[Any] = ContextVar("lock")
    numbers: ContextVar[Any] = ContextVar("numbers")

    def call() -> Any:
        request_id.set("43")
        lock.set(threading.Lock())
        numbers.set({"lines": (n for n in range(3))})
        answer = ask(lambda: (request_id.get(), lock.get("no lock"), numbers.get("no numbers")))
        return answer, list(numbers.get()["lines"])

    answer, lines = copy_context().run(call)
    assert answer == ("43", "no lock", "no numbers")
    assert lines == [0, 1, 2], "the caller's own generator was used up"


def test_a_value_that_cannot_be_rebuilt_hurts_nobody(ask: Ask) -> None:
    class Stubborn:
        def __setstate__(self, state: Any) -> None:
            raise RuntimeError("never")

    stubborn: ContextVar[Any] = ContextVar("stubborn")

    def call() -> Any:
        value = Stubborn()
        value.__dict__["x"] = 1
        stubborn.set(value)
        return ask(lambda: stubborn.get("left out"))

    assert copy_context().run(call) == "left out"


def test_the_context_of_an_asyncio_task_is_the_callers() -> None:
    async def handle(number: int) -> Any:
        request_id.set(str(number))
        await asyncio.sleep(0)
        process = Asking(lambda: request_id.get())
        process.start()
        await asyncio.sleep(0)
        return process.result()

    async def handle_all() -> list[Any]:
        return await asyncio.gather(*(handle(number) for number in range(4)))

    assert asyncio.run(handle_all()) == ["0", "1", "2", "3"]


def test_maps_that_share_a_worker_have_their_contexts_each(pool: Pool) -> None:
    def use(name: str, seen: dict[str, set[str]]) -> None:
        request_id.set(name)
        seen[name] = set(pool.map(lambda _: request_id.get(), range(2000)))

    seen: dict[str, set[str]] = {}
    threads = [threading.Thread(target=use, args=(name, seen)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)

    assert seen == {"a": {"a"}, "b": {"b"}, "c": {"c"}}


def test_a_map_s_context_is_that_of_the_call_although_it_is_lazy(pool: Pool) -> None:
    def call() -> Any:
        request_id.set("at the call")
        results = pool.imap(lambda _: request_id.get(), range(2))
        request_id.set("later")
        return list(results)

    assert copy_context().run(call) == ["at the call"] * 2


def test_the_next_life_has_the_same_context(tmp_path: Path) -> None:
    class Dying(Asking):
        def __run__(self) -> None:
            if not (tmp_path / "died").exists():
                (tmp_path / "died").touch()
                os._exit(1)
            super().__run__()

    def call() -> Any:
        request_id.set("44")
        process = Dying(lambda: request_id.get())
        process.process_config.lives = 2
        return process.run()

    assert copy_context().run(call) == "44"


def test_a_context_with_nothing_in_it_costs_no_message() -> None:
    script = (
        "import decimal\n"
        "from suitkaise.processing._caller_context import capture\n"
        "decimal.Decimal(1) / 3\n"
        "assert capture() == b''\n"
    )
    subprocess.run([sys.executable, "-c", script], timeout=DEADLINE, check=True)


def test_where_the_caller_runs_is_none_of_the_child_s_business() -> None:
    sniffio = pytest.importorskip("sniffio")

    def call() -> bytes:
        sniffio.current_async_library_cvar.set("trio")
        return capture()

    assert copy_context().run(call) == copy_context().run(capture)


# -- OpenTelemetry

SPAN = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


@pytest.mark.parametrize("imported", ["in the child alone", "with the question"])
def test_the_trace_context_of_opentelemetry_reaches_the_child(ask: Ask, imported: str) -> None:
    trace = pytest.importorskip("opentelemetry.trace")
    baggage = pytest.importorskip("opentelemetry.baggage")
    telemetry = pytest.importorskip("opentelemetry.context")

    def look(trace: Any, baggage: Any) -> Any:
        span = trace.get_current_span().get_span_context()
        ids = (format(span.trace_id, "032x"), format(span.span_id, "016x"))
        return ids, int(span.trace_flags), span.trace_state.get("vendor"), baggage.get_all()

    def import_and_look() -> Any:
        from opentelemetry import baggage, trace

        return look(trace, baggage)

    def look_at_imported() -> Any:
        return look(trace, baggage)

    def call() -> Any:
        span = trace.SpanContext(
            trace_id=int(SPAN[0], 16),
            span_id=int(SPAN[1], 16),
            is_remote=False,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
            trace_state=trace.TraceState([("vendor", "value")]),
        )
        context = trace.set_span_in_context(trace.NonRecordingSpan(span))
        telemetry.attach(baggage.set_baggage("user", "Ada", context))
        return ask(import_and_look if imported == "in the child alone" else look_at_imported)

    ids, flags, state, luggage = copy_context().run(call)

    assert ids == SPAN
    assert (flags, state) == (1, "value")
    assert dict(luggage) == {"user": "Ada"}
    assert ask(import_and_look)[0] == ("0" * 32, "0" * 16)


def test_a_child_without_opentelemetry_does_not_import_it() -> None:
    trace = pytest.importorskip("opentelemetry.trace")
    telemetry = pytest.importorskip("opentelemetry.context")

    def call() -> Any:
        span = trace.SpanContext(1, 2, is_remote=False)
        telemetry.attach(trace.set_span_in_context(trace.NonRecordingSpan(span)))
        return ask_process(
            lambda: [name for name in sys.modules if name.startswith("opentelemetry")]
        )

    assert copy_context().run(call) == []
