"""Carries the scheduler's decisions out: starts workers, sends chunks, hands over results.

    caller's thread   --begin, submit, end-->   Dispatcher   --Function, Work, Forget-->  workers
    caller's thread   <--Job.arrivals--------   (a lock)     <--Done, end----------------  workers

The caller's thread sends a chunk itself when a worker is free; the I/O thread sends the next one
when a result comes in. Both under one lock, and neither blocks: channels queue.
"""

from __future__ import annotations

import enum
import itertools
import os
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from . import _ledger
from ._arrivals import Arrival, Broken, Delivered, Died, GivenBack, Unpackable, Unreadable
from ._children import Child
from ._engine import engine
from ._errors import PoolClosedError, ProcessError
from ._limits import Limits
from ._messages import Done, Message, Part, Rejected, Returned, Trimmed
from ._notice import Notice
from ._paces import Paces
from ._page import CANCELLED, ITEM, position_of
from ._pooled_worker import PooledWorker
from ._scheduler import Action, Assign, Chunk, Fail, Scheduler, Split
from ._surroundings import capture
from ._watch import Watch

if TYPE_CHECKING:
    from ._jobs import Cargo, Job
    from ._supervisor import Supervisor

_EXIT_GRACE = 5.0
_OF_CHUNKS = Part | Done | Trimmed | Returned | Rejected


class State(enum.Enum):
    """Where the life of a pool stands."""

    OPEN = enum.auto()  # takes jobs; workers are started when the first comes
    CLOSING = enum.auto()  # takes no more; those that run go on
    CLOSED = enum.auto()  # no workers any more


