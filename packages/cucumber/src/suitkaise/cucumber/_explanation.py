"""How an object would travel, part by part: `explain`."""

import sys
from collections import Counter, deque
from collections.abc import Iterator
from enum import Enum
from io import BytesIO
from types import CodeType
from typing import Any

from suitkaise.cucumber._diagnosis import reason_and_remedy
from suitkaise.cucumber._handlers._iterators import DryRunError
from suitkaise.cucumber._parts import (
    ATOMS,
    CONTAINERS,
    Part,
    name_of,
    parts_of_container,
    parts_of_value,
    reduce_value_of,
)
from suitkaise.cucumber._pickler import Pickler
from suitkaise.cucumber._reconnector import set_description
from suitkaise.cucumber._reducer import ReduceValue
from suitkaise.cucumber._tree import Expanded, tree_lines
from suitkaise.cucumber._walk import Place

_MAX_PARTS = 100_000
_MAX_ALIKE = 3  # parts of one object that are shown if they are alike; of the rest, how many
_OF_THE_PICKLER = (".__", "._cloudpickle_submodules")
_WITHOUT_CONTENT = ("code", "dict", "list", "tuple")
_HANDLERS = "suitkaise.cucumber._handlers."


class Way(Enum):
    """How a part travels."""

    VALUE = "by value"  # its content is in the bytes
    REFERENCE = "by reference"  # its name is, and the receiver imports it
    RECONNECTOR = "Reconnector"  # how to connect again is
    CONSUMED = "consumed"  # what is left in it, which is then used up here
    REPEATED = "again"  # nothing but that it is the same as another part
    FAILS = "FAILS"  # it cannot


class Explanation:
    """How an object, or a part of one, would travel. Prints as a tree.

    Numbers, texts and bytes are not among the parts: they travel by value.

    Attributes:
        path: Where it is, as Python would reach it (`.jobs[3].lock`); empty for the object itself.
        type_name: The dotted name of its type.
        way: "by value", "by reference", "Reconnector", "consumed" (serialising uses it up),
            "again" (the same object as another part) or "FAILS".
        detail: The name that is imported, how it comes back, or why it fails and what to do.
        parts: What it is made of.
    """

    __slots__ = ("_step", "detail", "parts", "path", "type_name", "way")

    def __init__(self, path: str, type_name: str, step: str = "") -> None:
        self.path = path
        self.type_name = type_name
        self.way = Way.VALUE.value
        self.detail = ""
        self.parts: list[Explanation] = []
        self._step = step

    @property
    def failures(self) -> "list[Explanation]":
        """The parts, at any depth, that cannot be serialised; the object itself may be one."""
        return [each for each in self if each.way == Way.FAILS.value]

    def __iter__(self) -> "Iterator[Explanation]":
        """Go through the object and its parts at any depth."""
        left = [self]
        while left:
            each = left.pop()
            yield each
            left += reversed(each.parts)

    def __str__(self) -> str:
        failing = {id(each) for each in _with_failures(self)}
        return "\n".join(tree_lines(self, lambda each: _expand(each, failing)))

    __repr__ = __str__


def explain(obj: Any) -> Explanation:
    """Tell how an object would travel, part by part, and what would fail. Serialises nothing.

    Iterators are not used up. Objects' own methods (`__reduce__`, `__getstate__`) are called, and
    connections asked what they are connected to, as `serialize` would do.

    Args:
        obj: What to explain.

    Returns:
        The tree, which prints as one. Of an object of more than 100,000 parts it has the first.

    Example:
        >>> import threading
        >>> from suitkaise.cucumber import explain
        >>> explain({"lock": threading.Lock(), "numbers": (n for n in range(3))})
        dict · by value: 2 items
        ├── ['lock'] _thread.lock · by value: they arrive unlocked, with nobody waiting
        └── ['numbers'] generator · consumed: it arrives as an iterator over what is left
    """
    pickler = Pickler(BytesIO(), 5)
    pickler.is_dry = pickler.with_context_values = True
    root = Explanation("", name_of(type(obj)))
    seen: dict[int, tuple[Explanation, Any]] = {}  # by id, and alive, so that no id is used again
    # Breadth first, so that a thing that is in several places is explained at its shortest path.
    pending = deque([(obj, Place(None, "", None), root)])
    while pending:
        thing, place, explanation = pending.popleft()
        first, _ = seen.setdefault(id(thing), (explanation, thing))
        if first is not explanation and first.way != Way.REFERENCE.value:
            explanation.way = Way.REPEATED.value
            explanation.detail = f"the same as {first.path or 'the whole'}"
            continue
        for part, at in _explain_one(pickler, thing, place, explanation):
            if type(part) not in ATOMS and len(seen) + len(pending) < _MAX_PARTS:
                step = "" if at is place else at.step
                child = Explanation(at.path, name_of(type(part)), step)
                explanation.parts.append(child)
                pending.append((part, at, child))
    _leave_out_the_obvious(root)
    return root


