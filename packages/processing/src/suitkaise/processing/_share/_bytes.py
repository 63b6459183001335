"""What holds numbers side by side in a Share: bytearray and array.array.

Their memory is open to whoever asks for it (`memoryview`): that of this process's replica. Who
writes into it that way has changed nothing in the Share. A change of length while somebody looks
into the memory is not refused, as it is outside of a Share, but replayed into new memory.
"""

# What methods made of plans take and return, and that copies are ordinary, is not what stubs say.
# mypy: disable-error-code="misc, type-arg, assignment, override, no-any-return"

from __future__ import annotations

import operator
from array import array
from collections.abc import Iterator
from typing import Any

from ._node import (
    SLOTS,
    Node,
    Planned,
    as_plain,
    changing,
    current,
    item,
    reading,
    shared_container,
    written,
)
from ._scalars import strip


def _insert(items: Any, index: Any, value: Any) -> Planned:
    position, _, _ = slice(operator.index(strip(index)), None).indices(items._length())
    return None, (items._splice, position, position, items._in_memory("append", value))


def _pop(items: Any, index: Any = -1, /) -> Planned:
    if not items._length():
        raise IndexError(f"pop from empty {type(items).__name__}")
    position = operator.index(strip(index))
    position += items._length() if position < 0 else 0
    if not 0 <= position < items._length():
        raise IndexError("pop index out of range")
    return items._part(position), (items._splice, position, position + 1, b"")


def _remove(items: Any, value: Any) -> Planned:
    items._plain().remove(value)  # raises what it would raise
    position = items._plain().index(value)
    return None, (items._splice, position, position + 1, b"")


def _set(items: Any, key: Any, value: Any) -> Planned:
    if isinstance(key, slice):
        plain = items._plain()
        plain[key] = value
        return None, (items._become, items._bytes(plain))
    index = operator.index(key)
    position = index + items._length() if index < 0 else index
    if not 0 <= position < items._length():
        items._plain()[index] = strip(value)  # raises what it would raise
    new = written(value, items, key, items._part(position))
    return None, (items._splice, position, position + 1, items._in_memory("append", new))


def _delete(items: Any, key: Any) -> Planned:
    plain = items._plain()
    del plain[key]
    return None, (items._become, items._bytes(plain))


def _anew(items: Any, method: str, *arguments: Any) -> Planned:
    """Become what an ordinary copy becomes by a method of its own."""
    plain = items._plain()
    getattr(plain, method)(*arguments)
    return None, (items._become, items._bytes(plain))


def _anew_by(method: str) -> Any:
    def change(self: Any, *arguments: Any) -> Any:
        self._anew(method, *map(strip, arguments))
        return self if method.startswith("__i") else None

    change.__name__ = method
    return change


def _longer_by(method: str) -> Any:
    """Make a method that appends: what, is found out beside an empty one of the same type."""

    def change(self: Any, *arguments: Any) -> Any:
        new = self._in_memory(method, *map(as_plain, arguments))
        self._replica.attribute.append_effect(self, self._extend, (new,))
        return self if method.startswith("__i") else None

    change.__name__ = method
    return change


class _Numbers(Node):
    """What is common to bytearray and array.

    Attributes:
        _extend, _splice, _become: Names of operations.
    """

    __slots__ = ()
    __hash__ = None
    _extend: str
    _splice: str
    _become: str

    def _plain(self) -> Any:
        """Return an ordinary copy of this node as it is."""
        raise NotImplementedError

    def _empty(self) -> Any:
        """Return an ordinary one of the same kind without elements."""
        raise NotImplementedError

    def _length(self) -> int:
        raise NotImplementedError

    @staticmethod
    def _bytes(plain: Any) -> bytes:
        """Return what an ordinary one has in its memory."""
        raise NotImplementedError

    def _in_memory(self, method: str, *arguments: Any) -> bytes:
        """Return what a method adds to an empty one of the same kind; raises what it raises."""
        plain = self._empty()
        getattr(plain, method)(*map(strip, arguments))
        return self._bytes(plain)

    insert = changing(_insert)
    pop = changing(_pop)
    _remove = changing(_remove)
    _set = changing(_set)
    _delete = changing(_delete)
    _anew = changing(_anew)
    append = _longer_by("append")
    extend = _longer_by("extend")
    __iadd__ = _longer_by("__iadd__")
    __imul__ = _anew_by("__imul__")
    reverse = _anew_by("reverse")

    def remove(self, value: Any) -> None:
        """Remove the first element that equals a value."""
        self._remove(strip(value))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._set(strip(key), as_plain(value))

    def __delitem__(self, key: Any) -> None:
        self._delete(strip(key))

    def __getitem__(self, key: Any) -> Any:
        node = current(self)
        key = strip(key)
        value = node._part(key)
        return value if isinstance(key, slice) else item(node, key, value)

    def __copy__(self) -> Any:
        return current(self)._plain()

    def __deepcopy__(self, _memo: Any) -> Any:
        return current(self)._plain()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.__copy__())

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self.__copy__())

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__copy__().__reduce_ex__(protocol)


