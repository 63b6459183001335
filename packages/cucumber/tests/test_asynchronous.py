import pytest

from suitkaise.cucumber import SerializationError, serialize


async def fetch():
    return 1


async def stream():
    yield 1


@pytest.mark.comes_back(
    "coroutines", how="refused: send the function and its arguments, or the result"
)
def test_a_coroutine_is_refused_with_the_remedy():
    coroutine = fetch()

    with pytest.raises(SerializationError, match=r"fetch\(\).*send the function") as caught:
        serialize({"job": coroutine})

    assert caught.value.path == "['job']"
    coroutine.close()


@pytest.mark.comes_back(
    "asynchronous generators", how="refused: send the function and its arguments, or the items"
)
def test_an_asynchronous_generator_is_refused_with_the_remedy():
    with pytest.raises(SerializationError, match=r"stream\(\).*async for"):
        serialize([stream()])
