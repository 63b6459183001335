"""`sk` on functions, methods and classes."""

import asyncio
import functools
import inspect
import pickle

import pytest

from suitkaise.sk import sk
from suitkaise.sk._function import SkFunction


@sk
def double(number: int, *, plus: int = 0) -> int:
    """Double it."""
    return 2 * number + plus


@sk
async def fetch(key):
    return f"value of {key}"


class Account:
    """With methods of every kind."""

    interest = 2

    def __init__(self, balance):
        self.balance = balance

    @sk
    def add(self, amount):
        self.balance += amount
        return self.balance

    @sk
    async def add_async(self, amount):
        return self.add(amount)

    @sk
    @classmethod
    def rate(cls):
        return cls.interest

    @sk
    @staticmethod
    def parse(text):
        return int(text)


class Savings(Account):
    interest = 5

    @sk
    def add(self, amount):
        return super().add(amount + 1)


def test_a_plain_call_is_a_plain_call():
    assert double(4, plus=1) == 9
    assert asyncio.run(fetch("a")) == "value of a"


def test_it_looks_like_the_function():
    assert double.__name__ == "double"
    assert double.__doc__ == "Double it."
    assert str(inspect.signature(double)) == "(number: int, *, plus: int = 0) -> int"
    assert inspect.unwrap(double) is double.__wrapped__
    assert repr(double).startswith("<sk <function double at ")


def test_modifiers_come_in_any_order():
    assert double.timeout(20).retry(2)(4, plus=1) == 9
    assert double.background().retry(2).timeout(20)(4).result(20) == 8
    assert asyncio.run(double.retry(2).asynced().timeout(20)(4)) == 8


def test_a_chain_can_be_kept_and_changes_nothing():
    gentle = double.timeout(20)

    assert [gentle(n) for n in range(3)] == [0, 2, 4]
    assert gentle == double.timeout(20)
    assert hash(gentle) == hash(double.timeout(20))
    assert gentle != double.timeout(21)
    assert "timeout(20)" in repr(gentle)


def test_methods_have_modifiers_and_know_their_object():
    account = Account(1)

    assert account.add(1) == 2
    assert account.add.timeout(20)(1) == 3
    assert account.add.background()(1).result(20) == 4
    assert asyncio.run(account.add_async(1)) == 5
    assert asyncio.run(account.add_async.timeout(20)(1)) == 6
    assert Account.add(account, 1) == 7
    assert account.balance == 7


def test_methods_of_a_subclass_call_those_above():
    savings = Savings(0)

    assert savings.add.retry(2)(1) == 2


def test_classmethods_and_staticmethods_have_modifiers():
    assert Account.rate() == Account(0).rate() == 2
    assert Savings.rate.timeout(20)() == 5
    assert Account.parse("5") == Account(0).parse("5") == 5
    assert Account.parse.background()("5").result(20) == 5


def test_a_class_comes_back_the_same_with_modifiers_on_its_methods():
    class Counter:
        def __init__(self):
            self.count = 0

        def up(self, by=1):
            self.count += by
            return self.count

        @classmethod
        def make(cls):
            return cls()

        @staticmethod
        def zero():
            return 0

        @property
        def doubled(self):
            return 2 * self.count

    decorated = sk(Counter)

    assert decorated is Counter
    counter = Counter.make()
    assert counter.up(2) == 2
    assert counter.up.timeout(20)(by=3) == 5
    assert Counter.make.timeout(20)().count == 0
    assert counter.zero.retry(2)() == 0
    assert counter.doubled == 10


def test_decorating_twice_is_decorating_once():
    assert sk(double) is double


def test_an_async_twin_is_awaited_instead_of_a_thread():
    async def twin(number):
        return f"twin of {number}"

    @sk(asynced=twin)
    def plain(number):
        return f"plain {number}"

    assert plain(1) == "plain 1"
    assert asyncio.run(plain.asynced()(1)) == "twin of 1"
    assert asyncio.run(plain.asynced().timeout(20)(1)) == "twin of 1"


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match=r"sk\(5\): it must be a function"):
        sk(5)
    with pytest.raises(TypeError, match="must be an async function"):
        sk(asynced=len)


def test_any_callable_will_do():
    assert sk(functools.partial(pow, 2)).timeout(20)(10) == 1024
    assert sk(len).background()("abc").result(20) == 3
    assert sk(Account(1).add.__wrapped__).timeout(20)(Account(1), 2) == 3


def test_async_functions_are_recognised_as_such():
    assert asyncio.iscoroutinefunction(fetch)
    assert not asyncio.iscoroutinefunction(double)


def test_functions_chains_and_methods_can_be_pickled():
    assert pickle.loads(pickle.dumps(double)) is double
    assert pickle.loads(pickle.dumps(double.timeout(20)))(4) == 8
    assert pickle.loads(pickle.dumps(Account(1).add))(2) == 3
    assert pickle.loads(pickle.dumps(Account(1).add.retry(2)))(2) == 3
    assert pickle.loads(pickle.dumps(Account.parse)) is Account.parse


def test_a_bound_method_equals_itself():
    account = Account(1)

    assert account.add == account.add
    assert hash(account.add) == hash(account.add)
    assert account.add != Account(1).add
    assert account.add.timeout(2) == account.add.timeout(2)


def test_weak_references_and_attributes_work_as_on_functions():
    def plain():
        pass

    function = sk(plain)
    function.note = "kept"

    assert function.note == "kept"
    assert isinstance(function, SkFunction)
