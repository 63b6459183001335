"""Threads: they arrive not started, as Reconnectors.

Where a thread stands in its code cannot travel. One that was running, or not yet started, comes
back as a new thread with the same target, arguments, name, daemon flag and attributes, which begins
at its beginning when it is started; one that had ended comes back ended. A subclass's `__init__` is
not called. `threading.Timer` is such a subclass: it counts its interval anew.
"""

import threading
from threading import Thread
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reconnector import Reconnector, reconnecting
from suitkaise.cucumber._reducer import Reducer, reducer

# What Thread itself keeps; the rest is the user's.
_OWN = frozenset(vars(Thread(name="nobody")))


def describe_thread(thread: Thread) -> dict[str, Any]:
    """Describe how to make the thread anew, and what was added to it."""
    internal = vars(thread)
    # The thread deletes these three when it ends, which may be now.
    target, args, kwargs = (internal.get(name) for name in ("_target", "_args", "_kwargs"))
    has_ended = thread.ident is not None and not thread.is_alive()
    return {
        "type": type(thread),
        "target": None if has_ended else target,
        "args": () if has_ended else args,
        "kwargs": {} if has_ended else kwargs,
        "name": thread.name,
        "daemon": thread.daemon,
        "has_ended": has_ended,
        "attributes": {name: value for name, value in internal.items() if name not in _OWN},
    }


def rebuild_thread() -> Reconnector:
    """Make what stands for a thread."""
    return Reconnector("threading.Thread", connect_thread)


def connect_thread(description: dict[str, Any], auth: Any) -> Thread:
    """Make the thread, not started, or ended."""
    if auth is not None:
        raise RefusalError("a thread takes no secret; leave it out")
    kind = description["type"]
    thread: Thread = kind.__new__(kind)
    Thread.__init__(
        thread,
        target=None if description["has_ended"] else description["target"],
        name=description["name"],
        args=description["args"],
        kwargs=description["kwargs"],
        daemon=description["daemon"],
    )
    if description["has_ended"]:
        vars(thread)["run"] = _do_nothing  # not the subclass's
        thread.start()
        thread.join()
        del vars(thread)["run"]
    vars(thread).update(description["attributes"])
    return thread


def _do_nothing() -> None:
    """Run instead of what has run elsewhere."""


def reduce_main_thread(thread: Thread) -> tuple[()]:
    """Send nothing: each process has one."""
    return ()


def rebuild_main_thread() -> Thread:
    """Find the main thread of this process."""
    return threading.main_thread()


def refuse_foreign_thread(thread: Thread) -> tuple[()]:
    """Say why a thread that Python did not start cannot be made anew."""
    raise RefusalError(
        "it was not started by Python, so nobody knows what it runs; leave it out (__getstate__)"
    )


REDUCERS: dict[type, Reducer] = {
    Thread: reconnecting(describe_thread, rebuild_thread),
    type(threading.main_thread()): reducer(reduce_main_thread, rebuild_main_thread),
    threading._DummyThread: reducer(refuse_foreign_thread, rebuild_main_thread),
}
