"""Timers in a Share: each thread of each process measures for itself, all record into one.

What runs is a timer of this process's own; what it records becomes an effect on the shared one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suitkaise.timing import Sktimer

from ._effects import OPERATIONS

if TYPE_CHECKING:
    from ._attribute import Attribute
    from ._replica import Replica

_OF_THE_THREAD = ("start", "stop", "discard", "lap", "pause", "resume", "add_time")


class _Recorder:
    """Takes the measurements of a local timer, and records them in the shared one."""

    def __init__(self, replica: Replica, timer: Sktimer) -> None:
        self._replica = replica
        self._timer = timer

    def record(self, elapsed: float, paused: float = 0.0) -> None:
        self._replica.attribute.change_inside(
            self._replica, self._timer, _plan_record, (elapsed, paused), {}
        )


def _plan_record(_timer: Any, elapsed: float, paused: float) -> Any:
    return None, ("timer.record", elapsed, paused)


def _record(timer: Any, elapsed: float, paused: float) -> None:
    timer._measurements.record(elapsed, paused)


def _clear(timer: Any) -> None:
    timer._measurements.clear()


def _local_timer(shared: Any) -> Any:
    """Return this process's own timer for a shared one."""
    from ._objects import place

    replica, timer = place(shared)
    attribute: Attribute = replica.attribute
    path = replica.last_path_to(timer)
    local = attribute.local_timers.get(path)
    if local is None:
        local = attribute.local_timers.setdefault(path, Sktimer())
    local._measurements = _Recorder(replica, timer)
    return local


def _local(name: str) -> Callable[..., Any]:
    def call(shared: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(_local_timer(shared), name)(*args, **kwargs)

    call.__name__ = name
    return call


def _reset(shared: Any) -> None:
    from ._objects import place

    _local_timer(shared)._running.nested.clear()
    replica, timer = place(shared)
    replica.attribute.change_inside(replica, timer, _plan_clear, (), {})


def _plan_clear(_timer: Any) -> Any:
    return None, ("timer.clear",)


OPERATIONS["timer.record"] = _record
OPERATIONS["timer.clear"] = _clear
LOCAL_METHODS: dict[str, Callable[..., Any]] = {
    **{name: _local(name) for name in _OF_THE_THREAD},
    "reset": _reset,
}
