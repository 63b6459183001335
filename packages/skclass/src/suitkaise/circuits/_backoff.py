"""How long a trip sleeps, and how that grows from trip to trip.

Pure: the circuits hold the present sleep time and the random source.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Backoff:
    """The rule for sleep times, in float seconds.

    Attributes:
        sleep_time: The first sleep.
        factor: By how much the sleep time is multiplied each time.
        max_sleep_time: No sleep is longer, jitter included.
        jitter: The largest random part of a sleep, up or down, from 0 to 1.
    """

    sleep_time: float
    factor: float
    max_sleep_time: float
    jitter: float

    @classmethod
    def checked(
        cls, sleep_time: float, factor: float, max_sleep_time: float, jitter: float
    ) -> Backoff:
        """Build the rule from the arguments of a circuit.

        Raises:
            ValueError: An argument is out of range; it is named by the circuit's parameter.
            TypeError: An argument is no number.
        """
        check_seconds("sleep_time_after_trip", sleep_time)
        check_seconds("max_sleep_time", max_sleep_time)
        _check_number("backoff_factor", factor)
        _check_number("jitter", jitter)
        if not 0.0 < factor < inf:
            raise ValueError(f"backoff_factor must be finite and above 0, got {factor!r}")
        if jitter != jitter:
            raise ValueError(f"jitter must be a number, got {jitter!r}")
        return cls(sleep_time, factor, max_sleep_time, min(max(jitter, 0.0), 1.0))

    @property
    def initial(self) -> float:
        """The sleep time before anything has grown."""
        return min(self.sleep_time, self.max_sleep_time)

    def grown(self, current: float) -> float:
        """Give the sleep time that follows ``current``."""
        return min(current * self.factor, self.max_sleep_time)

    def jittered(self, current: float, chance: float) -> float:
        """Spread ``current`` by the jitter; ``chance`` is a random number from 0 to 1."""
        return min(current * (1.0 + self.jitter * (2.0 * chance - 1.0)), self.max_sleep_time)


def check_seconds(name: str, seconds: float) -> None:
    """Refuse what cannot be slept.

    Raises:
        ValueError: ``seconds`` is negative, infinite or NaN.
        TypeError: ``seconds`` is no number.
    """
    _check_number(name, seconds)
    if not 0.0 <= seconds < inf:
        raise ValueError(f"{name} must be finite seconds, 0 or more; got {seconds!r}")


def _check_number(name: str, value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number, got {value!r}")


def checked_shorts(num_shorts_to_trip: int) -> int:
    """Give ``num_shorts_to_trip`` back as an int.

    Raises:
        ValueError: It is below 1.
        TypeError: It is not a whole number.
    """
    try:
        checked = operator.index(num_shorts_to_trip)
    except TypeError:
        raise TypeError(
            f"num_shorts_to_trip must be a whole number, 1 or more; got {num_shorts_to_trip!r}"
        ) from None
    if checked < 1:
        raise ValueError(f"num_shorts_to_trip must be 1 or more, got {num_shorts_to_trip!r}")
    return checked
