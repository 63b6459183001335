import asyncio
import builtins
import collections
import contextlib
import copy
import dataclasses
import enum
import functools
import heapq
import linecache
import random
import threading
import typing

import pytest

from suitkaise.sk._analysis import Use, _shared_meta, property_access, shared_meta

KEPT = []


def foreign(*things):
    return things


class Child:
    def __init__(self, parent=None):
        self.parent = parent
        self.items = []
        self.count = 0

    @property
    def next_number(self):
        self.count += 1
        return self.count


class Plain:
    def __init__(self, x):
        self.x = x


@dataclasses.dataclass
class Point:
    x: float
    y: float


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def stamped(function):
    @functools.wraps(function)
    def wrapper(self, *args):
        self.stamp = 1
        return function(self, *args)

    return wrapper


NAMES = {
    "Child": Child,
    "Plain": Plain,
    "Point": Point,
    "KEPT": KEPT,
    "foreign": foreign,
    "traced": traced,
    "stamped": stamped,
    "asyncio": asyncio,
    "collections": collections,
    "contextlib": contextlib,
    "copy": copy,
    "enum": enum,
    "functools": functools,
    "heapq": heapq,
    "random": random,
    "threading": threading,
    "typing": typing,
    "dataclasses": dataclasses,
}
INIT = """
    def __init__(self, given, other):
        self.a = []
        self.b = {}
        self.n = 0
        self.given = given
        self.other = other
        self.child = Child()
        self.nest = [[0]]
        self.it = iter([1, 2])
        self.lock = threading.Lock()
        self.late = None
        self.helper_of_mine = self.helper
    def helper(self, x):
        x.append(1)
    def get(self):
        return self.a
    def bump(self):
        self.n += 1
    def recur(self, n):
        if n:
            self.recur(n - 1)
        self.b[n] = n
    def numbers(self):
        self.n += 1
        yield 1
    @property
    def p(self):
        return self.a
    @p.setter
    def p(self, value):
        self.b["p"] = value
    @p.deleter
    def p(self):
        del self.n
    @functools.cached_property
    def cached(self):
        return 7
"""


def made(source, **names):
    """A class as a file would define it: with source."""
    made.count += 1
    name = f"<class {made.count}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    namespace = {**NAMES, **names, "__name__": "made"}
    exec(compile(source, name, "exec"), namespace)
    return namespace["C"]


made.count = 0


def method(*lines, header="def m(self, x=None, y=None):", prelude=INIT, bases="", before=""):
    body = "".join(f"        {line}\n" for text in lines for line in text.split("\n"))
    return made(f"{before}class C{bases}:{prelude}    {header}\n{body}")


def writes(cls, name="m"):
    return shared_meta(cls)["methods"][name]["writes"]


