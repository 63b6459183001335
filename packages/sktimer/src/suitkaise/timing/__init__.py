"""Timers with statistics, from any number of threads.

Example:
    >>> from suitkaise.timing import Sktimer, timethis
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
    >>> @timethis()
    ... def double(number):
    ...     return 2 * number
    >>> double(4)
    8
    >>> double.timer.num_times
    1
"""

from suitkaise.timing._clock import elapsed, sleep, time
from suitkaise.timing._sktimer import Sktimer
from suitkaise.timing._stats import TimerStats
from suitkaise.timing._timed_block import TimeThis
from suitkaise.timing._timethis import clear_global_timers, timethis

__all__ = [
    "Sktimer",
    "TimeThis",
    "TimerStats",
    "clear_global_timers",
    "elapsed",
    "sleep",
    "time",
    "timethis",
]

__version__ = "0.1.0"
