"""Which functions and methods of the standard library leave alone what they are called with.

Only what stands here is believed to change nothing; whatever is missing counts as a change.
Functions outside the builtins are named by module and name, and are looked up among the modules
that are loaded already: nothing is imported for a table. `object` as a kind means: unknown.
"""

from __future__ import annotations

import collections
import sys
import types
from enum import Enum, auto
from typing import Any, NamedTuple, cast

from suitkaise.sk._analysis._kinds import AnnotatedDict, Iterator, Lock, Logger


class Result(Enum):
    """What a call gives back."""

    ATOM = auto()  # something immutable, of the rule's type
    ITEM = auto()  # one of the elements, or one of the other arguments
    ITEMS = auto()  # a new container of the rule's type, with the elements
    PAIRS = auto()  # a new list of new tuples of the elements
    FRESH = auto()  # something new that shares nothing with the arguments
    NUMBER = auto()  # what an arithmetic operator would give


class Rule(NamedTuple):
    """A call that changes nothing by itself.

    Attributes:
        result: What it gives back.
        kind: The type of that, for ATOM, ITEMS and FRESH.
        iterates: It goes through its arguments, which uses up an iterator.
        calls: Special methods of its arguments that it may call; None stands for any of them.
    """

    result: Result
    kind: type = object
    iterates: bool = False
    calls: tuple[str, ...] | None = None


ITER = ("__iter__", "__next__", "__getitem__", "__len__")
TEXT = ("__str__", "__repr__", "__format__")
TRUTH = ("__bool__", "__len__")
#: What keeps nothing for later of the values it is given: it makes text of them.
LOGGING = frozenset(
    ["debug", "info", "warning", "error", "exception", "critical", "log", "isEnabledFor"]
)
COMPARE = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__")
#: Special methods of containers that change nothing.
READING = frozenset(
    [
        "__add__",
        "__radd__",
        "__mul__",
        "__rmul__",
        "__or__",
        "__ror__",
        "__and__",
        "__rand__",
        "__sub__",
        "__rsub__",
        "__xor__",
        "__rxor__",
        "__bool__",
        "__sizeof__",
        "__reduce__",
        "__reduce_ex__",
        "__getstate__",
        "__getnewargs__",
    ]
).union(COMPARE, TEXT)
_NUMBER = ("__int__", "__float__", "__index__", "__trunc__", "__complex__", "__str__")
#: What methods and operators written in C may call of the things that they are given.
CONVERTING = (*COMPARE, *TEXT, *_NUMBER, "__bytes__")

_COPY = (
    "__copy__",
    "__deepcopy__",
    "__reduce_ex__",
    "__reduce__",
    "__getstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
)

_COUNTING = {
    "index": Rule(Result.ATOM, int, calls=COMPARE),
    "count": Rule(Result.ATOM, int, calls=COMPARE),
    "copy": Rule(Result.ITEMS),
    "__len__": Rule(Result.ATOM, int),
    "__contains__": Rule(Result.ATOM, bool, calls=COMPARE),
    "__getitem__": Rule(Result.ITEM),
    "__iter__": Rule(Result.ITEMS, list),
    "__reversed__": Rule(Result.ITEMS, list),
}
_LOOKING = {
    "get": Rule(Result.ITEM, calls=COMPARE),
    "items": Rule(Result.PAIRS),
    "keys": Rule(Result.ITEMS, list),
    "values": Rule(Result.ITEMS, list),
    "copy": Rule(Result.ITEMS),
    "__len__": Rule(Result.ATOM, int),
    "__contains__": Rule(Result.ATOM, bool, calls=COMPARE),
    "__iter__": Rule(Result.ITEMS, list),
    "__reversed__": Rule(Result.ITEMS, list),
}
_SUBSCRIBING = {**_LOOKING, "__getitem__": Rule(Result.ITEM, calls=("__missing__",))}
_COMBINING = {
    **dict.fromkeys(
        ("union", "intersection", "difference", "symmetric_difference"),
        Rule(Result.ITEMS, iterates=True),
    ),
    **dict.fromkeys(
        ("isdisjoint", "issubset", "issuperset"), Rule(Result.ATOM, bool, iterates=True)
    ),
    "copy": Rule(Result.ITEMS),
    "__len__": Rule(Result.ATOM, int),
    "__contains__": Rule(Result.ATOM, bool, calls=COMPARE),
    "__iter__": Rule(Result.ITEMS, list),
}
#: The methods of containers that change nothing. Every other one is a change.
METHODS: dict[type, dict[str, Rule]] = {
    list: _COUNTING,
    tuple: _COUNTING,
    collections.deque: _COUNTING,
    dict: _SUBSCRIBING,
    collections.OrderedDict: _SUBSCRIBING,
    collections.defaultdict: _LOOKING,
    AnnotatedDict: _LOOKING,
    types.MappingProxyType: _SUBSCRIBING,
    collections.Counter: {
        **_SUBSCRIBING,
        "elements": Rule(Result.ITEMS, list),
        "most_common": Rule(Result.PAIRS),
        "total": Rule(Result.ATOM, int),
    },
    set: _COMBINING,
    frozenset: _COMBINING,
    bytearray: dict.fromkeys(
        set(dir(bytes)) - set(dir(object)), Rule(Result.FRESH, bytes, iterates=True)
    ),
}
#: Methods that go through their arguments, and so use up an iterator.
ITERATING_METHODS = frozenset(
    [
        "extend",
        "extendleft",
        "update",
        "union",
        "intersection",
        "difference",
        "symmetric_difference",
        "join",
        "fromkeys",
        "intersection_update",
        "difference_update",
        "symmetric_difference_update",
        "writelines",
        "subtract",
        "__init__",
        "__iadd__",
        "__ior__",
        "__iand__",
        "__isub__",
        "__ixor__",
    ]
)