class Dispatcher:
    """Runs jobs on workers.

    Args:
        workers: How many workers there may be.
        retries: How often an item is run again whose worker died.
        limits: What each worker is held to.
        idle_timeout: Seconds after which a worker ends that has nothing to do; None: it stays.
        forwards_logs: Whether the workers' log records are sent here.

    Attributes:
        workers: As given.
        scheduler: Decides; it may be asked without the lock, for an estimate.
        crew: The workers that count, by their number.
        jobs: Those that have not ended, by their number.
    """

    def __init__(
        self,
        workers: int,
        *,
        retries: int = 0,
        limits: Limits = Limits(),  # noqa: B008  it never changes
        idle_timeout: float | None = None,
        forwards_logs: bool = True,
    ) -> None:
        self.workers = workers
        self._limits = limits
        self._forwards_logs = forwards_logs
        self.scheduler = Scheduler(retries=retries, most_items=limits.max_tasks or None)
        self._process = os.getpid()
        self._supervisor: Supervisor | None = None  # once there are workers
        self._lock = threading.RLock()  # guards all below, and the scheduler's events
        self._changed = Notice()  # a job or a worker has ended
        self._state = State.OPEN
        self.crew: dict[int, PooledWorker] = {}
        # Also those that were killed, or leave, and are not gone yet.
        self._by_child: dict[Child, PooledWorker] = {}
        self.jobs: dict[int, Job] = {}
        self._surroundings: dict[int, bytes] = {}  # job -> as captured at its begin
        self._watch = Watch(self, idle_timeout)
        self._paces = Paces()
        self._job_numbers = itertools.count(1)
        self._worker_numbers = itertools.count(1)

    # -- from the caller's thread

    def begin(self, job: Job, items: int | None) -> None:
        """Take a job, give it its number, and see that there are workers for it.

        If this raises, Ctrl-C included, the job is not taken.

        Raises:
            ProcessError: If the pool is closed, or belongs to another process.
        """
        self.require_own()
        surroundings = capture()
        with self._lock:
            self.require_open()
            job.number = number = next(self._job_numbers)
            try:
                self._surroundings[number] = surroundings
                self.jobs[number] = job
                pace = None if job.callee is None else self._paces.of(job.callee)
                self.scheduler.job_added(
                    number, items, in_advance=job.in_advance, item_seconds=pace
                )
                self._hire(self.workers if items is None else min(self.workers, max(1, items)))
                if job.item_timeout is not None:
                    self._watch.expect_overdue_items(number, job.item_timeout)
            except BaseException:
                self._forget_job(number)
                raise

    def require_own(self) -> None:
        """Raise if this is a copy, in a process forked from its own.

        Raises:
            ProcessError: If so.
        """
        if self._process != os.getpid():
            raise ProcessError(
                "this Pool was made in another process, whose workers it uses; "
                "make a Pool in this one"
            )

    def require_open(self) -> None:
        """Raise if it takes no more work.

        Raises:
            PoolClosedError: If so.
        """
        if self._state is not State.OPEN:
            raise PoolClosedError("this Pool is closed; make a new one")

    def withdraw(self, job: Job, first: int) -> bool:
        """Take back the chunk with this first index; False if a worker has it."""
        with self._lock:
            is_withdrawn = self.scheduler.chunk_withdrawn(job.number, first)
            self._changed.notify()
        return is_withdrawn

    def submit(self, job: Job, first: int, cargo: Cargo) -> None:
        """Take a chunk of a job."""
        with self._lock:
            items, size = len(cargo.items), len(cargo.payload)
            self._carry_out(self.scheduler.chunk_ready(job.number, first, items, cargo, size))
            if len(self.crew) < self.workers:
                self._replace(None)

    def end(self, job: Job, *, kill: bool) -> None:
        """Let go of a job: nothing of it runs any more, except the items that are running now.

        Args:
            job: The job, which may have ended already.
            kill: Whether to kill the workers that run its items.
        """
        if self._process != os.getpid():  # a copy, in a process forked from its own
            return
        with self._lock:
            if job.number not in self.jobs:
                return
            running = self.scheduler.running_now(job.number)
            holding = self.scheduler.running_on(job.number)
            self._forget_job(job.number)
            for number in holding:
                worker = self.crew[number]
                if worker.child is not None:
                    worker.child.page.words[CANCELLED] = job.number
                if kill and number in running:
                    self._retire(worker)
            for worker in self.crew.values():
                worker.forget(job)
            if self.jobs:
                self._replace(None)

    def end_later(self, job: Job) -> None:
        """As `end`, from where no lock may be waited for: the garbage collector's calls."""
        if self._supervisor is not None:
            self._supervisor.call_soon(lambda: self.end(job, kill=False))

    def close(self) -> None:
        """Take no more jobs, wait for those that run, then end the workers.

        An iterator that nobody takes results from gets on with nothing: what it has handed in is
        waited for, the rest of its input is not.
        """
        if self._process != os.getpid():
            return
        self.begin_closing()
        self._changed.wait_for(self._is_idle)
        with self._lock:
            self._break_jobs("the Pool was closed before this iterator came to its end")
            for worker in self.crew.values():
                if worker.child is not None:
                    worker.child.end_sending()
        if not self._await_workers():
            self.terminate()

    def begin_closing(self) -> None:
        """Take no more jobs."""
        with self._lock:
            if self._state is State.OPEN:
                self._state = State.CLOSING

    def terminate_later(self) -> None:
        """As `terminate`, from where no lock may be waited for: the garbage collector's calls."""
        if self._supervisor is not None:
            self._supervisor.call_soon(lambda: self.terminate(wait=False))

    def terminate(self, *, wait: bool = True) -> None:
        """Kill the workers; the maps that run raise.

        Args:
            wait: Whether to wait until the workers have ended.
        """
        if self._process != os.getpid():
            return
        with self._lock:
            self._break_jobs("the Pool was terminated")
            for child in list(self._by_child):
                child.kill()
        if wait:
            self._await_workers()

    @property
    def lock(self) -> threading.RLock:
        """Guards its state, and what is handed to the scheduler."""
        return self._lock

    @property
    def state(self) -> State:
        """Where its life stands."""
        return self._state

    def _is_idle(self) -> bool:
        with self._lock:
            return self._state is not State.CLOSING or not any(
                not job.is_lazy or self.scheduler.has_chunks(job.number)
                for job in self.jobs.values()
            )

    def _await_workers(self) -> bool:
        return self._changed.wait_for(lambda: not self._by_child, _EXIT_GRACE)

    # -- from the I/O thread

    def on_message(self, child: Child, message: Message) -> None:
        """Take a worker's results."""
        with self._lock:
            worker = self._by_child.get(child)
            if worker is None or not isinstance(message, _OF_CHUNKS):
                return
            chunk = self.scheduler.chunk_of(worker.number, message.chunk)
            if chunk is None:
                return
            if isinstance(message, Part | Done):
                self._take(worker, chunk, message)
            elif isinstance(message, Trimmed):
                self.take_from_ledger(worker, child)
                stop = chunk.stop
                self.scheduler.chunk_trimmed(worker.number, message.chunk, message.stop)
                if message.stop < stop:
                    self._deliver(chunk.job, GivenBack(chunk, message.stop, stop))
            elif isinstance(message, Returned):
                self._carry_out(self.scheduler.chunk_returned(worker.number, message.chunk))
            else:
                if message.is_function:
                    self._deliver(chunk.job, Broken(message.payload))
                elif chunk.stop - chunk.start == 1:
                    self._deliver(chunk.job, Unreadable(chunk, message.payload))
                else:
                    self._deliver(chunk.job, Unpackable(chunk))
                self._carry_out(self.scheduler.chunk_done(worker.number, message.chunk, 0, 0.0))
            if self._state is State.CLOSING:
                self._changed.notify()

    def _take(self, worker: PooledWorker, chunk: Chunk, done: Part | Done) -> None:
        """Take results: first the worker gets its next chunk, then the caller is told of them."""
        number, items, busy = chunk.number, done.items, done.busy
        first, start = chunk.first, chunk.start
        known = 0
        if worker.taken and self.scheduler.running_chunk(worker.number) is chunk:
            known, worker.taken = worker.taken, 0
            busy *= 1 - known / items
            items -= known
        if isinstance(done, Part):
            self.scheduler.chunk_advanced(worker.number, number, items, busy)
        else:
            actions = self.scheduler.chunk_done(
                worker.number, number, items, busy, leaves=done.leaves
            )
            if done.leaves:
                del self.crew[worker.number]
            self._carry_out(actions)
            if self.scheduler.is_idle(worker.number):
                worker.idle_since = time.monotonic()
        if items:
            results = done.counts, done.values, done.failures
            self._deliver(chunk.job, Delivered(first, start, items, *results, known))
        if isinstance(done, Done) and start + items < chunk.stop:
            self._deliver(chunk.job, GivenBack(chunk, start + items, chunk.stop))
        if isinstance(done, Done) and done.leaves:
            self._replace(None)

    def on_exit(self, child: Child) -> None:
        """Take note that a worker has ended, and put another in its place if there is work."""
        with self._lock:
            worker = self._by_child.pop(child, None)
            if worker is None:
                return
            self._changed.notify()
            if self.crew.pop(worker.number, None) is None:  # it was retired before
                return
            running = position_of(int(child.page.words[ITEM]))
            self.take_from_ledger(worker, child)
            if worker.is_given_up or (worker.is_overdue and not worker.runs_over()):
                running = None  # killed too late: the item is another's
            may_retry = not worker.is_overdue and child.receive_error is None
            actions = self.scheduler.worker_ended(worker.number, running, may_retry=may_retry)
            for action in actions:
                if isinstance(action, Fail):
                    died = Died(
                        action.chunk,
                        action.position,
                        child.pid,
                        child.exitcode,
                        child.receive_error,
                        worker.is_overdue and running is not None,
                    )
                    self._deliver(action.chunk.job, died)
            self._carry_out([action for action in actions if not isinstance(action, Fail)])
            if self.jobs and self._state is not State.CLOSED:
                self._replace(child)

    def take_from_ledger(self, worker: PooledWorker, child: Child) -> None:
        """Take the results that a worker has not sent yet, or had not before its end.

        Under the lock.
        """
        chunk = self.scheduler.running_chunk(worker.number)
        if chunk is None:
            return
        for start, count, payload, failures in _ledger.read(child.page, chunk.number):
            if start == chunk.start:  # else they have been taken, or it has sent them after all
                items = count or 1
                delivered = Delivered(chunk.first, start, items, [count], [payload], failures)
                self.scheduler.chunk_advanced(worker.number, chunk.number, items, 0.0)
                worker.taken += items
                self._deliver(chunk.job, delivered)

    def _replace(self, lost: Child | None) -> None:
        """Hire another worker if there is work that waits."""
        try:
            if lost is not None and lost.start_error is not None:
                raise lost.start_error
            if self.scheduler.has_ready():
                self._hire(len(self.crew) + 1)
        except OSError as error:
            if not self.crew:  # nobody is left to do the work
                for number in list(self.jobs):
                    self._deliver(
                        number,
                        Broken(
                            ProcessError(f"cannot start a worker: {error}", original_error=error)
                        ),
                    )

    # -- under the lock

    def dismiss(self, worker: PooledWorker) -> None:
        """Have a worker end in good order. Under the lock."""
        del self.crew[worker.number]
        self._carry_out(self.scheduler.worker_left(worker.number))
        if worker.child is not None:
            worker.child.end_sending()

    def _retire(self, worker: PooledWorker) -> None:
        """Kill a worker, and count on it no more: its end is none of an item's."""
        del self.crew[worker.number]
        if worker.child is not None:
            worker.child.kill()
        self._carry_out(self.scheduler.worker_ended(worker.number, None))

    def _break_jobs(self, reason: str) -> None:
        self._state = State.CLOSED
        self._watch.end()
        for number, job in list(self.jobs.items()):
            self._forget_job(number)
            job.arrivals.put(Broken(ProcessError(reason)))

    def _hire(self, crew: int) -> None:
        while len(self.crew) < min(crew, self.workers):
            surroundings = next(reversed(self._surroundings.values()))
            worker = PooledWorker(next(self._worker_numbers), surroundings)
            self.crew[worker.number] = worker
            self._supervisor = engine().supervisor
            try:
                start = worker.start(forwards_logs=self._forwards_logs, limits=self._limits)
                engine().launch(start, self, partial(self._adopt, worker))
                self._carry_out(self.scheduler.worker_added(worker.number))
                self._watch.expect_idle_workers()
            except BaseException:
                self.crew.pop(worker.number, None)
                if worker.child is not None:
                    self._by_child.pop(worker.child, None)
                    worker.child.discard()
                self._carry_out(self.scheduler.worker_ended(worker.number, None))
                raise

    def _adopt(self, worker: PooledWorker, child: Child) -> None:
        if worker.child is not None:  # the server was lost: this is the second attempt
            self._by_child.pop(worker.child, None)
        worker.child = child
        self._by_child[child] = worker

    def _carry_out(self, actions: list[Action]) -> None:
        try:
            for action in actions:
                if isinstance(action, Assign):
                    number = action.chunk.job
                    job, surroundings = self.jobs[number], self._surroundings[number]
                    self.crew[action.worker].assign(action.chunk, job, surroundings)
                    if self.scheduler.holds_up_others(action.worker):
                        self._watch.expect_slow_items()
                elif isinstance(action, Split):
                    self._deliver(action.chunk.job, Unpackable(action.chunk))
        except BaseException:
            # Ctrl-C between a decision and its message: the ends of the workers put all back.
            for action in actions:
                worker = self.crew.get(action.worker) if isinstance(action, Assign) else None
                if worker is not None and worker.child is not None:
                    worker.is_given_up = True  # it may run another item by then
                    worker.child.kill()
            raise

    def _deliver(self, number: int, arrival: Arrival) -> None:
        job = self.jobs.get(number)
        if job is not None:
            job.arrivals.put(arrival)

    def _forget_job(self, number: int) -> None:
        job = self.jobs.pop(number, None)
        pace = self.scheduler.item_seconds(number)
        if job is not None and job.callee is not None and pace is not None:
            self._paces.note(job.callee, pace)
        self._surroundings.pop(number, None)
        self._watch.forget(number)
        self.scheduler.job_ended(number)
        self._changed.notify()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Pool cannot travel to another process: its workers are this one's children; "
            "make a Pool there"
        )
