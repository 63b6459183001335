import asyncio
import contextlib

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize

events = []


@contextlib.contextmanager
def noting(name, *, suffix=""):
    """Note when it is entered and left."""
    events.append(f"enter {name}{suffix}")
    yield name
    events.append(f"leave {name}{suffix}")


@contextlib.asynccontextmanager
async def opened(name):
    yield name * 2


class Closable:
    is_closed = False

    def close(self):
        self.is_closed = True


@pytest.mark.comes_back(
    "contextlib.contextmanager",
    "contextlib.asynccontextmanager",
    how="to be entered at the receiver; refused once it has been entered",
)
def test_a_context_manager_that_was_not_entered_can_be_at_the_receiver():
    manager = noting("a", suffix="!")

    copy = deserialize(serialize(manager))

    with copy as name:
        assert name == "a"
    with manager as name:
        assert name == "a"


def test_an_asynchronous_one_can_be_entered_too():
    copy = deserialize(serialize(opened("ab")))

    async def enter():
        async with copy as name:
            return name

    assert asyncio.run(enter()) == "abab"


def test_one_that_has_been_entered_is_refused():
    manager = noting("a")

    with manager, pytest.raises(SerializationError, match="has been entered"):
        serialize([manager])


@pytest.mark.comes_back(
    "contextlib.ExitStack",
    "contextlib.suppress",
    "contextlib.closing",
    "contextlib.nullcontext",
    how="as they were",
)
def test_those_of_contextlib_work_at_the_receiver():
    stack = contextlib.ExitStack()
    closable = stack.enter_context(contextlib.closing(Closable()))

    suppress, null, copy, same = deserialize(
        serialize([contextlib.suppress(ValueError), contextlib.nullcontext(7), stack, closable])
    )

    with suppress, null as seven:
        assert seven == 7
        raise ValueError
    copy.close()
    assert same.is_closed
    assert not closable.is_closed
    stack.close()
