"""Registering with joblib, which is imported only for that."""

from __future__ import annotations

NAME = "suitkaise"


def register_joblib() -> None:
    """Make `"suitkaise"` a backend of joblib, so that scikit-learn's `n_jobs` runs on a `Pool`.

    The pool is started by the first `Parallel` call of a `joblib.parallel_config` block, stays for
    the next ones and ends with the block. What a task raises is raised as itself; a worker that
    dies is a `ProcessDiedError`. Parallelism inside a task is of threads, and below that none, as
    with joblib's own backends. May be called again. Needs joblib: the extra `[joblib]`.

    Raises:
        ImportError: If joblib is not installed.

    Example:
        >>> import joblib
        >>> from suitkaise.processing import register_joblib
        >>> register_joblib()
        >>> with joblib.parallel_config(backend="suitkaise", n_jobs=2):
        ...     joblib.Parallel()(joblib.delayed(pow)(n, 2) for n in range(4))
        [0, 1, 4, 9]
    """
    try:
        import joblib
    except ImportError as error:
        raise ImportError(
            "register_joblib() needs joblib: pip install 'suitkaise-processing[joblib]'"
        ) from error
    from ._joblib_backend import PoolBackend

    joblib.register_parallel_backend(NAME, PoolBackend)
