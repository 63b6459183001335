"""The two directions, and the header between them.

    payload = HEADER + a pickle stream of protocol 5 (and large memory behind it: `_appendix`)

The header is itself a legal beginning of a pickle: it pushes a bytes object (the magic and the
format version) and pops it again. So the stream is loaded where it lies, without a copy, and the
tools for pickles (`pickletools.dis`) read a payload as it is.
"""

import pickle
import sys
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from suitkaise.cucumber._appendix import Appendix, appendix, has_appendix
from suitkaise.cucumber._diagnosis import (
    deserialization_error,
    foreign_data_error,
    serialization_error,
)
from suitkaise.cucumber._ordinary import dump_number
from suitkaise.cucumber._pickler import MAX_ITEMS, Pickler

if TYPE_CHECKING:
    from typing_extensions import Buffer

FORMAT_VERSION = 1
MAGIC = b"cuke"

# Opcodes: SHORT_BINBYTES, its length, the five bytes, POP.
HEADER = b"C\x05" + MAGIC + bytes([FORMAT_VERSION]) + b"0"

# The plain pickler writes these exactly as ours would, without the cost of making one of ours.
_ATOMS = frozenset({int, float, bool, str, bytes, type(None)})
_LARGE_BYTES = 1 << 16
_dumps, _loads = pickle.dumps, pickle.loads
_HEADER_BYTES = len(HEADER)
_PLAIN = HEADER + pickle.PROTO  # of a payload without an appendix
_PLAIN_BYTES = len(_PLAIN)
_FEW = 16  # elements of a container that are looked at, to see whether all are such


class Writable(Protocol):
    """What `serialize_into` writes to."""

    def write(self, data: "Buffer", /) -> object:
        """Take the next bytes of the payload. Large memory arrives as the object that has it."""


def serialize(
    obj: Any,
    *,
    buffers: Callable[[pickle.PickleBuffer], Any] | None = None,
    max_items: int = MAX_ITEMS,
) -> bytes:
    """Turn an object into bytes.

    Classes and functions travel by reference where the receiver can import them, and by value
    where it cannot (`__main__`, notebooks, functions inside functions). Locks arrive unlocked,
    loggers are looked up by name, generators and iterators are consumed and arrive as an iterator
    over what remained. A context variable of a script brings its value along, for a receiver whose
    context has none. `register` adds a type.

    Args:
        obj: What to serialise.
        buffers: For transports that move memory without copying it. Called with each
            `pickle.PickleBuffer` that an object offers (a NumPy array does); the memory then stays
            out of the bytes, and the receiver gives `deserialize` the same buffers in the same
            order. A true return value keeps that buffer in the bytes after all; `list.append`
            returns None. A buffer is the object's own memory, not a copy: do not change the object
            before it is sent. None keeps everything in the bytes.
        max_items: How many items a generator or iterator may give. One that gives more is taken
            for endless, and is an error.

    Returns:
        The payload, for `deserialize`.

    Raises:
        SerializationError: Something in `obj` cannot be serialised; the message says where.
        MemoryError: The payload does not fit into memory.
    """
    kind = type(obj)
    if kind in _ATOMS:
        return HEADER + _dumps(obj, 5) if kind is not bytes else _serialize_bytes(obj)
    flat = serialize_flat(obj)
    if flat is not None:  # it has no buffers to offer
        return flat
    offered = None if buffers is None else _Offered(buffers)
    try:
        return serialize_once(obj, offered, max_items, True)
    except TooDeepError as shallow:
        if offered is not None:
            offered.begin_anew()
        return shallow.serialize(offered)


def _serialize_bytes(obj: bytes) -> bytes:
    if len(obj) < _LARGE_BYTES:
        return HEADER + _dumps(obj, 5)
    size = len(obj).to_bytes(8, "little")  # copied once, not twice
    return b"".join((HEADER, pickle.PROTO, b"\5", pickle.BINBYTES8, size, obj, pickle.STOP))


class _Offered:
    """Offers buffers to the caller, each once, though a payload may be written twice."""

    def __init__(self, offer: Callable[[pickle.PickleBuffer], Any]) -> None:
        self._offer = offer
        self._answers: list[Any] = []
        self._known: Iterator[Any] = iter(())

    def __call__(self, buffer: pickle.PickleBuffer) -> Any:
        for answer in self._known:
            return answer
        answer = self._offer(buffer)
        self._answers.append(bool(answer))
        return answer

    def begin_anew(self) -> None:
        """Give the same answers in the same order, then go on asking."""
        self._known = iter(self._answers[:])


class TooDeepError(Exception):
    """The object is nested deeper than the quick pickler can go.

    What offered buffers or wrote to a file for it has to begin anew, and call `serialize`.
    """

    def __init__(self, obj: Any, failed: Pickler) -> None:
        super().__init__()
        self._obj = obj
        self._failed = failed

    def serialize(self, buffers: Callable[[pickle.PickleBuffer], Any] | None = None) -> bytes:
        """Return the payload after all; takes some twenty times as long.

        Raises:
            SerializationError: Something in the object cannot be serialised.
        """
        from suitkaise.cucumber._deep_pickler import DeepPickler

        file = BytesIO()
        file.write(HEADER)
        try:
            DeepPickler(file, buffers, self._failed).dump(self._obj)
        except MemoryError:
            raise
        except Exception as error:
            raise serialization_error(self._obj, error, self._failed) from error
        return file.getvalue()


