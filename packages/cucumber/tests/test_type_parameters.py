"""Variables, parameters, new types and aliases of `typing`, defined in no module."""

import sys
import typing

import pytest

from suitkaise.cucumber import deserialize, serialize


def local(*things):
    """Put things into a module that no receiver can import."""
    for thing in things:
        thing.__module__ = "__main__"
    return list(things)


@pytest.fixture
def parameters():
    return local(
        typing.TypeVar("V", int, str),
        typing.TypeVar("B", bound="Base", covariant=True),  # noqa: F821
        typing.ParamSpec("P", bound=int, contravariant=True),
        typing.TypeVarTuple("Ts"),
        typing.NewType("UserId", int),
    )


def test_what_comes_back_is_the_very_same(parameters):
    copies = deserialize(serialize(parameters))

    assert all(one is other for one, other in zip(copies, parameters, strict=True))


def test_they_are_elsewhere_what_they_were(parameters, load_elsewhere):
    lines = (
        "import typing\n"
        "V, B, P, Ts, UserId = value\n"
        "print(V.__constraints__ == (int, str), B.__bound__ == typing.ForwardRef('Base'))\n"
        "print(B.__covariant__, P.__bound__ is int, P.__contravariant__)\n"
        "print({each.__module__ for each in value}, UserId.__supertype__ is int)\n"
        "class Box(typing.Generic[typing.Unpack[Ts]]): pass\n"
        "print(Box[int, str].__args__ == (int, str))\n"
    )

    assert load_elsewhere(serialize(parameters), lines).splitlines() == [
        "True True",
        "True True True",
        "{'__main__'} True",
        "True",
    ]


def test_generic_classes_of_a_script_work(run_python, load_elsewhere):
    script = (
        "import typing\n"
        "from suitkaise.cucumber import serialize\n"
        "T = typing.TypeVar('T')\n"
        "class Named(typing.NamedTuple, typing.Generic[T]):\n"
        "    content: T\n"
        "class Movie(typing.TypedDict):\n"
        "    title: str\n"
        "class Sequel(Movie, total=False):\n"
        "    number: int\n"
        "class Closing(typing.Protocol):\n"
        "    def close(self): ...\n"
        "Closing = typing.runtime_checkable(Closing)\n"
        "print(serialize([Named, Movie, Sequel, Closing, T]).hex())\n"
    )
    payload = bytes.fromhex(run_python(script).decode())

    lines = (
        "Named, Movie, Sequel, Closing, T = value\n"
        "print(Named(1).content, Named[int].__origin__ is Named, Named.__parameters__ == (T,))\n"
        "print(Movie(title='x'), Sequel.__required_keys__, Sequel.__optional_keys__)\n"
        "print(isinstance(sys.stdin, Closing), isinstance(1, Closing))\n"
    )
    assert load_elsewhere(payload, lines).splitlines() == [
        "1 True True",
        "{'title': 'x'} frozenset({'title'}) frozenset({'number'})",
        "True False",
    ]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="new in Python 3.12")
def test_the_syntax_of_python_3_12_travels(run_python, load_elsewhere):
    script = (
        "from suitkaise.cucumber import serialize\n"
        "class Box[T: int, *Ts, **P]:\n"
        "    def get(self, one: T) -> T: return one\n"
        "class Node[N: Node]: pass\n"
        "def first[F](items: list[F]) -> F: return items[0]\n"
        "type Pair[A] = tuple[A, A]\n"
        "type Json = dict[str, Json] | list[Json] | str\n"
        "print(serialize([Box, Node, first, Pair, Json]).hex())\n"
    )
    payload = bytes.fromhex(run_python(script).decode())

    lines = (
        "Box, Node, first, Pair, Json = value\n"
        "T, *_ = Box.__type_params__\n"
        "print(T.__bound__ is int, T.__infer_variance__, Box.get.__annotations__['one'] is T)\n"
        "print(Node.__type_params__[0].__bound__ is Node)\n"
        "print(Box.__parameters__ == Box.__type_params__)\n"
        "F, = first.__type_params__\n"
        "print(first([1]), first.__annotations__['return'] is F)\n"
        "A, = Pair.__type_params__\n"
        "print(Pair.__value__ == tuple[A, A], Pair.__module__, Pair[int].__args__ == (int,))\n"
        "print(Json.__value__.__args__[0] == dict[str, Json], Json.__module__)\n"
    )
    assert load_elsewhere(payload, lines).splitlines() == [
        "True True True",
        "True",
        "True",
        "1 True",
        "True __main__ True",
        "True __main__",
    ]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="new in Python 3.13")
def test_defaults_travel(run_python, load_elsewhere):
    script = (
        "import typing\n"
        "from suitkaise.cucumber import serialize\n"
        "class Box[T = int, **P = [str]]: pass\n"
        "class Node[N: Node = Node]: pass\n"
        "print(serialize([Box, Node, typing.TypeVar('D', default=str)]).hex())\n"
    )
    payload = bytes.fromhex(run_python(script).decode())

    lines = (
        "Box, Node, D = value\n"
        "T, P = Box.__type_params__\n"
        "N, = Node.__type_params__\n"
        "print(T.__default__ is int, P.__default__, N.__default__ is Node, D.__default__ is str)\n"
        "print(N.__bound__ is Node)\n"
    )
    assert load_elsewhere(payload, lines).splitlines() == [
        "True [<class 'str'>] True True",
        "True",
    ]
