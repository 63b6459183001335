"""NumPy arrays in a Share. Imported once an array is met: NumPy is then imported already.

An array that is read from a Share looks straight into the memory of this process's replica, and
cannot be written to there: whatever way round is tried, NumPy refuses it. What writes by the array
itself, by an index, a slice, an operator, a method, becomes an effect.

A part of it that is a view (`share.a[2:5]`, `share.a.T`) knows the steps that led to it, and
writes through them. A part that is not (`share.a[[1, 2]]`, `share.a[mask]`) is a copy, which
remembers what has been computed with it, so that `share.a[mask] += 1` is computed again when it is
written back.
"""

# What methods made of plans take and return, and that copies are ordinary, is not what stubs say.
# mypy: disable-error-code="misc, assignment, override, no-any-return"

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from suitkaise.cucumber import deserialize, serialize

from ._kinds import ATOM, learn
from ._node import SLOTS, Node, Planned, changing, current, shared_container, written
from ._scalars import TRACKED, Origin, learn_to_track, strip, track

Steps = tuple[tuple[Any, ...], ...]  # each a method or an attribute of ndarray, and its arguments
_VIEWING = ("reshape", "ravel", "transpose", "swapaxes", "squeeze", "view", "diagonal")
_PARTS = ("T", "mT", "real", "imag")
_CHANGING = ("fill", "sort", "partition", "put", "setfield")
_WHOLE = Ellipsis


def _take(whole: Any, steps: Steps) -> Any:
    """Return the part of an ordinary array that some steps lead to."""
    for name, *arguments in steps:
        part = getattr(whole, name)
        whole = part if name in _PARTS else part(*arguments)
    return whole


def _plain(value: Any) -> Any:
    """Return an ordinary array that looks into what is there now; anything else as it is."""
    if isinstance(value, SharedArrayOfNumPy):
        return value._look()
    if isinstance(value, _Picked):
        return value.view(np.ndarray)
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return strip(value)


def _plain_ones(named: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in named.items()}


def _effect(operation: str, *what: Any) -> tuple[Any, ...]:
    # As bytes, so that lists and arrays in it are left as they are.
    return f"ndarray.{operation}", serialize(what)


def _set(whole: Any, steps: Steps, key: Any, value: Any) -> Planned:
    part = _take(whole._data, steps)
    spot = part[key]
    if type(value) in TRACKED:
        value = written(value, whole, (steps, key), spot)
    new = np.empty_like(spot, subok=False)
    try:
        new[...] = value
    except Exception:
        whole._data.copy()[key] = value  # raises what it would raise
        raise
    if not new.size:
        return None, None
    return None, _effect("set", steps, key, new if np.ndim(value) else new.flat[0])


def _apply(whole: Any, steps: Steps, ufunc: Any, operands: tuple[Any, ...]) -> Planned:
    part = _take(whole._data, steps)
    new = np.empty_like(part, subok=False)
    ufunc(part, *operands, out=new)  # raises what it would raise
    name: str = ufunc.__name__
    if getattr(np, name, None) is not ufunc:
        return None, _effect("set", steps, _WHOLE, new)
    return None, _effect("apply", steps, name, operands)


def _apply_picked(
    whole: Any, steps: Steps, key: Any, todo: list[tuple[Any, tuple[Any, ...]]]
) -> Planned:
    picked = _take(whole._data, steps)[key]
    for ufunc, operands in todo:
        ufunc(picked, *operands, out=picked)
    return None, _effect("set", steps, key, picked)


def _compute(whole: Any, steps: Steps, compute: Callable[[Any], Any]) -> Planned:
    """Become what a function makes of a copy of a part."""
    new = _take(whole._data, steps).copy()
    result = compute(new)
    return result, _effect("set", steps, _WHOLE, new)


def _carry_out_set(target: Any, what: bytes) -> None:
    steps, key, value = deserialize(what)
    _take(target._data, steps)[key] = value


