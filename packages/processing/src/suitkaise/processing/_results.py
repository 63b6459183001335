"""Results in the order of the items, and the iterator over them."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, NoReturn, TypeVar

from ._jobs import Batch, Job

Value = TypeVar("Value")


def in_order(job: Job) -> Iterator[Batch | None]:
    """Yield a job's batches in the order of their items; holds back those that come early."""
    early: dict[int, Batch] = {}
    following = 0
    for batch in job.batches():
        if batch is None:
            yield None
            continue
        early[batch.first] = batch
        while (turn := early.pop(following, None)) is not None:
            following += len(turn.values)
            yield turn


def raise_error(error: BaseException) -> NoReturn:
    """Raise what a task raised; `StopIteration` would end the caller's loop silently (PEP 479)."""
    if isinstance(error, StopIteration):
        raise RuntimeError("the task raised StopIteration") from error
    raise error


class Results(Iterator[Value], Generic[Value]):
    """What `imap` and `unordered_imap` return: an iterator over results.

    A failed item raises its error from `next()`; the `next()` after that goes on with the following
    item. Any thread may call it. Closing it, or dropping it, cancels what has not run.
    """

    _job: Job | None = None  # until it has begun

    def __init__(self, job: Job, *, is_ordered: bool) -> None:
        try:
            job.begin()
        except BaseException:
            job.end(kill=True)
            raise
        self._job = job
        self._batches = in_order(job) if is_ordered else job.batches()
        self._ready: deque[tuple[Any, BaseException | None]] = deque()
        self._is_closed = False
        self._lock = threading.Lock()  # of several threads in next(), one waits for arrivals

    def __next__(self) -> Value:
        job = self._job
        assert job is not None
        with self._lock:
            try:
                while not self._ready and not self._is_closed:
                    batch = next(self._batches)
                    if batch is None:
                        job.arrivals.wait()
                        continue
                    errors = batch.errors
                    self._ready.extend(
                        (value, errors.get(index))
                        for index, value in enumerate(batch.values, batch.first)
                    )
            except (StopIteration, Exception):
                job.end()
                raise
            except BaseException:  # Ctrl-C: nobody waits any more for what is running
                job.end(kill=True)
                raise
            if not self._ready:
                raise StopIteration
            value, error = self._ready.popleft()
            job.consumed += 1
        if error is not None:
            raise_error(error)
        return value  # type: ignore[no-any-return]

    def close(self) -> None:
        """Cancel what has not run yet; then there are no more results.

        A `next()` that waits in another thread raises a `ProcessError`.
        """
        self._is_closed = True
        if self._job is not None:
            self._job.end()

    def __del__(self, is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        if self._job is not None and not is_ending():  # then even modules may be gone
            self._job.abandon()