def reads(cls, name="m"):
    return shared_meta(cls)["methods"][name]["reads"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("self.n = 1", ["n"]),
        ("self.n += 1", ["n"]),
        ("del self.n", ["n"]),
        ("self.a[0] = 1", ["a"]),
        ("del self.a[0]", ["a"]),
        ("self.a += [1]", ["a"]),
        ("self.b['k'] += 1", ["b"]),
        ("self.b |= {1: 2}", ["b"]),
        ("self.n, self.a[0] = 1, 2", ["a", "n"]),
        ("(self.n, *self.a) = [1, 2]", ["a", "n"]),
        ("[self.n for self.n in (1, 2)]", ["n"]),
        ("for self.n in range(3): pass", ["n"]),
        ("for self.a[0] in range(3): pass", ["a"]),
        ("with contextlib.nullcontext(1) as self.n: pass", ["n"]),
        ("with contextlib.nullcontext(1) as (self.n, self.b['k']): pass", ["b", "n"]),
        ("(z := self.a).append(1)", ["a"]),
        ("self.a.append(1)", ["a"]),
        ("self.b.setdefault(1, []).append(2)", ["b"]),
        ("self.b.update(k=1)", ["b"]),
        ("self.b.pop(1, None)", ["b"]),
        ("self.a.sort()", ["a"]),
        ("list.append(self.a, 1)", ["a"]),
        ("heapq.heappush(self.a, 1)", ["a"]),
        ("random.shuffle(self.a)", ["a"]),
        ("push = self.a.append\npush(1)", ["a"]),
        ("z = y = self.a\ny.append(1)", ["a"]),
        ("z = (1, self.a)\nz[1].append(1)", ["a"]),
        ("z = {'k': self.a}\nz['k'].append(1)", ["a"]),
        ("z, y = self.a, self.b\nz.append(1)", ["a", "b"]),
        ("(self.a if x else self.b).clear()", ["a", "b"]),
        ("(self.a or self.b).clear()", ["a", "b"]),
        ("[z.append(1) for z in [self.a]]", ["a"]),
        ("for z in self.nest: z.append(1)", ["nest"]),
        ("for z in self.nest: z[0] = 1", ["nest"]),
        ("for z in self.a: z.n = 1", ["a"]),
        ("for i, z in enumerate(self.nest): z.append(i)", ["nest"]),
        ("for k, z in self.b.items(): z.append(k)", ["b"]),
        ("for z, w in zip(self.a, self.nest): w.append(1)", ["a", "nest"]),
        ("first, *rest = self.nest\nrest[0].append(1)", ["nest"]),
        ("max(self.nest).append(1)", ["nest"]),
        ("sorted(self.nest)[0].append(1)", ["nest"]),
        ("[*self.nest][0].append(1)", ["nest"]),
        ("list(reversed(self.nest))[0].append(1)", ["nest"]),
        ("copy.copy(self.nest)[0].append(1)", ["nest"]),
        ("self.nest[:][0].append(1)", ["nest"]),
        ("self.child.items.append(1)", ["child"]),
        ("self.child.count = 1", ["child"]),
        ("self.child.anything()", ["child"]),
        ("self.child.next_number", ["child"]),
        ("getattr(self, 'child').next_number", ["child"]),
        ("self.get().append(1)", ["a"]),
        ("self.p.append(1)", ["a"]),
        ("self.p = 1", ["b"]),
        ("del self.p", ["n"]),
        ("self.helper(self.b)", ["b"]),
        ("self.bump()", ["n"]),
        ("self.recur(3)", ["b"]),
        ("f = self.bump\nf()", ["n"]),
        ("functools.partial(self.bump)()", ["n"]),
        ("foreign(self.bump)", ["n"]),
        ("threading.Thread(target=self.bump)", ["n"]),
        ("sorted([1], key=lambda z: self.a.append(z))", ["a"]),
        ("foreign(lambda: self.a.append(1))", ["a"]),
        ("foreign(lambda: self.a)", ["a"]),
        ("def inner():\n    self.n = 1\ninner()", ["n"]),
        ("def inner(z=self.a):\n    z.append(1)\ninner()", ["a"]),
        ("z = None\ndef inner():\n    nonlocal z\n    z = self.a\ninner()\nz.append(1)", ["a"]),
        ("list(self.numbers())", ["n"]),
        ("next(self.it)", ["it"]),
        ("for z in self.it: pass", ["it"]),
        ("1 in self.it", ["it"]),
        ("z, *_ = self.it", ["it"]),
        ("print(*self.it)", ["it"]),
        ("sum(self.it)", ["it"]),
        ("[].extend(self.it)", ["it"]),
        ("setattr(self, 'n', 1)", ["n"]),
        ("delattr(self, 'n')", ["n"]),
        ("object.__setattr__(self, 'n', 1)", ["n"]),
        ("super().__setattr__('n', 1)", ["n"]),
        ("self.__dict__['n'] = 1", ["n"]),
        ("vars(self)['a'].append(1)", ["a"]),
        ("me = self\nme.n = 1", ["n"]),
        ("(self, 1)[0].n = 1", ["n"]),
        ("(lambda me: me.bump())(self)", ["n"]),
        ("type(self).total = 1", ["total"]),
        ("self.__class__.total += 1", ["total"]),
        ("C.total = 1", ["total"]),
        ("C.bump(self)", ["n"]),
        ("type(self).bump(self)", ["n"]),
        ("self.cached", ["cached"]),
        ("self.lock.acquire()", ["lock"]),
        ("with self.lock:\n    self.n += 1", ["n"]),
        ("match self.nest:\n    case [first, *_]:\n        first.append(1)", ["nest"]),
        ("match self.child:\n    case Child(items=z):\n        z.append(1)", ["child"]),
        ("try:\n    raise KeyError(self.a)\nexcept KeyError as e:\n    e.args[0].pop()", ["a"]),
        ("global KEPT\nKEPT = self.a\nKEPT.append(1)", ["a"]),
        ("assert not self.a.append(1)", ["a"]),
        ("f'{self.a.append(1)}'", ["a"]),
        ("f'{1:{self.bump()}}'", ["n"]),
        ("print(1, file=self.child)", ["child"]),
        ("self.__private = 1", ["_C__private"]),
        ("class Inner:\n    def go(this):\n        self.n = 1\nInner().go()", ["n"]),
        ("self.late.n = 1", ["late"]),
        ("self.n.value = 1", ["n"]),
        ("self.helper_of_mine(self.b)", ["b"]),
        ("return [self.bump() for _ in 'ab']", ["n"]),
        ("lambda: self.bump()", []),
        ("C.m.kept = self.a\nC.m.kept.append(1)", ["a"]),
        ("foreign.kept = self.a\nforeign.kept.append(1)", ["a"]),
        ("random.kept = self.a\nrandom.kept.append(1)", ["a"]),
        ("Child.kept = self.a\nChild.kept.append(1)", ["a"]),
        ("z = self.a\nz += [1]", ["a"]),
        ("operated = [self.a] + [self.b]\noperated[0].append(1)", ["a"]),
        ("self.a.__setitem__(0, 1)", ["a"]),
        ("type(self.a).append(self.a, 1)", ["a"]),
        ("memoryview(self.given)[0] = 1", ["given"]),
        ("self.given[1:][0] = 1", ["given"]),
        ("dict([('k', self.a)])['k'].append(1)", ["a"]),
        ("dict(zip('k', [self.a]))['k'].append(1)", ["a"]),
        ("z = {}\nz |= [('k', self.a)]\nz['k'].append(1)", ["a"]),
        ("z = copy.copy(self)\nz.a.append(1)", ["a"]),
        ("d = vars(self)\nd['n'] = 1", ["n"]),
        ("self.n: int = 1", ["n"]),
        ("{**self.b}['k'].append(1)", ["b"]),
        ("foreign(**self.b)", ["b"]),
        ("z = iter(self.nest)\nnext(z).append(1)", ["nest"]),
        ("g = (v for v in self.nest)\nnext(g).append(1)", ["nest"]),
        ("','.join(self.it)", ["it"]),
        ("self.a.extend(self.it)", ["a", "it"]),
        ("set.union({1}, self.it)", ["it"]),
        ("dict(self.it)", ["it"]),
    ],
)
def test_what_a_method_changes_is_a_write(body, expected):
    assert set(expected) <= set(writes(method(body)))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("self.n = 1", ["n"]),
        ("self.a.append(x)", ["a"]),
        ("with self.lock:\n    self.n += 1", ["n"]),
        ("self.bump()", ["n"]),
        ("z = list(self.a)\nz.append(1)", []),
        ("z = [v + 1 for v in self.a]\nz.append(1)", []),
        ("z = self.b.copy()\nz['k'] = 1", []),
        ("return len(self.a)", []),
        ("for z in self.a: print(z)", []),
        ("return sum(self.a) / (len(self.a) or 1)", []),
        ("return sorted(self.a, key=lambda z: self.b[z])", []),
        ("return {k: v for k, v in self.b.items() if k in self.a}", []),
        ("return max(self.a, default=0) + self.n", []),
        ("return f'{self.n:>10} {self.a!r}'", []),
        ("return self.a == x.a", []),
        ("return self.b.get(x, 0)", []),
        ("x.append(1)", []),
        ("if self.n in (1, 2): raise ValueError(f'{self.n}')", []),
        ("return Point(self.n + 1, self.n)", []),
        ("return self.get()", []),
        ("return self.p", []),
        ("foreign(self.n)", []),
        ("match self.n:\n    case 1: return 2", []),
    ],
)
def test_what_a_method_leaves_alone_is_no_write(body, expected):
    assert writes(method(body)) == expected


