"""Cells that functions have in common: what one assigns (`nonlocal`), the others see there too.

cloudpickle gives each function cells of its own. That is kept for a cell that nothing else refers
to, as it is quicker.
"""

import sys
import types
from typing import TYPE_CHECKING, Any

from cloudpickle import cloudpickle

from suitkaise.cucumber._reducer import ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler


class SharedCell:
    """Stands in a payload for a cell, empty until its content is there, which may lead back."""

    def __init__(self, cell: types.CellType) -> None:
        self._cell = cell

    def __reduce__(self) -> ReduceValue:
        try:
            content = self._cell.cell_contents
        except ValueError:  # it is empty
            return cloudpickle._make_empty_cell, ()
        return cloudpickle._make_empty_cell, (), (content,), None, None, fill_cell


def fill_cell(cell: types.CellType, content: tuple[Any]) -> None:
    """Give a cell its content."""
    cell.cell_contents = content[0]


def with_shared_cells(
    pickler: "Pickler", function: types.FunctionType, value: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Have a function's reduce value refer to the cells that are not the function's alone."""
    closure = function.__closure__ or ()
    counts = [*map(sys.getrefcount, closure)]
    if max(counts) <= _REFERENCES:  # as most are
        return value
    stand_ins = {
        number: pickler.cells.setdefault(id(cell), SharedCell(cell))
        for number, (cell, count) in enumerate(zip(closure, counts, strict=True))
        if count > _REFERENCES
    }
    make, (*arguments, cells), (attributes, slots), *rest = value
    slots["__closure__"] = _replaced(slots["__closure__"], stand_ins)
    return make, (*arguments, _replaced(cells, stand_ins)), (attributes, slots), *rest


def _replaced(cells: tuple[Any, ...], stand_ins: dict[int, SharedCell]) -> tuple[Any, ...]:
    return tuple(stand_ins.get(number, cell) for number, cell in enumerate(cells))


# Counted as above, of a cell that only its function refers to.
_lonely: Any = (lambda content: lambda: content)(None)
(_REFERENCES,) = map(sys.getrefcount, _lonely.__closure__)
