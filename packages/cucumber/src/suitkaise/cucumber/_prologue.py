"""A prologue: what many payloads begin with, pickled once.

An object that is serialised again and again mostly refers to the same definitions: its class, by
value where the receiver cannot import it, which takes longer than all the rest. Written after a
prologue, a payload refers to them by their places in the pickler's memo.

    payload = HEADER + pickle of the definitions, POP in place of STOP + pickle of the object

That is one legal pickle, and `deserialize` needs to know nothing of it.

A definition may change: a class attribute that counts, a global that a function uses. So the
prologue notes all that can change in what it has pickled, and says whether it is as it was. What it
does not know well enough to say so makes definitions unsettled: they have no prologue.
"""

import sys
import types
from collections.abc import Iterable, Mapping
from enum import Enum
from io import BytesIO
from itertools import repeat
from operator import attrgetter, is_
from typing import Any

from cloudpickle import cloudpickle

from suitkaise.cucumber._diagnosis import serialization_error
from suitkaise.cucumber._importable import is_importable, travels_by_reference
from suitkaise.cucumber._ordinary import dump_number, is_ordinary
from suitkaise.cucumber._payload import HEADER, TooDeepError, Writable, serialize_into
from suitkaise.cucumber._pickler import Pickler

_PROTOCOL = 5
_POP = b"0"
_MADE_AT_FIRST = 3
_WRITTEN_PER_MADE = 64  # a prologue that does not last is not worth its making
_MOST_OBJECTS = 2000  # looked at, before definitions count as unsettled
_MOST_ITEMS = 100  # of a container: it is looked at again each time
_MISSING = repeat(object())

_ATOMS = frozenset(
    {
        *(type(None), type(Ellipsis), type(NotImplemented)),
        *(bool, int, float, complex, str, bytes, range, types.CodeType),
        *(types.GetSetDescriptorType, types.MemberDescriptorType, types.WrapperDescriptorType),
        *(types.MethodDescriptorType, types.ClassMethodDescriptorType),
    }
)
# Types whose instances never change, or travel by a name that never does.
_CONSTANT = frozenset(
    {
        *("datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta"),
        *("datetime.timezone", "decimal.Decimal", "fractions.Fraction", "uuid.UUID"),
        *("logging.Logger", "logging.RootLogger", "re.Pattern"),
        *("pathlib.PosixPath", "pathlib.PurePosixPath", "pathlib._local.PosixPath"),
    }
)
_CODE = attrgetter("__code__")
_DEFAULTS = attrgetter("__defaults__")
_CONTENT = attrgetter("cell_contents")


class UnsettledError(Exception):
    """It cannot be known whether the definitions will be as they were."""


class Prologue:
    """The definitions, pickled, and what of them may change.

    Args:
        definitions: What payloads will refer to: classes, functions.
        constants: Objects that are taken to be always as they are now.

    Raises:
        UnsettledError: If the definitions hold what may change unseen.
        Exception: If they cannot be pickled.
    """

    def __init__(self, definitions: Iterable[Any], constants: Iterable[Any] = ()) -> None:
        everything = (*definitions, *constants)
        self._survey = survey = _Survey(definitions, constants)
        self._expected = survey.look()
        self._modules = len(sys.modules)  # functions take along the submodules that they use
        file = BytesIO()
        dump_number[0] += 1
        self._pickler = Pickler(file, _PROTOCOL, True)
        self._pickler.dump(everything)
        self._globals = dict(self._pickler.globals_ref)
        self._stream = HEADER + file.getvalue()[:-1] + _POP

    def is_current(self) -> bool:
        """Whether the definitions are as they were."""
        try:
            now = self._survey.look()
        except (RuntimeError, ValueError):  # another thread is changing a dict; an emptied cell
            return False
        return (
            len(now) == len(self._expected)
            and all(map(is_, now, self._expected))
            and len(sys.modules) == self._modules
        )

    def write(self, obj: Any, file: Writable) -> None:
        """Write a payload of an object, as `serialize_into` does; it begins with the prologue."""
        dump_number[0] += 1
        file.write(self._stream)
        pickler = Pickler(file, _PROTOCOL, True)
        pickler.memo = self._pickler.memo  # a copy
        pickler.globals_ref = self._globals.copy()
        try:
            pickler.dump(obj)
        except MemoryError:
            raise
        except RecursionError as error:
            raise TooDeepError(obj, pickler) from error
        except Exception as error:
            raise serialization_error(obj, error, pickler) from error


class Series:
    """Writes payloads of what changes, again and again, with a prologue while that pays.

    Args:
        definitions: What all the payloads refer to: classes, functions. They are written to each of
            them as they are at the time.
        constants: Likewise, but they never change, or need not be as they are at the time.
    """

    def __init__(self, definitions: Iterable[Any], constants: Iterable[Any] = ()) -> None:
        self._definitions = tuple(definitions)
        self._constants = tuple(constants)
        self._prologue: Prologue | None = None
        self._made = self._written = 0

    def write(self, obj: Any, file: Writable) -> None:
        """Write a payload of an object.

        Raises:
            SerializationError, TooDeepError: As `serialize_into` does.
        """
        self._written += 1
        prologue = self._prologue
        if prologue is None or not prologue.is_current():
            prologue = self._prologue = self._make()
        if prologue is None:
            serialize_into(obj, file)
        else:
            prologue.write(obj, file)

    def _make(self) -> Prologue | None:
        if self._made > _MADE_AT_FIRST + self._written // _WRITTEN_PER_MADE:
            return None
        self._made += 1
        try:
            return Prologue(self._definitions, self._constants)
        except Exception:  # the payload tells what cannot be pickled, and where that is
            return None


