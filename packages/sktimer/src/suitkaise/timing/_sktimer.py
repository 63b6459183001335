"""The timer: what each thread has running, and what all threads have measured.

    start ─► Stopwatch ─ stop, lap ─┐
             pause, resume, discard ├─► Measurements ─► Readings: mean, percentile, ...
             (own to each thread)   │   (shared)
    add_time, merge, timethis ──────┘

A stopwatch is touched by its own thread alone. All threads share the measurements, which say for
themselves how.
"""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from suitkaise.sk import Skclass
from suitkaise.timing import _plot
from suitkaise.timing._durations import short
from suitkaise.timing._measurements import Measurements
from suitkaise.timing._readings import Readings
from suitkaise.timing._shared_meta import SHARED_META
from suitkaise.timing._stopwatch import Stopwatch, ThreadStopwatches, not_running

if TYPE_CHECKING:
    from suitkaise.timing._plot import Axes

_LONGEST = 1e100
"""Seconds; the square of what is longer could not be added up."""


class Sktimer(Readings):
    """Measure durations and keep their statistics.

    Any number of threads may use one timer: each has its own running measurement, and all
    record into the same statistics. (The tasks of an asyncio loop share one thread, and so a
    running measurement; `timethis` and `TimeThis` keep them apart.) Every duration is in float
    seconds. `add_time`, `start` and `stop` never wait for another thread; what reads waits at most
    for the copying of what another thread reads.

    Without a measurement every statistic is None and `num_times` is 0. Mean and spread are running
    values: what they cost depends on what is new, not on what there is (in a rolling window, on
    its size). For several statistics of one moment, take `get_statistics`.

    Timers can be added, copied and pickled: what was measured goes along, what is running does not.

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

    _shared_meta: ClassVar = SHARED_META

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        Skclass(cls)  # What holds of a timer need not hold of what it adds.

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
        window = self._measurements.window()
        moments = self._measurements.moments(window)
        extremes = self._measurements.extremes(window)
        if moments is None or extremes is None:
            return "<Sktimer: num_times=0>"
        return (
            f"<Sktimer: num_times={moments.num_times}, mean={short(moments.mean)}, "
            f"min={short(extremes.shortest)}, max={short(extremes.longest)}>"
        )

    def __add__(self, other: Sktimer) -> Sktimer:
        if not isinstance(other, Sktimer):
            return NotImplemented
        both = Sktimer()
        both.merge(self, other)
        return both

    def __iadd__(self, other: Sktimer) -> Self:
        if not isinstance(other, Sktimer):
            return NotImplemented
        self.merge(other)
        return self

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
        stopwatch = Stopwatch(0.0)  # made before the clock is read, which would count it in
        stopwatch.begun = now = self._clock()
        nested.append(stopwatch)
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
        nested = self._running.nested
        if not nested:
            raise not_running("stop")
        elapsed, paused = nested.pop().read(now)
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
        elapsed, _ = self._running.end("discard").read(now)
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
        """Record a duration that was measured elsewhere, in O(1).

        Args:
            elapsed_time: Seconds, from 0 to 1e100.

        Raises:
            ValueError: ``elapsed_time`` is negative, above 1e100 or not a number.
            TypeError: ``elapsed_time`` is no real number at all.

        Example:
            >>> timer = Sktimer()
            >>> timer.add_time(1.5)
            >>> timer.most_recent
            1.5
        """
        try:
            if 0.0 <= elapsed_time <= _LONGEST:
                self._measurements.record(float(elapsed_time))
                return
        except TypeError:
            raise TypeError(
                f"Sktimer.add_time(): elapsed_time must be seconds from 0 to 1e100, "
                f"got {elapsed_time!r} ({type(elapsed_time).__name__})"
            ) from None
        raise ValueError(
            f"Sktimer.add_time(): elapsed_time must be seconds from 0 to 1e100, "
            f"got {elapsed_time!r}"
        )

    def merge(self, *timers: Sktimer) -> None:
        """Record all that other timers hold, after what this one holds, pauses too.

        The others stay as they are. ``one + other`` gives a new timer with the measurements of
        both, all of them whatever their windows; ``one += other`` is `merge`.

        Args:
            timers: Timers, for example those that came back from other processes.

        Raises:
            TypeError: One of ``timers`` is no `Sktimer`; nothing was recorded.

        Example:
            >>> workers = [Sktimer(), Sktimer()]
            >>> workers[0].add_time(1.0)
            >>> workers[1].add_time(3.0)
            >>> everything = Sktimer()
            >>> everything.merge(*workers)
            >>> everything.num_times, everything.mean
            (2, 2.0)
            >>> (workers[0] + workers[1]).max
            3.0
        """
        for timer in timers:
            if not isinstance(timer, Sktimer):
                raise TypeError(
                    f"Sktimer.merge(): timers must be Sktimers, got {timer!r} "
                    f"({type(timer).__name__}); for a list, write merge(*timers)"
                )
        for timer in timers:
            self._measurements.take_over(timer._measurements)

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

    # Drawing

    def plot(self, axes: Axes | None = None, *, bins: int | None = None) -> Axes:
        """Draw a histogram with Matplotlib: ``pip install 'suitkaise-sktimer[plot]'``.

        With a tail longer than ten times the median the axis is logarithmic.

        Args:
            axes: The `matplotlib.axes.Axes` to draw on. None: those of a new figure.
            bins: How many bars, 1 or more. None: as suits the number of measurements.

        Returns:
            The axes, to change or to save (``axes.figure.savefig("times.png")``).

        Raises:
            ImportError: Matplotlib is not installed.
            ValueError: ``bins`` is below 1.
            TypeError: ``bins`` is not a whole number.

        Example:
            >>> timer = Sktimer()
            >>> for seconds in (0.5, 1.0, 3.0):
            ...     timer.add_time(seconds)
            >>> timer.plot().get_title()  # doctest: +SKIP
            '3 measurements'
        """
        return _plot.draw(self._measurements.ordered(), axes, bins)
