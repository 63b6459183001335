"""Processes as classes, and a pool that never hangs.

Example:
    >>> from suitkaise.processing import Pool, Skprocess
    >>> class Greeter(Skprocess):
    ...     def __init__(self, name):
    ...         self.name = name
    ...         self.process_config.runs = 1
    ...     def __run__(self):
    ...         self.greeting = f"Hello, {self.name}!"
    ...     def __result__(self):
    ...         return self.greeting
    >>> Greeter("world").run()
    'Hello, world!'
    >>> with Pool(workers=2) as pool:
    ...     pool.map(str.upper, ["a", "b"])
    ['A', 'B']
"""

from ._autoreconnect import autoreconnect
from ._errors import (
    ErrorHandlerError,
    OnFinishError,
    PipeEndpointError,
    PostRunError,
    PreRunError,
    ProcessDiedError,
    ProcessError,
    ProcessTimeoutError,
    ResultError,
    ResultTimeoutError,
    RunError,
)
from ._joblib import register_joblib
from ._pipe import Pipe
from ._pool import Pool
from ._share._share import Share
from ._skprocess import Skprocess
from ._timers import ProcessTimers

__all__ = [
    "ErrorHandlerError",
    "OnFinishError",
    "Pipe",
    "PipeEndpointError",
    "Pool",
    "PostRunError",
    "PreRunError",
    "ProcessDiedError",
    "ProcessError",
    "ProcessTimeoutError",
    "ProcessTimers",
    "ResultError",
    "ResultTimeoutError",
    "RunError",
    "Share",
    "Skprocess",
    "autoreconnect",
    "register_joblib",
]

__version__ = "0.1.0"
