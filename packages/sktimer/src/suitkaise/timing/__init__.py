"""Timers with statistics, from any number of threads.

Example:
    >>> from suitkaise.timing import Sktimer
    >>> timer = Sktimer()
    >>> for number in range(3):
    ...     _ = timer.start()
    ...     _ = sum(range(number))
    ...     _ = timer.stop()
    >>> timer.num_times
    3
    >>> timer.add_time(60.0)
    >>> timer.max
    60.0
"""

from suitkaise.timing._sktimer import Sktimer
from suitkaise.timing._stats import TimerStats

__all__ = ["Sktimer", "TimerStats"]

__version__ = "0.1.0"
