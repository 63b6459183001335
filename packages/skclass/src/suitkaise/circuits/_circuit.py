"""The circuit that sleeps when it trips, and closes again.

    short ─► count ─ enough? ─► trip ─► count from 0, grow the sleep time ─► sleep
             └─────────────────────── under _lock ──────────────────────┘

The sleep is the calling thread's alone; nothing is locked meanwhile.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from suitkaise.circuits._backoff import Backoff, check_seconds, checked_shorts


class Circuit:
    """Sleep after so many failures, then go on.

    For rate limits and passing troubles: `short` counts a failure; each ``num_shorts_to_trip``-th
    one trips the circuit, which sleeps in the calling thread and closes again.

    Any number of threads may use one circuit. No lock is held while one sleeps: the others count
    on, towards the next trip. A circuit can be copied and pickled; a sleep that is under way
    stays where it is.

    Args:
        num_shorts_to_trip: How many shorts trip it.
        sleep_time_after_trip: Seconds that the first trip sleeps.
        backoff_factor: The sleep time is multiplied by it at each trip, for the next one. 1.0
            leaves it.
        max_sleep_time: No trip sleeps longer, in seconds, jitter included; it also caps
            ``sleep_time_after_trip``. A ``custom_sleep`` is not capped.
        jitter: Each sleep is varied at random by up to this share, up or down (0.2 for 20 %);
            clamped to 0 to 1.

    Raises:
        ValueError: A number is out of range; the message names it.
        TypeError: ``num_shorts_to_trip`` is not a whole number.

    Example:
        >>> circuit = Circuit(3, sleep_time_after_trip=0.01, backoff_factor=2.0)
        >>> [circuit.short() for _ in range(4)]
        [False, False, True, False]
        >>> circuit.times_shorted, circuit.total_trips, circuit.current_sleep_time
        (1, 1, 0.02)
    """

    def __init__(
        self,
        num_shorts_to_trip: int,
        sleep_time_after_trip: float = 0.0,
        *,
        backoff_factor: float = 1.0,
        max_sleep_time: float = 10.0,
        jitter: float = 0.0,
    ) -> None:
        self._num_shorts_to_trip = checked_shorts(num_shorts_to_trip)
        self._backoff = Backoff.checked(
            sleep_time_after_trip, backoff_factor, max_sleep_time, jitter
        )
        self._times_shorted = 0
        self._total_trips = 0
        self._current_sleep_time = self._backoff.initial
        self._attach()

    def _attach(self) -> None:
        """Make what belongs to this process alone and never travels in a pickle."""
        self._lock = threading.Lock()
        self._sleep: Callable[[float], object] = time.sleep
        self._chance: Callable[[], float] = random.random

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = self.__dict__.copy()
        for name in ("_lock", "_sleep", "_chance"):
            del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._attach()

    def __repr__(self) -> str:
        return (
            f"<Circuit: times_shorted={self.times_shorted} of {self.num_shorts_to_trip}, "
            f"total_trips={self.total_trips}, current_sleep_time={self.current_sleep_time:g} s>"
        )

    @property
    def num_shorts_to_trip(self) -> int:
        """How many shorts trip it."""
        return self._num_shorts_to_trip

    @property
    def times_shorted(self) -> int:
        """Shorts since the last trip."""
        return self._times_shorted

    @property
    def total_trips(self) -> int:
        """Trips since it was made."""
        return self._total_trips

    @property
    def current_sleep_time(self) -> float:
        """Seconds that the next trip sleeps, before jitter."""
        return self._current_sleep_time

    def short(self, custom_sleep: float | None = None) -> bool:
        """Count a failure; the one that reaches the threshold trips the circuit.

        Blocks the calling thread for the sleep if it trips, and not otherwise.

        Args:
            custom_sleep: Seconds to sleep if this short trips, exactly so: without jitter and
                without the maximum. None sleeps `current_sleep_time`.

        Returns:
            True if this call tripped the circuit (and slept).

        Raises:
            ValueError: ``custom_sleep`` is negative or not finite; nothing was counted.

        Example:
            >>> circuit = Circuit(2)
            >>> circuit.short(), circuit.short()
            (False, True)
        """
        seconds = self._count_short(custom_sleep)
        if seconds is None:
            return False
        self._sleep(seconds)
        return True

    def trip(self, custom_sleep: float | None = None) -> bool:
        """Trip at once, whatever has been counted.

        Blocks the calling thread for the sleep.

        Args:
            custom_sleep: Seconds to sleep, exactly so: without jitter and without the maximum.
                None sleeps `current_sleep_time`.

        Returns:
            True: it always trips.

        Raises:
            ValueError: ``custom_sleep`` is negative or not finite; the circuit did not trip.

        Example:
            >>> circuit = Circuit(100)
            >>> circuit.trip()
            True
            >>> circuit.total_trips
            1
        """
        self._sleep(self._count_trip(custom_sleep))
        return True

    def reset_backoff(self) -> None:
        """Go back to the first sleep time; counts stay. Does not block.

        Example:
            >>> circuit = Circuit(1, 0.01, backoff_factor=2.0)
            >>> circuit.short()
            True
            >>> circuit.reset_backoff()
            >>> circuit.current_sleep_time
            0.01
        """
        with self._lock:
            self._current_sleep_time = self._backoff.initial

    def _count_short(self, custom_sleep: float | None) -> float | None:
        """Count a short; give the seconds to sleep if it trips, else None."""
        if custom_sleep is not None:
            check_seconds("custom_sleep", custom_sleep)
        with self._lock:
            self._times_shorted += 1
            if self._times_shorted < self._num_shorts_to_trip:
                return None
            return self._open(custom_sleep)

    def _count_trip(self, custom_sleep: float | None) -> float:
        """Count a trip; give the seconds to sleep."""
        if custom_sleep is not None:
            check_seconds("custom_sleep", custom_sleep)
        with self._lock:
            return self._open(custom_sleep)

    def _open(self, custom_sleep: float | None) -> float:
        """Trip, count from 0 again and grow the sleep time; the caller holds the lock."""
        seconds = custom_sleep
        if seconds is None:
            seconds = self._backoff.jittered(self._current_sleep_time, self._chance())
        self._times_shorted = 0
        self._total_trips += 1
        self._current_sleep_time = self._backoff.grown(self._current_sleep_time)
        return seconds
