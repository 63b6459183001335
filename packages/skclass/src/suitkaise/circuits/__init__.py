"""Circuit breakers: after so many failures, sleep and go on, or stop until told otherwise.

Example:
    >>> from suitkaise.circuits import BreakingCircuit, Circuit
    >>> circuit = Circuit(2, sleep_time_after_trip=0.01)
    >>> circuit.short(), circuit.short()  # the second one trips: it slept 0.01 s
    (False, True)
    >>> breaker = BreakingCircuit(1)
    >>> while not breaker.broken:
    ...     tripped = breaker.short()
    >>> breaker.total_trips
    1
"""

from suitkaise.circuits._breaking_circuit import BreakingCircuit
from suitkaise.circuits._circuit import Circuit

__all__ = ["BreakingCircuit", "Circuit"]