@pytest.mark.parametrize(
    "body",
    [
        "setattr(self, x, 1)",
        "delattr(self, x)",
        "vars(self).update(x)",
        "self.__dict__ = x",
        "self.__dict__[x] = 1",
        "self.__class__ = x",
        "foreign(self)",
        "foreign([self])",
        "Child(self)",
        "Child.__init__(self)",
        "x.owner = self",
        "exec('self.n = 1')",
        "eval('self.bump()')",
        "locals()",
        "foreign(vars(self))",
        "getattr(self, x)()",
        "super(x, self).go()",
        "x(self)",
        "foreign(type(self))",
        "foreign(lambda: self)",
        "functools.partial(setattr, self)(x, y)",
        "list(map(setattr, [self], x, y))",
        "d = vars(self)\nd |= x",
        "dict.update(self.__dict__, x)",
    ],
)
def test_what_cannot_be_known_is_a_star(body):
    assert writes(method(body)) == ["*"]


def test_self_that_a_global_keeps_is_followed_to_where_it_is_changed():
    cls = made(f"class C:{INIT}    def m(self): KEPT.append(self)\n    def o(self): KEPT[0].n = 1")

    assert "n" in writes(cls, "o") or writes(cls, "o") == ["*"]


def test_self_may_be_called_anything():
    cls = method("this.n = 1\nif x:\n    this = x", header="def m(this, x=None):")

    assert "n" in writes(cls)


