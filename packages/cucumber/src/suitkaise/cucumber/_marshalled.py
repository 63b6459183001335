"""Reads code as `marshal` has written it, without making it: for who distrusts it.

`marshal.loads` believes what it reads, and a damaged or forged code can crash the interpreter. Here
nothing is made but numbers, texts and tuples. The format is that of Python/marshal.c, version 2; it
is the same in Python 3.11 to 3.13.
"""

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

_MOST_DEPTH = 100
_NUMBERS_OF_CODE = 5  # the counts of arguments, the size of the stack, the flags
_DIGIT_BITS = 15


class Code(NamedTuple):
    """What is told of the code of a function.

    Attributes:
        name: Its qualified name.
        file: Where it was compiled from.
        constants: Its constants, among them the code of functions inside of it.
        names: The global names and attributes that it uses.
    """

    name: str
    file: str
    constants: tuple[Any, ...]
    names: tuple[Any, ...]


def read_code(data: bytes) -> Code:
    """Read the code of a function.

    Raises:
        ValueError: It is damaged, or something else.
    """
    code = _Reader(data).read()
    if not isinstance(code, Code):
        raise ValueError("what should be the code of a function is something else")
    return code


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0
        self._depth = 0

    def read(self) -> Any:
        kind = self._take(1)
        if kind in _SINGLETONS:
            return _SINGLETONS[kind]
        read = _READERS.get(kind)
        self._depth += 1
        if read is None or self._depth > _MOST_DEPTH:
            raise ValueError(f"code has no constant of kind {kind!r}, nor of any depth")
        value = read(self)
        self._depth -= 1
        return value

    def _take(self, size: int) -> bytes:
        begin = self._offset
        self._offset += size
        if size < 0 or self._offset > len(self._data):
            raise ValueError("code ends too soon")
        return self._data[begin : self._offset]

    def number(self) -> int:
        return int.from_bytes(self._take(4), "little", signed=True)

    def long(self) -> int:
        size = self.number()
        digits = struct.unpack(f"<{abs(size)}H", self._take(2 * abs(size)))
        value: int = sum(digit << _DIGIT_BITS * place for place, digit in enumerate(digits))
        return value if size > 0 else -value

    def float(self) -> float:
        value: float = struct.unpack("<d", self._take(8))[0]
        return value

    def complex(self) -> complex:
        return complex(self.float(), self.float())

    def bytes(self) -> bytes:
        return self._take(self.number())

    def text(self) -> str:
        return self.bytes().decode("utf-8", "surrogatepass")

    def items(self) -> tuple[Any, ...]:
        size = self.number()
        if size > len(self._data):
            raise ValueError("code ends too soon")
        return tuple(self.read() for _ in range(size))

    def code(self) -> Code:
        for _ in range(_NUMBERS_OF_CODE):
            self.number()
        self.read()  # the instructions
        constants, names = self.read(), self.read()
        self.read(), self.read()  # the variables and their kinds
        file, _, name = self.read(), self.read(), self.read()
        self.number()  # the first line
        self.read(), self.read()  # lines and handlers of exceptions, by instruction
        if not isinstance(constants, tuple) or not isinstance(names, tuple):
            raise ValueError("the constants or the names of code are no tuple")
        return Code(str(name), str(file), constants, names)


_SINGLETONS = {b"N": None, b"T": True, b"F": False, b".": ...}
_READERS: dict[bytes, Callable[[_Reader], Any]] = {
    b"i": _Reader.number,
    b"l": _Reader.long,
    b"g": _Reader.float,
    b"y": _Reader.complex,
    b"s": _Reader.bytes,
    b"u": _Reader.text,
    b"t": _Reader.text,
    b"(": _Reader.items,
    b">": _Reader.items,  # a frozenset, in the order in which it was
    b"c": _Reader.code,
}
