"""What is in a payload, without loading it: `inspect`.

A pickle is a program for a small machine with a stack. Loading runs it, and with it whatever it
names. Here the same program is followed with labels in the place of objects: what would be imported
is noted and not imported, what would be called is noted and not called.
"""

import reprlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from suitkaise.cucumber._diagnosis import foreign_data_error
from suitkaise.cucumber._errors import DeserializationError
from suitkaise.cucumber._payload import HEADER

if TYPE_CHECKING:
    from typing_extensions import Buffer

_MAX_LINES = 1_000
_MAX_SHOWN_DEPTH = 40
_UNKNOWN = "a name that is only made while loading"
_CODE = "suitkaise.cucumber._by_value.rebuild_code"
_IMPORTING = ("cloudpickle.cloudpickle.subimport", "importlib.import_module", "builtins.__import__")


class _Label:
    """Stands for an object that loading would make.

    Attributes:
        text: What it is.
        parts: What it is made of, each with how it is reached; calls have their arguments.
        constant: The value, of a number or a text.
        is_constant: Whether it is one.
        function: Of what a call returns: what was called.
        makes: And its name, should it be a class or a function itself.
    """

    __slots__ = ("constant", "function", "is_constant", "makes", "parts", "text")

    def __init__(
        self,
        text: str,
        parts: "list[tuple[str, _Label]] | None" = None,
        *,
        constant: Any = None,
        is_constant: bool = False,
    ) -> None:
        self.text = text
        self.parts = [] if parts is None else parts
        self.constant = constant
        self.is_constant = is_constant
        self.function: _Label | None = None
        self.makes = ""

    def add(self, step: str, part: "_Label") -> None:
        """Note a part; constants are told by their container's line."""
        self.parts.append((step, part))


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

    def __init__(self, payload: bytes, machine: "_Machine") -> None:
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
        _draw(self._root, "    ", "    ", "", lines, set(), _MAX_SHOWN_DEPTH)
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
    machine = _Machine()
    try:
        machine.run(payload)
        return Inspection(payload, machine)
    except (ValueError, IndexError, KeyError, TypeError, UnicodeError) as error:
        raise DeserializationError(f"the payload is damaged or cut short: {error}") from error