def _carry_out_apply(target: Any, what: bytes) -> None:
    steps, ufunc, operands = deserialize(what)
    part = _take(target._data, steps)
    with np.errstate(all="ignore"):  # who wrote it has been warned
        getattr(np, ufunc)(part, *operands, out=part)


@shared_container(np.ndarray, {"set": _carry_out_set, "apply": _carry_out_apply})
class SharedArrayOfNumPy(Node, np.ndarray):
    """An array in a Share, or a view of a part of it.

    Attributes:
        _data: The memory of the replica, to be written to by effects alone; only of a whole array.
        _whole: The array that this is a view of, or itself; None if NumPy made it on its own.
        _steps: How it is got from the whole.
    """

    __slots__ = (*SLOTS, "_data", "_steps", "_whole")
    __hash__ = None
    _data: Any
    _whole: Any
    _steps: Steps

    def __array_finalize__(self, _made_of: Any) -> None:
        self._whole = None

    @classmethod
    def _made_of(cls, plain: Any) -> Any:
        data = plain if plain.flags.writeable and plain.base is None else plain.copy()
        node = data.view(cls)
        np.ndarray.setflags(node, write=False)
        node._data, node._whole, node._steps = data, node, ()
        return node

    def _now(self) -> Any:
        """Return this same part of what is there now."""
        if self._whole is None:
            return self
        whole = current(self._whole)
        return self if whole is self._whole else whole._view(self._steps)

    def _look(self) -> Any:
        """Return an ordinary array, not to be written to, that shows what is there now."""
        return self._now()._as_it_is()

    def _as_it_is(self) -> Any:
        return np.ndarray.view(self, np.ndarray)

    def _step(self, name: str, *arguments: Any) -> Any:
        """Return what a step further leads to."""
        now = self._now()
        step = (name, *arguments)
        found = _take(now._as_it_is(), (step,))
        return now._view((*now._steps, step)) if now._is_part(found) else found

    def _is_part(self, found: Any) -> bool:
        """Tell whether something that was got from here is a view of this memory."""
        return (
            isinstance(found, np.ndarray)
            and self._whole is not None
            and np.may_share_memory(found, self._whole._data)
        )

    def _view(self, steps: Steps) -> Any:
        """Return a part of the whole of this one as it is."""
        node = _take(self._whole._as_it_is(), steps).view(type(self))
        node._whole, node._steps = self._whole, steps
        node._replica, node._up, node._key = self._whole._replica, None, None
        return node

    _plan_set = changing(_set)
    _plan_apply = changing(_apply)
    _plan_apply_picked = changing(_apply_picked)
    _plan_compute = changing(_compute)

    def __getitem__(self, key: Any) -> Any:
        given, key = key, _plain(key)
        now = self._now()
        found = now._as_it_is()[key]
        if now._is_part(found):
            return now._view((*now._steps, ("__getitem__", key)))
        if now._whole is None:
            return found
        if isinstance(found, np.ndarray):
            picked = (found if found.size else found.copy()).view(_Picked)
            picked._whole, picked._steps, picked._from = now._whole, now._steps, given
            picked._todo = []
            return picked
        if _is_place(key):
            origin = Origin(now._replica, now._whole, (now._steps, key))
            return track(found, origin)
        return found

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._whole is None:
            np.ndarray.__setitem__(self, _plain(key), _plain(value))
            return
        given, key = key, _plain(key)
        if isinstance(value, SharedArrayOfNumPy) and value._whole is not None:
            place = (*self._steps, ("__getitem__", key))
            if self._is_mine(value._whole) and _are_same(value._steps, place):
                return  # `share.a[2:5] += 1` assigns what it has changed
        if (
            isinstance(value, _Picked)
            and value._todo
            and value._from is given
            and value._steps == self._steps
            and self._is_mine(value._whole)
        ):
            self._whole._plan_apply_picked(self._steps, key, value._todo)
            return
        value = value if type(value) in TRACKED else _plain(value)
        self._whole._plan_set(self._steps, key, value)

    def _is_mine(self, whole: Any) -> bool:
        return bool(self._whole._replica.is_standing(whole, self._whole))

    def __delitem__(self, key: Any) -> None:
        del self._look()[key]

    def __iter__(self) -> Iterator[Any]:
        look = self._look()
        if look.ndim == 1:
            return iter(look.copy())
        len(look)
        return (self[place] for place in range(len(look)))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        return _call(ufunc, method, inputs, named)

    def __array_function__(self, function: Any, _types: Any, args: Any, named: Any) -> Any:
        return function(*map(_plain, args), **_plain_ones(named))

    def __copy__(self) -> Any:
        return self._look().copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self._look().__deepcopy__(memo)

    def copy(self, order: Any = "C") -> Any:
        """Return an ordinary array of what is there now."""
        return self._look().copy(order)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._look().copy().__reduce_ex__(protocol)

    def __setstate__(self, *_state: Any) -> None:
        raise TypeError("an array of a Share is not filled anew: assign to its elements")

    def resize(self, *_shape: Any, **_named: Any) -> None:
        """Raise: the size of a shared array is what it was assigned with."""
        raise ValueError("an array in a Share cannot be resized: assign another one")

    def setflags(self, write: Any = None, *_others: Any, **_named: Any) -> None:
        """Raise, where it would open the memory of the replica."""
        if write:
            raise ValueError("an array in a Share is written to by itself only, not by its memory")

    def byteswap(self, inplace: bool = False) -> Any:
        """Swap the bytes of each element."""
        if not inplace:
            return self._look().byteswap()
        self._whole._plan_compute(self._steps, lambda part: part.byteswap(True) and None)
        return self


