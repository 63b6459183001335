"""What cannot be taken apart, or not be put together again, is an error that names it."""

from __future__ import annotations

import os
import signal
import sys
import zlib
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from packages.processing.tests.odd_exceptions import DESCRIBED, TRAVELLING

from suitkaise.cucumber import DeserializationError, SerializationError
from suitkaise.processing import (
    ErrorHandlerError,
    ProcessDiedError,
    ProcessError,
    ResultError,
    RunError,
    Skprocess,
)

pytestmark = pytest.mark.timeout(60)


def make_classes() -> tuple[type[Skprocess], ...]:
    """Make classes that travel by value: else a child imports this module, and pytest with it."""

    class Quick(Skprocess):
        def __init__(self, value: Any = 5) -> None:
            self.value = value
            self.process_config.runs = 1

        def __run__(self) -> None:
            pass

        def __result__(self) -> Any:
            return self.value

    class Talking(Skprocess):
        """Tells in a word how it fared with what it hears or is to tell."""

        def __run__(self) -> None:
            try:
                data = self.listen()
                self.tell(zlib.compressobj() if data == "a compressor, please" else data)
            except Exception as error:
                self.tell(f"{type(error).__name__}: {error}")

    return Quick, Talking


Quick, Talking = make_classes()


class RebuiltBy:
    """Calls something where it is rebuilt."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.rebuilding = call, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.rebuilding


COMPRESSOR = r"cannot serialise .*\(?zlib\.Compress\)?"


def test_a_process_that_was_refused_for_an_attribute_starts_without_it() -> None:
    process = Quick([1, {"where": zlib.compressobj()}])  # type: ignore[call-arg]

    with pytest.raises(SerializationError, match=r"Quick: .* \.value\[1\]\['where'\]"):
        process.start()

    process.value = 7  # type: ignore[attr-defined]
    assert process.run() == 7


def test_a_result_names_the_hook_that_returned_it() -> None:
    class Odd(Quick):  # type: ignore[valid-type, misc]
        def __result__(self) -> Any:
            return zlib.compressobj()

    with pytest.raises(ResultError, match=r"Odd\.__result__ returned a Compress that") as caught:
        Odd().run()

    assert isinstance(caught.value.original_error, SerializationError)


def test_what_an_error_handler_returns_names_it_and_keeps_the_first_error() -> None:
    class Odd(Quick):  # type: ignore[valid-type, misc]
        def __run__(self) -> None:
            raise LookupError("first")

        def __error__(self) -> Any:
            return zlib.compressobj()

    process = Odd()
    with pytest.raises(ErrorHandlerError, match=r"Odd\.__error__ returned a Compress") as caught:
        process.run()

    assert isinstance(caught.value.original_error, SerializationError)
    first = caught.value.__cause__
    assert isinstance(first, RunError)
    assert isinstance(first.original_error, LookupError)


def test_messages_that_cannot_travel_disturb_no_others() -> None:
    talking = Talking()
    talking.start()

    for _ in range(3):
        with pytest.raises(SerializationError, match=COMPRESSOR):
            talking.tell(["not", zlib.compressobj()])
        talking.tell("a compressor, please")
        assert "SerializationError: cannot serialise zlib.Compress" in talking.listen(timeout=30)
        talking.tell("fine")
        assert talking.listen(timeout=30) == "fine"
    talking.stop()
    assert talking.result() is None


@pytest.mark.parametrize("size", [0, 1_000_000])
def test_messages_that_cannot_be_rebuilt_disturb_no_others(size: int) -> None:
    own_id = os.getpid()

    def fail_elsewhere(_data: bytes) -> str:
        if os.getpid() != own_id:
            raise LookupError("not there")
        return "rebuilt"

    def fail_here(_data: bytes) -> RebuiltBy:
        if os.getpid() == own_id:
            raise LookupError("not here")
        return RebuiltBy(fail_here, _data)

    talking = Talking()
    talking.start()
    for _ in range(3):
        talking.tell(RebuiltBy(fail_elsewhere, bytes(size)))
        heard = talking.listen(timeout=30)
        assert heard.startswith("DeserializationError: ")
        assert heard.endswith("LookupError: not there")
        talking.tell(RebuiltBy(fail_here, bytes(size)))
        with pytest.raises(DeserializationError, match="not here"):
            talking.listen(timeout=30)
        talking.tell("fine")
        assert talking.listen(timeout=30) == "fine"
    talking.stop()
    assert talking.result() is None


def fail() -> NoReturn:
    raise LookupError("not there")


def interrupt() -> NoReturn:
    raise KeyboardInterrupt("there")


@pytest.mark.parametrize("lives", [1, 2])
@pytest.mark.parametrize(
    ("call", "words"), [(fail, "LookupError: not there"), (interrupt, "there")]
)
def test_a_process_that_cannot_be_rebuilt_is_an_error(
    call: Callable[[], None], words: str, lives: int
) -> None:
    process = Quick(RebuiltBy(call))  # type: ignore[call-arg]
    process.process_config.lives = lives

    with pytest.raises(ProcessError, match=f"could not be rebuilt from what was sent: .*{words}"):
        process.run()


@pytest.mark.parametrize("lives", [1, 2])
@pytest.mark.parametrize(
    ("call", "argument", "exitcode"),
    [(sys.exit, 7, 7), (os._exit, 8, 8), (signal.raise_signal, signal.SIGKILL, -9)],
)
def test_a_process_that_dies_while_it_is_rebuilt_says_when(
    call: Callable[[Any], None], argument: int, exitcode: int, lives: int
) -> None:
    process = Quick(RebuiltBy(call, argument))  # type: ignore[call-arg]
    process.process_config.lives = lives

    with pytest.raises(ProcessDiedError, match="before run 0") as caught:
        process.run()

    assert caught.value.exitcode == exitcode


# -- exceptions whose own methods fail


@pytest.mark.parametrize("make", [*TRAVELLING, *DESCRIBED], ids=lambda make: make.__name__)
def test_an_odd_exception_is_the_error_of_its_section(make: Callable[[], BaseException]) -> None:
    class Failing(Quick):  # type: ignore[valid-type, misc]
        def __run__(self) -> None:
            raise make()

    with pytest.raises(RunError, match=r"Failing\.__run__ failed in run 0") as caught:
        Failing().run()

    if make in TRAVELLING:
        assert type(caught.value.original_error) is type(make())
    else:
        assert caught.value.original_error is None
        assert "cannot travel between processes" in caught.value.__notes__[0]
        assert "in __run__" in caught.value.__notes__[0], "with its traceback"


# -- the standard streams of the child


def close_sys_stdout() -> None:
    sys.stdout.close()


def close_descriptor_1() -> None:
    os.close(1)


def close_all_three() -> None:
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.close()
    for number in range(3):
        if is_open(number):
            os.close(number)


def close_after_printing() -> None:
    print("unflushed", end="")
    os.close(1)


def lose_stdout() -> None:
    sys.stdout = None  # type: ignore[assignment]


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


CLOSING = [
    close_sys_stdout,
    close_descriptor_1,
    close_all_three,
    close_after_printing,
    lose_stdout,
]


@pytest.mark.parametrize("close", CLOSING, ids=lambda close: close.__name__)
def test_a_child_that_closes_its_streams_loses_nothing_else(close: Callable[[], None]) -> None:
    class Closing(Quick):  # type: ignore[valid-type, misc]
        def __run__(self) -> None:
            close()
            self.tell(bytes(1_000_000))

    class Failing(Quick):  # type: ignore[valid-type, misc]
        def __run__(self) -> None:
            close()
            raise LookupError("all the same")

    closing = Closing()
    assert closing.run() == 5
    assert closing.listen() == bytes(1_000_000)
    with pytest.raises(RunError, match="all the same"):
        Failing().run()


@pytest.mark.parametrize("lives", [1, 2])
def test_a_child_that_closes_every_descriptor_ends_in_an_error(lives: int) -> None:
    class Closing(Quick):  # type: ignore[valid-type, misc]
        def __run__(self) -> None:
            os.closerange(3, 1000)

    process = Closing()
    process.process_config.lives = lives

    with pytest.raises(ProcessDiedError):
        process.run()
