"""How far a map is, for those who watch: a bar, or any object that is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from typing import Self


@runtime_checkable
class Updatable(Protocol):
    """What may be told of progress, such as a bar of tqdm."""

    def update(self, n: int, /) -> object:
        """Learn that so many more items are done, failed ones too."""


Progress: TypeAlias = "bool | str | Updatable | None"


class Meter:
    """Tells one watcher, in the thread that collects the results.

    Args:
        update: Called with how many more items are done.
        close: Called at the end.
    """

    def __init__(self, update: Callable[[int], object], close: Callable[[], object] | None) -> None:
        self.update = update
        self._close = close

    @classmethod
    def of(cls, progress: Progress, name: str, items: int | None) -> Self | None:
        """Begin to show progress: of so many items, None: nobody knows; returns None if unwanted.

        Raises:
            TypeError: It is nothing that can be told.
            ModuleNotFoundError: A bar is wanted, and tqdm is not installed.
        """
        if progress is None or progress is False:
            return None
        if isinstance(progress, str) or progress is True:
            label = name if progress is True else progress
            bar = _bar_class()(total=items, desc=label, unit="item", unit_scale=True)
            return cls(bar.update, bar.close)
        if not isinstance(progress, type) and isinstance(progress, Updatable):
            return cls(progress.update, None)
        raise TypeError(
            f"progress={progress!r}: it must be True, a label, or an object with update(n)"
        )

    def close(self) -> None:
        """Leave what is shown as it is; may be repeated."""
        close, self._close = self._close, None
        if close is not None:
            close()


def _bar_class() -> Any:
    try:
        from tqdm.auto import tqdm  # it draws in a notebook as well as in a terminal
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "a progress bar needs tqdm: pip install 'suitkaise-processing[progress]', "
            "or give an object with update(n)",
            name=error.name,
        ) from error
    return tqdm
