"""The syntax tree of a function, if its source is at hand and really is its source.

    function ─► file name, first line ─► linecache ─► parse ─► the definition at that line
                                                         └─► compile ─► the same bytecode? ─► tree

Source is what linecache gives: files, notebook cells, and whatever a shell put there. It may have
changed since the function was compiled, or belong to another function of the same place (`exec`
twice under one file name). So the statement is compiled again and must give an equal code object;
where it does not, there is no source. Nothing is imported or executed, and nothing blocks beyond
reading the file.
"""

from __future__ import annotations
import __future__

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, Literal, NamedTuple, TypeAlias

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_MOST_ATTEMPTS = 100

_FUTURES = 0
for _name in __future__.all_feature_names:
    _FUTURES |= getattr(__future__, _name).compiler_flag


class Source(NamedTuple):
    """Where a function is written.

    Attributes:
        definition: Its ``def`` or ``lambda``.
        class_name: The innermost class around it, which mangles private names; None outside.
    """

    definition: Definition
    class_name: str | None

    def mangled(self, name: str) -> str:
        """A name as the compiler sees it there."""
        return mangled(name, self.class_name)


def mangled(name: str, class_name: str | None) -> str:
    """A name as the compiler sees it inside a class; None stands for outside of any."""
    owner = (class_name or "").lstrip("_")
    if not owner or not name.startswith("__") or name.endswith("__") or "." in name:
        return name
    return f"_{owner}{name}"


def source_of(function: FunctionType) -> Source | None:
    """Find the syntax tree that a function was compiled from.

    Args:
        function: Any function written in Python.

    Returns:
        Where it is written. None if there is no source, if it is not this function's, or if
        several lambdas on one line leave it open which.
    """
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        return None
    candidates = _definitions("".join(lines)).get((code.co_firstlineno, code.co_name), [])
    if len(candidates) != 1:
        return None
    [(statement, source)] = candidates
    return source if code in _codes(statement, code.co_flags & _FUTURES) else None


def parse(text: str, mode: Literal["exec", "eval"] = "exec") -> Any:
    """Parse source, in whichever thread.

    Older interpreters count the depth of all threads' trees in one place, and may fail when two of
    them parse at once (CPython issue 106905).
    """
    for _ in range(_MOST_ATTEMPTS):
        try:
            return ast.parse(text, mode=mode)
        except SystemError:
            continue
    return ast.parse(text, mode=mode)


class _Statement(NamedTuple):
    """A top-level statement of a file, with what its compilation depends on.

    Attributes:
        node: The statement.
        imports: The file's own imports: calls on imported names are compiled differently.
    """

    node: ast.stmt
    imports: tuple[ast.stmt, ...]


@lru_cache(maxsize=64)
def _definitions(text: str) -> dict[tuple[int, str], list[tuple[_Statement, Source]]]:
    """All functions in a file, by first line and name."""
    try:
        module = parse(text)
        imports = tuple(_imports_in(module))
        found: dict[tuple[int, str], list[tuple[_Statement, Source]]] = {}
        for node in module.body:
            statement = _Statement(node, imports)
            for source in _definitions_in(node, None):
                definition = source.definition
                place = (_first_line(definition), getattr(definition, "name", "<lambda>"))
                found.setdefault(place, []).append((statement, source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return found


def _imports_in(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            if getattr(child, "module", None) != "__future__":
                yield child
        elif isinstance(child, ast.stmt | ast.ExceptHandler) and not isinstance(
            child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        ):
            yield from _imports_in(child)


def _definitions_in(node: ast.AST, class_name: str | None) -> Iterator[Source]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        yield Source(node, class_name)
    for child in ast.iter_child_nodes(node):
        yield from _definitions_in(
            child, node.name if isinstance(node, ast.ClassDef) else class_name
        )


@lru_cache(maxsize=256)
def _codes(statement: _Statement, futures: int) -> frozenset[CodeType]:
    """All code in a statement. Futures are those of the function: they may be inherited."""
    module = ast.Module(body=[*statement.imports, statement.node], type_ignores=[])
    try:
        top = compile(module, "<suitkaise>", "exec", flags=futures, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    codes: set[CodeType] = set()
    waiting = [top]
    while waiting:
        code = waiting.pop()
        codes.add(code)
        waiting.extend(const for const in code.co_consts if isinstance(const, CodeType))
    return frozenset(codes)


def _first_line(definition: Definition) -> int:
    if isinstance(definition, ast.Lambda):
        return definition.lineno
    return min([definition.lineno, *(node.lineno for node in definition.decorator_list)])
