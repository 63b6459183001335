"""What running a function body does: one walk over its syntax tree, statement by statement.

    statement ─► evaluate its expressions ─► values ─► operations ─► effects of the body

The order of statements does not count, and both branches of an `if` do. A walk only adds to what
variables and attributes may refer to; whoever wants the effects walks until nothing is added.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from suitkaise.sk._analysis import _kinds, _rules
from suitkaise.sk._analysis._callees import Arguments
from suitkaise.sk._analysis._expressions import OPERATORS, Expressions, text_of
from suitkaise.sk._analysis._memory import NOTHING, Value
from suitkaise.sk._analysis._operations import Operations
from suitkaise.sk._analysis._unit import Effects, Unit


class Walk(Expressions):
    """Walks over function bodies; see `Expressions` for the arguments."""

    def __init__(self, operations: Operations, add_unit: Callable[[Any, Unit], Unit]) -> None:
        super().__init__(operations, add_unit)
        #: What stands for the classes that are defined in bodies.
        self._classes: Value = NOTHING

    def walk(self, unit: Unit) -> None:
        """Find out the effects of a body, given what is known by now."""
        body = unit.body
        if body is None:
            return
        self._unit = self._do.unit = unit
        unit.effects = self._do.effects = Effects()
        if isinstance(body, ast.Lambda):
            self._give(self._evaluate(body.body))
        elif isinstance(body, ast.GeneratorExp):
            self._comprehend(body.generators)
            self._give(self._evaluate(body.elt))
        else:
            self._execute(body.body)

    # Statements

    def _execute(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr():
                self._evaluate(node.value)
            case ast.Return():
                if node.value is not None:
                    self._give(self._evaluate(node.value))
            case ast.Assign():
                value = self._evaluate(node.value)
                for target in node.targets:
                    self._assign(target, value)
            case ast.AnnAssign():
                if node.value is not None:
                    self._assign(node.target, self._evaluate(node.value))
            case ast.AugAssign():
                self._augment(node)
            case ast.Delete():
                for target in node.targets:
                    self._delete(target)
            case ast.For() | ast.AsyncFor():
                self._assign(node.target, self._do.iterate(self._evaluate(node.iter), node))
                self._execute([*node.body, *node.orelse])
            case ast.If() | ast.While():
                self._truth(self._evaluate(node.test))
                self._execute([*node.body, *node.orelse])
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    entered = self._enter(self._evaluate(item.context_expr), item)
                    if item.optional_vars is not None:
                        self._assign(item.optional_vars, entered)
                self._execute(node.body)
            case ast.Try() | ast.TryStar():
                self._execute(node.body)
                for handler in node.handlers:
                    if handler.type is not None:
                        self._evaluate(handler.type)
                    if handler.name:
                        caught = frozenset(self._memory.raised) | self._do.fresh(handler)
                        self._store(handler.name, caught)
                    self._execute(handler.body)
                self._execute([*node.orelse, *node.finalbody])
            case ast.Match():
                subject = self._evaluate(node.subject)
                for matched in node.cases:
                    self._match(matched.pattern, subject)
                    if matched.guard is not None:
                        self._truth(self._evaluate(matched.guard))
                    self._execute(matched.body)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                value = self._function(node)
                for decorator in reversed(node.decorator_list):
                    value = (
                        self._do.call(
                            self._evaluate(decorator),
                            Arguments((value,), (None,)),
                            decorator,
                        )
                        | value
                    )
                self._store(node.name, value)
            case ast.ClassDef():
                self._class(node)
            case ast.Raise():
                for raised in (node.exc, node.cause):
                    if raised is not None:
                        value = self._evaluate(raised)
                        if classes := value & self._classes:
                            value |= self._do.call(classes, Arguments(), raised)
                        self._memory.grow(self._memory.raised, self._do.loose(value))
            case ast.Assert():
                self._truth(self._evaluate(node.test))
                if node.msg is not None:
                    self._evaluate(node.msg)
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    name = (alias.asname or alias.name).partition(".")[0]
                    self._store(name, self._imported(node, alias))
            case ast.Pass() | ast.Break() | ast.Continue() | ast.Global() | ast.Nonlocal():
                pass
            case _:
                self._do.star()  # Syntax of a Python to come.

    def _imported(self, node: ast.Import | ast.ImportFrom, alias: ast.alias) -> Value:
        if isinstance(node, ast.Import):
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            module: object | None = _rules.module(name)
        else:
            module = None if node.level else _rules.loaded(f"{node.module}.{alias.name}")
        return self._do.fresh((node, alias.name)) if module is None else self._do.known(module)

    def _class(self, node: ast.ClassDef) -> None:
        value = self._do.fresh(node)
        self._classes |= value
        for part in [*node.bases, *(keyword.value for keyword in node.keywords)]:
            given = self._do.loose(self._evaluate(part))
            self._memory.put(given, value)
            if given:  # A base is told of its subclass, and a metaclass makes it.
                self._do.foreign(given, (node, part))
        for statement in node.body:
            self._statement(statement)
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                self._memory.put(self._load(statement.name), value)
        for name in {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}:
            if name in self._unit.shared:
                self._memory.put(self._do.loose(self._load(name)), value)
        for decorator in node.decorator_list:
            value |= self._do.call(
                self._evaluate(decorator), Arguments((value,), (None,)), decorator
            )
        self._store(node.name, value)

    def _enter(self, value: Value, place: object) -> Value:
        entered = self._do.special(value, ("__enter__", "__aenter__"))
        nothing = self._do.fresh((place, "exception"))
        exit_with = Arguments((nothing, nothing, nothing))
        self._do.special(value, ("__exit__", "__aexit__"), exit_with)
        entered = self._await(entered, place)
        others = {
            thing
            for thing in value - self._do.itself
            if not all(map(_kinds.is_lock, self._memory.kinds(thing)))
        }
        return entered | self._do.foreign(others, place) if others else entered

    def _match(self, pattern: ast.pattern, subject: Value) -> None:
        """Bind what a pattern binds: any part of the subject; attributes may be properties."""
        parts = subject
        for node in ast.walk(pattern):
            if isinstance(node, ast.MatchClass):
                if node.patterns and self._memory.itself in parts:
                    self._do.star()
                for name in node.kwd_attrs:
                    parts |= self._do.load_attribute(parts, name, (node, name))
                if node.patterns:
                    parts |= self._do.foreign(parts - self._do.itself, node)
                self._evaluate(node.cls)
            elif isinstance(node, ast.MatchSequence | ast.MatchMapping):
                parts |= self._do.load_item(parts, NOTHING, node)
                parts |= self._do.contents(parts - self._do.itself)
            elif isinstance(node, ast.MatchValue):
                self._do.compare(parts, self._evaluate(node.value), is_search=False, place=node)
        parts |= self._do.contents(parts - self._do.itself)
        for node in ast.walk(pattern):
            if not isinstance(node, ast.MatchAs | ast.MatchStar | ast.MatchMapping):
                continue
            bound = node.rest if isinstance(node, ast.MatchMapping) else node.name
            if bound is not None:
                self._store(bound, parts | self._do.fresh((node, "rest"), list, parts))

    # Targets

    def _assign(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name():
                self._store(target.id, value)
            case ast.Attribute():
                owner = self._evaluate(target.value)
                self._do.store_attribute(owner, self._unit.mangled(target.attr), value, target)
            case ast.Subscript():
                owner = self._evaluate(target.value)
                key = self._evaluate(target.slice)
                if isinstance(target.slice, ast.Slice):
                    value |= self._do.iterate(value, (target, "slice"))
                name = text_of(target.slice)
                if self._memory.its_dict in owner and name is not None:
                    self._do.store_attribute(self._do.itself, name, value, target)
                    owner -= {self._memory.its_dict}
                self._do.store_item(owner, key, value, target)
            case ast.Tuple() | ast.List():
                parts = self._do.iterate(value, target)
                for part in target.elts:
                    self._assign(part, parts)
            case ast.Starred():
                self._assign(target.value, self._do.fresh(target, list, value))
            case _:
                self._do.star()

    def _augment(self, node: ast.AugAssign) -> None:
        target, name = node.target, OPERATORS[type(node.op)]
        right = self._evaluate(node.value)
        if isinstance(target, ast.Subscript):
            owner, key = self._evaluate(target.value), self._evaluate(target.slice)
            left = self._do.load_item(owner, key, (target, "load"))
            value = self._do.operate_in_place(left, right, name, node)
            self._assign(target, value)
            return
        if isinstance(target, ast.Name):
            left = self._load(target.id)
        else:
            owner = self._evaluate(target.value)
            attribute = self._unit.mangled(target.attr)
            left = self._do.load_attribute(owner, attribute, (target, "load"))
        self._assign(target, self._do.operate_in_place(left, right, name, node))

    def _delete(self, target: ast.expr) -> None:
        match target:
            case ast.Attribute():
                owner = self._evaluate(target.value)
                self._do.delete_attribute(owner, self._unit.mangled(target.attr), target)
            case ast.Subscript():
                owner, name = self._evaluate(target.value), text_of(target.slice)
                if self._memory.its_dict in owner and name is not None:
                    self._do.delete_attribute(self._do.itself, name, target)
                    owner -= {self._memory.its_dict}
                self._do.delete_item(owner, self._evaluate(target.slice), target)
            case ast.Tuple() | ast.List():
                for part in target.elts:
                    self._delete(part)
