"""What an expression may refer to, and what evaluating it does."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from suitkaise.sk._analysis import _rules
from suitkaise.sk._analysis._callees import Arguments
from suitkaise.sk._analysis._memory import NOTHING, Value
from suitkaise.sk._analysis._operations import Operations
from suitkaise.sk._analysis._unit import SENT, Unit, parameters_of

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.MatMult: "matmul",
    ast.Div: "truediv",
    ast.FloorDiv: "floordiv",
    ast.Mod: "mod",
    ast.Pow: "pow",
    ast.LShift: "lshift",
    ast.RShift: "rshift",
    ast.BitAnd: "and",
    ast.BitOr: "or",
    ast.BitXor: "xor",
}
_NUMBERS = frozenset({int, float, complex, bool})
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp


class Expressions(ABC):
    """Evaluates the expressions of function bodies.

    Args:
        operations: What carries out the operations of the trees.
        add_unit: Takes a nested function body that was come across, once; gives its unit.
    """

    _unit: Unit

    def __init__(self, operations: Operations, add_unit: Callable[[Any, Unit], Unit]) -> None:
        self._do = operations
        self._memory = operations.memory
        self._add_unit = add_unit
        self._globals: dict[tuple[int, str], set[Any]] = {}

    @abstractmethod
    def _assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target to a value."""

    @property
    def global_values(self) -> list[set[Any]]:
        """What is stored in global variables."""
        return list(self._globals.values())

    def _give(self, value: Value) -> None:
        self._memory.grow(self._unit.result, value)

    # Names

    def _home(self, name: str) -> Unit | None:
        """The body whose local variable a name is; None if it is global, or of a closure."""
        unit: Unit | None = self._unit
        while unit is not None and name not in unit.locals:
            if name in unit.globals:
                return None
            unit = unit.parent
        return unit

    def _store(self, name: str, value: Value) -> None:
        home = self._home(name)
        if home is not None:
            self._memory.grow(home.variables.setdefault(name, set()), value)
            return
        # Other methods may look there. What the module itself does with it is not our business.
        self._memory.grow(self._global(name), value)

    def _global(self, name: str) -> set[Any]:
        place = (id(self._unit.root.function.__globals__), name)
        return self._globals.setdefault(place, set())

    def _load(self, name: str) -> Value:
        unit: Unit | None = self._unit
        found: Value = NOTHING
        is_local = False
        while unit is not None and name not in unit.globals:
            if name in unit.locals:
                is_local = True
                found |= frozenset(unit.variables.get(name, ()))
                if name not in unit.shared:
                    return found
            unit = unit.parent
        stored, outside = frozenset(self._global(name)), self._outside(name)
        if outside is None and not is_local:
            # It is not bound yet: it may come to mean the class itself, or an object of it.
            place = ("global", id(self._unit.root.function.__globals__), name)
            outside = self._do.fresh(place) | self._do.itself | self._do.class_thing(self._do.cls)
        return found | stored | (outside or NOTHING)

    def _outside(self, name: str) -> Value | None:
        """What a name means outside the function and what is around it; None if nothing yet."""
        function = self._unit.root.function
        names = self._unit.root.names
        if name in names:
            return self._do.known_function(names[name])
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
        if name in cells:
            try:
                return self._do.known_function(cells[name].cell_contents)
            except ValueError:
                return None
        name = self._unit.mangled(name)
        for namespace in (function.__globals__, _rules.builtins_of(function)):
            if name in namespace:
                return self._do.known(namespace[name])
        return None

    # Expressions

    def _evaluate(self, node: ast.expr) -> Value:
        evaluate = _EXPRESSIONS.get(type(node))
        if evaluate is None:
            self._do.star()
            return self._do.itself
        return evaluate(self, node)

    def _all(self, nodes: Sequence[ast.expr | None]) -> Value:
        return NOTHING.union(*(self._evaluate(node) for node in nodes if node is not None))

    def _truth(self, value: Value) -> None:
        self._do.special(value, _rules.TRUTH)

    def _constant(self, node: ast.Constant) -> Value:
        return self._memory.atom(type(node.value))

    def _name(self, node: ast.Name) -> Value:
        return self._load(node.id)

    def _attribute(self, node: ast.Attribute) -> Value:
        owner = self._evaluate(node.value)
        return self._do.load_attribute(owner, self._unit.mangled(node.attr), node)

    def _subscript(self, node: ast.Subscript) -> Value:
        owner, key = self._evaluate(node.value), self._evaluate(node.slice)
        name = text_of(node.slice)
        if self._memory.its_dict in owner and name is not None:
            owner -= {self._memory.its_dict}
            found = self._do.load_attribute(self._do.itself, name, node)
            return found | self._do.load_item(owner, key, node)
        found = self._do.load_item(owner, key, node)
        if isinstance(node.slice, ast.Slice):
            for thing in owner - self._do.itself:
                for kind in self._memory.kinds(thing):
                    found |= self._do.fresh((node, kind), kind, self._memory.contents(thing))
        return found

    def _call(self, node: ast.Call) -> Value:
        function = node.func
        receiver = NOTHING
        if isinstance(function, ast.Attribute):
            receiver = self._evaluate(function.value)
            callee = NOTHING
        else:
            callee = self._evaluate(function)
        arguments = self._arguments(node)
        if isinstance(function, ast.Attribute):
            name = self._unit.mangled(function.attr)
            return self._do.call_method(receiver, name, arguments, node)
        return self._do.call(callee, arguments, node)

    def _arguments(self, node: ast.Call) -> Arguments:
        positional: list[Value] = []
        names: list[str | None] = []
        spread: Value = NOTHING
        keywords: list[tuple[str, Value]] = []
        for argument in node.args:
            value = self._evaluate(
                argument.value if isinstance(argument, ast.Starred) else argument
            )
            if isinstance(argument, ast.Starred):
                spread |= self._do.iterate(value, argument)
            elif spread:
                spread |= value  # Its place depends on how many stand before it.
            else:
                positional.append(value)
                names.append(text_of(argument))
        for keyword in node.keywords:
            value = self._evaluate(keyword.value)
            if keyword.arg is None:
                spread |= self._do.load_item(value, NOTHING, keyword)
            else:
                keywords.append((keyword.arg, value))
        return Arguments(tuple(positional), tuple(names), tuple(keywords), spread)

    def _binary(self, node: ast.BinOp) -> Value:
        left, right = self._evaluate(node.left), self._evaluate(node.right)
        name = OPERATORS[type(node.op)]
        is_number = any(
            all(thing.kinds and thing.kinds <= _NUMBERS and thing.sources is None for thing in side)
            for side in (left, right)
            if side
        )
        if isinstance(node.op, ast.LShift | ast.RShift) and not is_number:
            # Some give these a meaning that changes the left operand, as C++ does with streams.
            unknown = frozenset(
                t
                for t in left | right
                if object in self._memory.kinds(t) and t not in self._do.itself
            )
            if unknown:
                self._do.foreign(unknown, (node, "shift"))
        return self._do.operate(left, right, (f"__{name}__", f"__r{name}__"), node)

    def _unary(self, node: ast.UnaryOp) -> Value:
        value = self._evaluate(node.operand)
        if isinstance(node.op, ast.Not):
            self._truth(value)
            return self._memory.atom(bool)
        return self._do.operate(value, NOTHING, ("__neg__", "__pos__", "__invert__"), node)

    def _either(self, node: ast.BoolOp) -> Value:
        value = self._all(node.values)
        self._truth(value)
        return value

    def _compare(self, node: ast.Compare) -> Value:
        left = self._evaluate(node.left)
        for index, (operator, comparator) in enumerate(
            zip(node.ops, node.comparators, strict=True)
        ):
            right = self._evaluate(comparator)
            if not isinstance(operator, ast.Is | ast.IsNot):
                is_search = isinstance(operator, ast.In | ast.NotIn)
                self._do.compare(left, right, is_search=is_search, place=(node, index))
            left = right
        return self._memory.atom(bool)

    def _choice(self, node: ast.IfExp) -> Value:
        self._truth(self._evaluate(node.test))
        return self._all([node.body, node.orelse])

    def _walrus(self, node: ast.NamedExpr) -> Value:
        value = self._evaluate(node.value)
        self._assign(node.target, value)
        return value

    def _function(self, node: Any) -> Value:
        unit = self._add_unit(node, self._unit)
        if not isinstance(node, ast.GeneratorExp):
            given = node.args
            defaults = self._all([*given.defaults, *given.kw_defaults])
            for parameter in parameters_of(node):
                self._memory.grow(unit.variables.setdefault(parameter.arg, set()), defaults)
        return self._do.function_thing(unit)

    def _generator(self, node: ast.GeneratorExp) -> Value:
        return self._do.run(self._add_unit(node, self._unit), Arguments())

    def _text_of(self, node: ast.JoinedStr) -> Value:
        for part in ast.walk(node):
            if isinstance(part, ast.FormattedValue):
                value = self._evaluate(part.value)
                if self._memory.itself in self._memory.reach(value):
                    self._do.special(self._do.itself, _rules.TEXT)
        return self._memory.atom(str)

    def _literal(self, node: ast.List | ast.Tuple | ast.Set) -> Value:
        contents: Value = NOTHING
        for part in node.elts:
            if isinstance(part, ast.Starred):
                contents |= self._do.iterate(self._evaluate(part.value), part)
            else:
                contents |= self._evaluate(part)
        kinds: dict[type, type] = {ast.List: list, ast.Tuple: tuple, ast.Set: set}
        if isinstance(node, ast.Set):
            self._do.convert(contents)
        return self._do.fresh(node, kinds[type(node)], contents)

    def _dictionary(self, node: ast.Dict) -> Value:
        contents = self._all(node.keys)
        self._do.convert(contents)
        for key, value in zip(node.keys, node.values, strict=True):
            given = self._evaluate(value)
            contents |= given if key is not None else self._do.load_item(given, NOTHING, value)
        return self._do.fresh(node, dict, contents)

    def _comprehend(self, generators: list[ast.comprehension]) -> None:
        for generator in generators:
            items = self._do.iterate(self._evaluate(generator.iter), generator)
            self._assign(generator.target, items)
            for condition in generator.ifs:
                self._truth(self._evaluate(condition))

    def _comprehension(self, node: _Comprehension) -> Value:
        self._comprehend(node.generators)
        if isinstance(node, ast.DictComp):
            return self._do.fresh(node, dict, self._all([node.key, node.value]))
        kind = list if isinstance(node, ast.ListComp) else set
        return self._do.fresh(node, kind, self._evaluate(node.elt))

    def _await(self, value: Value, place: object) -> Value:
        found = self._do.special(value, ("__await__",))
        others = value - self._do.itself
        return found | self._do.foreign(others, (place, "await")) if others else found

    def _awaited(self, node: ast.Await) -> Value:
        return self._await(self._evaluate(node.value), node)

    def _yielded(self, node: ast.Yield) -> Value:
        if node.value is not None:
            self._give(self._evaluate(node.value))
        sent = self._unit.variables.get(SENT, ())
        return self._do.fresh(node) | frozenset(sent)

    def _yielded_from(self, node: ast.YieldFrom) -> Value:
        items = self._do.iterate(self._evaluate(node.value), node)
        self._give(items)
        return items

    def _slice(self, node: ast.Slice) -> Value:
        self._do.convert(self._all([node.lower, node.upper, node.step]))
        return self._memory.atom(slice)


def text_of(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


_EXPRESSIONS: dict[type[ast.AST], Callable[[Expressions, Any], Value]] = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Subscript: Expressions._subscript,
    ast.Call: Expressions._call,
    ast.BinOp: Expressions._binary,
    ast.UnaryOp: Expressions._unary,
    ast.BoolOp: Expressions._either,
    ast.Compare: Expressions._compare,
    ast.IfExp: Expressions._choice,
    ast.NamedExpr: Expressions._walrus,
    ast.Lambda: Expressions._function,
    ast.GeneratorExp: Expressions._generator,
    ast.JoinedStr: Expressions._text_of,
    ast.List: Expressions._literal,
    ast.Tuple: Expressions._literal,
    ast.Set: Expressions._literal,
    ast.Dict: Expressions._dictionary,
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
    ast.Await: Expressions._awaited,
    ast.Yield: Expressions._yielded,
    ast.YieldFrom: Expressions._yielded_from,
    ast.Slice: Expressions._slice,
}