def test_self_may_come_through_starred_parameters():
    cls = method("me, *_ = args\nme.n = 1", header="def m(*args):")

    assert "n" in writes(cls)


def test_attributes_that_share_an_object_are_written_together():
    cls = made(
        "class C:\n"
        "    def __init__(self, x):\n"
        "        self.a = self.b = []\n"
        "        self.c = [self.a]\n"
        "        self.d = x\n"
        "        self.e = x\n"
        "        self.f = []\n"
        "    def m(self): self.a.append(1)\n"
        "    def o(self): self.d.append(1)\n"
    )

    assert writes(cls) == ["a", "b", "c"]
    assert writes(cls, "o") == ["d", "e"]


def test_what_an_operator_gives_may_hold_its_operands():
    cls = made(
        "class C:\n"
        "    def __init__(self, x): self.a = x\n"
        "    def link(self): self.b = self.a + 1\n"
        "    def m(self): self.a.append(1)\n"
    )

    assert writes(cls) == ["a", "b"]


def test_methods_that_store_an_alias_count_for_the_others():
    cls = made(
        "class C:\n"
        "    def __init__(self): self.a, self.b, self.c = [], [], []\n"
        "    def link(self): self.b = self.a\n"
        "    def m(self): self.a.append(1)\n"
    )

    assert {"a", "b"} <= set(writes(cls))


def test_an_iterator_that_one_method_makes_runs_where_another_uses_it():
    cls = made(
        "class C:\n"
        "    def __init__(self): self.a, self.n, self.it = [], 0, iter(())\n"
        "    def start(self): self.it = (z.append(1) for z in [self.a])\n"
        "    def begin(self): self.it = map(self.bump, [1])\n"
        "    def bump(self, x): self.n += x\n"
        "    def m(self): next(self.it)\n"
    )

    assert {"a", "it", "n"} <= set(writes(cls))


def test_a_callback_that_one_method_stores_runs_where_another_calls_it():
    cls = made(
        "class C:\n"
        "    def __init__(self): self.a, self.f = [], None\n"
        "    def set(self): self.f = lambda: self.a.append(1)\n"
        "    def m(self): self.f()\n"
    )

    assert "a" in writes(cls)


