"""A backend of joblib that runs on a `Pool`. Imported by `register_joblib` alone.

`Parallel` calls `configure`, then `submit` for each batch, and `terminate` at its end. The pool
stays for the next `Parallel` call: it ends with the backend, which a `parallel_config` block holds.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from joblib.parallel import (
    AutoBatchingMixin,
    FallbackToBackend,
    ParallelBackendBase,
    SequentialBackend,
)

from ._cpus import usable_cpus
from ._pool import Pool


class PoolBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]  # untyped
    """Runs the batches of `joblib.Parallel` on a pool of as many workers as `n_jobs` says."""

    supports_retrieve_callback = True
    _pool: Pool | None = None

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many workers that is: negative ones count back from the usable CPUs."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None:
            return 1
        return n_jobs if n_jobs > 0 else max(1, usable_cpus() + 1 + n_jobs)

    def configure(
        self,
        n_jobs: int = 1,
        parallel: Any = None,
        prefer: str | None = None,
        require: str | None = None,
        **_options: Any,
    ) -> int:
        """Have a pool for a `Parallel` call; returns how many workers it has."""
        workers = self.effective_n_jobs(n_jobs)
        if workers == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        if self._pool is None or self._pool.workers != workers:
            self._end_pool()
            self._pool = Pool(workers=workers)
        self.parallel = parallel
        return workers

    def submit(
        self, func: Callable[[], Any], callback: Callable[[Future[Any]], object] | None = None
    ) -> Future[Any]:
        """Have a batch run; `callback` gets its Future."""
        assert self._pool is not None
        future = self._pool.submit(func)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """Return a batch's results, or raise what it raised."""
        return out.result()

    def terminate(self) -> None:
        """Learn that a `Parallel` call is over; the pool stays."""
        self.reset_batch_stats()
        self.parallel = None  # else each would hold the other, and so the pool

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Kill what runs: a batch has failed, or the caller wants no more of them."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()
            if ensure_ready:
                self._pool = Pool(workers=pool.workers)

    def _end_pool(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False)  # another thread may be using it
