"""What a job pulls from its input, and when; without processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suitkaise.processing._arrivals import Delivered
from suitkaise.processing._jobs import Batch, Cargo, Job
from suitkaise.processing._parcels import pack
from suitkaise.processing._scheduler import Action, Assign, Chunk, Scheduler


class Workers:
    """Stands where the dispatcher does; the test says when a worker is done."""

    workers = 2

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.assigned: list[Chunk] = []
        for worker in range(self.workers):
            self.scheduler.worker_added(worker)

    def begin(self, job: Job, items: int | None) -> None:
        job.number = 1
        self.scheduler.job_added(1, items)

    def submit(self, job: Job, first: int, cargo: Cargo) -> None:
        items = len(cargo.items)
        self._note(self.scheduler.chunk_ready(1, first, items, cargo, len(cargo.payload)))

    def finish(self, job: Job, worker: int, seconds: float) -> None:
        """Have a worker be done with its chunk, whose items took so long each."""
        chunk = self.scheduler.running_chunk(worker)
        assert chunk is not None
        items = chunk.stop - chunk.start
        self._note(self.scheduler.chunk_done(worker, chunk.number, items, items * seconds))
        values = pack([None] * items)
        job.arrivals.put(Delivered(chunk.first, chunk.start, items, [items], [values], {}))

    def _note(self, actions: list[Action]) -> None:
        self.assigned += [action.chunk for action in actions if isinstance(action, Assign)]


def lazy_job(workers: Workers, items: Any) -> Job:
    """Make a job whose results are taken one by one, and begin it."""
    job = Job(
        workers,  # type: ignore[arg-type]
        items,
        function=b"",
        secrets=b"",
        name="task",
        star=False,
        is_lazy=True,
    )
    job.begin()
    return job


def take_all(job: Job, batches: Iterator[Batch | None]) -> None:
    """Take what has come, as who called the map does; the job hands in what it then may."""
    while (batch := next(batches)) is not None:
        job.consumed += len(batch.values)


def test_what_a_stuck_worker_holds_keeps_nobody_from_new_input() -> None:
    workers = Workers()
    job = lazy_job(workers, iter(range(100_000)))
    batches = job.batches()
    take_all(job, batches)

    while (chunk := workers.scheduler.running_chunk(0)) and chunk.stop - chunk.start < 1000:
        for worker in (0, 1):
            workers.finish(job, worker, seconds=1e-6)
        take_all(job, batches)
    before = job.consumed
    for _ in range(500):  # worker 0 is stuck; items of worker 1 take longer now, one is a chunk
        workers.finish(job, 1, seconds=1.0)
        take_all(job, batches)

    assert job.consumed >= before + 500
    assert len(workers.assigned[-1].cargo.items) == 1
