"""struct.Struct: made again of its format."""

from typing import TYPE_CHECKING

from suitkaise.cucumber._reducer import Reducer, reducer

if TYPE_CHECKING:
    from struct import Struct


def reduce_struct(struct: "Struct") -> tuple[type, str]:
    """Send the format."""
    return type(struct), struct.format


def rebuild_struct(kind: "type[Struct]", layout: str) -> "Struct":
    """Make such a struct."""
    return kind(layout)


REDUCERS: dict[str, Reducer] = {"_struct.Struct": reducer(reduce_struct, rebuild_struct)}