def _call(ufunc: Any, method: str, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
    out = named.pop("out", ())
    shared = any(
        isinstance(value, SharedArrayOfNumPy) and value._whole is not None for value in out
    )
    plain = tuple(map(_plain, inputs))
    named = _plain_ones(named)
    target = inputs[0]
    if method == "at" and isinstance(target, SharedArrayOfNumPy):
        target._whole._plan_compute(target._steps, lambda part: ufunc.at(part, *plain[1:]))
        return None
    if not shared:
        if out:
            named["out"] = tuple(map(_plain, out))
        result = getattr(ufunc, method)(*plain, **named)
        picked = out[0] if len(out) == 1 else None
        if isinstance(picked, _Picked):
            is_simple = method == "__call__" and len(named) == 1
            picked._note(ufunc, target, plain[1:], is_simple=is_simple)
            return picked
        return out[0] if len(out) == 1 else result
    if len(out) > 1:
        raise TypeError(f"{ufunc.__name__} cannot write to several arrays of a Share in one step")
    (destination,) = out
    if destination is target and method == "__call__" and not named:
        destination._whole._plan_apply(destination._steps, ufunc, plain[1:])
        return destination

    def compute(part: Any) -> None:
        # What is written to is read there, too, as it is when it is written.
        now = [
            part.copy() if value is destination else look
            for value, look in zip(inputs, plain, strict=True)
        ]
        getattr(ufunc, method)(*now, out=(part,), **named)

    destination._whole._plan_compute(destination._steps, compute)
    return destination


class _Picked(np.ndarray):
    """A copy of some elements of an array in a Share, and what has been computed with it since."""

    _whole: Any = None
    _steps: Steps = ()
    _from: Any = None
    _todo: list[tuple[Any, tuple[Any, ...]]] | None = None

    def _note(self, ufunc: Any, target: Any, operands: Any, *, is_simple: bool) -> None:
        if self._todo is not None and target is self and is_simple:
            self._todo.append((ufunc, operands))
        else:
            self._todo = None

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **named: Any) -> Any:
        return _call(ufunc, method, inputs, named)

    def __array_function__(self, function: Any, _types: Any, args: Any, named: Any) -> Any:
        return function(*map(_plain, args), **_plain_ones(named))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.view(np.ndarray).__reduce_ex__(protocol)


