"""The circuit that sleeps when it trips, and closes again."""

from __future__ import annotations

from suitkaise.circuits._breaker import Breaker
from suitkaise.sk import Skclass


@Skclass
class Circuit(Breaker):
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
        TypeError: An argument is no number, or ``num_shorts_to_trip`` no whole one.

    Example:
        >>> circuit = Circuit(3, sleep_time_after_trip=0.01, backoff_factor=2.0)
        >>> [circuit.short() for _ in range(4)]
        [False, False, True, False]
        >>> circuit.times_shorted, circuit.total_trips, circuit.current_sleep_time
        (1, 1, 0.02)
    """

    _stays_broken = False
