"""The built-in handlers, one module per family of types.

Each module ends in its table, REDUCERS: from the type to its reducer.
"""

from suitkaise.cucumber._handlers import (
    _cached_functions,
    _exceptions,
    _iterators,
    _locks,
    _loggers,
)

BUILTIN_REDUCERS = {
    **_cached_functions.REDUCERS,
    **_exceptions.REDUCERS,
    **_iterators.REDUCERS,
    **_locks.REDUCERS,
    **_loggers.REDUCERS,
}

__all__ = ["BUILTIN_REDUCERS"]
