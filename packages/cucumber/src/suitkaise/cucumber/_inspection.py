"""What is in a payload, without loading it: `inspect`."""

import pickle
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from suitkaise.cucumber._appendix import has_appendix, lengths
from suitkaise.cucumber._diagnosis import foreign_data_error
from suitkaise.cucumber._errors import DeserializationError
from suitkaise.cucumber._payload import HEADER
from suitkaise.cucumber._stack_machine import Label, StackMachine
from suitkaise.cucumber._tree import Expanded, tree_lines

if TYPE_CHECKING:
    from typing_extensions import Buffer

_MAX_LINES = 1_000
_MAX_CONSTANTS = 5  # of one object that are shown; of the rest, how many

_Part: TypeAlias = tuple[str, Label]  # with how it is reached


class Inspection:
    """What a payload says. Prints as a list of names and a tree.

    Attributes:
        version: Of the format.
        size: In bytes, without the buffers that were handed out.
        names: What loading would import, sorted: modules, classes and functions by dotted name. A
            name that would only be made while loading stands there as such: distrust it.
        functions: The names of functions whose own code is in the payload.
        buffers: How many buffers `deserialize` must be given with it.
    """

    __slots__ = ("_root", "buffers", "functions", "names", "size", "version")

    def __init__(self, payload: bytes, machine: "StackMachine") -> None:
        self.version = HEADER[-2]
        self.size = len(payload)
        self.names = tuple(sorted(machine.names))
        self.functions = tuple(dict.fromkeys(machine.functions))
        self.buffers = machine.buffers
        self._root = machine.result()

    def __str__(self) -> str:
        lines = [f"payload of {self.size:,} bytes, format version {self.version}"]
        if self.buffers:
            lines.append(f"buffers beside it: {self.buffers}")
        lines.append("imports:" if self.names else "imports nothing")
        lines += [f"    {name}" for name in self.names]
        if self.functions:
            lines.append("has the code of:")
            lines += [f"    {name}" for name in self.functions]
        lines.append("builds:")
        tree = tree_lines(("", self._root), _Drawing().expand)
        lines += [f"    {line}" for line in islice(tree, _MAX_LINES)]
        lines += ["    ... and more" for _ in islice(tree, 1)]
        return "\n".join(lines)

    __repr__ = __str__


def inspect(data: "Buffer") -> Inspection:
    """Tell what is in a payload without loading it: nothing is imported, nothing is called.

    What a careful user looks at before `deserialize`, which imports and calls what the bytes say.

    Args:
        data: The payload: bytes, bytearray, memoryview or another object with a buffer.

    Returns:
        The names that loading would import, and the structure.

    Raises:
        DeserializationError: The bytes are foreign, damaged or cut short.
        TypeError: `data` is no bytes-like object.

    Example:
        >>> from suitkaise.cucumber import inspect, serialize
        >>> from decimal import Decimal
        >>> inspect(serialize({"price": Decimal("9.95")}))
        payload of 64 bytes, format version 1
        imports:
            decimal.Decimal
        builds:
            dict
            └── 'price': decimal.Decimal(...)
                └── '9.95'
    """
    payload = bytes(memoryview(data).cast("B"))
    if not payload.startswith(HEADER):
        raise foreign_data_error(payload[: len(HEADER)], HEADER)
    try:
        behind = lengths(payload, len(HEADER)) if has_appendix(payload, len(HEADER)) else ()
        machine = StackMachine(behind)
        machine.run(payload)
        return Inspection(payload, machine)
    except (
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        UnicodeError,
        pickle.UnpicklingError,
    ) as error:
        raise DeserializationError(f"the payload is damaged or cut short: {error}") from error


class _Drawing:
    """Gives the lines of a tree; what is in several places has its parts in the first."""

    def __init__(self) -> None:
        self._drawn: set[int] = set()

    def expand(self, part: _Part) -> Expanded[_Part]:
        name, label = part
        line = f"{name} {label.text}" if name else label.text
        if id(label) in self._drawn and label.parts:
            return f"{line}, the same again", []
        self._drawn.add(id(label))
        return line, _few(label)


def _few(label: Label) -> Iterator[_Part | str]:
    """Give the parts that are shown: of many constants the first, and how many there are."""
    constants = 0
    for name, part in label.parts:
        if part.is_constant:
            constants += 1
            if constants > _MAX_CONSTANTS:
                continue
        yield name, part
    if constants > _MAX_CONSTANTS:
        yield f"... and {constants - _MAX_CONSTANTS:,} more numbers or texts"
