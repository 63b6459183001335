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
