"""Which worker runs what, and when: pure decisions, without processes, threads or clocks.

    events in                                   actions out
    job_added, chunk_ready,              --->   Assign  a chunk to a worker
    chunk_advanced, _trimmed, _returned, _done  Fail    an item whose worker died
    worker_added, worker_left,                  Split   a chunk that no worker can unpack
    worker_ended, job_ended

A job is one call of a map. The caller cuts its items into chunks, as large as `chunk_size` says,
and hands them in while `wants_chunk` says so: never more than the workers will soon need, so an
endless input costs constant memory. Jobs take turns, so concurrent maps share the workers.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

LEAST_SECONDS = 0.001  # what a chunk should last at least: its messages wake three threads
CHUNK_SECONDS = 0.02  # what a chunk should last: long beside a message, short beside patience
PREFETCH_SECONDS = 2 * CHUNK_SECONDS  # a worker gets a chunk in advance only if it is no longer
GROWTH = 32  # chunks of an input without a length grow so many times at most, one to the next
MOST_ITEMS = 10_000
CHUNKS_AHEAD = 2  # ready per worker, beside those that are running
BYTES_AHEAD = 1 << 24  # ready per job, unless a single chunk has more: memory that waits is memory
LARGE_BYTES = 1 << 20  # so large a chunk is not sent in advance: it is mapped, not read
DEATHS = 2  # so many workers may die before a chunk's first item until the chunk is to blame


@dataclass(slots=True, eq=False)
class Chunk:
    """Consecutive items of a job, or what is left of them.

    Attributes:
        number: Unique within the pool.
        job: The job it belongs to.
        first: The index in the job's input of the item at position 0.
        start: Position of the first item to run.
        stop: Position after the last item to run.
        cargo: The items, as the caller packed them; not looked at here.
        size: How many bytes that is.
        deaths: How many workers have died with it before they began its first item.
        tries: How often its only item has been run by a worker that died of it.
        is_slow: Whether an item of it takes so long that nothing is to wait behind it.
    """

    number: int
    job: int
    first: int
    start: int
    stop: int
    cargo: Any
    size: int = 0
    deaths: int = 0
    tries: int = 0
    is_slow: bool = False


@dataclass(frozen=True, slots=True)
class Assign:
    """Send the chunk to the worker."""

    worker: int
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Fail:
    """The worker died of the item at this position of the chunk."""

    chunk: Chunk
    position: int


@dataclass(frozen=True, slots=True)
class Split:
    """Have the caller pack the chunk's items one by one: one of them kills whoever unpacks it."""

    chunk: Chunk


Action = Assign | Fail | Split


@dataclass(slots=True)
class _Job:
    total: int | None  # items of the input, if known
    expected: float | None  # seconds that an item is expected to take
    remaining: int | None  # items not yet cut into chunks, if known
    ready: deque[Chunk] = field(default_factory=deque)
    busy: float = 0.0  # seconds that so many items took: what is older counts for half as much
    items: float = 0.0
    last_size: int = 0
    in_advance: bool = True  # whether a worker may get a chunk while it runs another

    @property
    def item_seconds(self) -> float | None:
        """What an item takes, as far as that is known."""
        return self.busy / self.items if self.items else self.expected