def test_an_argument_of_unknown_type_is_used_up_by_iteration():
    cls = made(
        "class C:\n"
        "    def __init__(self, x, y: list[int]): self.x = x; self.y = y\n"
        "    def m(self): return sum(self.x)\n"
        "    def o(self): return sum(self.y)\n"
    )

    assert writes(cls) == ["x"]
    assert writes(cls, "o") == []


def test_reading_a_defaultdict_writes_it():
    cls = made(
        "class C:\n"
        "    def __init__(self): self.d = collections.defaultdict(list); self.e = {}\n"
        "    def m(self): return self.d[1]\n"
        "    def o(self): return self.e[1]\n"
        "    def q(self): return self.d.get(1)\n"
    )

    assert (writes(cls), writes(cls, "o"), writes(cls, "q")) == (["d"], [], [])


def test_the_writes_of_inherited_mixed_in_and_super_methods_count():
    cls = made(
        "class Base:\n"
        "    def base(self): self.a = 1\n"
        "    def m(self): self.b = 1\n"
        "class Mixin:\n"
        "    def m(self):\n"
        "        super().m()\n"
        "        self.hook()\n"
        "class C(Mixin, Base):\n"
        "    def m(self):\n"
        "        super().m()\n"
        "        self.c = 1\n"
        "    def hook(self): self.d = 1\n"
    )

    assert writes(cls) == ["b", "c", "d"]
    assert writes(cls, "base") == ["a"]
    assert writes(cls.__mro__[1], "m") == ["*"]


def test_an_overridden_helper_counts_for_the_inherited_method():
    cls = made(
        "class Base:\n"
        "    def m(self): self.step()\n"
        "    def step(self): pass\n"
        "class C(Base):\n"
        "    def step(self): self.n = 1\n"
    )

    assert writes(cls) == ["n"]
    assert writes(cls.__base__) == []


def test_class_static_async_and_generator_methods_are_followed():
    cls = made(
        "class C:\n"
        "    registry = {}\n"
        "    @classmethod\n"
        "    def c(cls): cls.registry['k'] = 1; cls.total = 1\n"
        "    @staticmethod\n"
        "    def s(me): me.n = 1\n"
        "    async def a(self):\n"
        "        await self.b()\n"
        "        async for _ in self.g(): pass\n"
        "    async def b(self): self.n = 1\n"
        "    async def g(self):\n"
        "        self.x = 1\n"
        "        yield 1\n"
        "    def m(self): self.s(self)\n"
    )

    assert writes(cls, "c") == ["registry", "total"]
    assert writes(cls, "a") == ["n", "x"]
    assert writes(cls, "m") == ["n"]


def test_decorators_are_followed_through_what_they_wrap():
    cls = made(
        "class C:\n"
        "    @traced\n"
        "    def m(self): self.n = 1\n"
        "    @stamped\n"
        "    def o(self): self.n = 1\n"
        "    @functools.lru_cache\n"
        "    def l(self): self.n = 1\n"
        "    @contextlib.contextmanager\n"
        "    def c(self):\n"
        "        self.n = 1\n"
        "        yield\n"
        "        self.k = 1\n"
        "    def w(self):\n"
        "        with self.c(): pass\n"
        "    def base(self, x): self.x = x\n"
        "    part = functools.partialmethod(base, 3)\n"
    )

    assert writes(cls, "m") == ["n"]
    assert writes(cls, "o") == ["n", "stamp"]
    assert writes(cls, "l") == ["n"]
    assert writes(cls, "c") == ["k", "n"]
    assert writes(cls, "w") == ["k", "n"]
    assert writes(cls, "part") == ["x"]


def test_a_decorator_that_hands_self_on_is_a_star():
    def logged(function):
        def wrapper(self):
            foreign(self)
            return function(self)

        return wrapper

    class C:
        @logged
        def m(self):
            pass

    assert writes(C) == ["*"]


