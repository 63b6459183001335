"""The decorator that tells a class what its methods touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from suitkaise.sk._analysis import SharedMeta

ClassT = TypeVar("ClassT", bound=type)


class AtFirstUse:
    """What stands in a class as ``_shared_meta``: each class that is asked gets its own.

    Not before it is asked: then the names in the module are all bound, and importing a class costs
    nothing.
    """

    def __get__(self, instance: object, owner: type) -> SharedMeta:
        from suitkaise.sk._analysis import shared_meta  # here: few programs need it

        return shared_meta(owner)


_AT_FIRST_USE = AtFirstUse()


def Skclass(cls: ClassT) -> ClassT:  # noqa: N802 (the specification's name)
    """Attach to a class what each of its methods and properties reads and writes.

    The class gets ``_shared_meta``: ``{"methods": {name: {"writes": [...], "reads": [...]}},
    "properties": {name: {"reads": [...], "writes": [...]}}}``, names sorted. ``["*"]`` stands for
    all attributes: what cannot be known from the source is never left out. Nothing else changes,
    and nothing of the class runs.

    It is found out when it is first asked for, which takes milliseconds and blocks only for reading
    source files; from then on it stays, whatever is put on the class later. A subclass has one of
    its own.

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
        type.__setattr__(cls, "_shared_meta", _AT_FIRST_USE)
    except TypeError as error:
        raise TypeError(
            f"cannot attach _shared_meta to {cls.__module__}.{cls.__qualname__}: it takes no "
            "attributes; use a subclass of it, written in Python"
        ) from error
    return cls
