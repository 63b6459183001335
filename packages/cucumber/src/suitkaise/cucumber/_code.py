"""The code of functions: as `marshal` writes it, with a checksum.

The interpreter believes code unseen, so that a flipped bit could crash it. And marshal is quick:
the same attribute by attribute, as cloudpickle has it, takes five times as long. That way remains
for code with constants that no compiler makes.
"""

import marshal
import types
import zlib
from typing import TYPE_CHECKING, Any

from cloudpickle import cloudpickle

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, ReduceValue

if TYPE_CHECKING:
    from suitkaise.cucumber._pickler import Pickler

_NUMBERS = 6  # with which the arguments of a code begin: how many arguments it takes, its flags
_VERSION = 2  # of marshal's format: the last that writes equal values equally


def reduce_code(_pickler: "Pickler", code: types.CodeType) -> ReduceValue:
    """Reduce the code of a function."""
    try:
        data = marshal.dumps(code, _VERSION)
        is_whole = marshal.loads(data) == code  # what has a buffer would arrive as bytes
    except ValueError:  # a constant of another kind
        is_whole = False
    if is_whole:
        return load_code, (zlib.crc32(data), data)
    _, arguments = cloudpickle._code_reduce(code)
    return rebuild_code, (_checksum(arguments), *arguments)


def load_code(checksum: int, data: bytes) -> Any:
    """Make the code, if it is what was sent."""
    if zlib.crc32(data) != checksum:
        raise RefusalError(_DAMAGED)
    return marshal.loads(data)


def rebuild_code(checksum: int, *arguments: Any) -> types.CodeType:
    """Make the code from its attributes, if they are what was sent."""
    if _checksum(arguments) != checksum:
        raise RefusalError(_DAMAGED)
    return types.CodeType(*arguments)


_DAMAGED = "the payload is damaged: the code of a function is not what it was"


def _checksum(arguments: tuple[Any, ...]) -> int:
    """Sum up the instructions and numbers of code, and how much there is of the rest."""
    checksum = zlib.crc32(marshal.dumps(arguments[:_NUMBERS], _VERSION))
    for each in arguments[_NUMBERS:]:
        if type(each) is bytes:
            checksum = zlib.crc32(each, checksum)
        elif type(each) is tuple:
            checksum ^= len(each)
    return checksum


REDUCERS: dict[type, Reducer] = {types.CodeType: reduce_code}
