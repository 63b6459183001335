import ast
import functools
import linecache

from suitkaise.sk._source import source_of


class Outer:
    class _Inner:
        def method(self):
            return 1

    @functools.cache  # noqa: B019
    def cached(self):
        return 1


def double(number):
    def inner():
        return 2 * number

    return inner


triple = lambda number: 3 * number  # noqa: E731
pair = (lambda: 1, lambda: 2)


def compiled(text, name, namespace=None):
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace = {} if namespace is None else namespace
    exec(compile(text, name, "exec"), namespace)
    return namespace


def test_a_method_is_found_with_the_class_that_mangles_its_names():
    source = source_of(Outer._Inner.method)

    assert isinstance(source.definition, ast.FunctionDef)
    assert source.definition.name == "method"
    assert source.class_name == "_Inner"


def test_a_function_under_a_decorator_is_found():
    assert source_of(Outer.cached.__wrapped__).definition.name == "cached"


def test_nested_functions_and_lambdas_are_found():
    assert source_of(double(2)).definition.name == "inner"
    assert isinstance(source_of(triple).definition, ast.Lambda)


def test_of_two_lambdas_on_one_line_neither_is():
    assert source_of(pair[0]) is None


def test_code_that_linecache_knows_is_found_wherever_it_was_typed():
    namespace = compiled("def f(self):\n    self.n = 1\n", "<cell 1>")

    assert source_of(namespace["f"]).definition.name == "f"


def test_code_without_source_has_none():
    namespace = {}
    exec("def f(self):\n    self.n = 1\n", namespace)

    assert source_of(namespace["f"]) is None


def test_source_that_changed_since_is_not_the_functions():
    function = compiled("def f(self):\n    self.n = 1\n", "<cell 2>")["f"]
    compiled("def f(self):\n    return 1\n", "<cell 2>")

    assert source_of(function) is None


def test_a_change_elsewhere_in_the_file_does_no_harm():
    function = compiled("def f(self):\n    self.n = 1\n", "<cell 3>")["f"]
    compiled("def f(self):\n    self.n = 1\nx = 1\n", "<cell 3>")

    assert source_of(function) is not None


def test_source_that_does_not_parse_is_none():
    function = compiled("def f(self):\n    self.n = 1\n", "<cell 4>")["f"]
    text = "def f(self:\n"
    linecache.cache["<cell 4>"] = (len(text), None, [text], "<cell 4>")

    assert source_of(function) is None


def test_inherited_future_imports_and_imported_names_count():
    text = (
        "from __future__ import annotations\nimport os\n\ndef f(x: int):\n    return os.getpid()\n"
    )

    assert source_of(compiled(text, "<cell 5>")["f"]) is not None


def test_the_standard_library_is_found_whole():
    import argparse
    import logging

    for module in (argparse, logging):
        functions = [
            value
            for cls in vars(module).values()
            if isinstance(cls, type) and cls.__module__ == module.__name__
            for value in vars(cls).values()
            if type(value) is type(double)
        ]

        assert all(map(source_of, functions))
