"""The many ways to an attribute: through other values and classes, and by what built-in code calls.

Each case is the body of a method `m(self, x, y)`, and what it changes.
"""

import linecache
import types
from dataclasses import dataclass

import pytest

from suitkaise.sk._analysis import shared_meta


def foreign(*things):
    return things


class Child:
    def __init__(self):
        self.items = []
        self.count = 0


class Plain:
    def __init__(self, x):
        self.x = x


@dataclass
class Point:
    x: float
    y: float


PLAIN = """
    def __init__(self, given, other):
        self.a = []
        self.b = {}
        self.n = 0
        self.given = given
        self.child = Child()
        self.nest = [[0]]
        self.it = iter([1, 2])
        self.late = None
    def helper(self, x):
        x.append(1)
    def bump(self):
        self.n += 1
    @property
    def p(self):
        return self.a
    @p.setter
    def p(self, value):
        self.b["p"] = value
"""
SPECIAL = (
    PLAIN
    + """
    def __str__(self): self.j = 1; return ''
    def __eq__(self, o): self.k = 1; return True
    def __hash__(self): self.hh = 1; return 1
    def __lt__(self, o): self.lt = 1; return True
    def __index__(self): self.ix = 1; return 1
    def __iter__(self): self.ite = 1; return iter(self.a)
    def __len__(self): self.le = 1; return 1
    def __bool__(self): self.bo = 1; return True
    def __neg__(self): self.ne = 1; return 1
    def __contains__(self, x): self.co = 1; return True
    def __format__(self, x): self.fo = 1; return ''
    def __enter__(self): self.en = 1
    def __exit__(self, *a): self.ex = 1
    def __missing__(self, k): self.mi = 1
    def __reversed__(self): self.re = 1; return iter(())
    def __round__(self, n=0): self.ro = 1
    def __call__(self, *a): self.ca = 1
    def __aiter__(self): self.ai = 1; return self
    async def __anext__(self): self.an = 1
    def __await__(self): self.aw = 1; yield
    def __getitem__(self, i): self.gi = 1; return 1
    def __setitem__(self, i, v): self.si = 1
    def __radd__(self, o): self.ra = 1
    def __fspath__(self): self.fs = 1; return ''
    def __dir__(self): self.di = 1; return []
    def __sizeof__(self): self.sz = 1; return 1
    def __copy__(self): self.cp = 1; return self
    def __del__(self): pass
    def __instancecheck__(self, x): self.ic = 1
    def __divmod__(self, x): self.dm = 1
    def __matmul__(self, x): self.mm = 1
    def __abs__(self): self.ab = 1
    def __bytes__(self): self.by = 1; return b''
    def __complex__(self): self.cx = 1; return 1j
"""
)
NAMES = {
    name: value
    for name, value in globals().items()
    if name in ("foreign", "Child", "Plain", "Point") or isinstance(value, types.ModuleType)
}


def declared(prelude, body):
    head = "async def" if "async with" in body else "def"
    lines = "".join(f"        {line}\n" for line in body.split("\n"))
    source = f"class C:{prelude}    {head} m(self, x=None, y=None):\n{lines}"
    name = f"<way {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    namespace = {**NAMES, "__name__": "made"}
    exec(compile(source, name, "exec"), namespace)
    return shared_meta(namespace["C"])["methods"]["m"]["writes"]


