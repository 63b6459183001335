"""What an annotation tells of a parameter: annotations are believed, and never evaluated."""

from __future__ import annotations

import ast
import types
import typing
from collections import deque

from suitkaise.sk._analysis import _kinds, _rules
from suitkaise.sk._analysis._context import Context
from suitkaise.sk._analysis._memory import NOTHING, Value
from suitkaise.sk._analysis._unit import Unit
from suitkaise.sk._source import parse

_UNIONS: tuple[object, ...] = (typing.Union, typing.Optional)
_WRAPPERS: tuple[object, ...] = (typing.Annotated, typing.Final, typing.ClassVar)
_CONTAINERS: dict[object, type] = {
    **{kind: kind for kind in _rules.METHODS if kind is not _kinds.AnnotatedDict},
    dict: _kinds.AnnotatedDict,
    typing.List: list,  # noqa: UP006 (what users write)
    typing.Dict: _kinds.AnnotatedDict,  # noqa: UP006
    typing.Set: set,  # noqa: UP006
    typing.FrozenSet: frozenset,  # noqa: UP006
    typing.Tuple: tuple,  # noqa: UP006
    typing.Deque: deque,  # noqa: UP006
}


def annotated(calls: Context, annotation: object, unit: Unit, place: object) -> Value:
    """A value of which only the annotation is known.

    Args:
        calls: What makes things.
        annotation: A syntax tree, or a type as `dataclasses.Field.type` has it. None tells
            nothing.
        unit: Where it stands, for the names in it.
        place: What the value is the value of.

    Returns:
        What it may refer to: nothing is assumed where the annotation is not understood.
    """
    origin, arguments = _taken_apart(annotation, unit)
    if origin in _UNIONS:
        parts = [
            annotated(calls, part, unit, (place, index)) for index, part in enumerate(arguments)
        ]
        return NOTHING.union(*parts)
    if origin in _WRAPPERS and arguments:
        return annotated(calls, arguments[0], unit, place)
    try:
        kind = _CONTAINERS.get(origin)
    except TypeError:  # Not hashable.
        kind, origin = None, None
    if kind is not None:
        parts = [
            annotated(calls, part, unit, (place, index)) for index, part in enumerate(arguments)
        ]
        return calls.fresh(place, kind, NOTHING.union(*parts))
    if isinstance(origin, type) and (_kinds.is_atom(origin) or origin is type(None)):
        return calls.memory.atom(origin)
    is_class = type(origin) is type and origin is not object and origin not in calls.cls.__mro__
    return calls.fresh(place, origin if isinstance(origin, type) and is_class else object)


def _taken_apart(annotation: object, unit: Unit) -> tuple[object, tuple[object, ...]]:
    """The type that is annotated, and what stands in brackets."""
    if isinstance(annotation, str):
        try:
            annotation = parse(annotation, "eval").body
        except SyntaxError:
            return None, ()
    if not isinstance(annotation, ast.AST):
        if annotation is None:
            return type(None), ()
        origin = typing.get_origin(annotation)
        if origin is types.UnionType:
            origin = typing.Union
        return (origin, typing.get_args(annotation)) if origin else (annotation, ())
    match annotation:
        case ast.Constant(value=None):
            return type(None), ()
        case ast.Constant(value=str(text)):
            return _taken_apart(text, unit)
        case ast.BinOp(op=ast.BitOr()):
            return typing.Union, (annotation.left, annotation.right)
        case ast.Subscript():
            inside = annotation.slice
            parts = tuple(inside.elts) if isinstance(inside, ast.Tuple) else (inside,)
            origin = _named(annotation.value, unit)
            if origin is typing.Optional:
                parts = (*parts, ast.Constant(None))
            return origin, parts
        case ast.Name() | ast.Attribute():
            found = _named(annotation, unit)
            if found is None or isinstance(found, ast.AST | str):
                return None, ()
            return _taken_apart(found, unit)
    return None, ()


def _named(node: ast.AST, unit: Unit) -> object | None:
    function = unit.root.function
    if isinstance(node, ast.Name):
        for namespace in (function.__globals__, _rules.builtins_of(function)):
            if node.id in namespace:
                found: object = namespace[node.id]
                return found
    if isinstance(node, ast.Attribute):
        module = _named(node.value, unit)
        if isinstance(module, types.ModuleType):
            return vars(module).get(node.attr)
    return None
