"""The context manager that times a block."""

from __future__ import annotations

from time import perf_counter

from suitkaise.timing._sktimer import Sktimer


class TimeThis:
    """Time a block, with ``with`` or with ``async with``.

    The block is recorded when it ends, also with an exception. It has a measurement of its own:
    blocks in several threads or tasks, or one within another, may record into one timer. One
    `TimeThis` is for one block at a time.

    Args:
        timer: Where to record. None: a new timer.

    Raises:
        TypeError: ``timer`` is neither an `Sktimer` nor None.

    Example:
        >>> from suitkaise.timing import Sktimer, TimeThis
        >>> with TimeThis() as timer:
        ...     _ = sum(range(100))
        >>> timer.num_times
        1
        >>> requests = Sktimer()
        >>> async def fetch():
        ...     async with TimeThis(requests):
        ...         return 3
    """

    def __init__(self, timer: Sktimer | None = None) -> None:
        if timer is not None and not isinstance(timer, Sktimer):
            raise TypeError(
                f"TimeThis(): timer must be an Sktimer, or None for a new one; "
                f"got {timer!r} ({type(timer).__name__})"
            )
        self.timer = Sktimer() if timer is None else timer
        """Where the block is recorded."""
        self._begun: float | None = None
        """When the block was entered; None outside of it."""

    def __enter__(self) -> Sktimer:
        if self._begun is not None:
            raise RuntimeError(
                "this TimeThis is timing a block already; make one for each block: "
                "with TimeThis(timer): ..."
            )
        self._begun = perf_counter()
        return self.timer

    def __exit__(self, *_: object) -> None:
        now = perf_counter()
        begun, self._begun = self._begun, None
        if begun is not None:
            self.timer.add_time(now - begun)

    async def __aenter__(self) -> Sktimer:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()
