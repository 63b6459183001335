"""What a type checker knows of modified calls; checked by `hatch run types:check`, never run."""

from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, assert_type

from suitkaise.circuits import Circuit
from suitkaise.sk import sk


@sk
def double(number: int, *, twice: bool = False) -> int:
    return 2 * number


@sk
async def fetch(url: str) -> bytes:
    return url.encode()


@sk
class Decorated:
    def method(self, number: int) -> str:
        return str(number)


class Account:
    @sk
    def add(self, amount: int) -> str:
        return str(amount)

    @sk
    async def add_async(self, amount: int) -> str:
        return str(amount)


async def check(account: Account, circuit: Circuit) -> None:
    assert_type(double(1), int)
    assert_type(double.timeout(1)(1, twice=True), int)
    assert_type(double.background()(1), Future[int])
    assert_type(double.timeout(1).background().retry(2).rate_limit(5)(1), Future[int])
    assert_type(await double.asynced().timeout(2)(1), int)
    assert_type(await fetch("x"), bytes)
    assert_type(await fetch.timeout(2)("x"), bytes)
    assert_type(fetch.background()("x"), Future[bytes])
    assert_type(account.add(1), str)
    assert_type(account.add.timeout(2)(1), str)
    assert_type(account.add.background()(amount=1), Future[str])
    assert_type(await account.add_async.timeout(2)(1), str)
    assert_type(Decorated(), Decorated)
    assert_type(Decorated().method(1), str)
    assert_type(circuit.short(), bool)
    assert_type(await circuit.short.asynced()(custom_sleep=1.0), bool)
    coroutine: Coroutine[Any, Any, bool] = circuit.trip.asynced()()
    await coroutine
    double.timeout(1)("x")  # type: ignore[arg-type]
    double.timeout("x")  # type: ignore[arg-type]
    account.add.timeout(2)()  # type: ignore[call-arg]
