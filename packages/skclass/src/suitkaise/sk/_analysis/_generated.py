"""The methods that a dataclass generated, written down as they would be by hand."""

from __future__ import annotations

import dataclasses
import reprlib
from types import FunctionType
from typing import Any, NamedTuple

from suitkaise.sk._analysis._members import find, is_own


class Generated(NamedTuple):
    """What a dataclass generated, as it would be written by hand.

    Attributes:
        text: A function definition.
        names: What the text refers to.
        annotations: The types of its parameters, as the fields declare them.
    """

    text: str
    names: dict[str, object]
    annotations: dict[str, object]


def generated(owner: type, function: FunctionType) -> Generated | None:
    """Write down a method that a dataclass generated; it has no source of its own.

    Args:
        owner: The class in whose namespace the function stands.
        function: A function without source.

    Returns:
        An equivalent definition; None if it is no such method.
    """
    fields: dict[str, Any] | None = vars(owner).get("__dataclass_fields__")
    name = function.__name__
    inner = getattr(function, "__wrapped__", function)
    if name == "__repr__" and inner is not function and isinstance(inner, FunctionType):
        # It is wrapped against endless recursion.
        if function.__code__.co_filename not in (dataclasses.__file__, reprlib.__file__):
            return None
        function = inner
    if fields is not None and function is getattr(dataclasses, "_replace", None):  # From 3.13 on.
        reads = "".join(f"self.{field}, " for field in fields)
        text = f"def __replace__(self, **changes): return self.__class__({reads}**changes)"
        return Generated(text, {}, {})
    if fields is None or function.__code__.co_filename != "<string>":
        return None
    touched = set(function.__code__.co_names) - set(fields)
    if any(not (name.startswith("_") or name in _HARMLESS) for name in touched):
        return None  # Written by hand and compiled by `exec`.
    if name == "__init__":
        return _generated_init(list(fields.values()))
    if name in _READING:
        reads = ", ".join(f"self.{field}" for field in fields)
        return Generated(f"def {name}(self, *others): return [{reads}] == others", {}, {})
    if name in ("__setattr__", "__delattr__"):
        return Generated(f"def {name}(self, *others): raise AttributeError", {}, {})
    return None


_READING = frozenset(["__repr__", "__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__"])
_HARMLESS = frozenset(
    {
        "MISSING",
        "NotImplemented",
        "object",
        "hash",
        "cls",
        "type",
        "FrozenInstanceError",
        "super",
        "repr",
    }
)


def _generated_init(fields: list[Any]) -> Generated:
    lines = []
    names: dict[str, object] = {"_object": object}
    parameters, annotations, init_only = ["self"], {}, []
    for field in fields:
        kind = field._field_type.name
        if kind == "_FIELD_CLASSVAR":
            continue
        if field.init:
            parameters.append(field.name)
            annotations[field.name] = field.type
        if kind == "_FIELD_INITVAR":
            init_only.append(field.name)
            continue
        sources = [field.name] if field.init else []
        if field.default is not dataclasses.MISSING:
            names[f"_default_{field.name}"] = field.default
            sources.append(f"_default_{field.name}")
        if field.default_factory is not dataclasses.MISSING:
            names[f"_factory_{field.name}"] = field.default_factory
            sources.append(f"_factory_{field.name}()")
        lines += [f"_object.__setattr__(self, {field.name!r}, {source})" for source in sources]
    lines.append(f"self.__post_init__({', '.join(init_only)})")
    return Generated(
        f"def __init__({', '.join(parameters)}):\n    " + "\n    ".join(lines), names, annotations
    )


def is_plain_init(kind: type) -> bool:
    """Whether making an instance of a class only keeps the arguments as its attributes."""
    if type(kind) is not type or is_own(find("__new__", kind.__mro__)):
        return False
    if is_own(find("__post_init__", kind.__mro__)):
        return False
    init = find("__init__", kind.__mro__)
    if init is None or init.owner is object:
        return True
    return init.get is not None and generated(init.owner, init.get) is not None
