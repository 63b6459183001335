"""Classes made up at random: what a method really changed must be among its declared writes.

    seed ─► source of a class ─► _shared_meta ─────────────────────────► declared
                            └──► an object ─► some calls ─► snapshot ─► one call ─► changed

`SUITKAISE_CLASSES` says how many classes are made up, spread over `SHARDS` tests that may run in
parallel. Up to `GATE` of them are the same each time, so that this test fails only for a reason;
beyond that they are new ones in each run. A failure prints the class.
"""

import contextlib
import copy
import functools
import heapq
import itertools
import linecache
import os
import random
import sys
import types
from collections import defaultdict, deque

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from suitkaise.sk._analysis import shared_meta

pytestmark = pytest.mark.endurance

GATE = 2_000  # what CI takes; without being asked the test takes a quarter
CLASSES = int(os.environ.get("SUITKAISE_CLASSES", GATE // 4))
SHARDS = 20


class Node:
    """A foreign object, with everything that may surprise."""

    def __init__(self, *items):
        self.items = list(items)
        self.n = 0
        self.link = None

    def touch(self):
        self.n += 1
        return self

    def look(self):
        return self.items

    @property
    def counted(self):
        self.n += 1
        return self.n

    def __iter__(self):
        self.n += 1
        return iter(self.items[:20])  # Of a copy: `items.extend(node)` must come to an end.

    def __getitem__(self, index):
        self.n += 1
        return self.items[index]

    def __contains__(self, item):
        self.n += 1
        return item in self.items

    def __enter__(self):
        self.n += 1
        return self.items

    def __exit__(self, *exception):
        return None

    def __call__(self, *things):
        self.n += 1
        return self.items

    def __iadd__(self, item):
        self.items.append(item)
        return self

    def __add__(self, other):
        return Node(*self.items, self)


class OopsError(Exception):
    pass


def change(*things):
    for thing in things:
        if isinstance(thing, list):
            thing.append(9)
    return things[0]


@contextlib.contextmanager
def keep(thing):
    yield thing


def traced(method):
    @functools.wraps(method)
    def wrapper(*args, **kwargs):
        return method(*args, **kwargs)

    return wrapper


class Fuel:
    """Ends what would call itself, or double its lists, for ever."""

    left = 0

    @classmethod
    def burn(cls):
        cls.left -= 1
        caller = sys._getframe(1).f_locals
        parts = [KEPT, *caller.values(), *(p for v in caller.values() for p in inside(v))]
        if cls.left < 0 or any(len(part) > 100 for part in parts if isinstance(part, list)):
            raise OopsError("out of fuel")


def inside(value):
    """The parts of a value, two levels deep."""
    parts = list(getattr(value, "__dict__", {}).values())
    parts += value[:100] if isinstance(value, list) else []
    parts += [getattr(value, "shared", None)]
    deeper = [part[:100] for part in parts if isinstance(part, list)]
    deeper += [list(part.values()) for part in parts if isinstance(part, dict)]
    deeper += [list(vars(part).values()) for part in parts if isinstance(part, Node)]
    return [*parts, *(inner for part in deeper for inner in part)]


burn = Fuel.burn
KEPT = []
LISTS = ["xs", "ys", "zs"]
INIT = {
    "xs": ["[1, 2]", "[]", "list(p)", "p", "self.ys", "[q]", "[i] * 2"],
    "ys": ["[3]", "p", "list(range(2))", "[*p]", "self.zs", "sorted(p)"],
    "zs": ["[[1], [2]]", "[]", "[p, p]", "[self.xs]", "[x for x in p]"],
    "d": ["{}", "{'k': [1]}", "{'k': p}", "defaultdict(list)", "dict(k=self.xs)", "{'k': q}"],
    "s": ["{1, 2}", "set()", "set(range(3))", "frozenset()", "set(p)"],
    "n": ["0", "i", "1.5", "len(p)", "True"],
    "node": ["Node(1)", "q", "Node(self.xs)", "None", "Node(p)", "copy.copy(q)"],
    "objs": ["[Node(1), Node(2)]", "[q]", "[]", "[self.node]", "(q, Node())", "deque([Node(3)])"],
    "it": ["iter([1, 2, 3])", "iter(self.xs)", "iter(p)", "zip(p, p)", "(x for x in p)"]
    + ["map(self.h0, [p])", "self.gen(1)", "enumerate(self.zs)"],
    "cb": ["None", "lambda: self.xs.append(1)", "self.h0", "q", "p.append", "self.xs.append"]
    + ["functools.partial(self.h0, p)", "self.xs.copy", "change"],
}


PLACES = ["<M>.d['k']", "<M>.zs[0]", "<M>.node.items"]
EXPRESSIONS = [
    "(<L> if <M>.n else <L>)",
    "(<L> or <L>)",
    "(<L> and <L>)",
    "[<L>, <L>][0]",
    "(<L>, <L>)[-1]",
    "(lambda: <L>)()",
    "(lambda z=<L>: z)()",
    "next(iter([<L>]))",
    "<M>.prop",
    "<M>.h0(<L>)",
    "<M>.h1(<L>, <L>)",
    "<M>.get()",
    "[*<M>.zs][0]",
    "(t := <L>)",
    "dict(a=<L>)['a']",
    "max([<L>], key=len)",
    "<M>.zs.copy()[0]",
    "copy.copy(<M>.node).items",
    "getattr(<M>, 'xs')",
    "getattr(<M>.node, 'items')",
    "<M>.__dict__['ys']",
    "vars(<M>).get('xs')",
    "type(<M>).shared",
    "<M>.shared",
    "<M>.objs[0].items",
    "<M>.d.get('k', <L>)",
    "<M>.d.setdefault('k', <L>)",
    "<M>.node.look()",
    "<M>.node.touch().items",
    "KEPT[0]",
    "list(<M>.d.values())[0]",
    "[v for _, v in <M>.d.items()][0]",
    "[z for z in (<L>, <L>)][-1]",
    "[z for z, *_ in zip([<L>])][0]",
    "list(map(lambda z: z, [<L>]))[0]",
    "list(filter(None, [<L>]))[0]",
    "list(enumerate([<L>]))[0][1]",
    "list(reversed(<M>.zs))[0]",
    "sum([<L>], [])",
    "(<L> + <L>)",
    "<L>[:]",
    "(<L> * 1)",
    "change(<L>)",
    "(<M>.node + 1).items",
    "<M>.other(<L>)",
    "<M>.static(<L>, <L>)",
    "super(<M>.__class__, <M>).get()",
    "type(<M>).h0(<M>, <L>)",
    "{'z': <L>}['z']",
    "(yielded := <M>.gen(<L>), next(yielded))[1]",
    "functools.reduce(lambda z, _: z, [<L>, 1])",
    "<M>.it_list()",
    "list(itertools.chain([<L>]))[0]",
    "<M>.lazy",
]
NODES = [
    "<M>.node",
    "<M>.node",
    "q",
    "<M>.objs[0]",
    "[o for o in <M>.objs][0]",
    "next(iter(<M>.objs))",
    "(<M>.node or q)",
    "max(<M>.objs, key=lambda o: o.n)",
    "<M>.node.link",
    "copy.copy(<M>.node)",
]
CHANGES = [
    "<L>.append(1)",
    "<L>.append(<L>)",
    "<L>.extend(<L>)",
    "<L>.clear()",
    "<L>.pop()",
    "<L>.sort(key=str)",
    "<L>.reverse()",
    "<L>[0] = 5",
    "<L>[0] = <L>",
    "<L>[0] += <L>",
    "<L>[:1] = <L>",
    "del <L>[:1]",
    "<L>[0].append(7)",
    "heapq.heappush(<L>, 0)",
    "random.Random(1).shuffle(<L>)",
    "list.append(<L>, 2)",
    "list.extend(<L>, <L>)",
    "change(<L>)",
    "change(<L>, <L>)",
    "add = <L>.append; add(3)",
    "functools.partial(<L>.append, 1)()",
    "for z in [<L>]: z.append(1)",
    "for z in <L>: z.append(1); break",
    "for i, z in enumerate([<L>]): z.append(i)",
    "for z, y in zip([<L>], [<L>]): y.append(1)",
    "[z.append(1) for z in (<L>,)]",
    "list(z.append(1) for z in (<L>,))",
    "list(map(lambda z: z.append(1), [<L>]))",
    "sorted([<L>], key=lambda z: z.append(1) or 0)",
    "any(z.append(1) for z in [<L>])",
    "with keep(<L>) as z: z.append(1)",
    "with <M>.node as z: z.append(1)",
    "z, *y = [<L>, <L>]; y[0].append(1)",
    "(z, [y]) = <L>, [<L>]; y.append(1)",
    "<M>.<A> = <L>",
    "<M>.<A> = z = <L>; z.append(1)",
    "<M>.<A> += <L>",
    "<M>.xs, <M>.ys = <M>.ys, <M>.xs",
    "<M>.zs.append(<L>)",
    "<M>.zs[0].append(2)",
    "<M>.d['k'] = <L>",
    "<M>.d['k'] += [1]",
    "<M>.d['new']",
    "<M>.d.update(k=<L>)",
    "<M>.d |= {'k': <L>}",
    "for z in <M>.d.values(): z.append(1)",
    "for _, z in <M>.d.items(): z.append(1)",
    "<M>.s.add(len(<L>))",
    "<M>.s |= {4}",
    "<M>.s ^= {1}",
    "<M>.s.discard(1)",
    "<M>.n += 1",
    "<M>.n = len(<L>)",
    "for <M>.n in range(3): pass",
    "with keep(3) as <M>.n: pass",
    "(<M>.n, [*<M>.xs]) = 1, [2, 3]",
    "<M>.__dict__['n'] = 3",
    "vars(<M>)['xs'].append(1)",
    "setattr(<M>, 'n', 5)",
    "object.__setattr__(<M>, 'ys', <L>)",
    "super().__setattr__('n', 8)",
    "delattr(<M>, 'n')",
    "del <M>.<A>",
    "<M>.tmp = <L>; del <M>.tmp",
    "<M>.prop = <L>",
    "<M>.prop += [1]",
    "del <M>.prop",
    "<M>.h0(<L>).append(1)",
    "<M>.h1(<L>, <L>)",
    "<M>.other(<L>)",
    "<M>.get().append(3)",
    "type(<M>).make(<L>).xs.append(1)",
    "type(<M>).shared.append(4)",
    "type(<M>).total = 3",
    "<M>.__class__.total += 1",
    "<M>.total += 1",
    "KEPT.append(<L>)",
    "KEPT[0].append(1)",
    "global SPOT; SPOT = <L>",
    "SPOT.append(1)",
    "<M>.cb = lambda: <L>.append(1)",
    "<M>.cb = lambda z=<L>: z.append(1)",
    "<M>.cb = <M>.h0",
    "<M>.cb = <L>.append",
    "<M>.cb = functools.partial(<M>.h1, <L>, <L>)",
    "<M>.cb()",
    "<M>.cb(<L>)",
    "change(<M>.cb)",
    "sorted([<L>], key=<M>.h0)",
    "list(map(<M>.h0, [<L>]))",
    "list(map(<L>.append, [1]))",
    "sorted([1], key=<L>.append)",
    "<M>.it = iter(<L>)",
    "<M>.it = <M>.gen(<L>)",
    "<M>.it = map(<M>.h0, [<L>])",
    "<M>.it = (z.append(1) for z in [<L>])",
    "<M>.it = zip(<L>, <M>.it)",
    "<M>.it = (f() for f in [<L>.pop])",
    "next(<M>.it, None)",
    "next(<M>.it).append(1)",
    "<M>.it.__next__()",
    "for z in itertools.islice(<M>.it, 2): pass",
    "0 in itertools.islice(<M>.it, 2)",
    "z = list(itertools.islice(<M>.it, 1))",
    "z, *_ = itertools.islice(<M>.it, 2)",
    "<N>.n = 5",
    "<N>.n += 5",
    "<N>.touch()",
    "<N>.counted",
    "<N>.items.append(1)",
    "<N>.items = <L>",
    "<N>.link = <M>.node",
    "<N>.link = Node(<L>)",
    "<N>.link.touch()",
    "<N>[0]",
    "1 in <N>",
    "[*<N>]",
    "<N>()",
    "<M>.node += 1",
    "<M>.node = <N>",
    "<M>.node = Node(<L>)",
    "<M>.objs = [<N>, <N>]",
    "for o in <M>.objs: o.n = 1",
    "for o in <M>.objs: o.touch()",
    "[o.touch() for o in <M>.objs]",
    "for <M>.objs[0].n in (1, 2): pass",
    "<M>.keep_me = <M>; <M>.keep_me.n = 4",
    "<M>.keep_me.n = 3",
    "you = <M>; you.n = 8; you.xs.append(1)",
    "pair = (<M>, 1); pair[0].n = 2",
    "(lambda them: them.xs.append(1))(<M>)",
    "(lambda: setattr(<M>, 'n', 1))()",
    "for me in <M>.zs: me.n = 3",
    "type(<M>).instance.n = 66",
    "type(<M>).instance.xs.append(66)",
    "<M>.lazy.append(1)",
    "<M>.shared = <L>",
    "<M>.fresh.append(1)",
    "<M>.fresh = <L>",
    "print(<L>, end='') if 0 else <L>.append(1)",
    "assert not <L>.append(1)",
    'f"""{<L>.append(1)}"""',
    "raise OopsError(<L>)",
    "return <L>",
]
RARE = [
    "exec('self.n = 1')",
    "change(<M>)",
    "setattr(<M>, 'x' + 's', <L>)",
    "<M>.__dict__.update(n=4)",
    "<M>.__dict__['x' + 's'] = <L>",
    "<M>.node.owner = <M>",
    "<M>.node.owner.n = 77",
    "<M>.node(<M>)",
    "<M>.zs.append(<M>); <M>.zs[-1].n = 12",
    "type(<M>).instance = <M>",
    "[<M>][0].xs.append(1)",
    "<M>.static(<M>, <L>)",
]
READS = [
    "len(<L>)",
    "sum(z for z in <L> if isinstance(z, int))",
    "for z in <L>: str(z)",
    "z = <L>",
    "z = sorted(<M>.xs, key=str)",
    "<L> == <M>.ys",
    "1 in <M>.xs",
    "f'{<M>.n}'",
    "(<M>.n + 1)",
    "return <M>.n",
    "<M>.prop",
    "<M>.get()",
    "<M>.look()",
    "z = [len(str(z)) for z in <L>]",
    "z = {k: v for k, v in <M>.d.items()}",
]


class Writer:
    """Writes one class."""

    def __init__(self, chance):
        self.chance = chance
        self.me = "self"
        self.locals = []
        self.depth = 0

    def pick(self, *options):
        return self.chance.choice(options)

    def list_(self):
        """An expression for a list, or for what may stand for one."""
        self.depth += 1
        simple = [f"{self.me}.{name}" for name in LISTS] * 3
        simple += [*self.locals, "p", *map(self.fill, PLACES)]
        is_deep = self.depth > 3 or self.chance.random() < 0.6
        found = self.pick(*simple) if is_deep else self.fill(self.pick(*EXPRESSIONS))
        self.depth -= 1
        return found

    def fill(self, template):
        """Fill in a template: <M> the object, <A> an attribute's name, <L> a list, <N> a node."""
        found = template.replace("<M>", self.me).replace("<A>", self.pick(*LISTS))
        while "<N>" in found:
            found = found.replace("<N>", self.fill(self.pick(*NODES)), 1)
        while "<L>" in found:
            found = found.replace("<L>", self.list_(), 1)
        return found

    def change(self):
        """A statement that changes something, more often than not."""
        return self.fill(self.pick(*(RARE if self.chance.random() < 0.01 else CHANGES)))

    def read(self):
        """A statement that should change nothing."""
        return self.fill(self.pick(*READS))

    def block(self, indent, size):
        lines = []
        for _ in range(size):
            lines += [" " * indent + line for line in self.statement()]
        return lines or [" " * indent + "pass"]

    def statement(self):
        chance = self.chance.random()
        if chance < 0.58:
            return [self.change()]
        if chance < 0.74:
            return [self.read()]
        a, b = self.list_(), self.list_()
        kind = self.pick("local", "if", "for", "while", "try", "def", "match", "with", "nonlocal")
        kind = self.pick(kind, kind, "class", "raise", "async", "yieldfrom", "default", "unpack")
        if kind == "local":
            name = self.pick("u", "v", "w")
            lines = [f"{name} = {a}"]
            self.locals.append(name)
            return lines
        if kind == "unpack":
            self.locals += ["u", "v"]
            return [f"u, v = {a}, {b}"]
        inner = self.change()
        return {
            "if": [f"if {a}:", f"    {inner}", "else:", f"    {self.change()}"],
            "for": [f"for u in [{a}, {b}]:", f"    {inner}", "    u.append(2)"],
            "while": [f"while (u := {a}):", "    u.append(1)", f"    {inner}", "    break"],
            "try": ["try:", f"    {inner}", f"    {a}.missing", "except Exception as error:"]
            + ["    [*error.args]", f"    {self.change()}", "finally:", f"    {self.change()}"],
            "raise": ["try:", f"    raise OopsError({a})", "except OopsError as error:"]
            + ["    error.args[0].append(1)"],
            "def": ["def inner(z, *rest, **more):", f"    z.append({b})", f"    {inner}"]
            + [f"inner({a})", f"inner(*[{b}])"],
            "default": [f"def inner(z={a}):", "    z.append(1)", "    return z"]
            + ["inner()", f"inner({b}).append(2)"],
            "nonlocal": ["spot = []", "def inner():", "    nonlocal spot", f"    spot = {a}"]
            + ["inner()", "spot.append(1)"],
            "match": [f"match {a}:", "    case [first, *rest]:", "        first.append(1)"]
            + ["    case _:", f"        {inner}"],
            "with": [f"with keep({a}) as z, keep({b}) as y:", "    z.append(1)", f"    {inner}"],
            "class": ["class Inner:", "    def go(this):", f"        {a}.append(1)"]
            + ["Inner().go()"],
            "async": ["async def later():", f"    {inner}", f"    return {a}"]
            + ["task = later()", "try: task.send(None)", "except StopIteration as stop:"]
            + ["    stop.value.append(1)", "finally: task.close()"],
            "yieldfrom": ["def walk():", f"    yield from [{a}, {b}]"]
            + ["for z in walk():", "    z.append(1)"],
        }[kind]

    def body(self, size):
        self.locals = []
        return ["        burn()", *self.block(8, size)]

    def method(self, name, parameters, *, returns=True, decorator=""):
        self.me = self.pick("self", "self", "self", "this")
        lines = [f"    {decorator}"] if decorator else []
        lines.append(f"    def {name}({', '.join([self.me, *parameters])}):")
        lines += self.body(self.chance.randint(1, 2) if name[0] == "m" else 1)
        if returns:
            lines.append(f"        return {self.list_()}")
        return lines


ENTRIES = ("m0", "m1", "h0", "h1", "other", "get", "look")


def write_class(seed):
    """The source of a class, and of a base of it, that compiles: `:=` may not stand anywhere."""
    for attempt in range(100):
        source = attempt_class(random.Random(f"{seed} {attempt}"))
        with contextlib.suppress(SyntaxError):
            compile(source, "<attempt>", "exec")
            return source
    raise AssertionError(source)


def attempt_class(chance):
    writer = Writer(chance)
    lines = ["class Base:"]
    lines += ["    def get(self):", *writer.body(1), f"        return {writer.list_()}"]
    lines += ["    def other(self, p):", *writer.body(1), f"        return {writer.list_()}"]
    lines += ["    def look(self):", f"        return {writer.list_()}", ""]
    lines += ["class Made(Base):", "    shared = [[0]]", "    total = 0", "    instance = None"]
    lines += ["    def __init__(self, p, q, i):"]
    order = ["xs", "zs", "d", "node", *chance.sample(["ys", "s", "n", "objs", "it", "cb"], 2)]
    chance.shuffle(order)
    for name in order:
        lines.append(f"        try: self.{name} = {chance.choice(INIT[name])}")
        lines.append(f"        except Exception: self.{name} = None")
    lines.append("        self.hidden = []")
    for name in ("h0", "h1"):
        parameters = ["p=()", "q=None"] if name == "h0" else ["p=(), q=None"]
        lines += writer.method(name, parameters, decorator=chance.choice(["", "", "@traced"]))
    for name in ("m0", "m1")[: chance.randint(1, 2)]:
        lines += writer.method(name, ["p", "q"], decorator=chance.choice(["", "", "@traced"]))
    for name in ("get", "look", "other"):
        if chance.random() < 0.2:
            lines += writer.method(name, ["p"] if name == "other" else [], returns=False)
            lines.append(f"        return super().{name}({'p' if name == 'other' else ''})")
    writer.me = "self"
    parts = [
        ["    def gen(self, p):", *writer.body(1), f"        yield {writer.list_()}"]
        + [*writer.body(1), f"        yield {writer.list_()}"],
        ["    def it_list(self): return list(itertools.islice(self.it, 1))[0]"],
        ["    @staticmethod", "    def static(self, p):", *writer.body(1), "        return p"],
        ["    @classmethod", "    def make(cls, p):", "        made = cls(p, Node(), 1)"]
        + ["        made.xs = p", "        return made"],
        ["    @property", "    def prop(self):", *writer.body(chance.randint(0, 1))]
        + [f"        return {writer.list_()}"]
        + ["    @prop.setter", "    def prop(self, p):", *writer.body(1)]
        + ["        self.hidden = p"]
        + ["    @prop.deleter", "    def prop(self):", "        p = []", *writer.body(1)],
        ["    @functools.cached_property", "    def lazy(self):", "        p = []"]
        + [f"        return {writer.list_()}"],
    ]
    for part in parts:
        lines += part if chance.random() < 0.25 else []
    return "\n".join(lines) + "\n"


def build(source, number):
    """Compile the source where linecache finds it."""
    name = f"<generated {number}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    namespace = {
        "Node": Node,
        "OopsError": OopsError,
        "KEPT": KEPT,
        "burn": burn,
        "change": change,
        "keep": keep,
        "traced": traced,
        "copy": copy,
        "functools": functools,
        "heapq": heapq,
        "itertools": itertools,
        "random": random,
        "defaultdict": defaultdict,
        "deque": deque,
        "__name__": "generated",
    }
    exec(compile(source, name, "exec"), namespace)
    return namespace["Made"]


def snapshot(instance):
    """What each attribute holds, deeply; the object itself is only named."""
    cls = type(instance)
    values = {k: v for k, v in vars(cls).items() if k in ("shared", "total", "instance")}
    own = vars(instance)
    return {
        **{f"{name}": frozen(value, instance, {}, 0) for name, value in values.items()},
        **{
            name: (frozen(value, instance, {}, 0), frozen(values.get(name), instance, {}, 0))
            for name, value in own.items()
        },
    }


def frozen(value, instance, seen, depth):
    if value is instance:
        return "self"
    if isinstance(value, int | float | str | bytes | type | None):
        return repr(value)
    if id(value) in seen:
        return ("again", seen[id(value)][0])
    seen[id(value)] = (len(seen), value)  # Kept, or another object would get its id.

    def inside(parts):
        return [frozen(part, instance, seen, depth + 1) for part in parts]

    if isinstance(value, list | tuple | deque):
        return (type(value).__name__, inside(value))
    if isinstance(value, set | frozenset):
        return (type(value).__name__, sorted(map(repr, value)))
    if isinstance(value, dict):
        return (type(value).__name__, inside(value), inside(value.values()))
    if isinstance(value, types.GeneratorType | types.CoroutineType):
        is_generator = isinstance(value, types.GeneratorType)
        frame = value.gi_frame if is_generator else value.cr_frame
        state = None if frame is None else (frame.f_lasti, inside(frame.f_locals.values()))
        return ("generator", state if depth >= 0 else None)
    if isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        return ("function", getattr(value, "__name__", ""))
    if isinstance(value, functools.partial):
        return ("partial", inside([*value.args, value.func]))
    if type(value).__name__ == "Made":
        return "another"
    if hasattr(value, "__reduce__") and type(value).__module__ == "builtins":
        try:
            parts = value.__reduce__()
        except TypeError:
            return "?"
        return (type(value).__name__, inside(parts[1:]))
    return (type(value).__name__, inside(vars(value).values()) if hasattr(value, "__dict__") else 0)


def call(instance, name):
    Fuel.left = 25
    arguments = {"get": 0, "look": 0, "other": 1, "make": 1, "h0": 1, "h1": 2}.get(name, 2)
    with contextlib.suppress(Exception):
        if name == "prop=":
            instance.prop = [8]
        elif name == "del prop":
            del instance.prop
        elif name in ("prop", "lazy"):
            getattr(instance, name)
        else:
            result = getattr(instance, name)(*([[5, [6]], Node(7)][:arguments]))
            if isinstance(result, types.GeneratorType):
                list(itertools.islice(result, 3))


def observe(cls, chance):
    """Call each method on an object of its own; tell the attributes that it changed."""
    entries = [name for name in ENTRIES if hasattr(cls, name)]
    optional = [("gen", "gen"), ("prop", "prop"), ("prop", "prop="), ("prop", "del prop")]
    optional += [("lazy", "lazy"), ("make", "make")]
    others = [use for member, use in optional if member in vars(cls)]
    for name in (*entries, *others):
        KEPT.clear()
        cls.shared, cls.total, cls.instance = [[0]], 0, None
        Fuel.left = 25
        try:
            instance = cls([1, [2], Node(4)], Node(3), 2)
        except Exception:
            continue
        for earlier in chance.choices(entries, k=chance.randint(0, 3)):
            call(instance, earlier)
        before = snapshot(instance)
        call(instance, name)
        after = snapshot(instance)
        names = before.keys() | after.keys()
        yield name, {n for n in names if before.get(n) != after.get(n)}


def declared(meta, name):
    kind = name.removesuffix("=").removeprefix("del ")
    section = "properties" if kind in meta["properties"] else "methods"
    return meta[section][kind]["writes"]


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.timeout(max(120, CLASSES // 10))
@settings(
    max_examples=-(-CLASSES // SHARDS),
    derandomize=CLASSES <= GATE,
    database=None,
    phases=[Phase.generate],  # A smaller seed makes no smaller class.
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**48))
def test_what_a_method_changes_is_among_its_declared_writes(shard, seed):
    seed = seed * SHARDS + shard
    source = write_class(seed)
    cls = build(source, seed)
    meta = shared_meta(cls)

    for name, changed in observe(cls, random.Random(seed)):
        writes = declared(meta, name)
        missing = set() if writes == ["*"] else changed - set(writes)
        assert not missing, f"{name} changed {missing}, declared {writes} (seed {seed}):\n{source}"
