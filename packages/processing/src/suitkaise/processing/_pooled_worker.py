"""A worker process, as its pool knows it; `_worker` is its other side."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ._messages import Forget, Function, Start, Work
from ._page import ITEM, ITEM_DEADLINE

if TYPE_CHECKING:
    from ._children import Child
    from ._jobs import Job
    from ._limits import Limits
    from ._scheduler import Chunk


_SMALL_BYTES = 4096  # of a function that a worker may keep until it gets another


class PooledWorker:
    """What a worker has been given. Its owner holds a lock.

    Attributes:
        number: What the scheduler knows it by.
        child: Its process, once that has been adopted.
        surroundings: Those that it has, see `_surroundings`.
        is_overdue: Whether it was killed because its item ran over its time.
        is_given_up: Whether it was killed for what it was not told: its end is none of an item's.
        taken: Items of the chunk that it runs that were taken from its ledger, and that its next
            message of that chunk will bring once more.
        idle_since: The monotonic time since when it has had nothing to do, if that is measured.
    """

    def __init__(self, number: int, surroundings: bytes) -> None:
        self.number = number
        self.child: Child | None = None
        self.surroundings = surroundings
        self.is_overdue = False
        self.is_given_up = False
        self.taken = 0
        self._seen_at: tuple[int, int] | None = None  # its chunk and ITEM at the last look
        self._looks = 0  # and how many before that one had seen the same
        self.idle_since = time.monotonic()
        self._functions: set[int] = set()  # the jobs whose function it has
        self._ended: list[int] = []  # of these jobs it may still have one

    def start(self, *, forwards_logs: bool, limits: Limits) -> Start:
        """Return its first message."""
        name = f"PoolWorker-{self.number}"
        return Start(
            "worker",
            self.surroundings,
            name=name,
            forwards_logs=forwards_logs,
            limits=tuple(limits),
        )

    def assign(self, chunk: Chunk, job: Job, surroundings: bytes) -> None:
        """Send it a chunk, behind the function if it is the first of the job."""
        child, number = self.child, chunk.job
        assert child is not None
        if number not in self._functions:
            changed = b"" if surroundings == self.surroundings else surroundings
            self.surroundings = surroundings
            self._functions.add(number)
            timeout = job.item_timeout or 0.0
            ended, self._ended = tuple(self._ended), []
            child.send(
                Function(
                    number,
                    job.star,
                    changed,
                    job.context,
                    timeout,
                    job.function,
                    job.secrets,
                    ended,
                )
            )
        # If the child is gone, its end is on its way, and the chunk goes to another.
        first = chunk.first if job.has_input else -1
        child.send(Work(number, chunk.number, first, chunk.start, chunk.stop, chunk.cargo.payload))

    def forget(self, job: Job) -> None:
        """Have it forget the function of a job that has ended: at once, or with the next if small.

        To wake it for that would take as long as to run a small chunk.
        """
        number = job.number
        if number not in self._functions or self.child is None:
            return
        self._functions.discard(number)
        if type(job.function) is bytes and len(job.function) <= _SMALL_BYTES:
            self._ended.append(number)
        else:
            self.child.send(Forget(number))

    def is_still_at_its_item(self, chunk: Chunk) -> bool:
        """Whether it runs the item that it ran at the last look; says so less and less often."""
        if self.child is None:
            return False
        place = chunk.number, int(self.child.page.words[ITEM])
        self._looks = self._looks + 1 if place == self._seen_at else 0
        self._seen_at = place
        return place[1] != 0 and self._looks.bit_count() == 1

    def runs_over(self) -> bool:
        """Whether the item that it runs, or was running at its end, has run over its time."""
        if self.child is None:
            return False
        deadline = self.child.page.words[ITEM_DEADLINE]
        return bool(deadline) and time.monotonic() >= deadline / 1e9