def _is_place(key: Any) -> bool:
    parts = key if type(key) is tuple else (key,)
    return all(isinstance(part, (int, str, np.integer)) for part in parts)


def _are_same(steps: Steps, others: Steps) -> bool:
    try:
        return bool(steps == others)
    except ValueError:  # an array among the keys
        return False


def _looking(name: str) -> Any:
    def look(self: Any, *args: Any, **named: Any) -> Any:
        return getattr(self._look(), name)(*map(_plain, args), **_plain_ones(named))

    look.__name__ = name
    look.__doc__ = getattr(np.ndarray, name).__doc__
    return look


def _viewing(name: str) -> Any:
    def step(self: Any, *args: Any, **named: Any) -> Any:
        if named:
            return getattr(self._look(), name)(*args, **named)
        return self._step(name, *map(strip, args))

    step.__name__ = name
    step.__doc__ = getattr(np.ndarray, name).__doc__
    return step


def _changing_by(name: str) -> Any:
    def change(self: Any, *args: Any, **named: Any) -> None:
        arguments = tuple(map(_plain, args))

        def compute(part: Any) -> None:
            getattr(part, name)(*arguments, **named)

        if self._whole is None:
            compute(self._as_it_is())
        else:
            self._whole._plan_compute(self._steps, compute)

    change.__name__ = name
    change.__doc__ = getattr(np.ndarray, name).__doc__
    return change


def _attribute(name: str) -> Any:
    def look(self: Any) -> Any:
        return self._step(name) if name in _PARTS else getattr(self._look(), name)

    def change(self: Any, value: Any) -> None:
        self._step(name)[...] = value

    return property(look, change if name in ("real", "imag") else None)


def _forgetting(name: str) -> Any:
    def change(self: Any, *args: Any, **named: Any) -> Any:
        self._todo = None
        return getattr(np.ndarray, name)(self, *args, **named)

    change.__name__ = name
    return change


_INHERITED = {
    *("__class__", "__doc__", "__new__", "__init__", "__getattribute__", "__setattr__"),
    *(
        "__delattr__",
        "__dir__",
        "__init_subclass__",
        "__subclasshook__",
        "__getstate__",
        "__hash__",
    ),
    *("__class_getitem__", "__array_finalize__", "__array_priority__", "__array_wrap__"),
    *(
        "shape",
        "ndim",
        "size",
        "itemsize",
        "nbytes",
        "dtype",
        "strides",
        "base",
        "flags",
        "__len__",
    ),
}
_BINARY = {
    f"__{prefix}{name}__"
    for name in [
        "add",
        "sub",
        "mul",
        "matmul",
        "truediv",
        "floordiv",
        "mod",
        "divmod",
        "pow",
        "lshift",
        "rshift",
        "and",
        "or",
        "xor",
    ]
    for prefix in ("", "r", "i")
} | {f"__{name}__" for name in ["eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"]}
for _name in dir(np.ndarray):
    if _name in SharedArrayOfNumPy.__dict__ or _name in _BINARY:
        continue
    if _name in _VIEWING:
        setattr(SharedArrayOfNumPy, _name, _viewing(_name))
    elif _name in _CHANGING:
        setattr(SharedArrayOfNumPy, _name, _changing_by(_name))
    elif _name in ("shape", "dtype", "strides") or (
        _name not in _INHERITED and not callable(getattr(np.ndarray, _name))
    ):
        setattr(SharedArrayOfNumPy, _name, _attribute(_name))
    elif _name not in _INHERITED:
        setattr(SharedArrayOfNumPy, _name, _looking(_name))
for _name in (*_CHANGING, "__setitem__", "byteswap"):
    setattr(_Picked, _name, _forgetting(_name))

for _kind in {np.dtype(code).type for code in "bhilqBHILQefdgFDG"}:
    learn(_kind, ATOM)
    learn_to_track(_kind)
for _kind in (np.bool_, np.datetime64, np.timedelta64, np.str_, np.bytes_):
    learn(_kind, ATOM)
