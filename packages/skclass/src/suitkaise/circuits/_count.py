"""What a circuit counts and decides. Pure: no lock, no clock, no sleeping.

    short ─► count ─ enough? ─► trip ─► BROKEN, if it stays broken; else CLOSED, counting from 0
                                  └───► the seconds to sleep, for whoever asked

State in, seconds out: whoever calls holds a lock around it, and sleeps afterwards, without one.
"""

from __future__ import annotations

import enum

from suitkaise.circuits._backoff import Backoff


class State(enum.Enum):
    """Where a circuit stands."""

    CLOSED = enum.auto()  # counting shorts
    BROKEN = enum.auto()  # it has tripped, and waits for a reset


class Count:
    """The counts of one circuit.

    Args:
        num_shorts_to_trip: How many shorts trip it.
        backoff: How long a trip sleeps.
        stays_broken: Whether a trip leaves it broken until `reset`.

    Attributes:
        state: Where it stands.
        times_shorted: Shorts since the last trip or reset.
        total_trips: Trips since it was made.
        sleep_time: Seconds that the next trip sleeps, before jitter.
    """

    def __init__(self, num_shorts_to_trip: int, backoff: Backoff, *, stays_broken: bool) -> None:
        self.num_shorts_to_trip = num_shorts_to_trip
        self.backoff = backoff
        self.stays_broken = stays_broken
        self.state = State.CLOSED
        self.times_shorted = 0
        self.total_trips = 0
        self.sleep_time = backoff.initial

    def short(self, custom_sleep: float | None, chance: float) -> float | None:
        """Count a short.

        Args:
            custom_sleep: Seconds to sleep instead, if it trips; None: as the backoff says.
            chance: A random number from 0 to 1, for the jitter.

        Returns:
            The seconds to sleep if it trips, else None.
        """
        if self.state is State.BROKEN:
            return None
        self.times_shorted += 1
        if self.times_shorted < self.num_shorts_to_trip:
            return None
        return self.trip(custom_sleep, chance)

    def trip(self, custom_sleep: float | None, chance: float) -> float | None:
        """Trip; arguments and result as in `short`."""
        if self.state is State.BROKEN:
            return None
        seconds = custom_sleep
        if seconds is None:
            seconds = self.backoff.jittered(self.sleep_time, chance)
        self.times_shorted = 0
        self.total_trips += 1
        if self.stays_broken:
            self.state = State.BROKEN
        else:
            self.sleep_time = self.backoff.grown(self.sleep_time)
        return seconds

    def reset(self) -> None:
        """Close it, with no shorts counted; if it was broken, its sleep time grows."""
        if self.state is State.BROKEN:
            self.sleep_time = self.backoff.grown(self.sleep_time)
        self.state = State.CLOSED
        self.times_shorted = 0

    def reset_backoff(self) -> None:
        """Go back to the first sleep time."""
        self.sleep_time = self.backoff.initial