_CHANGING = {"append", "extend", "insert", "pop", "remove", "clear", "reverse", "resize", "copy"}
_OF_BYTES = {
    name
    for name in dir(bytearray)
    if not name.startswith("_") and name not in _CHANGING | {"fromhex", "maketrans"}
}
_COMPARING = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
_COMPUTING = ("__len__", "__contains__", "__add__", "__mul__", "__rmul__", "__repr__")


def _splice_bytes(target: bytearray, start: int, stop: int, new: bytes) -> None:
    bytearray.__setitem__(target, slice(start, stop), new)


@shared_container(
    bytearray,
    {
        "extend": bytearray.extend,
        "splice": _splice_bytes,
        "become": lambda target, new: bytearray.__setitem__(target, slice(None), new),
    },
)
class SharedBytearray(_Numbers, bytearray):
    """A bytearray in a Share: this process's replica of it."""

    __slots__ = SLOTS
    _extend, _splice, _become = "bytearray.extend", "bytearray.splice", "bytearray.become"

    locals().update(
        reading(
            bytearray,
            {*_OF_BYTES, *_COMPARING, *_COMPUTING, "__mod__", "__rmod__", "__str__", "__alloc__"},
        )
    )
    _part = bytearray.__getitem__
    _length = bytearray.__len__
    fromhex = staticmethod(bytearray.fromhex)
    clear = _anew_by("clear")
    if hasattr(bytearray, "resize"):
        resize = _anew_by("resize")

    def _plain(self) -> bytearray:
        return bytearray(self)

    def _empty(self) -> bytearray:
        return bytearray()

    @staticmethod
    def _bytes(plain: Any) -> bytes:
        return bytes(plain)

    def copy(self) -> bytearray:
        """Return an ordinary bytearray of what is there now."""
        return current(self)._plain()

    def __bytes__(self) -> bytes:
        return bytes(self.copy())


def _splice_array(target: array[Any], start: int, stop: int, new: bytes) -> None:
    array.__setitem__(target, slice(start, stop), array(target.typecode, new))


@shared_container(
    array,
    {
        "extend": array.frombytes,
        "splice": _splice_array,
        "become": lambda target, new: array.__setitem__(
            target, slice(None), array(target.typecode, new)
        ),
    },
)
class SharedArray(_Numbers, array):
    """An array in a Share: this process's replica of it."""

    __slots__ = SLOTS
    _extend, _splice, _become = "array.extend", "array.splice", "array.become"

    locals().update(
        reading(
            array,
            ("buffer_info", "count", "index", "tobytes", "tofile", "tolist", "tounicode")
            + _COMPARING
            + _COMPUTING,
        )
    )
    _part = array.__getitem__
    _length = array.__len__
    byteswap = _anew_by("byteswap")
    frombytes = _longer_by("frombytes")
    fromfile = _longer_by("fromfile")
    fromlist = _longer_by("fromlist")
    fromunicode = _longer_by("fromunicode")
    if hasattr(array, "clear"):
        clear = _anew_by("clear")

    @classmethod
    def _made_of(cls, plain: array[Any]) -> Any:
        return array.__new__(cls, plain.typecode, plain)

    def _plain(self) -> array[Any]:
        return array.__getitem__(self, slice(None))

    def _empty(self) -> array[Any]:
        return array(self.typecode)

    @staticmethod
    def _bytes(plain: Any) -> bytes:
        return plain.tobytes()
