"""The results of a job as one list: in the calling thread, in an event loop, in the background."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Iterator
from typing import Any

from ._awaiting import Awaited, Opener, Outcome, way_of_this_loop
from ._errors import ResultTimeoutError
from ._jobs import Job
from ._notice import Notice
from ._results import in_order, raise_error


class Collecting:
    """Collects the results of one job.

    Args:
        name: What an error calls the map, such as "Pool.map".
        job: The job, which has not begun.
        is_ordered: Whether the results are to come in the order of the items.
        timeout: Seconds that all of it may take; None: as long as it likes.
        pool: What must not be dropped before the end.
    """

    def __init__(
        self, name: str, job: Job, *, is_ordered: bool, timeout: float | None, pool: object
    ) -> None:
        self._pool = pool
        self.job = job
        self.name = f"{name} of {job.name}"
        self._results: list[Any] = []
        self._is_ordered = is_ordered
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def run(self) -> list[Any]:
        """Collect them in the calling thread."""
        with self:
            self.job.begin()
            return self._collect()

    def go_on(self) -> list[Any]:
        """As `run`, once the job has begun."""
        with self:
            return self._collect()

    async def run_async(self) -> list[Any]:
        """Collect them in the event loop, which pulls the input and opens the results."""
        woken = way_of_this_loop()
        arrivals = self.job.arrivals
        with self:
            self.job.begin()
            for must_wait in self._steps():
                left = self._left()
                # After a batch too, so that others have their turn.
                await woken(arrivals.notice, arrivals.is_ready if must_wait else _always, left)
            self.job.end()
        return self._results

    def begin(self) -> Background:
        """Have them collected in a thread of its own, which pulls the input."""
        with self:
            self.job.begin()  # here: the job takes over the caller's surroundings
            background = Background(self)
            background.start()
        return background

    def _collect(self) -> list[Any]:
        for must_wait in self._steps():
            left = self._left()
            if must_wait:
                self.job.arrivals.wait(left)
        self.job.end()
        return self._results

    def _steps(self) -> Iterator[bool]:
        """Run the job; yields after each batch, with True if the next has not come yet."""
        for batch in in_order(self.job) if self._is_ordered else self.job.batches():
            if batch is None:
                yield True
                continue
            if batch.errors:
                raise_error(batch.errors[min(batch.errors)])
            self._results += batch.values
            self.job.consumed += len(batch.values)
            yield False

    def _left(self) -> float | None:
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            self.job.end(kill=True)
            assert self._timeout is not None
            raise ResultTimeoutError(
                f"{self.name} took longer than its timeout of {self._timeout:g} s; "
                "what was running was killed",
                timeout=self._timeout,
            )
        return left

    def __enter__(self) -> None:
        """Go on with the job until an error."""

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        """End the job; after anything but an ordinary error (Ctrl-C, a cancellation) kill it."""
        if kind is None:
            return
        if kind is GeneratorExit:  # the garbage collector has found the await
            self.job.abandon()
        else:
            self.job.end(kill=not issubclass(kind, Exception))


class Background(Awaited[list[Any]]):
    """The list that a thread collects."""

    shows_origin = True

    def __init__(self, collecting: Collecting) -> None:
        super().__init__(collecting.name, Notice())
        self._collecting = collecting
        self._context = contextvars.copy_context()
        self._outcome: Outcome | None = None

    def start(self) -> None:
        """Start the thread. It is a daemon: what nobody waited for ends with the program."""
        threading.Thread(
            target=self._context.run, args=(self._run,), name="suitkaise-map", daemon=True
        ).start()

    def is_ready(self) -> bool:
        return self._outcome is not None

    def claim(self) -> Opener | None:
        outcome = self._outcome
        assert outcome is not None
        return lambda: outcome

    def abandon(self) -> None:
        self._collecting.job.end(kill=True)

    def _run(self) -> None:
        try:
            self._outcome = self._collecting.go_on(), None
        except BaseException as error:  # the input's code may raise anything
            self._outcome = None, error
        self.notice.notify()


def _always() -> bool:
    return True