class Scheduler:
    """Decides for one pool.

    Args:
        retries: How often an item is run again whose worker died.
        most_items: How many a chunk may have; None: as many as are worth it.
    """

    def __init__(self, *, retries: int = 0, most_items: int | None = None) -> None:
        self._retries = retries
        self._most_items = MOST_ITEMS if most_items is None else min(most_items, MOST_ITEMS)
        self._workers: dict[int, deque[Chunk]] = {}  # worker -> its chunks, the running one first
        self._jobs: dict[int, _Job] = {}
        self._turns: deque[int] = deque()  # the jobs, whose turn is next first
        self._numbers = itertools.count(1)

    # -- questions

    def wants_chunk(self, job: int) -> bool:
        """Whether the caller should hand in another chunk of the job now."""
        state = self._jobs.get(job)
        if state is None or len(state.ready) >= CHUNKS_AHEAD * max(1, len(self._workers)):
            return False
        ready = tuple(state.ready)  # in one step: the caller has no lock
        return sum(chunk.size for chunk in ready) < BYTES_AHEAD

    def chunk_size(self, job: int) -> int:
        """How many items the job's next chunk should have."""
        return min(self._worthwhile_size(self._jobs[job]), self._most_items)

    def _worthwhile_size(self, state: _Job) -> int:
        workers = max(1, len(self._workers))
        if state.item_seconds is None and state.last_size == 0:
            return 1
        if state.item_seconds is None:  # a worker gives back what turns out to take long
            return 1 if state.remaining is None else max(1, state.remaining // (4 * workers))
        seconds = max(state.item_seconds, 1e-9)
        most = min(CHUNK_SECONDS / seconds, MOST_ITEMS)
        if state.remaining is None:
            size = min(most, GROWTH * state.last_size)
        else:  # towards the end smaller, so that all finish together; but worth its message
            assert state.total is not None
            least = min(LEAST_SECONDS / seconds, state.total / workers)
            size = min(most, max(state.remaining / (2 * workers), least))
        return max(1, math.ceil(size))

    def item_seconds(self, job: int) -> float | None:
        """What an item of the job has taken; None if none has been measured."""
        state = self._jobs.get(job)
        return state.item_seconds if state is not None and state.items else None

    def unfinished(self, job: int) -> int:
        """How many of the job's items wait for a worker or are with one, as far as is known."""
        state = self._jobs.get(job)
        # Each in one step, as in `wants_chunk`.
        held = [tuple(chunks) for chunks in tuple(self._workers.values())]
        ready = () if state is None else tuple(state.ready)
        chunks = itertools.chain(ready, *held)
        return sum(chunk.stop - chunk.start for chunk in chunks if chunk.job == job)

    def has_chunks(self, job: int) -> bool:
        """Whether chunks of the job wait or run."""
        state = self._jobs.get(job)
        return state is not None and (bool(state.ready) or bool(self.running_on(job)))

    def running_on(self, job: int) -> list[int]:
        """Return the workers that hold chunks of the job."""
        return [
            worker
            for worker, chunks in self._workers.items()
            if any(chunk.job == job for chunk in chunks)
        ]

    def running_now(self, job: int) -> list[int]:
        """Return the workers whose present chunk is one of the job's."""
        return [
            worker for worker, chunks in self._workers.items() if chunks and chunks[0].job == job
        ]

    def has_ready(self) -> bool:
        """Whether chunks wait for a worker."""
        return any(state.ready for state in self._jobs.values())

    def is_idle(self, worker: int) -> bool:
        """Whether a worker has nothing to do."""
        return not self._workers.get(worker)

    def holds_up_others(self, worker: int) -> bool:
        """Whether items wait behind the one that a worker runs, or may do.

        A chunk may do so behind one that is known to be slow: it was on its way by then.
        """
        chunks = self._workers.get(worker)
        if not chunks:
            return False
        running = chunks[0]
        return len(chunks) > 1 or (not running.is_slow and running.stop - running.start > 1)

    def running_chunk(self, worker: int) -> Chunk | None:
        """Return the chunk that a worker is at."""
        return next(iter(self._workers.get(worker, ())), None)

    def chunk_of(self, worker: int, number: int) -> Chunk | None:
        """Return a chunk that a worker holds."""
        for chunk in self._workers.get(worker, ()):
            if chunk.number == number:
                return chunk
        return None

    # -- events

    def job_added(
        self,
        job: int,
        items: int | None,
        *,
        in_advance: bool = True,
        item_seconds: float | None = None,
    ) -> None:
        """A map begins; `items` is how many it has, None if that is not known.

        Without `in_advance` no chunk waits behind one that runs, which may depend on it.
        `item_seconds` is what an item took the last time, a first guess.
        """
        self._jobs[job] = _Job(items, item_seconds, items, in_advance=in_advance)
        self._turns.append(job)

    def chunk_ready(
        self, job: int, first: int, items: int, cargo: Any, size: int = 0
    ) -> list[Action]:
        """The caller has cut and packed a chunk: so many items, the first with this index."""
        state = self._jobs.get(job)
        if state is None:
            return []
        state.last_size = items
        if state.remaining is not None:
            state.remaining = max(0, state.remaining - items)
        state.ready.append(Chunk(next(self._numbers), job, first, 0, items, cargo, size))
        return self._assign()

    def is_ready(self, job: int, first: int) -> bool:
        """Whether the job's chunk with this first index waits for a worker."""
        state = self._jobs.get(job)
        return state is not None and any(chunk.first == first for chunk in state.ready)

    def chunk_withdrawn(self, job: int, first: int) -> bool:
        """The caller wants a chunk back that no worker has; returns whether it is so."""
        state = self._jobs.get(job)
        for chunk in state.ready if state is not None else ():
            if chunk.first == first:
                assert state is not None
                state.ready.remove(chunk)
                return True
        return False

    def chunk_advanced(self, worker: int, number: int, items: int, busy: float) -> None:
        """A worker has run so many items of a chunk, in so many seconds, and goes on with it."""
        chunk = self.chunk_of(worker, number)
        if chunk is not None:
            chunk.start += items
            self._measure(chunk.job, items, busy)

    def chunk_trimmed(self, worker: int, number: int, stop: int) -> None:
        """An item takes long; the worker gives back those from `stop` on, and is to get no more."""
        chunk = self.chunk_of(worker, number)
        if chunk is not None:
            state = self._jobs.get(chunk.job)
            if state is not None and state.remaining is not None:
                state.remaining += chunk.stop - stop
            chunk.stop = stop
            chunk.is_slow = True

    def chunk_returned(self, worker: int, number: int) -> list[Action]:
        """A worker gives back a chunk that waited behind a slow item: it is the next one's."""
        chunk = self.chunk_of(worker, number)
        if chunk is not None:
            self._workers[worker].remove(chunk)
            state = self._jobs.get(chunk.job)
            if state is not None:
                state.ready.appendleft(chunk)
        return self._assign()

    def chunk_done(
        self, worker: int, number: int, items: int, busy: float, *, leaves: bool = False
    ) -> list[Action]:
        """A worker has run so many items of a chunk in so many seconds; the rest it gives back.

        With `leaves` it takes no more: it has served long enough.
        """
        chunk = self.chunk_of(worker, number)
        if chunk is not None:
            self._workers[worker].remove(chunk)
            self._measure(chunk.job, items, busy)
            state = self._jobs.get(chunk.job)
            if state is not None and state.remaining is not None:
                state.remaining += chunk.stop - chunk.start - items
        return self.worker_left(worker) if leaves else self._assign()

    def worker_added(self, worker: int) -> list[Action]:
        """A worker can take chunks."""
        self._workers[worker] = deque()
        return self._assign()

    def worker_left(self, worker: int) -> list[Action]:
        """A worker ends in good order; what waited at it goes to the front of the queue."""
        for chunk in reversed(self._workers.pop(worker, ())):
            state = self._jobs.get(chunk.job)
            if state is not None:
                state.ready.appendleft(chunk)
        return self._assign()

    def worker_ended(
        self, worker: int, running: int | None, *, may_retry: bool = True
    ) -> list[Action]:
        """A worker has died; `running` is the position of the item it was at, None: at none.

        The item it died of fails, unless it may be tried again. That, what it had not begun, and
        what it had finished and told nobody of, goes to the front of the queue.
        """
        actions: list[Action] = []
        chunks = self._workers.pop(worker, deque())
        for chunk in reversed(chunks):
            state = self._jobs.get(chunk.job)
            if state is None:
                continue
            if chunk is not chunks[0]:
                state.ready.appendleft(chunk)
            elif chunk.start == chunk.stop:
                continue
            elif running is not None and running >= chunk.start:
                parts = [(running + 1, chunk.stop), (chunk.start, running)]
                if may_retry and chunk.tries < self._retries:
                    parts.insert(1, (running, running + 1))
                else:
                    actions.append(Fail(chunk, running))
                for start, stop in parts:
                    if start < stop:
                        tries = chunk.tries + 1 if start == running else 0
                        state.ready.appendleft(self._part(chunk, start, stop, tries))
            else:
                chunk.deaths += 1
                if chunk.deaths < max(DEATHS, 1 + self._retries):
                    state.ready.appendleft(chunk)
                elif chunk.stop - chunk.start == 1:
                    actions.append(Fail(chunk, chunk.start))
                else:
                    actions.append(Split(chunk))
        return actions + self._assign()

    def job_ended(self, job: int) -> None:
        """The caller wants nothing more of a job: it is complete, failed or abandoned."""
        if self._jobs.pop(job, None) is not None:
            self._turns.remove(job)

    # -- decisions

    def _measure(self, job: int, items: int, busy: float) -> None:
        state = self._jobs.get(job)
        if state is not None and items and busy:
            state.busy = state.busy / 2 + busy
            state.items = state.items / 2 + items

    def _part(self, chunk: Chunk, start: int, stop: int, tries: int) -> Chunk:
        number = next(self._numbers)
        return Chunk(
            number, chunk.job, chunk.first, start, stop, chunk.cargo, chunk.size, tries=tries
        )

    def _assign(self) -> list[Action]:
        actions: list[Action] = []
        for depth in (0, 1):  # first to those who have nothing to do, then in advance
            if depth and self._needs_idle_worker():
                break  # they need a worker that has nothing to do, or they would never have one
            for worker, chunks in self._workers.items():
                if depth and chunks and chunks[0].is_slow:
                    continue
                if len(chunks) == depth and (chunk := self._next_chunk(in_advance=depth > 0)):
                    chunks.append(chunk)
                    actions.append(Assign(worker, chunk))
        return actions

    def _next_chunk(self, *, in_advance: bool) -> Chunk | None:
        for _ in range(len(self._turns)):
            job = self._turns[0]
            self._turns.rotate(-1)
            state = self._jobs[job]
            if state.ready and (not in_advance or self._may_wait(state)):
                return state.ready.popleft()
        return None

    def _needs_idle_worker(self) -> bool:
        return any(state.ready and not state.in_advance for state in self._jobs.values())

    def _may_wait(self, state: _Job) -> bool:
        """Whether the next chunk may wait at a worker that runs another."""
        if not state.in_advance:
            return False
        head = state.ready[0]
        if state.item_seconds is None or head.size >= LARGE_BYTES:
            return False
        seconds = state.item_seconds * (head.stop - head.start)
        if state.remaining == 0 and len(state.ready) < len(self._workers):
            return seconds <= LEAST_SECONDS  # one of the last: for who is free first
        return seconds <= PREFETCH_SECONDS
