"""One function body, what is known of its variables, and what running it does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import TypeAlias

from suitkaise.sk._analysis._memory import Thing
from suitkaise.sk._source import mangled

#: The variable of a generator that stands for what is sent to it.
SENT = "<sent>"

#: A generator expression is a function of its own: it runs later.
Body: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.GeneratorExp


@dataclass
class Effects:
    """What running one function body does by itself; what it calls is counted there.

    Attributes:
        writes: Attributes that it rebinds or deletes.
        class_writes: Those of them that it changes on the class.
        reads: Attributes that it looks at.
        changed: Things that it changes.
        calls: The bodies that it runs.
        makes: Constructors of new objects of the same class that it runs, and what they are given.
        writes_all: It may write anything.
        reads_all: It may read anything.
    """

    writes: set[str] = field(default_factory=set)
    class_writes: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    changed: set[Thing] = field(default_factory=set)
    calls: set[Unit] = field(default_factory=set)
    makes: list[tuple[Unit, frozenset[Thing]]] = field(default_factory=list)
    writes_all: bool = False
    reads_all: bool = False


class Unit:
    """A function body.

    Attributes:
        body: Its syntax tree. None if there is no source: then it may do anything.
        class_name: The class that mangles its private names.
        function: The function object that it, or what is around it, was compiled to.
        parent: The body around it, for a nested function.
        names: What the tree refers to beyond the function's own names.
        annotations: Types of parameters that the tree does not show.
        variables: What its local variables may refer to.
        result: What it may return, or yield.
        effects: What it does, as seen when it was last looked at.
        locals: The names of its local variables.
        shared: Those that are local to a comprehension or class in it; elsewhere in the body the
            name may be that of something outside.
        globals: Names that it declares as global.
        is_suspended: A call only makes a generator or coroutine.
        is_entered: It is called from outside, with arguments of which nothing is known.
    """

    def __init__(
        self,
        body: Body | None,
        class_name: str | None,
        function: FunctionType,
        *,
        parent: Unit | None = None,
        names: dict[str, object] | None = None,
        annotations: dict[str, object] | None = None,
    ) -> None:
        self.body = body
        self.class_name = class_name
        self.function = function
        self.parent = parent
        self.names = names or {}
        self.annotations = annotations or {}
        self.variables: dict[str, set[Thing]] = {}
        self.result: set[Thing] = set()
        self.effects = Effects(writes_all=body is None, reads_all=body is None)
        self.locals: set[str] = set()
        self.shared: set[str] = set()
        self.globals: set[str] = set()
        self.is_suspended = False
        self.is_entered = False
        if body is not None:
            self._survey(body)

    def _survey(self, body: Body) -> None:
        """Find out which names are local, and whether a call runs the body at once."""
        if not isinstance(body, ast.GeneratorExp):
            self.locals.update(parameter.arg for parameter in parameters_of(body))
        outer: set[str] = set()
        walrus: set[ast.AST] = set()
        for node in _inside(body):
            if isinstance(node, ast.NamedExpr) and isinstance(body, ast.GeneratorExp):
                walrus.add(node.target)  # It binds in the function around.
            elif isinstance(node, ast.ClassDef | ast.ListComp | ast.SetComp | ast.DictComp):
                self.shared.update(_stored(node))
            if node in walrus:
                pass
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                self.locals.add(node.id)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.locals.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    self.locals.add((alias.asname or alias.name).partition(".")[0])
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
                self.locals.add(node.name or "")
            elif isinstance(node, ast.MatchMapping):
                self.locals.add(node.rest or "")
            elif isinstance(node, ast.Global):
                self.globals.update(node.names)
            elif isinstance(node, ast.Nonlocal):
                outer.update(node.names)
            elif isinstance(node, ast.Yield | ast.YieldFrom):
                self.is_suspended = True
        self.locals -= self.globals | outer
        if isinstance(body, ast.AsyncFunctionDef | ast.GeneratorExp):
            self.is_suspended = True

    @property
    def root(self) -> Unit:
        """The outermost body around it, or itself."""
        return self if self.parent is None else self.parent.root

    @property
    def parameters(self) -> list[ast.arg]:
        """Its parameters that take one argument each."""
        if self.body is None or isinstance(self.body, ast.GeneratorExp):
            return []
        given = self.body.args
        return [*given.posonlyargs, *given.args, *given.kwonlyargs]

    @property
    def positional(self) -> list[str]:
        """Its parameters that take positional arguments, in order."""
        if self.body is None or isinstance(self.body, ast.GeneratorExp):
            return []
        return [given.arg for given in (*self.body.args.posonlyargs, *self.body.args.args)]

    def mangled(self, name: str) -> str:
        """A name as the compiler sees it inside a class."""
        return mangled(name, self.class_name)


def parameters_of(body: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> list[ast.arg]:
    """All parameters, starred ones included."""
    given = body.args
    starred = [argument for argument in (given.vararg, given.kwarg) if argument]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *starred]


def _inside(body: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a body, without those of the functions in it."""
    waiting = list(ast.iter_child_nodes(body))
    if isinstance(body, ast.FunctionDef | ast.AsyncFunctionDef):
        waiting = list(body.body)  # Defaults and decorators belong to what is around it.
    elif isinstance(body, ast.Lambda):
        waiting = [body.body]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend([*node.decorator_list, *node.args.defaults])
            waiting.extend(default for default in node.args.kw_defaults if default)
        elif isinstance(node, ast.Lambda):
            waiting.extend(node.args.defaults)
        elif isinstance(node, ast.GeneratorExp):
            # Its own variables are its own, but `:=` in it binds outside.
            waiting.extend(
                inner.target for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)
            )
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _stored(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            yield inner.id
        elif isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield inner.name