class _Survey:
    """Looks through definitions for what may change, and from then on at that alone."""

    def __init__(self, definitions: Iterable[Any], constants: Iterable[Any]) -> None:
        self._left = list(definitions)
        self._seen = {id(constant): constant for constant in constants}
        self._mappings: list[Mapping[Any, Any]] = []
        self._containers: list[list[Any] | set[Any]] = []
        self._functions: list[types.FunctionType] = []
        self._cells: list[types.CellType] = []
        variables: dict[int, tuple[dict[str, Any], set[str]]] = {}
        while self._left:
            obj = self._left.pop()
            if id(obj) not in self._seen:
                if len(self._seen) == _MOST_OBJECTS:
                    raise UnsettledError("there is too much of it")
                self._seen[id(obj)] = obj
                self._look_into(obj, variables)
        self._variables = [(names.get, tuple(used)) for names, used in variables.values()]

    def look(self) -> list[Any]:
        """Return all that may change, in an order that stays the same if it does not.

        Raises:
            RuntimeError, ValueError: It has changed, or is changing just now.
        """
        seen: list[Any] = []
        for mapping in self._mappings:
            seen += mapping
            seen += mapping.values()
        for container in self._containers:
            seen += container
        for get, names in self._variables:
            seen += map(get, names, _MISSING)
        seen += map(_CODE, self._functions)
        seen += map(_DEFAULTS, self._functions)
        seen += map(_CONTENT, self._cells)
        return seen

    def _look_into(self, obj: Any, variables: dict[int, tuple[dict[str, Any], set[str]]]) -> None:
        cls = type(obj)
        if cls in _ATOMS or f"{cls.__module__}.{cls.__qualname__}" in _CONSTANT:
            return
        if isinstance(obj, type):
            if not travels_by_reference(obj):
                is_ordinary(obj)  # pickle notes its first look at a class in the class: now, then
                self._left += (cls, *obj.__bases__)
                self._watch(vars(obj))
        elif cls is types.FunctionType:
            if not travels_by_reference(obj):
                names = cloudpickle._extract_code_globals(obj.__code__)
                variables.setdefault(id(obj.__globals__), (obj.__globals__, set()))[1].update(names)
                self._look_into_function(obj, names)
        elif cls is types.ModuleType:
            if obj.__name__ != "__main__" and not is_importable(obj.__name__):
                raise UnsettledError(f"the module {obj.__name__} travels by value")
        elif cls is dict:
            self._left += _short(obj)
            self._watch(obj)
        elif cls in (tuple, frozenset):
            self._left += obj
        elif cls in (list, set):
            self._left += _short(obj)
            self._containers.append(obj)
        elif (parts := _parts(obj, cls)) is not None:
            self._left += parts
        elif is_ordinary(cls) and _is_reduced_as_ordinary(cls):
            self._left.append(cls)
            self._watch(_short(vars(obj)))
        else:
            raise UnsettledError(f"a {cls.__module__}.{cls.__qualname__} may change")

    def _look_into_function(self, function: types.FunctionType, names: Iterable[str]) -> None:
        cells = function.__closure__ or ()
        self._functions.append(function)
        self._cells += cells
        self._left += map(_CONTENT, cells)
        self._left += map(function.__globals__.get, names)
        self._left += (function.__defaults__, function.__kwdefaults__, function.__annotations__)
        self._watch(function.__dict__)

    def _watch(self, mapping: Mapping[Any, Any]) -> None:
        self._left += mapping.values()
        self._mappings.append(mapping)


def _parts(obj: Any, cls: type) -> tuple[Any, ...] | None:
    """What an object that does not change by itself is made of; None: it is another."""
    if cls is property:
        return obj.fget, obj.fset, obj.fdel
    if cls in (staticmethod, classmethod, types.MethodType):
        return (obj.__func__, getattr(obj, "__self__", None))
    if cls is types.BuiltinFunctionType and isinstance(obj.__self__, type | types.ModuleType):
        return (obj.__self__,)
    if cls in (types.GenericAlias, types.UnionType) or cls.__module__ == "typing":
        return (getattr(obj, "__origin__", None), *getattr(obj, "__args__", ()))
    if isinstance(obj, Enum):
        return cls, obj.value
    return None


def _is_reduced_as_ordinary(cls: type) -> bool:
    from suitkaise.cucumber._registry import REDUCERS

    return REDUCERS[cls].__name__ == "reduce_ordinary"


def _short(container: Any) -> Any:
    if len(container) > _MOST_ITEMS:
        raise UnsettledError(f"a {type(container).__name__} is too long")
    return container