def _explain_one(
    pickler: Pickler, thing: Any, place: Place, explanation: Explanation
) -> list[Part]:
    """Say how one thing travels; returns its parts."""
    if type(thing) in CONTAINERS:
        explanation.detail = f"{len(thing):,} {'item' if len(thing) == 1 else 'items'}"
        return list(parts_of_container(thing, place))
    try:
        value = reduce_value_of(pickler, thing)
        explanation.way, explanation.detail = _way_of(thing, value)
        if isinstance(thing, CodeType) or explanation.way == Way.REFERENCE.value:
            return []
        return list(parts_of_value(value, place))
    except DryRunError:
        explanation.way = Way.CONSUMED.value
        explanation.detail = "it arrives as an iterator over what is left"
    except Exception as error:
        explanation.way = Way.FAILS.value
        explanation.detail = reason_and_remedy(explanation.type_name, error)
    return []


def _way_of(thing: Any, value: ReduceValue) -> tuple[str, str]:
    if value is None:
        return Way.VALUE.value, ""
    if not isinstance(value, tuple):
        module = getattr(thing, "__module__", None)
        name = value if isinstance(value, str) else getattr(thing, "__qualname__", "")
        return Way.REFERENCE.value, f"{module}.{name}" if module else name
    rebuild, arguments = value[:2]
    if getattr(rebuild, "__name__", "") == "subimport":
        return Way.REFERENCE.value, arguments[0]
    if len(value) == 6 and value[5] is set_description:
        return Way.RECONNECTOR.value, ""
    module = getattr(rebuild, "__module__", None) or ""
    if module.startswith(_HANDLERS):
        first_line = (sys.modules[module].__doc__ or "").partition("\n")[0]
        return Way.VALUE.value, first_line.partition(": ")[2].removesuffix(".")
    return Way.VALUE.value, ""


def _leave_out_the_obvious(root: Explanation) -> None:
    """Drop what the pickler needs and nobody asks for."""
    for each in reversed(list(root)):  # parts before what they are parts of
        each.parts = [part for part in each.parts if not _is_obvious(part)]
        if each.way == Way.RECONNECTOR.value and not _with_failures(each):
            each.parts = []


def _is_obvious(part: Explanation) -> bool:
    """Tell whether a part is a class or function that is imported, or holds nothing else."""
    if part.parts or not part._step.startswith(_OF_THE_PICKLER):
        return False
    return part.way == Way.REFERENCE.value or (
        part.way == Way.VALUE.value and part.type_name in _WITHOUT_CONTENT
    )


def _with_failures(root: Explanation) -> list[Explanation]:
    """Return what fails and what holds such a thing, at any depth."""
    order = list(root)
    failing: dict[int, Explanation] = {}
    for each in reversed(order):  # parts before what they are parts of
        if each.way == Way.FAILS.value or any(id(part) in failing for part in each.parts):
            failing[id(each)] = each
    return list(failing.values())


def _expand(each: Explanation, failing: set[int]) -> Expanded[Explanation]:
    """Give the line of an object, and its parts: of those that are alike the first few."""
    detail = f": {each.detail}" if each.detail else ""
    step = f"{each._step} " if each._step else ""
    shown: list[Explanation | str] = []
    alike: Counter[tuple[str, str]] = Counter()
    hidden: Counter[tuple[str, str]] = Counter()
    for part in each.parts:
        kind = part.type_name, part.way
        alike[kind] += 1
        if alike[kind] <= _MAX_ALIKE or id(part) in failing:
            shown.append(part)
        else:
            hidden[kind] += 1
    shown += [
        f"... and {count:,} more of {type_name} · {way}"
        for (type_name, way), count in hidden.items()
    ]
    return f"{step}{each.type_name} · {each.way}{detail}", shown