def test_properties_tell_getting_from_setting():
    cls = method("pass")

    assert shared_meta(cls)["properties"]["p"]["writes"] == ["b", "n"]
    assert property_access(cls, "p", Use.GET) == {"writes": [], "reads": ["a"]}
    assert property_access(cls, "p", Use.SET)["writes"] == ["b"]
    assert property_access(cls, "p", Use.DELETE)["writes"] == ["n"]
    assert property_access(cls, "cached", Use.GET)["writes"] == ["cached"]


def test_a_dataclass_writes_its_fields_where_it_is_made_and_nowhere_else():
    cls = made(
        "@dataclasses.dataclass(order=True)\n"
        "class C:\n"
        "    x: int\n"
        "    items: list[int] = dataclasses.field(default_factory=list)\n"
        "    def __post_init__(self): self.z = 1\n"
        "    def total(self): return self.x + sum(self.items)\n"
        "    def add(self): self.items.append(1)\n"
    )

    assert writes(cls, "__init__") == ["items", "x", "z"]
    assert writes(cls, "__eq__") == []
    assert writes(cls, "__lt__") == []
    assert writes(cls, "__repr__") == []
    assert writes(cls, "total") == []
    assert writes(cls, "add") == ["items"]


def test_slots_named_tuples_and_enums_are_understood():
    slotted = made("class C:\n    __slots__ = ('a',)\n    def m(self): self.a = 1\n")
    tuple_ = made(
        "class C(typing.NamedTuple):\n    x: list\n    def m(self): self.x.append(1)\n"
        "    def o(self): return len(self.x)\n    def q(self): self[0].append(1)\n"
    )
    colour = made(
        "class C(enum.Enum):\n    RED = 1\n    def m(self): return self.value + 1\n"
        "    def o(self): self.n = 1\n"
    )

    assert writes(slotted) == ["a"]
    assert writes(tuple_) == ["x"]
    assert writes(tuple_, "o") == []
    assert writes(tuple_, "q") == ["*"]
    assert writes(colour) == []
    assert {"n"} <= set(writes(colour, "o")) or writes(colour, "o") == ["*"]


def test_methods_of_a_base_written_in_c_are_known_or_a_star():
    cls = made(
        "class C(list):\n"
        "    def m(self): self.append(1)\n"
        "    def o(self): super().append(1)\n"
        "    def q(self): return len(self)\n"
        "    def i(self): self[0] = 1\n"
        "    def t(self):\n"
        "        for z in self: z.n = 1\n"
    )

    assert writes(cls, "append") == ["*"]
    assert writes(cls, "m") == writes(cls, "o") == writes(cls, "i") == writes(cls, "t") == ["*"]
    assert writes(cls, "q") == []
    assert writes(cls, "index") == []
    assert reads(cls, "index") == ["*"]


def test_special_methods_of_the_class_are_followed_where_syntax_calls_them():
    cls = made(
        "class C:\n"
        "    def __len__(self): self.a = 1; return 1\n"
        "    def __iter__(self): self.b = 1; return self\n"
        "    def __next__(self): self.c = 1; raise StopIteration\n"
        "    def __getitem__(self, k): self.d = 1\n"
        "    def __enter__(self): self.e = 1\n"
        "    def __exit__(self, *x): self.f = 1\n"
        "    def __add__(self, o): self.g = 1\n"
        "    def __iadd__(self, o): self.h = 1; return self\n"
        "    def __call__(self): self.i = 1\n"
        "    def __str__(self): self.j = 1; return ''\n"
        "    def __eq__(self, o): self.k = 1\n"
        "    def __setitem__(self, k, v): self.l = v\n"
        "    def __delitem__(self, k): self.m = 1\n"
        "    def __bool__(self): self.n = 1; return True\n"
        "    def t1(self): len(self)\n"
        "    def t2(self): [*self]\n"
        "    def t3(self): self[0]\n"
        "    def t4(self):\n"
        "        with self: pass\n"
        "    def t5(self): self + 1\n"
        "    def t6(self): self += 1\n"
        "    def t7(self): self()\n"
        "    def t8(self): return f'{self}'\n"
        "    def t9(self): return [self] == [1]\n"
        "    def t10(self): self[0] = 1\n"
        "    def t11(self): del self[0]\n"
        "    def t12(self): return 1 if self else 2\n"
        "    def t13(self): print(self)\n"
    )
    expected = ["a", "bc", "d", "ef", "g", "h", "i", "j", "k", "l", "m", "n", "j"]

    for number, names in enumerate(expected, start=1):
        assert set(names) <= set(writes(cls, f"t{number}")), number