#: Operators that a container takes elements by, when they assign.
TAKING = frozenset({"add", "sub", "and", "or", "xor"})

_TO_ATOM: dict[object, Rule] = {
    len: Rule(Result.ATOM, int, calls=("__len__",)),
    repr: Rule(Result.ATOM, str, calls=TEXT),
    ascii: Rule(Result.ATOM, str, calls=TEXT),
    str: Rule(Result.ATOM, str, calls=TEXT),
    format: Rule(Result.ATOM, str, calls=TEXT),
    print: Rule(Result.ATOM, calls=TEXT),
    bool: Rule(Result.ATOM, bool, calls=TRUTH),
    int: Rule(Result.ATOM, int, calls=_NUMBER),
    float: Rule(Result.ATOM, float, calls=_NUMBER),
    complex: Rule(Result.ATOM, complex, calls=_NUMBER),
    range: Rule(Result.ATOM, range, calls=_NUMBER),
    slice: Rule(Result.ATOM, slice, calls=_NUMBER),
    hash: Rule(Result.ATOM, int, calls=COMPARE),
    id: Rule(Result.ATOM, int, calls=()),
    callable: Rule(Result.ATOM, bool, calls=()),
    isinstance: Rule(Result.ATOM, bool, calls=()),
    issubclass: Rule(Result.ATOM, bool, calls=()),
    chr: Rule(Result.ATOM, str, calls=_NUMBER),
    ord: Rule(Result.ATOM, int, calls=()),
    bin: Rule(Result.ATOM, str, calls=_NUMBER),
    hex: Rule(Result.ATOM, str, calls=_NUMBER),
    oct: Rule(Result.ATOM, str, calls=_NUMBER),
    object: Rule(Result.FRESH, calls=()),
    any: Rule(Result.ATOM, bool, iterates=True, calls=TRUTH),
    all: Rule(Result.ATOM, bool, iterates=True, calls=TRUTH),
    bytes: Rule(Result.ATOM, bytes, iterates=True, calls=("__bytes__", *_NUMBER)),
}
#: Functions and types that change nothing when called.
FUNCTIONS: dict[object, Rule] = {
    **_TO_ATOM,
    bytearray: Rule(Result.FRESH, bytearray, iterates=True, calls=_NUMBER),
    abs: Rule(Result.NUMBER, calls=("__abs__",)),
    round: Rule(Result.NUMBER, calls=("__round__",)),
    divmod: Rule(Result.NUMBER, calls=("__divmod__", "__rdivmod__")),
    pow: Rule(Result.NUMBER, calls=("__pow__", "__rpow__")),
    min: Rule(Result.ITEM, iterates=True, calls=COMPARE),
    max: Rule(Result.ITEM, iterates=True, calls=COMPARE),
    sum: Rule(Result.NUMBER, iterates=True, calls=("__add__", "__radd__")),
    list: Rule(Result.ITEMS, list, iterates=True, calls=("__len__",)),
    tuple: Rule(Result.ITEMS, tuple, iterates=True, calls=("__len__",)),
    set: Rule(Result.ITEMS, set, iterates=True, calls=COMPARE),
    frozenset: Rule(Result.ITEMS, frozenset, iterates=True, calls=COMPARE),
    dict: Rule(Result.ITEMS, dict, iterates=True, calls=(*COMPARE, "keys", "__getitem__")),
    sorted: Rule(Result.ITEMS, list, iterates=True, calls=COMPARE),
    reversed: Rule(Result.ITEMS, Iterator, iterates=True, calls=("__reversed__", *ITER)),
    filter: Rule(Result.ITEMS, Iterator, iterates=True, calls=TRUTH),
    map: Rule(Result.ITEMS, Iterator, iterates=True, calls=()),
    enumerate: Rule(Result.PAIRS, Iterator, iterates=True, calls=()),
    zip: Rule(Result.PAIRS, Iterator, iterates=True, calls=()),
    collections.deque: Rule(Result.ITEMS, collections.deque, iterates=True, calls=()),
    collections.OrderedDict: Rule(
        Result.ITEMS, collections.OrderedDict, iterates=True, calls=COMPARE
    ),
    collections.Counter: Rule(Result.ITEMS, collections.Counter, iterates=True, calls=COMPARE),
    collections.defaultdict: Rule(
        Result.ITEMS, collections.defaultdict, iterates=True, calls=COMPARE
    ),
}
#: Those of them whose first argument is a function that they call.
CALLING = (map, filter)

