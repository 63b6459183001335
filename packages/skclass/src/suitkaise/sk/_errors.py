"""What the modifiers raise.

Exception
├── SkModifierError         modifiers that make no sense together
└── TimeoutError
    └── FunctionTimeoutError    a call took longer than `.timeout()` allows
"""

from __future__ import annotations


class SkModifierError(Exception):
    """Modifiers that make no sense together, such as ``.background()`` with ``.asynced()``."""


class FunctionTimeoutError(TimeoutError):
    """A call took longer than ``.timeout(seconds)`` allows.

    Attributes:
        function: The qualified name of what was called.
        seconds: What it was allowed, per attempt.

    Example:
        >>> raise FunctionTimeoutError("fetch", 2.5)
        Traceback (most recent call last):
            ...
        suitkaise.sk._errors.FunctionTimeoutError: fetch took longer than its timeout of 2.5 s
    """

    def __init__(self, function: str, seconds: float) -> None:
        super().__init__(function, seconds)
        self.function = function
        self.seconds = seconds

    def __str__(self) -> str:
        return f"{self.function} took longer than its timeout of {self.seconds:g} s"
