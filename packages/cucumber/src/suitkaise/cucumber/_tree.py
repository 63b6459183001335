"""Trees as lines of text, as `tree` draws folders."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, TypeVar

Node = TypeVar("Node")

# The line of a node, and its parts: nodes, or lines of which nothing more is known.
Expanded: TypeAlias = tuple[str, Iterable[Node | str]]

_MAX_DEPTH = 40


def tree_lines(root: Node, expand: Callable[[Node], Expanded[Node]]) -> Iterator[str]:
    """Draw a tree from the root down, line by line; each node is expanded when its line comes."""
    return _draw(root, expand, "", "", _MAX_DEPTH)


def _draw(
    node: Node, expand: Callable[[Node], Expanded[Node]], first: str, rest: str, depth: int
) -> Iterator[str]:
    line, found = expand(node)
    yield first + line
    parts = list(found)
    if parts and depth == 0:
        parts = ["... and deeper"]
    for number, part in enumerate(parts, 1):
        branch, below = ("└── ", "    ") if number == len(parts) else ("├── ", "│   ")
        if isinstance(part, str):
            yield rest + branch + part
        else:
            yield from _draw(part, expand, rest + branch, rest + below, depth - 1)