class _Machine:
    """Follows a pickle's program on a stack of labels."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.functions: list[str] = []
        self.buffers = 0
        self._stack: list[_Label] = []
        self._marks: list[int] = []
        self._memo: dict[int, _Label] = {}

    def run(self, payload: bytes) -> None:
        """Follow it to its end."""
        from pickletools import genops  # here: it takes as long to import as the rest

        for opcode, argument, _ in genops(payload):
            step = _STEPS.get(opcode.name)
            if step is not None:
                step(self, argument)
            elif opcode.name not in _WITHOUT_EFFECT:
                self._push(_constant_label(argument))

    def result(self) -> _Label:
        """Return what would be loaded."""
        return self._stack[-1]

    def _push(self, label: _Label) -> None:
        self._stack.append(label)

    def _pop(self) -> _Label:
        return self._stack.pop()

    def _pop_to_mark(self) -> list[_Label]:
        begin = self._marks.pop()
        items = self._stack[begin:]
        del self._stack[begin:]
        return items

    def _mark(self, _: Any) -> None:
        self._marks.append(len(self._stack))

    def _drop(self, _: Any) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
            return
        dropped = self._pop()
        if dropped.function is not None and dropped.parts:  # it was called for what it does
            (_, changed), *arguments = dropped.parts
            label = _Label(f"{dropped.function.text}(...)", arguments)
            changed.add("then", label)

    def _drop_to_mark(self, _: Any) -> None:
        self._pop_to_mark()

    def _duplicate(self, _: Any) -> None:
        self._push(self._stack[-1])

    def _memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _put(self, index: int) -> None:
        self._memo[int(index)] = self._stack[-1]

    def _get(self, index: int) -> None:
        self._push(self._memo[int(index)])

    def _name(self, name: str) -> None:
        self.names.add(name)
        self._push(_Label(name))

    def _global(self, argument: str) -> None:
        self._name(argument.replace(" ", "."))

    def _stack_global(self, _: Any) -> None:
        qualname, module = self._pop(), self._pop()
        known = isinstance(module.constant, str) and isinstance(qualname.constant, str)
        self._name(f"{module.constant}.{qualname.constant}" if known else _UNKNOWN)

    def _extension(self, code: int) -> None:
        self._name(f"what copyreg's extension registry has as {code}")

    def _container(self, kind: str, items: list[_Label]) -> None:
        self._push(_Label(kind, [(f"[{index}]", item) for index, item in enumerate(items)]))

    def _pairs(self, label: _Label, items: list[_Label]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not key.is_constant:
                label.add("key", key)
            label.add(f"{key.text}:", value)

    def _dict(self, _: Any) -> None:
        items = self._pop_to_mark()
        self._push(_Label("dict"))
        self._pairs(self._stack[-1], items)

    def _append(self, _: Any) -> None:
        self._append_all([self._pop()])

    def _appends(self, _: Any) -> None:
        self._append_all(self._pop_to_mark())

    def _append_all(self, items: list[_Label]) -> None:
        parts = self._stack[-1].parts
        parts += [(f"[{index}]", item) for index, item in enumerate(items, len(parts))]

    def _set_item(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        self._pairs(self._stack[-1], [key, value])

    def _set_items(self, _: Any) -> None:
        items = self._pop_to_mark()
        self._pairs(self._stack[-1], items)

    def _call(self, function: _Label, arguments: list[_Label]) -> None:
        texts = [each.constant for each in arguments if isinstance(each.constant, str)]
        if function.text in _IMPORTING:
            self.names.update(texts)
        if function.text == _CODE:
            file, name = (texts + ["?"] * 3)[0:3:2]  # the second is the short name
            self.functions.append(name)
            label = _Label(f"the code of {name}, from {file}")
            # Its constants, among them the code of functions inside of it, and the names it uses.
            arguments = [each for each in arguments if each.text == "tuple" and each.parts]
        else:
            name = function.text if function.function is None else function.makes
            label = _Label(f"{name}(...)" if arguments else f"{name}()")
            if function.function is not None:
                label.add("of", function)
        label.function = function
        label.makes = next(iter(texts), "what is made first")
        label.parts += [("", argument) for argument in arguments]
        self._push(label)

    def _reduce(self, _: Any) -> None:
        arguments, function = self._pop(), self._pop()
        known = [part for _, part in arguments.parts]
        self._call(function, known if arguments.text == "tuple" else [arguments])

    def _new_object_with_keywords(self, _: Any) -> None:
        keywords, arguments, cls = self._pop(), self._pop(), self._pop()
        self._call(cls, [part for _, part in (*arguments.parts, *keywords.parts)])

    def _instance(self, argument: str) -> None:
        items = self._pop_to_mark()
        self._global(argument)
        self._call(self._pop(), items)

    def _object(self, _: Any) -> None:
        function, *arguments = self._pop_to_mark()
        self._call(function, arguments)

    def _build(self, _: Any) -> None:
        state = self._pop()
        self._stack[-1].add("state:", state)

    def _next_buffer(self, _: Any) -> None:
        self.buffers += 1
        self._push(_Label(f"buffer {self.buffers}, handed in beside the payload"))


def _making(kind: str) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine._container(kind, [])


def _making_of_marked(kind: str) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine._container(kind, machine._pop_to_mark())


def _making_of(kind: str, count: int) -> Callable[[_Machine, Any], None]:
    def make(machine: _Machine, _: Any) -> None:
        machine._container(kind, [machine._pop() for _ in range(count)][::-1])

    return make


def _constant(value: Any) -> Callable[[_Machine, Any], None]:
    return lambda machine, _: machine._push(_constant_label(value))


def _constant_label(value: Any) -> _Label:
    try:
        text = reprlib.repr(value)
    except ValueError:  # Python writes no number of so many digits
        text = f"a number of {value.bit_length():,} bits"
    return _Label(text, constant=value, is_constant=True)


_WITHOUT_EFFECT = frozenset({"PROTO", "FRAME", "STOP", "READONLY_BUFFER"})

# What an opcode does; any other pushes its argument, a constant.
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "NONE": _constant(None),
    "NEWTRUE": _constant(True),
    "NEWFALSE": _constant(False),
    "EMPTY_LIST": _making("list"),
    "EMPTY_DICT": _making("dict"),
    "EMPTY_SET": _making("set"),
    "EMPTY_TUPLE": _making("tuple"),
    "LIST": _making_of_marked("list"),
    "TUPLE": _making_of_marked("tuple"),
    "FROZENSET": _making_of_marked("frozenset"),
    "TUPLE1": _making_of("tuple", 1),
    "TUPLE2": _making_of("tuple", 2),
    "TUPLE3": _making_of("tuple", 3),
    "DICT": _Machine._dict,
    "MARK": _Machine._mark,
    "POP": _Machine._drop,
    "POP_MARK": _Machine._drop_to_mark,
    "DUP": _Machine._duplicate,
    "MEMOIZE": _Machine._memoize,
    "PUT": _Machine._put,
    "BINPUT": _Machine._put,
    "LONG_BINPUT": _Machine._put,
    "GET": _Machine._get,
    "BINGET": _Machine._get,
    "LONG_BINGET": _Machine._get,
    "GLOBAL": _Machine._global,
    "STACK_GLOBAL": _Machine._stack_global,
    "EXT1": _Machine._extension,
    "EXT2": _Machine._extension,
    "EXT4": _Machine._extension,
    "APPEND": _Machine._append,
    "APPENDS": _Machine._appends,
    "ADDITEMS": _Machine._appends,
    "SETITEM": _Machine._set_item,
    "SETITEMS": _Machine._set_items,
    "REDUCE": _Machine._reduce,
    "NEWOBJ": _Machine._reduce,
    "NEWOBJ_EX": _Machine._new_object_with_keywords,
    "INST": _Machine._instance,
    "OBJ": _Machine._object,
    "BUILD": _Machine._build,
    "NEXT_BUFFER": _Machine._next_buffer,
}


def _draw(
    label: _Label,
    first: str,
    rest: str,
    step: str,
    lines: list[str],
    drawn: set[int],
    depth: int,
) -> None:
    if len(lines) > _MAX_LINES:
        return
    if id(label) in drawn and label.parts:
        lines.append(f"{first}{step}{label.text}, the same again")
        return
    drawn.add(id(label))
    lines.append(f"{first}{step}{label.text}")
    if label.parts and (depth == 0 or len(lines) > _MAX_LINES):
        lines.append(f"{rest}└── ...")
        return
    shown = list(_few(label))
    for number, (name, part) in enumerate(shown, 1):
        is_last = number == len(shown)
        branch, below = ("└── ", "    ") if is_last else ("├── ", "│   ")
        named = f"{name} " if name else ""
        _draw(part, rest + branch, rest + below, named, lines, drawn, depth - 1)


def _few(label: _Label) -> Iterator[tuple[str, _Label]]:
    """Give the parts that are shown: of many constants the first, and how many there are."""
    constants = 0
    for name, part in label.parts:
        if part.is_constant:
            constants += 1
            if constants > 5:
                continue
        yield name, part
    if constants > 5:
        yield "", _Label(f"... and {constants - 5:,} more numbers or texts")