def serialize_once(
    obj: Any,
    buffers: Callable[[pickle.PickleBuffer], Any] | None = None,
    max_items: int = MAX_ITEMS,
    with_context_values: bool = False,
) -> bytes:
    """Turn an object into bytes, as `serialize` does, unless it is too deep for the first attempt.

    Context variables travel without the values that they have here, unless these are asked for.

    Raises:
        TooDeepError: Then it goes on from there.
        SerializationError: Something in `obj` cannot be serialised.
    """
    dump_number[0] += 1
    file = BytesIO()
    file.write(HEADER)
    behind = None
    if buffers is None and "numpy" in sys.modules:
        buffers = behind = Appendix()
    pickler = Pickler(file, 5, True, buffers)
    if max_items != MAX_ITEMS:
        pickler.max_items = max_items
    if with_context_values:
        pickler.with_context_values = True
    try:
        pickler.dump(obj)
    except MemoryError:
        raise
    except RecursionError as error:
        raise TooDeepError(obj, pickler) from error
    except Exception as error:
        raise serialization_error(obj, error, pickler) from error
    return behind.payload(HEADER, file.getbuffer()) if behind else file.getvalue()


def serialize_flat(obj: Any) -> bytes | None:
    """Return the payload of a plain value, or of a few in a container; None for all else.

    Most messages are such, and take a third of the time so.
    """
    kind = type(obj)
    if kind is dict:
        if len(obj) > _FEW or not (
            _ATOMS.issuperset(map(type, obj.values())) and _ATOMS.issuperset(map(type, obj))
        ):
            return None
    elif kind is list or kind is tuple:
        if len(obj) > _FEW or not _ATOMS.issuperset(map(type, obj)):
            return None
    elif kind is bytes:
        return _serialize_bytes(obj)
    elif kind not in _ATOMS:
        return None
    return HEADER + _dumps(obj, 5)


class _NotPlainError(Exception):
    """Met something that is neither plain nor a built-in container."""


class _PlainPickler(pickle.Pickler):
    """Asks nobody how to take anything apart."""

    def reducer_override(self, _obj: Any) -> Any:
        raise _NotPlainError


def serialize_plain(obj: Any) -> bytes | None:
    """Return the payload of what is numbers, text and built-in containers all through; else None.

    Such a payload can always be rebuilt. The pickler itself finds out, which takes less time than
    to look at the elements of a list before.
    """
    file = BytesIO()
    file.write(HEADER)
    try:
        _PlainPickler(file, 5).dump(obj)
    except (_NotPlainError, RecursionError):
        return None
    return file.getvalue()


def serialize_into(obj: Any, file: Writable) -> None:
    """Write the payload of an object to a file.

    Large memory, such as that of a bytearray or an array, is written as it is: the file makes the
    only copy.

    Raises:
        SerializationError: Something in `obj` cannot be serialised; the message says where. What
            was written until then is of no use.
        TooDeepError: It takes another attempt.
    """
    dump_number[0] += 1
    file.write(HEADER)
    pickler = Pickler(file, 5, True)
    try:
        pickler.dump(obj)
    except MemoryError:
        raise
    except RecursionError as error:
        raise TooDeepError(obj, pickler) from error
    except Exception as error:
        raise serialization_error(obj, error, pickler) from error


def deserialize(data: "Buffer", *, buffers: "Iterable[Buffer] | None" = None) -> Any:
    """Turn bytes made by `serialize` into an object again.

    Like loading any pickle, this runs code that the bytes name: deserialise only what you trust.

    Args:
        data: The payload: bytes, bytearray, memoryview or another object with a buffer.
        buffers: The buffers that `serialize` handed out, in the same order. An object made from a
            writable buffer uses that memory and may change it; where the object was read-only at
            the sender, or the buffer is read-only here (bytes), the object is read-only. None if
            `serialize` was called without `buffers`.

    Returns:
        The object.

    Raises:
        DeserializationError: The bytes are foreign, truncated or of another format version, a
            module or class is missing here, or an object's own code failed. Foreign bytes are
            told before anything is unpickled.
        MemoryError: The object does not fit into memory.
        TypeError: `data` is no bytes-like object.
    """
    # Small bytes are what most calls are given: first, and by themselves.
    if buffers is None and type(data) is bytes and data[:_PLAIN_BYTES] == _PLAIN:
        try:
            return _loads(data)
        except Exception as error:
            _raise_failure(error, data)
    payload = memoryview(data).cast("B")
    if payload[:_HEADER_BYTES] != HEADER:
        raise foreign_data_error(bytes(payload[:_HEADER_BYTES]), HEADER)
    try:
        if has_appendix(payload, _HEADER_BYTES):
            buffers = appendix(payload, _HEADER_BYTES)
        return _loads(payload, buffers=buffers)
    except Exception as error:
        _raise_failure(error, payload)


def _raise_failure(error: Exception, payload: bytes | memoryview) -> NoReturn:
    failure = deserialization_error(error, payload)
    if failure is error:
        raise error
    raise failure from error
