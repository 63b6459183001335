"""What a pool looks for now and then: slow items, items that run over their time, idle workers.

Each look is a call that is due, in the I/O thread, and there is none while it could find nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ._engine import engine
from ._page import ITEM_DEADLINE
from ._platform import KEEPS_ORDER

if TYPE_CHECKING:
    from ._dispatcher import Dispatcher
    from ._pooled_worker import PooledWorker
    from ._supervisor import DueCall

_BETWEEN_SLOW = 0.05  # seconds between two looks for slow items
_BETWEEN_OVERDUE = 0.005  # and at least, between two for items that run over their time


class Watch:
    """Watches the workers of one dispatcher. All but the looks is called under its lock.

    Args:
        dispatcher: The dispatcher.
        idle_timeout: Seconds after which a worker ends that has nothing to do; None: it stays.
    """

    def __init__(self, dispatcher: Dispatcher, idle_timeout: float | None) -> None:
        self._dispatcher = dispatcher
        self._idle_timeout = idle_timeout
        self._slow: DueCall | None = None
        self._idle: DueCall | None = None
        self._overdue: dict[int, DueCall] = {}  # by the job

    def expect_slow_items(self) -> None:
        """Look for items that hold up others, from now on."""
        if self._slow is None:
            moment = time.monotonic() + _BETWEEN_SLOW
            self._slow = engine().supervisor.call_at(moment, self._look_for_slow_items)

    def expect_idle_workers(self) -> None:
        """Look for workers that have nothing to do, from now on."""
        crew = self._dispatcher.crew
        if self._idle_timeout is None or self._idle is not None or not crew:
            return
        idle = [worker.idle_since for worker in crew.values() if self._is_idle(worker)]
        moment = min(idle, default=time.monotonic()) + self._idle_timeout
        self._idle = engine().supervisor.call_at(moment, self._look_for_idle_workers)

    def expect_overdue_items(self, job: int, seconds: float) -> None:
        """Look for items of a job that run over their time, in so many seconds."""
        self._overdue[job] = engine().supervisor.call_at(
            time.monotonic() + seconds, lambda: self._look_for_overdue_items(job)
        )

    def forget(self, job: int) -> None:
        """Look for nothing more of a job."""
        look = self._overdue.pop(job, None)
        if look is not None:
            look.cancel()

    def end(self) -> None:
        """Let go of the dispatcher: its workers end."""
        for look in (self._slow, self._idle):
            if look is not None:
                look.cancel()

    def _look_for_slow_items(self) -> None:
        """See that a slow item holds up neither what is finished nor what has not begun."""
        dispatcher = self._dispatcher
        with dispatcher.lock:
            self._slow = None
            for worker in list(dispatcher.crew.values()):
                chunk = dispatcher.scheduler.running_chunk(worker.number)
                if worker.child is None or chunk is None:
                    continue
                if worker.is_still_at_its_item(chunk):
                    if KEEPS_ORDER:  # else what it notes may be seen before it is whole
                        dispatcher.take_from_ledger(worker, worker.child)
                    if dispatcher.scheduler.holds_up_others(worker.number):
                        worker.child.nudge()
                self.expect_slow_items()

    def _look_for_idle_workers(self) -> None:
        """End the workers that have had nothing to do for their time."""
        dispatcher = self._dispatcher
        with dispatcher.lock:
            self._idle = None
            assert self._idle_timeout is not None
            latest = time.monotonic() - self._idle_timeout
            for worker in list(dispatcher.crew.values()):
                if self._is_idle(worker) and worker.idle_since <= latest:
                    dispatcher.dismiss(worker)
            self.expect_idle_workers()

    def _look_for_overdue_items(self, number: int) -> None:
        """Kill the workers whose item of this job runs over its time.

        A worker notes on its status page when its item must have ended. No item can begin and run
        over between two looks that are the timeout apart.
        """
        dispatcher = self._dispatcher
        with dispatcher.lock:
            job = dispatcher.jobs.get(number)
            if job is None or job.item_timeout is None:
                return
            now = time.monotonic()
            moments = [now + job.item_timeout]
            for holder in dispatcher.scheduler.running_now(number):
                worker = dispatcher.crew[holder]
                if worker.child is None or worker.is_overdue:
                    continue
                if worker.runs_over():
                    worker.is_overdue = True
                    worker.child.kill()
                elif deadline := worker.child.page.words[ITEM_DEADLINE]:
                    moments.append(deadline / 1e9)
            self.expect_overdue_items(number, max(min(moments) - now, _BETWEEN_OVERDUE))

    def _is_idle(self, worker: PooledWorker) -> bool:
        return worker.child is not None and self._dispatcher.scheduler.is_idle(worker.number)
