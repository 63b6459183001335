"""The exception that ends a call from inside, once nobody waits for it any more."""

from __future__ import annotations


class Expired(BaseException):
    """Raised inside a call whose time is over, or whose await was cancelled.

    It passes ``except Exception``; `finally` and context managers run as for any exception.
    """
