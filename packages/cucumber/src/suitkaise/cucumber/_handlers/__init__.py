"""The built-in handlers, one module per family of types.

Each module ends in its table, REDUCERS: from the type to its reducer; or from the type's dotted
name, where the program may never import its module.
"""

from suitkaise.cucumber import _reconnector
from suitkaise.cucumber._handlers import (
    _cached_functions,
    _context_variables,
    _exceptions,
    _iterators,
    _locks,
    _loggers,
    _sockets,
    _sqlite,
    _threads,
)

BUILTIN_REDUCERS = {
    **_cached_functions.REDUCERS,
    **_context_variables.REDUCERS,
    **_exceptions.REDUCERS,
    **_iterators.REDUCERS,
    **_locks.REDUCERS,
    **_loggers.REDUCERS,
    **_threads.REDUCERS,
    **_reconnector.REDUCERS,
}

BUILTIN_REDUCERS_BY_NAME = {**_sockets.REDUCERS, **_sqlite.REDUCERS}

__all__ = ["BUILTIN_REDUCERS", "BUILTIN_REDUCERS_BY_NAME"]
