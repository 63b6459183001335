import asyncio
import functools
import inspect
import linecache
import subprocess
import time
import time as clock
import urllib.request
from time import sleep as nap

import pytest

from suitkaise.sk import blocking, sk


def test_blocking_gives_the_same_function_with_a_mark():
    def double(number: int) -> int:
        return 2 * number

    marked = blocking(double)

    assert marked is double
    assert marked.__sk_blocking__ is True
    assert marked(3) == 6


def test_a_function_without_the_decorator_has_no_mark():
    def double(number: int) -> int:
        return 2 * number

    assert not hasattr(double, "__sk_blocking__")


def test_an_async_function_stays_one():
    @blocking
    async def double(number: int) -> int:
        return 2 * number

    assert inspect.iscoroutinefunction(double)
    assert asyncio.run(double(3)) == 6


def test_the_mark_shows_on_methods_of_every_kind():
    class Store:
        @blocking
        def plain(self) -> None: ...

        @staticmethod
        @blocking
        def static() -> None: ...

        @classmethod
        @blocking
        def of_class(cls) -> None: ...

    assert Store().plain.__sk_blocking__
    assert Store.static.__sk_blocking__
    assert Store.of_class.__sk_blocking__


@pytest.mark.parametrize("function", [len, [].append], ids=["built-in", "bound method"])
def test_what_takes_no_mark_is_a_type_error_with_the_remedy(function):
    with pytest.raises(TypeError, match="mark a Python function that calls it"):
        blocking(function)


def plain_sleep(seconds):
    time.sleep(seconds)


def aliased_sleep(seconds):
    nap(seconds)


def renamed_module():
    clock.sleep(1)


def reads_a_file(path):
    with open(path) as file:  # noqa: PTH123
        return file.read()


def runs_a_program():
    subprocess.run(["true"], check=True)


def asks_the_network(url):
    return urllib.request.urlopen(url)


def receives(connection):
    return connection.recv(10)


def asks_a_database(cursor):
    cursor.execute("select 1")
    return cursor.fetchall()


def uses_a_helper():
    return deeper(1)


def deeper(seconds):
    if seconds:
        uses_a_helper()
    plain_sleep(seconds)


def counts(items):
    return len(", ".join(sorted(items)))


def shadows():
    def sleep(seconds):
        return seconds

    return sleep(1)


@blocking
def marked():
    return 1


def calls_what_is_marked():
    return marked()


async def awaits(connection):
    await asyncio.sleep(1)
    await connection.execute("select 1")


async def blocks_the_loop():
    time.sleep(1)


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (plain_sleep, ["time.sleep"]),
        (aliased_sleep, ["time.sleep"]),
        (renamed_module, ["time.sleep"]),
        (reads_a_file, ["open"]),
        (runs_a_program, ["subprocess.run"]),
        (asks_the_network, ["urllib.request.urlopen"]),
        (receives, [".recv"]),
        (asks_a_database, [".execute", ".fetchall"]),
        (uses_a_helper, ["time.sleep"]),
        (blocks_the_loop, ["time.sleep"]),
        (time.sleep, ["time.sleep"]),
        (open, ["open"]),
        (functools.partial(plain_sleep, 1), ["time.sleep"]),
        (counts, []),
        (shadows, []),
        (awaits, []),
        (len, []),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_blocking_calls_are_found_in_the_source(function, names):
    assert sk(function).blocking_calls == names
    assert sk(function).has_blocking_calls == bool(names)


@pytest.mark.parametrize("function", [marked, calls_what_is_marked])
def test_what_is_marked_blocks(function):
    assert sk(function).blocking_calls == [f"{__name__}.marked"]


def test_methods_are_followed_through_the_class():
    class Above:
        def pause(self):
            time.sleep(1)

    @sk
    class Worker(Above):
        def work(this):
            return this.step()

        def step(self):
            return self.pause()

        def count(self):
            return 1

    worker = Worker()

    assert worker.work.blocking_calls == ["time.sleep"]
    assert worker.work.has_blocking_calls
    assert Worker.step.has_blocking_calls
    assert not worker.count.has_blocking_calls


def slow_by_default(seconds=time.sleep(0)):  # noqa: B008
    return seconds


naps = lambda: time.sleep(1)  # noqa: E731


def test_defaults_and_decorators_have_run_already():
    assert sk(slow_by_default).blocking_calls == []


def test_a_lambda_is_looked_into():
    assert sk(naps).blocking_calls == ["time.sleep"]


def test_private_methods_are_followed():
    @sk
    class Worker:
        def work(self):
            self.__nap()

        def __nap(self):
            time.sleep(1)

    assert Worker().work.blocking_calls == ["time.sleep"]


def test_source_that_is_not_the_functions_is_not_believed():
    scope = {}
    name = "<blocking>"
    text = "def nap():\n    return 1\n"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile("def nap():\n    open('x')\n", name, "exec"), scope)

    assert sk(scope["nap"]).blocking_calls == []


def test_without_source_nothing_is_found():
    scope = {}
    exec("import time\ndef nap():\n    time.sleep(1)\n", scope)

    assert sk(scope["nap"]).blocking_calls == []