_NAMED: dict[str, Rule] = {
    "copy.copy": Rule(Result.ITEMS, calls=_COPY),
    "copy.deepcopy": Rule(Result.FRESH, calls=_COPY),
    "json.dumps": Rule(Result.ATOM, str, iterates=True),
    "random.choice": Rule(Result.ITEM, iterates=True),
    "random.sample": Rule(Result.ITEMS, list, iterates=True),
    "random.choices": Rule(Result.ITEMS, list, iterates=True),
    "logging.getLogger": Rule(Result.FRESH, Logger, calls=()),
    "threading.Lock": Rule(Result.FRESH, Lock, calls=()),
    "threading.RLock": Rule(Result.FRESH, Lock, calls=()),
    "threading.Condition": Rule(Result.FRESH, Lock, calls=()),
    "threading.Semaphore": Rule(Result.FRESH, Lock, calls=()),
    "threading.BoundedSemaphore": Rule(Result.FRESH, Lock, calls=()),
    "asyncio.Lock": Rule(Result.FRESH, Lock, calls=()),
    "math.fsum": Rule(Result.ATOM, float, iterates=True),
    "math.prod": Rule(Result.NUMBER, iterates=True),
    "math.dist": Rule(Result.ATOM, float, iterates=True),
    **{
        f"math.{name}": Rule(Result.ATOM, float, calls=_NUMBER)
        for name in [
            "sqrt",
            "floor",
            "ceil",
            "sin",
            "cos",
            "tan",
            "atan2",
            "hypot",
            "exp",
            "log",
            "log2",
            "log10",
            "pow",
            "isnan",
            "isinf",
            "isclose",
            "gcd",
            "fabs",
            "trunc",
            "degrees",
            "radians",
            "copysign",
        ]
    },
}
#: They see the caller's variables, or change them.
OMNISCIENT = ("builtins.exec", "builtins.eval", "builtins.locals", "sys._getframe") + (
    "inspect.currentframe",
    "inspect.stack",
    "gc.get_referrers",
    "gc.get_objects",
)


def functions() -> dict[int, Rule]:
    """The rules of all functions that are loaded, by the identity of the function."""
    rules = {id(function): rule for function, rule in FUNCTIONS.items()}
    rules.update((id(loaded(name)), rule) for name, rule in _NAMED.items() if loaded(name))
    return rules


def loaded(name: str) -> object | None:
    """The object ``module.name``, if that module has been imported."""
    module, _, attribute = name.rpartition(".")
    return vars(sys.modules[module]).get(attribute) if module in sys.modules else None


def module(name: str) -> types.ModuleType | None:
    """A module, if it is loaded."""
    return sys.modules.get(name)


def builtins_of(function: types.FunctionType) -> dict[str, object]:
    """What the function finds among the builtins."""
    return cast(Any, function).__builtins__  # type: ignore[no-any-return]  # not in every typeshed
