"""The timer: what each thread has running, and what all threads have measured.

    start ─► Stopwatch ─ stop, lap ─┐
             pause, resume, discard ├─► Measurements ─ a copy ─► mean, percentile, ...
             (own to each thread)   │   (shared, locked)
    add_time ───────────────────────┘

A stopwatch is touched by its own thread alone. All threads share the measurements, whose lock
is held for one append or one copy; statistics are computed on the copy, without it.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable
from math import fsum, inf
from typing import Any

from suitkaise.timing import _stats
from suitkaise.timing._measurements import Measurements
from suitkaise.timing._stats import TimerStats
from suitkaise.timing._stopwatch import Stopwatch, ThreadStopwatches


class Sktimer:
    """Measure durations and keep their statistics.

    Any number of threads may use one timer: each has its own running measurement, and all
    record into the same statistics. (The tasks of an asyncio loop share one thread, and so a
    running measurement.) Every duration is in float seconds. No method blocks, except for the
    moment in which another thread records or reads.

    Without a measurement every statistic is None and `num_times` is 0. Statistics are computed
    when asked for; for several of them at one moment, take `get_statistics`.

    A timer can be copied and pickled: what was measured goes along, what is running does not.

    Args:
        max_times: Keep only so many of the latest measurements. None keeps all of them, at
            8 bytes each.

    Raises:
        ValueError: ``max_times`` is below 1.
        TypeError: ``max_times`` is not a whole number.

    Example:
        >>> timer = Sktimer()
        >>> for seconds in (0.5, 1.0, 3.0):
        ...     timer.add_time(seconds)
        >>> timer.mean, timer.median, timer.percentile(75)
        (1.5, 1.0, 2.0)
    """

    def __init__(self, max_times: int | None = None) -> None:
        self._measurements = Measurements(max_times)
        self._attach()

    def _attach(self) -> None:
        """Make what belongs to this process alone and never travels in a pickle."""
        self._running = ThreadStopwatches()
        self._clock: Callable[[], float] = time.perf_counter

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__ | {"_measurements": copy.copy(self._measurements)}
        del state["_running"], state["_clock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._attach()

    def __repr__(self) -> str:
        times, _ = self._measurements.kept()
        if not times:
            return "<Sktimer: num_times=0>"
        return (
            f"<Sktimer: num_times={len(times)}, mean={_stats.mean(times):g} s, "
            f"min={min(times):g} s, max={max(times):g} s>"
        )

    # Measuring

    def start(self) -> float:
        """Begin a measurement in the calling thread.

        Within a running measurement of the same thread it begins a nested one, with a
        `UserWarning`; `stop`, `lap`, `pause`, `resume` and `discard` are about the innermost.

        Returns:
            The moment of the start, in seconds of `time.perf_counter`.

        Example:
            >>> timer = Sktimer()
            >>> began = timer.start()
            >>> elapsed = timer.stop()
            >>> timer.num_times
            1
        """
        nested = self._running.nested
        if nested:
            warnings.warn(
                "Sktimer.start() while this thread is measuring already: the new measurement is "
                "nested in the running one; call stop() or discard() first if that is not meant",
                UserWarning,
                stacklevel=2,
            )
        now = self._clock()
        nested.append(Stopwatch(now))
        return now

    def stop(self) -> float:
        """End the calling thread's measurement and record it.

        A paused measurement ends where its pause began.

        Returns:
            The seconds measured, without pauses.

        Raises:
            RuntimeError: The calling thread has no running measurement.

        Example:
            >>> timer = Sktimer()
            >>> began = timer.start()
            >>> timer.stop() == timer.most_recent
            True
        """
        now = self._clock()
        elapsed, paused = self._running.innermost("stop").read(now)
        self._running.nested.pop()
        self._measurements.record(elapsed, paused)
        return elapsed

    def discard(self) -> float:
        """End the calling thread's measurement without recording it.

        Returns:
            The seconds that would have been recorded.

        Raises:
            RuntimeError: The calling thread has no running measurement.

        Example:
            >>> timer = Sktimer()
            >>> began = timer.start()
            >>> elapsed = timer.discard()
            >>> timer.num_times
            0
        """
        now = self._clock()
        elapsed, _ = self._running.innermost("discard").read(now)
        self._running.nested.pop()
        return elapsed

    def lap(self) -> float:
        """Record the calling thread's measurement and begin the next one at the same moment.

        If it is paused, the next one begins paused.

        Returns:
            The seconds measured since `start` or the last `lap`, without pauses.

        Raises:
            RuntimeError: The calling thread has no running measurement.

        Example:
            >>> timer = Sktimer()
            >>> began = timer.start()
            >>> laps = [timer.lap() for _ in range(3)]
            >>> rest = timer.discard()
            >>> timer.num_times
            3
        """
        now = self._clock()
        elapsed, paused = self._running.innermost("lap").lap(now)
        self._measurements.record(elapsed, paused)
        return elapsed

    def pause(self) -> None:
        """Stop counting until `resume`; the time between goes to `total_time_paused`.

        Pausing what is paused changes nothing and gives a `UserWarning`.

        Raises:
            RuntimeError: The calling thread has no running measurement.

        Example:
            >>> timer = Sktimer()
            >>> began = timer.start()
            >>> timer.pause()
            >>> timer.resume()
            >>> elapsed = timer.stop()
            >>> timer.total_time_paused > 0.0
            True
        """
        now = self._clock()
        stopwatch = self._running.innermost("pause")
        if stopwatch.is_paused:
            warnings.warn("Sktimer.pause() while already paused", UserWarning, stacklevel=2)
        stopwatch.pause(now)

    def resume(self) -> None:
        """Count again after `pause`.

        Resuming what is not paused changes nothing and gives a `UserWarning`.

        Raises:
            RuntimeError: The calling thread has no running measurement.

        Example:
            >>> timer = Sktimer()
            >>> began = timer.start()
            >>> timer.pause()
            >>> timer.resume()
            >>> elapsed = timer.stop()
        """
        stopwatch = self._running.innermost("resume")
        if not stopwatch.is_paused:
            warnings.warn("Sktimer.resume() while not paused", UserWarning, stacklevel=2)
        stopwatch.resume(self._clock())

    def add_time(self, elapsed_time: float) -> None:
        """Record a duration that was measured elsewhere.

        Args:
            elapsed_time: Seconds, finite and not negative.

        Raises:
            ValueError: ``elapsed_time`` is negative, infinite or not a number.
            TypeError: ``elapsed_time`` is no real number at all.

        Example:
            >>> timer = Sktimer()
            >>> timer.add_time(1.5)
            >>> timer.most_recent
            1.5
        """
        if not 0.0 <= elapsed_time < inf:
            raise ValueError(
                f"Sktimer.add_time() needs finite seconds, 0 or more; got {elapsed_time!r}"
            )
        self._measurements.record(elapsed_time, 0.0)

    def set_max_times(self, max_times: int | None) -> None:
        """Keep only so many of the latest measurements, from now on; drop older ones at once.

        Args:
            max_times: How many to keep. None keeps all that come.

        Raises:
            ValueError: ``max_times`` is below 1; the timer stays as it was.
            TypeError: ``max_times`` is not a whole number; the timer stays as it was.

        Example:
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0, 3.0):
            ...     timer.add_time(seconds)
            >>> timer.set_max_times(2)
            >>> timer.num_times, timer.min
            (2, 2.0)
        """
        self._measurements.resize(max_times)

    def reset(self) -> None:
        """Forget all that was measured, and what the calling thread has running.

        What other threads have running goes on and is recorded when they stop it. `max_times`
        stays.

        Example:
            >>> timer = Sktimer()
            >>> timer.add_time(1.0)
            >>> timer.reset()
            >>> timer.num_times
            0
        """
        self._running.nested.clear()
        self._measurements.clear()

    # Statistics

    @property
    def max_times(self) -> int | None:
        """How many of the latest measurements are kept; None for all."""
        return self._measurements.max_times

    @property
    def num_times(self) -> int:
        """How many measurements are kept."""
        return self._measurements.count()

    @property
    def most_recent(self) -> float | None:
        """The last measurement recorded by any thread, in seconds."""
        return self.get_time(-1)

    @property
    def result(self) -> float | None:
        """The same as `most_recent`, in seconds."""
        return self.get_time(-1)

    @property
    def total_time(self) -> float | None:
        """The sum of the measurements, in seconds."""
        times, _ = self._measurements.kept()
        return fsum(times) if times else None

    @property
    def total_time_paused(self) -> float | None:
        """Seconds that the measurements spent paused, which they leave out."""
        times, paused = self._measurements.kept()
        return paused if times else None

    @property
    def mean(self) -> float | None:
        """The arithmetic mean, in seconds."""
        times, _ = self._measurements.kept()
        return _stats.mean(times) if times else None

    @property
    def median(self) -> float | None:
        """The middle measurement, or the mean of the middle two, in seconds."""
        return self.percentile(50.0)

    @property
    def min(self) -> float | None:
        """The shortest measurement, in seconds."""
        times, _ = self._measurements.kept()
        return min(times, default=None)

    @property
    def max(self) -> float | None:
        """The longest measurement, in seconds."""
        times, _ = self._measurements.kept()
        return max(times, default=None)

    @property
    def fastest_time(self) -> float | None:
        """The same as `min`, in seconds."""
        return self.min

    @property
    def slowest_time(self) -> float | None:
        """The same as `max`, in seconds."""
        return self.max

    @property
    def fastest_index(self) -> int | None:
        """The index, for `get_time`, of the first shortest measurement."""
        times, _ = self._measurements.kept()
        return times.index(min(times)) if times else None

    @property
    def slowest_index(self) -> int | None:
        """The index, for `get_time`, of the first longest measurement."""
        times, _ = self._measurements.kept()
        return times.index(max(times)) if times else None

    @property
    def stdev(self) -> float | None:
        """The sample standard deviation, in seconds; None below two measurements."""
        times, _ = self._measurements.kept()
        return _stats.stdev(times) if times else None

    @property
    def variance(self) -> float | None:
        """The sample variance, in seconds squared; None below two measurements."""
        times, _ = self._measurements.kept()
        return _stats.variance(times) if times else None

    def get_time(self, index: int) -> float | None:
        """Give one measurement.

        Args:
            index: Which one, from 0, oldest kept first; negative counts from the end.

        Returns:
            Seconds, or None if there is no such measurement.

        Example:
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.get_time(0), timer.get_time(-1), timer.get_time(2)
            (1.0, 2.0, None)
        """
        return self._measurements.get(index)

    def percentile(self, percent: float) -> float | None:
        """Give a percentile, linear between closest ranks.

        Args:
            percent: From 0 (the shortest) to 100 (the longest).

        Returns:
            Seconds, or None without a measurement.

        Raises:
            ValueError: ``percent`` is outside 0 to 100.

        Example:
            >>> timer = Sktimer()
            >>> for seconds in (1.0, 2.0):
            ...     timer.add_time(seconds)
            >>> timer.percentile(75)
            1.75
        """
        checked = _stats.checked_percent(percent)
        times, _ = self._measurements.kept()
        return _stats.percentile(times, checked) if times else None

    def get_statistics(self) -> TimerStats | None:
        """Take a frozen snapshot of all statistics at one moment.

        Returns:
            The snapshot, or None without a measurement.

        Example:
            >>> timer = Sktimer()
            >>> timer.add_time(2.0)
            >>> timer.get_statistics()
            TimerStats(num_times=1, mean=2, median=2, min=2, max=2, total_time=2)
        """
        times, paused = self._measurements.kept()
        return _stats.summarize(times, paused) if times else None

    def get_stats(self) -> TimerStats | None:
        """Do what `get_statistics` does, under a shorter name.

        Returns:
            The snapshot, or None without a measurement.

        Example:
            >>> Sktimer().get_stats() is None
            True
        """
        return self.get_statistics()
