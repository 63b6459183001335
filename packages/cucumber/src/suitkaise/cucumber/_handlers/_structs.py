"""struct.Struct: made again of its format."""

import struct
from typing import Any

from suitkaise.cucumber._handlers._attributes import assign_attributes, attributes_of
from suitkaise.cucumber._reducer import Reducer, reducer


def reduce_struct(packer: struct.Struct) -> tuple[type, str, Any]:
    """Send the format, and what a user has added."""
    return type(packer), packer.format, attributes_of(packer)


def rebuild_struct(kind: Any, layout: str, attributes: Any) -> struct.Struct:
    """Make such a struct; a subclass's own constructor is not called."""
    make: Any = struct.Struct.__new__
    packer: struct.Struct = make(kind, layout)
    struct.Struct.__init__(packer, layout)
    assign_attributes(packer, attributes)
    return packer


REDUCERS: dict[str, Reducer] = {"_struct.Struct": reducer(reduce_struct, rebuild_struct)}