@pytest.mark.parametrize(
    "hook",
    [
        "def __setattr__(self, name, value): foreign(name)",
        "def __getattribute__(self, name): return object.__getattribute__(self, name)",
        "n = Anything()",
    ],
)
def test_classes_that_rule_over_attribute_access_are_stars(hook):
    anything = type("Anything", (), {"__get__": lambda *_: 1, "__set__": lambda *_: None})
    cls = made(f"class C:\n    {hook}\n    def m(self): self.n = self.n", Anything=anything)

    assert writes(cls) == ["*"]


def test_getattr_hands_out_parts_of_attributes():
    cls = made(
        "class C:\n"
        "    def __init__(self): self.inner = Child()\n"
        "    def __getattr__(self, name): return getattr(self.inner, name)\n"
        "    def m(self): self.items.append(1)\n"
    )

    assert "inner" in writes(cls) or writes(cls) == ["*"]


def test_a_class_without_source_is_all_stars():
    namespace = {}
    exec("class C:\n    def m(self): pass\n    @property\n    def p(self): pass", namespace)

    meta = shared_meta(namespace["C"])

    assert meta["methods"]["m"] == {"writes": ["*"], "reads": ["*"]}
    assert meta["properties"]["p"] == {"writes": ["*"], "reads": ["*"]}


def test_source_that_is_not_the_functions_is_no_source():
    cls = made("class C:\n    def m(self): self.n = 1")
    cls.m.__code__ = (lambda self: None).__code__
    other = made("class C:\n    def m(self): pass")
    text = "class C:\n    def m(self): self.n = 1"
    exec(compile(text, other.m.__code__.co_filename, "exec"), NAMES)
    stale = NAMES.pop("C")

    assert writes(cls) == []
    assert writes(stale) == ["*"]


def test_methods_put_on_the_class_later_are_taken_from_their_own_source():
    cls = made("class C:\n    def m(self): pass")

    def patched(self):
        self.patched = 1

    cls.m = patched

    assert writes(cls) == ["patched"]


def test_a_singleton_that_the_class_keeps_may_be_the_object():
    cls = made(
        "class C:\n"
        "    instance = None\n"
        "    def __init__(self): self.items = []\n"
        "    @classmethod\n"
        "    def get(cls):\n"
        "        if cls.instance is None: cls.instance = cls()\n"
        "        return cls.instance\n"
        "    def m(self): type(self).get().items.append(1)\n"
    )

    assert "items" in writes(cls) or writes(cls) == ["*"]


def test_making_another_object_is_no_write_but_what_it_does_to_the_class_is():
    cls = made(
        "class C:\n"
        "    total = 0\n"
        "    def __init__(self, x: int): self.x = x; type(self).total += 1\n"
        "    def m(self): return type(self)(self.x + 1)\n"
        "    def o(self):\n"
        "        other = C(1)\n"
        "        other.x = 2\n"
    )

    assert writes(cls) == ["total"]
    assert "x" not in writes(cls, "o")


def test_reads_are_the_attributes_looked_at():
    cls = method("return self.n + len(self.a) + self.helper(self.b)")

    assert reads(cls) == ["a", "b", "helper", "n"] or reads(cls) == ["a", "b", "n"]


def test_nothing_is_imported_and_nothing_of_the_class_runs(monkeypatch):
    cls = method("import antigravity\nself.n = antigravity")
    monkeypatch.setattr(builtins, "__import__", lambda *_: pytest.fail("imported"))

    assert "n" in writes(cls)


def test_the_result_is_computed_once_and_handed_out_as_copies():
    cls = method("self.n = 1")

    shared_meta(cls)["methods"]["m"]["writes"].append("gone")

    assert writes(cls) == ["n"]
    assert cls in _shared_meta._results
