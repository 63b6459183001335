"""How fast calls may begin.

The generic cell rate algorithm (ITU-T I.371) with a burst of one: calls begin at least
``1 / per_second`` apart, and whoever comes early is told how long to wait. The limiter itself
neither waits nor reads a clock.
"""

from __future__ import annotations

import threading


class RateLimiter:
    """Hands out the moments at which calls may begin; any thread may ask."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._next = float("-inf")
        self._lock = threading.Lock()

    def reserve(self, now: float) -> float:
        """Take the next free moment, and return the seconds until then.

        It stays taken, even if the caller gives up waiting for it.
        """
        with self._lock:
            begins = max(now, self._next)
            self._next = begins + self._interval
        return begins - now


class RateLimiters:
    """The limiters of one function, one for each rate that is asked of it."""

    def __init__(self) -> None:
        self._limiters: dict[float, RateLimiter] = {}

    def get(self, per_second: float) -> RateLimiter:
        """Return the limiter for this rate; every caller gets the same."""
        # setdefault is one step even if two threads come at once.
        return self._limiters.get(per_second) or self._limiters.setdefault(
            per_second, RateLimiter(per_second)
        )

    def __reduce__(self) -> tuple[type[RateLimiters], tuple[()]]:
        """A copy in another process limits that process: it begins anew."""
        return RateLimiters, ()
