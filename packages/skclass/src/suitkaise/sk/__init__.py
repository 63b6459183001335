"""Modifiers for functions, methods and classes; what functions and classes do, told to suitkaise.

Example:
    >>> from suitkaise.sk import blocking, sk
    >>> @sk
    ... def double(number: int) -> int:
    ...     return 2 * number
    >>> double(4), double.timeout(2.0)(4), double.background()(4).result()
    (8, 8, 8)
    >>> @blocking
    ... def fetch(key: str) -> str:
    ...     return f"value of {key}"
    >>> sk(fetch).has_blocking_calls
    True
    >>> @Skclass
    ... class Counter:
    ...     def add(self, number: int) -> None:
    ...         self.count = number
    >>> Counter._shared_meta["methods"]["add"]["writes"]
    ['count']
"""

from suitkaise.sk._blocking import blocking
from suitkaise.sk._errors import FunctionTimeoutError, SkModifierError
from suitkaise.sk._function import sk
from suitkaise.sk._skclass import Skclass

__all__ = ["FunctionTimeoutError", "SkModifierError", "Skclass", "blocking", "sk"]

__version__ = "0.1.0"
