import asyncio
import inspect

import pytest

from suitkaise.sk import blocking


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
