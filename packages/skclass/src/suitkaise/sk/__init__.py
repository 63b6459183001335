"""What functions and classes do, told to suitkaise.

Example:
    >>> from suitkaise.sk import blocking
    >>> @blocking
    ... def fetch(key: str) -> str:
    ...     return f"value of {key}"
    >>> fetch("a")
    'value of a'
    >>> fetch.__sk_blocking__
    True
"""

from suitkaise.sk._blocking import blocking

__all__ = ["blocking"]

__version__ = "0.1.0"
