"""Follows a pickle's program without running it.

A pickle is a program for a small machine with a stack. Loading runs it, and with it whatever it
names. Here the same program is followed with labels in the place of objects: what would be imported
is noted and not imported, what would be called is noted and not called.
"""

import reprlib
from collections.abc import Callable, Iterable
from typing import Any

from suitkaise.cucumber._marshalled import Code, read_code

_UNKNOWN = "a name that is only made while loading"
_CODE = "suitkaise.cucumber._code.load_code"
_CODE_OF_ATTRIBUTES = "suitkaise.cucumber._code.rebuild_code"
_IMPORTING = ("cloudpickle.cloudpickle.subimport", "importlib.import_module", "builtins.__import__")


class Label:
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
        parts: "list[tuple[str, Label]] | None" = None,
        *,
        constant: Any = None,
        is_constant: bool = False,
    ) -> None:
        self.text = text
        self.parts = [] if parts is None else parts
        self.constant = constant
        self.is_constant = is_constant
        self.function: Label | None = None
        self.makes = ""

    def add(self, step: str, part: "Label") -> None:
        """Note a part; constants are told by their container's line."""
        self.parts.append((step, part))


class StackMachine:
    """Follows a pickle's program on a stack of labels.

    Attributes:
        names: What would be imported.
        functions: The names of functions whose code comes along, in order.
        buffers: How many buffers are taken from beside the payload.
    """

    def __init__(self, behind: Iterable[int] = ()) -> None:
        """Start empty.

        Args:
            behind: The bytes of each piece of memory behind the program, which brings it along.
        """
        self._behind = iter(behind)
        self.names: set[str] = set()
        self.functions: list[str] = []
        self.buffers = 0
        self._stack: list[Label] = []
        self._marks: list[int] = []
        self._memo: dict[int, Label] = {}

    def run(self, payload: bytes) -> None:
        """Follow it to its end."""
        from pickletools import genops  # here: it takes as long to import as the rest

        for opcode, argument, _ in genops(payload):
            step = _STEPS.get(opcode.name)
            if step is not None:
                step(self, argument)
            elif opcode.name not in _WITHOUT_EFFECT:
                self._push(_constant_label(argument))

    def result(self) -> Label:
        """Return what would be loaded."""
        return self._stack[-1]

    def _push(self, label: Label) -> None:
        self._stack.append(label)

    def _pop(self) -> Label:
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Label]:
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
            label = Label(f"{dropped.function.text}(...)", arguments)
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
        self._push(Label(name))

    def _global(self, argument: str) -> None:
        self._name(argument.replace(" ", "."))

    def _stack_global(self, _: Any) -> None:
        qualname, module = self._pop(), self._pop()
        known = isinstance(module.constant, str) and isinstance(qualname.constant, str)
        self._name(f"{module.constant}.{qualname.constant}" if known else _UNKNOWN)

    def _extension(self, code: int) -> None:
        self._name(f"what copyreg's extension registry has as {code}")

    def _container(self, kind: str, items: list[Label]) -> None:
        self._push(Label(kind, [(f"[{index}]", item) for index, item in enumerate(items)]))

    def _pairs(self, label: Label, items: list[Label]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not key.is_constant:
                label.add("key", key)
            label.add(f"{key.text}:", value)

    def _dict(self, _: Any) -> None:
        items = self._pop_to_mark()
        self._push(Label("dict"))
        self._pairs(self._stack[-1], items)

    def _append(self, _: Any) -> None:
        self._append_all([self._pop()])

    def _appends(self, _: Any) -> None:
        self._append_all(self._pop_to_mark())

    def _append_all(self, items: list[Label]) -> None:
        parts = self._stack[-1].parts
        parts += [(f"[{index}]", item) for index, item in enumerate(items, len(parts))]

    def _set_item(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        self._pairs(self._stack[-1], [key, value])

    def _set_items(self, _: Any) -> None:
        items = self._pop_to_mark()
        self._pairs(self._stack[-1], items)

    def _call(self, function: Label, arguments: list[Label]) -> None:
        texts = [each.constant for each in arguments if isinstance(each.constant, str)]
        if function.text in _IMPORTING:
            self.names.update(texts)
        if function.text == _CODE:
            label = self._code(arguments)
            arguments = []
        elif function.text == _CODE_OF_ATTRIBUTES:
            file, name = (texts + ["?"] * 3)[0:3:2]  # the second is the short name
            self.functions.append(name)
            label = Label(f"the code of {name}, from {file}")
            # Its constants, among them the code of functions inside of it, and the names it uses.
            arguments = [each for each in arguments if each.text == "tuple" and each.parts]
        else:
            name = function.text if function.function is None else function.makes
            label = Label(f"{name}(...)" if arguments else f"{name}()")
            if function.function is not None:
                label.add("of", function)
        label.function = function
        label.makes = next(iter(texts), "what is made first")
        label.parts += [("", argument) for argument in arguments]
        self._push(label)

    def _code(self, arguments: list[Label]) -> Label:
        (data,) = (each.constant for each in arguments if isinstance(each.constant, bytes))
        return self._code_label(read_code(data))

    def _code_label(self, code: Code) -> Label:
        parts = [("", self._part_of_code(part)) for part in (code.constants, code.names) if part]
        self.functions.append(code.name)
        return Label(f"the code of {code.name}, from {code.file}", parts)

    def _part_of_code(self, part: Any) -> Label:
        if isinstance(part, Code):
            return self._code_label(part)
        if not isinstance(part, tuple):
            return _constant_label(part)
        parts = [(f"[{index}]", self._part_of_code(each)) for index, each in enumerate(part)]
        return Label("tuple", parts)

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
        for length in self._behind:
            self._push(Label(f"memory of {length:,} bytes"))
            return
        self.buffers += 1
        self._push(Label(f"buffer {self.buffers}, handed in beside the payload"))


def _making(kind: str) -> Callable[[StackMachine, Any], None]:
    return lambda machine, _: machine._container(kind, [])


def _making_of_marked(kind: str) -> Callable[[StackMachine, Any], None]:
    return lambda machine, _: machine._container(kind, machine._pop_to_mark())


def _making_of(kind: str, count: int) -> Callable[[StackMachine, Any], None]:
    def make(machine: StackMachine, _: Any) -> None:
        machine._container(kind, [machine._pop() for _ in range(count)][::-1])

    return make


def _constant(value: Any) -> Callable[[StackMachine, Any], None]:
    return lambda machine, _: machine._push(_constant_label(value))


def _constant_label(value: Any) -> Label:
    try:
        text = reprlib.repr(value)
    except ValueError:  # Python writes no number of so many digits
        text = f"a number of {value.bit_length():,} bits"
    return Label(text, constant=value, is_constant=True)


_WITHOUT_EFFECT = frozenset({"PROTO", "FRAME", "STOP", "READONLY_BUFFER"})

# What an opcode does; any other pushes its argument, a constant.
_STEPS: dict[str, Callable[[StackMachine, Any], None]] = {
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
    "DICT": StackMachine._dict,
    "MARK": StackMachine._mark,
    "POP": StackMachine._drop,
    "POP_MARK": StackMachine._drop_to_mark,
    "DUP": StackMachine._duplicate,
    "MEMOIZE": StackMachine._memoize,
    "PUT": StackMachine._put,
    "BINPUT": StackMachine._put,
    "LONG_BINPUT": StackMachine._put,
    "GET": StackMachine._get,
    "BINGET": StackMachine._get,
    "LONG_BINGET": StackMachine._get,
    "GLOBAL": StackMachine._global,
    "STACK_GLOBAL": StackMachine._stack_global,
    "EXT1": StackMachine._extension,
    "EXT2": StackMachine._extension,
    "EXT4": StackMachine._extension,
    "APPEND": StackMachine._append,
    "APPENDS": StackMachine._appends,
    "ADDITEMS": StackMachine._appends,
    "SETITEM": StackMachine._set_item,
    "SETITEMS": StackMachine._set_items,
    "REDUCE": StackMachine._reduce,
    "NEWOBJ": StackMachine._reduce,
    "NEWOBJ_EX": StackMachine._new_object_with_keywords,
    "INST": StackMachine._instance,
    "OBJ": StackMachine._object,
    "BUILD": StackMachine._build,
    "NEXT_BUFFER": StackMachine._next_buffer,
}
