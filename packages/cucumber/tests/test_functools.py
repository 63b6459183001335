import functools

import pytest

from suitkaise.cucumber import deserialize, serialize


@functools.cache
def importable(number):
    return number


def test_a_cached_function_of_an_importable_module_travels_by_name():
    assert deserialize(serialize(importable)) is importable


@pytest.mark.comes_back(
    "functools.lru_cache",
    "functools.cache",
    how="by name, or by value with an empty cache",
)
def test_a_local_cached_function_travels_with_an_empty_cache(load_elsewhere):
    @functools.lru_cache(maxsize=5, typed=True)
    def fibonacci(number):
        return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)

    fibonacci(10)

    printed = load_elsewhere(
        serialize(fibonacci),
        "print(value.cache_info().currsize, value(30), value.cache_info().misses)\n"
        "print(value.cache_parameters())",
    )

    assert printed.splitlines() == ["0 832040 31", "{'maxsize': 5, 'typed': True}"]


def test_a_cached_function_of_a_script_arrives(run_python, load_elsewhere):
    payload = run_python(
        "import functools\n"
        "from suitkaise.cucumber import serialize\n"
        "@functools.cache\n"
        "def fibonacci(number):\n"
        "    return number if number < 2 else fibonacci(number - 1) + fibonacci(number - 2)\n"
        "print(serialize(fibonacci).hex())\n"
    )

    assert load_elsewhere(bytes.fromhex(payload.decode()), "print(value(30))") == "832040"


def test_a_cached_function_keeps_its_attributes():
    @functools.lru_cache
    def double(number):
        "Double it."
        return number * 2

    double.label, double.me = "x", double

    copy = deserialize(serialize(double))

    assert (copy.label, copy.__doc__) == ("x", "Double it.")
    assert copy.me is copy


@pytest.mark.comes_back("functools.cmp_to_key", how="with the comparison; keys with what they hold")
def test_a_comparison_is_a_key_still():
    key = functools.cmp_to_key(lambda one, other: other - one)

    copy, large, nothing = deserialize(serialize([key, key(3), key(None)]))

    assert sorted([1, 3, 2], key=copy) == [3, 2, 1]
    assert large < copy(2)
    assert (large.obj, nothing.obj) == (3, None)


def test_what_a_dispatching_function_was_called_with_does_not_travel():
    class Called:
        """Is not registered."""

    @functools.singledispatch
    def describe(thing):
        return "thing"

    before = serialize(describe)
    assert describe(Called()) == "thing"

    assert b"Called" not in serialize(describe)
    assert len(serialize(describe)) == len(before)
