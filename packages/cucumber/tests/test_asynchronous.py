import contextlib
import types

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize


@types.coroutine
def pause():
    yield


async def fetch(number):
    await pause()
    return number


async def give():
    for number in range(3):
        await pause()
        yield number


@pytest.fixture
def coroutine():
    with contextlib.closing(fetch(1)) as made:
        yield made


@pytest.mark.comes_back(
    "coroutines",
    how="refused: where they stand in their code cannot travel; send the function and its "
    "arguments, or what it returned",
)
def test_a_coroutine_that_has_not_begun_is_refused_with_the_remedy(coroutine):
    with pytest.raises(
        SerializationError, match=r"\['job'\] .*send the function fetch and its arguments"
    ):
        serialize({"job": coroutine})

    coroutine.send(None)
    with pytest.raises(StopIteration, match=r"1"):
        coroutine.send(None)


def test_a_coroutine_that_has_begun_is_refused_and_goes_on(coroutine):
    coroutine.send(None)

    with pytest.raises(SerializationError, match=r"it has begun.*function fetch"):
        serialize(coroutine)

    with pytest.raises(StopIteration, match=r"1"):
        coroutine.send(None)


def test_a_coroutine_that_serialises_itself_is_refused():
    async def send_itself():
        with pytest.raises(SerializationError, match=r"it has begun"):
            serialize(itself)

    itself = send_itself()

    with pytest.raises(StopIteration):
        itself.send(None)


def test_a_coroutine_that_has_ended_is_refused_with_the_remedy(coroutine):
    coroutine.close()

    with pytest.raises(SerializationError, match=r"it has ended; send what it returned"):
        serialize(coroutine)


@pytest.mark.comes_back(
    "asynchronous generators",
    how="refused: an event loop gives their items; send the function and its arguments, or the "
    "items",
)
@pytest.mark.parametrize("has_begun", [False, True])
def test_an_asynchronous_generator_is_refused_with_the_remedy(has_begun):
    generator = give()
    first = generator.asend(None)
    if has_begun:
        first.send(None)

    with pytest.raises(SerializationError, match=r"function give .*\[item async for item in it\]"):
        serialize(generator)
    with pytest.raises(SerializationError, match=r"one step.*await it"):
        serialize(first)

    first.close()


def test_what_await_returned_is_refused_with_the_remedy(coroutine):
    with pytest.raises(SerializationError, match=r"one step.*await it"):
        serialize(coroutine.__await__())


def test_the_functions_themselves_travel(coroutine):
    copied = deserialize(serialize(fetch))(2)

    copied.send(None)
    with pytest.raises(StopIteration, match=r"2"):
        copied.send(None)
