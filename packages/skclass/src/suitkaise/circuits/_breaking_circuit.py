"""The circuit that stays broken when it trips, until it is reset."""

from __future__ import annotations

from suitkaise.circuits._breaker import Breaker
from suitkaise.circuits._count import State
from suitkaise.sk import Skclass


@Skclass
class BreakingCircuit(Breaker):
    """Break after so many failures, and stay broken until `reset`.

    For limits on failures and for stopping many workers together: `short` counts a failure; the
    ``num_shorts_to_trip``-th one trips the circuit. It is `broken` from that moment, for every
    thread; the call that tripped it then sleeps.

    Any number of threads may use one circuit. No lock is held while one sleeps. A circuit can be
    copied and pickled; a sleep that is under way stays where it is.

    Args:
        num_shorts_to_trip: How many shorts break it.
        sleep_time_after_trip: Seconds that the first trip sleeps.
        backoff_factor: The sleep time is multiplied by it at each `reset` of a broken circuit.
            1.0 leaves it.
        max_sleep_time: No trip sleeps longer, in seconds, jitter included; it also caps
            ``sleep_time_after_trip``. A ``custom_sleep`` is not capped.
        jitter: Each sleep is varied at random by up to this share, up or down (0.2 for 20 %);
            clamped to 0 to 1.

    Raises:
        ValueError: A number is out of range; the message names it.
        TypeError: An argument is no number, or ``num_shorts_to_trip`` no whole one.

    Example:
        >>> circuit = BreakingCircuit(3)
        >>> attempts = 0
        >>> while not circuit.broken:
        ...     attempts += 1
        ...     tripped = circuit.short()
        >>> attempts
        3
        >>> circuit.reset()
        >>> circuit.broken
        False
    """

    _stays_broken = True

    @property
    def broken(self) -> bool:
        """Whether it has tripped and was not reset since."""
        return self._count.state is State.BROKEN

    def reset(self) -> None:
        """Make it whole again, with no shorts counted. Does not block.

        If it was broken, its sleep time grows by the backoff factor.

        Example:
            >>> circuit = BreakingCircuit(1, 0.01, backoff_factor=2.0)
            >>> circuit.short()
            True
            >>> circuit.reset()
            >>> circuit.broken, circuit.current_sleep_time
            (False, 0.02)
        """
        with self._lock:
            self._count.reset()

    def _repr_state(self) -> str:
        return f"broken={self.broken}, "
