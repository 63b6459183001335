"""The Skprocesses that the contests run."""

from __future__ import annotations

from suitkaise.processing import Skprocess

from .tasks import ANSWER


class Answer(Skprocess):
    """One run and a result."""

    def __init__(self) -> None:
        self.process_config.runs = 1

    def __run__(self) -> None:
        self.answer = ANSWER

    def __result__(self) -> int:
        return self.answer


class Echo(Skprocess):
    """Tell back what was told, until it is stopped."""

    def __run__(self) -> None:
        data = self.listen()
        if data is not None:
            self.tell(data)


class Idle(Skprocess):
    """Many runs of nothing."""

    def __init__(self, runs: int) -> None:
        self.process_config.runs = runs

    def __run__(self) -> None:
        pass

    def __result__(self) -> int:
        return self.current_run
