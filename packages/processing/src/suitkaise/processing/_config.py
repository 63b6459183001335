"""`process_config`: how often, how long, and with how many lives an Skprocess runs."""

from __future__ import annotations

import difflib
from typing import Any

from ._requirements import require_count, require_seconds


class _Fields:
    """An object with a fixed set of fields: a misspelt one is an error at once."""

    __slots__: tuple[str, ...] = ()
    _title = ""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.__slots__:
            close = difflib.get_close_matches(name, self.__slots__, n=1, cutoff=0.5)
            hint = f": did you mean {close[0]!r}?" if close else ""
            raise AttributeError(
                f"{self._title} has no field {name!r}{hint} Its fields are "
                f"{', '.join(self.__slots__)}."
            )
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def _given(self, name: str) -> str:
        return f"{self._title}.{name} is {getattr(self, name)!r}"

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"


class Timeouts(_Fields):
    """Seconds that each hook may take; None: as long as it likes.

    A hook that takes longer is interrupted, which counts as its failure (`ProcessTimeoutError`).
    """

    __slots__ = ("error", "onfinish", "postrun", "prerun", "result", "run")
    _title = "process_config.timeouts"

    prerun: float | None
    run: float | None
    postrun: float | None
    onfinish: float | None
    result: float | None
    error: float | None

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, None)


class ProcessConfig(_Fields):
    """What an Skprocess reads at `start()`.

    Attributes:
        runs: How many runs to make; None: until `stop()`.
        join_in: Seconds after which it stops as if `stop()` had been called; None: never.
        lives: How many failures end it: 1 ends it at the first.
        timeouts: Seconds that each hook may take.
        forward_logs: Whether log records made in the process go through the handlers of the
            parent; else only handlers that are added in the process see them.
    """

    __slots__ = ("forward_logs", "join_in", "lives", "runs", "timeouts")
    _title = "process_config"

    runs: int | None
    join_in: float | None
    lives: int
    timeouts: Timeouts
    forward_logs: bool

    def __init__(self) -> None:
        self.runs = None
        self.join_in = None
        self.lives = 1
        self.timeouts = Timeouts()
        self.forward_logs = True

    def validate(self) -> None:
        """Check every field.

        Raises:
            ValueError: If one has a value that makes no sense; it names the field and the value.
        """
        if self.runs is not None:
            require_count(self._given("runs"), self.runs)
        require_count(self._given("lives"), self.lives)
        require_seconds(self._given("join_in"), self.join_in)
        if not isinstance(self.forward_logs, bool):
            raise ValueError(
                f"process_config.forward_logs is {self.forward_logs!r}: it must be True or False"
            )
        if not isinstance(self.timeouts, Timeouts):
            raise ValueError(
                f"process_config.timeouts is {self.timeouts!r}: set its fields instead, "
                "such as process_config.timeouts.run = 30.0"
            )
        for name in Timeouts.__slots__:
            require_seconds(self.timeouts._given(name), getattr(self.timeouts, name))