WAYS = [
    ("z = self.a, self.b; (p, q) = z; q['k']=1", ["b"]),
    ("z = dict(self.__dict__); z['a'].append(1)", ["a"]),
    ("for k, v in vars(self).items(): v.append(1)", ["a", "b"]),
    ("for k in self.__dict__: getattr(self, k).append(1)", ["a"]),
    ("z = self.__dict__.copy(); z['a'].append(1)", ["a"]),
    ("z = [self.a]; z += [self.b]; z[1].clear()", ["b"]),
    ("z = {}; z['k'] = self.a; z.pop('k').append(1)", ["a"]),
    ("z = {}; z.setdefault('k', self.a).append(1)", ["a"]),
    ("z = collections.deque(); z.append(self.a); z.popleft().append(1)", ["a"]),
    ("z = collections.ChainMap(self.b); z['k'] = 1", ["b"]),
    ("z = self.a.__class__; z.append(self.a, 1)", ["a"]),
    ("z = lambda f: f(1); z(self.a.append)", ["a"]),
    ("def f(*a, **k): k['x'].append(1)\nf(x=self.a)", ["a"]),
    ("def f(q): return q\nf(self.a).append(1)", ["a"]),
    ("def f():\n    yield self.a\nfor q in f(): q.append(1)", ["a"]),
    ("def f():\n    got = yield\n    got.append(1)\ng = f(); next(g); g.send(self.a)", ["a"]),
    ("z = type('T', (), {'a': self.a}); z.a.append(1)", ["a"]),
    ("z = types.SimpleNamespace(a=self.a); z.a.append(1)", ["a"]),
    ("z = Plain(self.a); z.x.append(1)", ["a"]),
    ("z = Point(self.a, 1); z.x.append(1)", ["a"]),
    ("self.child.items = self.a; self.child.items.append(1)", ["a", "child"]),
    ("x.q = self.a; x.q.append(1)", ["a"]),
    ("x['k'] = self.a; x['k'].append(1)", ["a"]),
    ("x.append(self.a); x[-1].append(1)", ["a"]),
    ("setattr(x, 'q', self.a); x.q.append(1)", ["a"]),
    ("setattr(x, y, self.a); getattr(x, y).append(1)", ["a"]),
    ("z = copy.copy(self.child); z.items.append(1)", ["child"]),
    ("z = [*self.a, *self.nest]; z[0].append(1)", ["nest"]),
    ("z = tuple(self.nest); z[0].append(1)", ["nest"]),
    ("z = self.nest * 2; z[0].append(1)", ["nest"]),
    ("z = list(map(lambda q: q, self.nest)); z[0].append(1)", ["nest"]),
    ("z = max(self.nest, key=len); z.append(1)", ["nest"]),
    ("z = min(self.nest, self.a); z.append(1)", ["nest", "a"]),
    ("z = next(filter(None, self.nest)); z.append(1)", ["nest"]),
    ("z = random.choice(self.nest); z.append(1)", ["nest"]),
    ("z = heapq.nlargest(1, self.nest)[0]; z.append(1)", ["nest"]),
    ("z, = self.nest; z.append(1)", ["nest"]),
    ("[z] = self.nest; z.append(1)", ["nest"]),
    ("{**{'k': self.a}}['k'].append(1)", ["a"]),
    ("z = {k: v for k, v in [('k', self.a)]}; z['k'].append(1)", ["a"]),
    ("z = {'k': self.a}.items(); list(z)[0][1].append(1)", ["a"]),
    ("z = {'k': self.a}; list(z.values())[0].append(1)", ["a"]),
    ("z = dict.fromkeys('ab', self.a); z['a'].append(1)", ["a"]),
    ("z = vars(self.child)['items']; z.append(1)", ["child"]),
    ("z = self.child.__dict__; z['count'] = 1", ["child"]),
    ("self.child.__dict__.update(count=1)", ["child"]),
    ("z = self.it.__next__; z()", ["it"]),
    ("self.a.__class__ = x", ["a"]),
    ("z = weakref.ref(self.child)(); z.count = 1", ["child"]),
    ("z = operator.itemgetter(0)(self.nest); z.append(1)", ["nest"]),
    ("z = getattr(self, 'a', None); z.append(1)", ["a"]),
    ("z = self.__getattribute__('a'); z.append(1)", ["a"]),
    ("object.__getattribute__(self, 'a').append(1)", ["a"]),
    ("self.__class__.__dict__['bump'](self)", ["n"]),
    ("type(self).p.fget(self).append(1)", ["a"]),
    ("type(self).p.fset(self, 1)", ["b"]),
    ("C.p.__set__(self, 1)", ["b"]),
    ("z = super(); z.__setattr__('n', 1)", ["n"]),
    ("object.__delattr__(self, 'n')", ["n"]),
    ("C.__setattr__(self, 'n', 1)", ["n"]),
    ("self.__setattr__('n', 1)", ["n"]),
    ("self.__init__(1, 2)", ["a", "n"]),
    ("C.__init__(self, 1, 2)", ["a", "n"]),
    ("self.__dict__ |= {'n': 1}", ["n"]),
    ("self.__dict__.pop('n')", ["n"]),
    ("del self.__dict__['n']", ["n"]),
    ("self.__dict__.setdefault('n', 1)", ["n"]),
    ("self.__class__.bump(self)", ["n"]),
    ("try: pass\nfinally: self.n = 1", ["n"]),
    ("async def f(): self.n = 1\nasyncio.run(f())", ["n"]),
    ("threading.Thread(target=lambda: self.bump()).start()", ["n"]),
    ("class L(list):\n    def append(this, v): self.n = 1\nL().append(1)", ["n"]),
    ("class D:\n    def __del__(this): self.n = 1\nD()", ["n"]),
    (
        "class D:\n    def __enter__(this): return self\n    def __exit__(this, *a): pass\n"
        "with D() as q: q.n = 1",
        ["n"],
    ),
    ("class D:\n    def __getattr__(this, k): return getattr(self, k)\nD().bump()", ["n"]),
    ("class D:\n    x = self.a\nD.x.append(1)", ["a"]),
    ("class D:\n    x = property(lambda this: self.a)\nD().x.append(1)", ["a"]),
    (
        "@contextlib.contextmanager\ndef cm():\n    self.n = 1\n    yield self.a\n"
        "with cm() as q: q.append(1)",
        ["n", "a"],
    ),
    ("@functools.cache\ndef f(): return self.a\nf().append(1)", ["a"]),
    ("@functools.singledispatch\ndef f(q): self.n = 1\nf(1)", ["n"]),
    ("f = functools.wraps(self.bump)(lambda: self.bump())\nf()", ["n"]),
    ("with contextlib.ExitStack() as st: st.callback(self.bump)", ["n"]),
    ("with contextlib.closing(self.child) as q: q.count = 1", ["child"]),
    ("globals()['C'].bump(self)", ["n"]),
    ("q = locals; q()", ["n"]),
    ("z = [self.bump]; z.pop()()", ["n"]),
    ("z = self.bump; z.__self__.n = 1", ["n"]),
    ("z = self.bump.__call__; z()", ["n"]),
    ("import builtins\nbuiltins.setattr(self, 'n', 1)", ["n"]),
    ("from builtins import setattr as s\ns(self, 'n', 1)", ["n"]),
    ("z = setattr\nz(self, 'n', 1)", ["n"]),
    ("class D:\n    def __add__(this, o): self.n = 1\nD() + 1", ["n"]),
    ("class D:\n    def __eq__(this, o): self.n = 1\nD() == 1", ["n"]),
    ("class D:\n    def __bool__(this): self.n = 1; return True\nif D(): pass", ["n"]),
    ("class D:\n    def __len__(this): self.n = 1; return 1\nlen(D())", ["n"]),
    ("class D:\n    def __str__(this): self.n = 1; return ''\nf'{D()}'", ["n"]),
    ("class D:\n    def __hash__(this): self.n = 1; return 1\n{D()}", ["n"]),
    ("class D:\n    def __iter__(this): self.n = 1; return iter(())\nlist(D())", ["n"]),
    ("class D:\n    @property\n    def x(this): self.n = 1\nD().x", ["n"]),
    ("class D:\n    def __set_name__(this, o, q): self.n = 1\nclass E:\n    d = D()", ["n"]),
    ("class D:\n    def __init_subclass__(cls): self.n = 1\nclass E(D): pass", ["n"]),
    (
        "class D(Exception):\n    def __init__(this): self.n = 1\ntry: raise D\nexcept D: pass",
        ["n"],
    ),
    ("class M(type):\n    def __call__(cls): self.n = 1\nclass D(metaclass=M): pass\nD()", ["n"]),
    ("class D:\n    def __format__(this, s): self.n = 1; return ''\n'{}'.format(D())", ["n"]),
    ("class D:\n    def __lt__(this, o): self.n = 1; return True\nsorted([D(), D()])", ["n"]),
    ("class D:\n    def __contains__(this, o): self.n = 1; return True\n1 in D()", ["n"]),
    ("class D:\n    def __index__(this): self.n = 1; return 0\n[1][D()]", ["n"]),
    ("def deco(f):\n    f()\n    return f\n@deco\ndef g(): self.n = 1", ["n"]),
    ("def deco(c):\n    self.n = 1\n    return c\n@deco\nclass G: pass", ["n"]),
    ("f = lambda: (yield self.bump())\nlist(f())", ["n"]),
    ("[(yield_) for yield_ in [self.bump()]]", ["n"]),
    ("x = [self.bump() for self.m in [1]]", ["n", "m"]),
    ("match self.b:\n    case {'k': q, **r}: q.append(1); r.clear()", ["b"]),
    ("import copy as c\nz = c.copy(self.nest)\nz[0].append(1)", ["nest"]),
    ("z = self.nest.copy()\nz[0].append(1)", ["nest"]),
    ("z = list(zip(self.nest, self.a))\nz[0][0].append(1)", ["nest"]),
    ("a = b = self.a\nb.append(1)", ["a"]),
    ("a: list = self.a\na.append(1)", ["a"]),
    ("a = self.a if x else []\na.append(1)", ["a"]),
    ("a = (self.a)\ndel a[0]", ["a"]),
    ("a = self.a; b = a; c = b; c[0] = 1", ["a"]),
    ("with self.child as q, open(q) as r: pass", ["child"]),
    ("async with self.child as q: q.n = 1", ["child"]),
    ("self.given(self.a)", ["given", "a"]),
    ("self.late = self.a\nself.late.append(1)", ["late", "a"]),
    ("self.f = self.a.append\nself.f(1)", ["f", "a"]),
]
CALLED = [
    ("'%s' % self", ["j"]),
    ("'%s' % (self,)", ["j"]),
    ("'{}'.format(self)", ["fo"]),
    ("x == [self]", ["k"]),
    ("{self: 1}", ["hh"]),
    ("{1: 2}[self]", ["hh", "k"]),
    ("self.b[self]", ["hh"]),
    ("self.a.index(self)", ["k"]),
    ("self.a.remove(self)", ["k"]),
    ("self.a.count(self)", ["k"]),
    ("self in self.a", ["k"]),
    ("sorted([self, self])", ["lt"]),
    ("min(self, x)", ["lt"]),
    ("[1][self]", ["ix"]),
    ("self.a[self]", ["ix"]),
    ("self.a[self:]", ["ix"]),
    ("range(self)", ["ix"]),
    ("[1]*self", ["ix"]),
    ("for z in self: pass", ["ite"]),
    ("a, b = self", ["ite"]),
    ("f'{self}'", ["fo"]),
    ("f'{self!s}'", ["j"]),
    ("if self: pass", ["bo"]),
    ("not self", ["bo"]),
    ("x and self or 1", ["bo"]),
    ("while self: break", ["bo"]),
    ("assert self", ["bo"]),
    ("-self", ["ne"]),
    ("1 in self", ["co"]),
    ("reversed(self)", ["re"]),
    ("round(self)", ["ro"]),
    ("self(1)", ["ca"]),
    ("list(map(self, [1]))", ["ca"]),
    ("sum([self])", ["ra"]),
    ("1 + self", ["ra"]),
    ("open(self)", ["fs"]),
    ("dir(self)", ["di"]),
    ("copy.copy(self)", ["cp"]),
    ("divmod(self, 1)", ["dm"]),
    ("self @ 1", ["mm"]),
    ("abs(self)", ["ab"]),
    ("bytes(self)", ["by"]),
    ("hash(self)", ["hh"]),
    ("{self}", ["hh"]),
    ("set([self])", ["hh"]),
    ("dict([(self, 1)])", ["hh"]),
    ("self.b[(self, 1)] = 2", ["hh"]),
    ("x[self] = 1", ["hh"]),
    ("isinstance(1, self)", ["ic"]),
    ("self.bump.__call__()", ["n"]),
    ("[self.bump][0]()", ["n"]),
    ("{'k': self.bump}['k']()", ["n"]),
    ("max([self.bump], key=len)()", ["n"]),
    ("sorted(self.a, key=self)", ["ca"]),
    ("print(self)", ["j"]),
    ("str(self)", ["j"]),
    ("len(self)", ["le"]),
    ("[*self]", ["ite"]),
    ("foreign(*self)", ["ite"]),
    ("with self: pass", ["en", "ex"]),
    ("self.a.sort(key=self)", ["ca"]),
    ("self.a.extend(self)", ["ite"]),
    ("list(filter(self, [1]))", ["ca"]),
    ("any([self])", ["bo"]),
    ("self.b.get(self)", ["hh"]),
    ("self.b.setdefault(self, 1)", ["hh"]),
    ("self.b.pop(self, 1)", ["hh"]),
    ("self.b.update({self: 1})", ["hh"]),
    ("a = {}\na[self] = 1", ["hh"]),
    ("s = set()\ns.add(self)", ["hh"]),
    ("s = {1}\nself in s", ["hh"]),
    ("s = {1}\ns |= {self}", ["hh"]),
    ("max([1, self])", ["lt"]),
    ("str.format('{}', self)", ["fo"]),
    ("'x'.join(self)", ["ite"]),
    ("int(self)", ["ix"]),
    ("'abc'[self]", ["ix"]),
    ("chr(self)", ["ix"]),
    ("x < self", ["lt"]),
    ("[1] < [self]", ["lt"]),
    ("(1,) == (self,)", ["k"]),
    ("self != 1", ["k"]),
    ("self.a == self", ["k"]),
    ("import logging\nlogging.getLogger('x').info('%s', self)", ["j"]),
    ("self.a.insert(self, 1)", ["ix"]),
    ("'%d' % self", ["ix"]),
    ("b'%b' % self", ["by"]),
    ("complex(self)", ["cx"]),
    ("del self.a[self]", ["ix"]),
    ("z = self.a\nz *= self", ["ix"]),
    ("'x' * self", ["ix"]),
    ("collections.Counter([self])", ["hh"]),
    ("collections.deque([1])[self]", ["ix"]),
    ("functools.lru_cache(lambda q: 1)(self)", ["hh"]),
    ("list(zip(self, [1]))", ["ite"]),
    ("list(enumerate(self))", ["ite"]),
    ("next(iter(self))", ["ite"]),
    ("iter(self)", ["ite"]),
    ("[1][slice(self)]", ["ix"]),
    ("3 if self else 4", ["bo"]),
    ("[1 for q in [1] if self]", ["bo"]),
    ("all(q for q in [self])", ["bo"]),
]


@pytest.mark.parametrize(("body", "changed"), WAYS)
def test_whatever_way_leads_to_an_attribute_it_is_a_write(body, changed):
    writes = declared(PLAIN, body)

    assert writes == ["*"] or set(changed) <= set(writes)


@pytest.mark.parametrize(("body", "changed"), CALLED)
def test_a_special_method_that_built_in_code_calls_is_followed(body, changed):
    writes = declared(SPECIAL, body)

    assert writes == ["*"] or set(changed) <= set(writes)


def test_the_cases_run_on_a_class_that_is_otherwise_certain():
    assert declared(PLAIN, "return self.n") == []
    assert declared(SPECIAL, "return self.n") == []
