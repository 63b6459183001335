"""What both circuits are: counts behind a lock, and sleeping without it.

short, trip ─► Count ─ seconds ─► sleep, in the calling thread or its event loop
               under _lock        nothing is locked
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from suitkaise.circuits._backoff import Backoff, check_seconds, checked_shorts
from suitkaise.circuits._count import Count
from suitkaise.sk import blocking, sk
from suitkaise.sk._clock import SYSTEM_CLOCK


class Breaker:
    """A circuit; `Circuit` and `BreakingCircuit` say what a trip leaves behind."""

    _stays_broken: ClassVar[bool]

    def __init__(
        self,
        num_shorts_to_trip: int,
        sleep_time_after_trip: float = 0.0,
        *,
        backoff_factor: float = 1.0,
        max_sleep_time: float = 10.0,
        jitter: float = 0.0,
    ) -> None:
        self._count = Count(
            checked_shorts(num_shorts_to_trip),
            Backoff.checked(sleep_time_after_trip, backoff_factor, max_sleep_time, jitter),
            stays_broken=self._stays_broken,
        )
        self._attach()

    def _attach(self) -> None:
        """Make what belongs to this process alone and never travels in a pickle."""
        self._lock = threading.Lock()
        self._sleep: Callable[[float], object] = time.sleep
        self._sleep_async: Callable[[float], Awaitable[object]] = SYSTEM_CLOCK.sleep_async
        self._chance: Callable[[], float] = random.random

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {"_count": vars(self._count).copy()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._count = Count.__new__(Count)
        vars(self._count).update(state["_count"])
        self._attach()

    @property
    def num_shorts_to_trip(self) -> int:
        """How many shorts trip it."""
        return self._count.num_shorts_to_trip

    @property
    def times_shorted(self) -> int:
        """Shorts since the last trip, or reset."""
        return self._count.times_shorted

    @property
    def total_trips(self) -> int:
        """Trips since it was made."""
        return self._count.total_trips

    @property
    def current_sleep_time(self) -> float:
        """Seconds that the next trip sleeps, before jitter."""
        return self._count.sleep_time

    async def _short_async(self, custom_sleep: float | None = None) -> bool:
        return await self._slept_async(self._count_short(custom_sleep))

    @sk(asynced=_short_async)
    def short(self, custom_sleep: float | None = None) -> bool:
        """Count a failure; the one that reaches the threshold trips the circuit.

        Blocks the calling thread for the sleep if it trips, and not otherwise;
        ``await circuit.short.asynced()()`` sleeps in asyncio. On a broken circuit it does nothing.

        Args:
            custom_sleep: Seconds to sleep if this short trips, exactly so: without jitter and
                without the maximum. None sleeps `current_sleep_time`.

        Returns:
            True if this call tripped the circuit (and slept).

        Raises:
            ValueError: ``custom_sleep`` is negative or not finite; nothing was counted.
            TypeError: ``custom_sleep`` is no number; nothing was counted.

        Example:
            >>> from suitkaise.circuits import Circuit
            >>> circuit = Circuit(2)
            >>> circuit.short(), circuit.short()
            (False, True)
        """
        return self._slept(self._count_short(custom_sleep))

    async def _trip_async(self, custom_sleep: float | None = None) -> bool:
        return await self._slept_async(self._count_trip(custom_sleep))

    @sk(asynced=_trip_async)
    def trip(self, custom_sleep: float | None = None) -> bool:
        """Trip at once, whatever has been counted.

        Blocks the calling thread for the sleep; ``await circuit.trip.asynced()()`` sleeps in
        asyncio. On a broken circuit it does nothing.

        Args:
            custom_sleep: Seconds to sleep, exactly so: without jitter and without the maximum.
                None sleeps `current_sleep_time`.

        Returns:
            True if this call tripped the circuit (and slept); False if it was broken already.

        Raises:
            ValueError: ``custom_sleep`` is negative or not finite; the circuit did not trip.
            TypeError: ``custom_sleep`` is no number; the circuit did not trip.

        Example:
            >>> from suitkaise.circuits import Circuit
            >>> circuit = Circuit(100)
            >>> circuit.trip(), circuit.total_trips
            (True, 1)
        """
        return self._slept(self._count_trip(custom_sleep))

    def reset_backoff(self) -> None:
        """Go back to the first sleep time; all else stays. Does not block.

        Example:
            >>> from suitkaise.circuits import Circuit
            >>> circuit = Circuit(1, 0.01, backoff_factor=2.0)
            >>> circuit.short()
            True
            >>> circuit.reset_backoff()
            >>> circuit.current_sleep_time
            0.01
        """
        with self._lock:
            self._count.reset_backoff()

    def _count_short(self, custom_sleep: float | None) -> float | None:
        """Count a short; give the seconds to sleep if it trips, else None."""
        if custom_sleep is not None:
            check_seconds("custom_sleep", custom_sleep)
        with self._lock:
            return self._count.short(custom_sleep, self._chance())

    def _count_trip(self, custom_sleep: float | None) -> float | None:
        """Count a trip; give the seconds to sleep, or None if it was broken already."""
        if custom_sleep is not None:
            check_seconds("custom_sleep", custom_sleep)
        with self._lock:
            return self._count.trip(custom_sleep, self._chance())

    @blocking
    def _slept(self, seconds: float | None) -> bool:
        """Sleep if there is something to sleep; give whether there was."""
        if seconds is None:
            return False
        self._sleep(seconds)
        return True

    async def _slept_async(self, seconds: float | None) -> bool:
        """Sleep in asyncio if there is something to sleep; give whether there was."""
        if seconds is None:
            return False
        await self._sleep_async(seconds)
        return True

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}: {self._repr_state()}"
            f"times_shorted={self.times_shorted} of {self.num_shorts_to_trip}, "
            f"total_trips={self.total_trips}, current_sleep_time={self.current_sleep_time:g} s>"
        )

    def _repr_state(self) -> str:
        return ""
