"""The pickler for what is nested deeper than the interpreter lets the other one go.

pickle calls itself for each part of an object, and the depth of calls in C is limited, on most
versions of Python to what nobody can raise. Here an object is a generator that writes its opcodes
and yields each part that comes in between; those that are not finished wait on a list. It takes
some twenty times as long, so it is for the second attempt, once the first has met the limit.

The payload is one like any other. To load it takes no depth.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import IO, Any, ClassVar

import cloudpickle

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._handlers._cells import SharedCell
from suitkaise.cucumber._pickler import Pickler

# A node of a linked list takes two levels. What is deeper is taken for endless.
MAX_DEPTH = 1_000_000
_BATCH = 1000  # items between two marks, as pickle has it

_ATOMS = frozenset({type(None), bool, int, float, str, bytes, bytearray, pickle.PickleBuffer})
_TUPLES = (pickle.EMPTY_TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)

_Parts = Iterator[Any]


class DeepPickler(pickle._Pickler):
    """Writes one payload of any depth.

    Args:
        file: Where to.
        buffers: As `serialize` takes it.
        failed: The pickler that has met the limit; what it took from iterators is gone on with.
    """

    # Of pickle's own, which is private.
    write: Callable[[bytes], object]
    memo: dict[int, tuple[int, Any]]
    get: Callable[[int], bytes]
    memoize: Callable[[Any], None]
    save_global: Callable[[Any, str | None], None]
    framer: Any
    dispatch: ClassVar[dict[type, Callable[[Any, Any], None]]]

    def __init__(
        self,
        file: IO[bytes],
        buffers: Callable[[pickle.PickleBuffer], Any] | None,
        failed: Pickler,
    ) -> None:
        super().__init__(file, 5, buffer_callback=buffers)
        self.taken = failed.taken
        self.max_items = failed.max_items
        self.with_context_values = failed.with_context_values
        self.globals_ref: dict[int, dict[str, Any]] = {}
        self.linked_exceptions: set[int] = set()
        self.searches: dict[Any, Any] = {}
        self.cells: dict[int, SharedCell] = {}

    # What cloudpickle does for functions by value.
    _dynamic_function_reduce = cloudpickle.Pickler._dynamic_function_reduce
    _function_getnewargs = cloudpickle.Pickler._function_getnewargs

    reducer_override = Pickler.reducer_override
    is_dry = False

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        """Write an object; `dump` calls it with the outermost, pickle's own methods with texts."""
        pending: list[_Parts] = [iter((obj,))]
        while pending:
            for part in pending[-1]:
                if not self._save_at_once(part):
                    if len(pending) > MAX_DEPTH:
                        raise RefusalError(
                            f"it is nested more than {MAX_DEPTH:,} levels deep and is taken for "
                            "endless; keep it flat, as a list of records instead of a chain"
                        )
                    pending.append(self._steps(part))
                    break
            else:
                pending.pop()

    def _save_at_once(self, obj: Any) -> bool:
        """Write what has no parts, or was written before."""
        self.framer.commit_frame()
        known = self.memo.get(id(obj))
        if known is not None:
            self.write(self.get(known[0]))
        elif type(obj) in _ATOMS:
            self.dispatch[type(obj)](self, obj)
        else:
            return False
        return True

    def _steps(self, obj: Any) -> _Parts:
        container = _CONTAINERS.get(type(obj))
        if container is not None:
            return container(self, obj)
        value = self.reducer_override(obj)
        if isinstance(value, tuple):
            return self._reduced(obj, *value)
        self.save_global(obj, value if isinstance(value, str) else None)
        return iter(())

    def _tuple(self, obj: tuple[Any, ...]) -> _Parts:
        size = len(obj)
        if size == 0:
            self.write(pickle.EMPTY_TUPLE)
            return
        is_short = size < len(_TUPLES)
        if not is_short:
            self.write(pickle.MARK)
        yield from obj
        known = self.memo.get(id(obj))
        if known is not None:  # a part of it has led back to it
            self.write(pickle.POP * size if is_short else pickle.POP_MARK)
            self.write(self.get(known[0]))
        else:
            self.write(_TUPLES[size] if is_short else pickle.TUPLE)
            self.memoize(obj)

    def _list(self, obj: list[Any]) -> _Parts:
        self.write(pickle.EMPTY_LIST)
        self.memoize(obj)
        return self._append_all(obj)

    def _dict(self, obj: dict[Any, Any]) -> _Parts:
        self.write(pickle.EMPTY_DICT)
        self.memoize(obj)
        return self._set_all(obj.items())

    def _set(self, obj: set[Any]) -> _Parts:
        self.write(pickle.EMPTY_SET)
        self.memoize(obj)
        return self._in_batches(obj, pickle.ADDITEMS)

    def _frozenset(self, obj: frozenset[Any]) -> _Parts:
        self.write(pickle.MARK)
        yield from obj
        known = self.memo.get(id(obj))
        if known is not None:
            self.write(pickle.POP_MARK + self.get(known[0]))
        else:
            self.write(pickle.FROZENSET)
            self.memoize(obj)

    def _append_all(self, items: Iterable[Any]) -> _Parts:
        return self._in_batches(items, pickle.APPENDS)

    def _set_all(self, pairs: Iterable[tuple[Any, Any]]) -> _Parts:
        parts = (part for pair in pairs for part in pair)
        return self._in_batches(parts, pickle.SETITEMS)

    def _in_batches(self, parts: Iterable[Any], opcode: bytes) -> _Parts:
        left = iter(parts)
        while batch := list(islice(left, _BATCH)):  # even: pairs stay together
            self.write(pickle.MARK)
            yield from batch
            self.write(opcode)

    def _reduced(
        self,
        obj: Any,
        rebuild: Any,
        arguments: tuple[Any, ...],
        state: Any = None,
        items: Iterable[Any] | None = None,
        pairs: Iterable[tuple[Any, Any]] | None = None,
        setter: Any = None,
    ) -> _Parts:
        """Write what an object's reduce value says; as `pickle.Pickler.save_reduce` does."""
        name = getattr(rebuild, "__name__", "")
        if name == "__newobj__":
            yield arguments[0]
            yield arguments[1:]
            self.write(pickle.NEWOBJ)
        elif name == "__newobj_ex__":
            yield from arguments
            self.write(pickle.NEWOBJ_EX)
        else:
            yield rebuild
            yield arguments
            self.write(pickle.REDUCE)
        known = self.memo.get(id(obj))
        if known is not None:  # a part of it has led back to it
            self.write(pickle.POP + self.get(known[0]))
        else:
            self.memoize(obj)
        if items is not None:
            yield from self._append_all(items)
        if pairs is not None:
            yield from self._set_all(pairs)
        if state is not None and setter is None:
            yield state
            self.write(pickle.BUILD)
        elif state is not None:
            yield setter
            yield obj
            yield state
            self.write(pickle.TUPLE2 + pickle.REDUCE + pickle.POP)


_CONTAINERS: dict[type, Callable[[DeepPickler, Any], _Parts]] = {
    tuple: DeepPickler._tuple,
    list: DeepPickler._list,
    dict: DeepPickler._dict,
    set: DeepPickler._set,
    frozenset: DeepPickler._frozenset,
}
