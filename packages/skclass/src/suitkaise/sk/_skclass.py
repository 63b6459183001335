"""The decorator that tells a class what its methods touch."""

from __future__ import annotations

from typing import TypeVar

from suitkaise.sk._shared_meta import shared_meta

ClassT = TypeVar("ClassT", bound=type)


def Skclass(cls: ClassT) -> ClassT:  # noqa: N802 (the specification's name)
    """Attach to a class what each of its methods and properties reads and writes.

    The class gets ``_shared_meta``: ``{"methods": {name: {"writes": [...], "reads": [...]}},
    "properties": {name: {"reads": [...], "writes": [...]}}}``, names sorted. ``["*"]`` stands for
    all attributes: what cannot be known from the source is never left out. Nothing else changes,
    and nothing of the class runs. It takes milliseconds, once per class; it blocks only for reading
    the source files of the class.

    A subclass has methods of its own: it needs its own call, whatever it inherits.

    Args:
        cls: A class written in Python.

    Returns:
        The same class.

    Raises:
        TypeError: ``cls`` is no class, or takes no attributes (a built-in one).

    Example:
        >>> @Skclass
        ... class Account:
        ...     def __init__(self, owner: str) -> None:
        ...         self.owner = owner
        ...         self.entries: list[int] = []
        ...     def add(self, amount: int) -> None:
        ...         self.entries.append(amount)
        >>> Account._shared_meta["methods"]["add"]["writes"]
        ['entries']
    """
    if not isinstance(cls, type):
        raise TypeError(f"Skclass takes a class, not {cls!r}; use sk for a function")
    try:
        type.__setattr__(cls, "_shared_meta", shared_meta(cls))
    except TypeError as error:
        raise TypeError(
            f"cannot attach _shared_meta to {cls.__module__}.{cls.__qualname__}: it takes no "
            "attributes; use a subclass of it, written in Python"
        ) from error
    return cls
