"""The mark of a function that blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])


def blocking(function: FunctionT) -> FunctionT:
    """Mark a function by hand as blocking: it waits for a file, a network or a lock.

    The mark is the attribute ``__sk_blocking__ = True`` on the function. Nothing else changes,
    and calling the function costs what it did before. With other decorators it goes undermost,
    next to the ``def``. The decorator itself does not block.

    Args:
        function: A function written in Python, sync or async.

    Returns:
        The same function.

    Raises:
        TypeError: ``function`` cannot carry the mark (a built-in, a bound method).

    Example:
        >>> @blocking
        ... def read(path: str) -> bytes:
        ...     with open(path, "rb") as file:
        ...         return file.read()
        >>> read.__sk_blocking__
        True
    """
    try:
        function.__sk_blocking__ = True  # type: ignore[attr-defined]
    except AttributeError as error:
        raise TypeError(
            f"cannot mark {function!r} as blocking: it takes no attributes; "
            "mark a Python function that calls it"
        ) from error
    return function
