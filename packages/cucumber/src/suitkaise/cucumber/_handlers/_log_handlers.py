"""Handlers of logging: with level, formatter and filters, a lock of their own, and connected anew.

What is open (a file, a socket) is opened again when the first record comes. A file is appended to,
never begun anew. Refused: a handler that holds a password, which must not be in the bytes.
A record arrives with its exception's traceback as text.
"""

import logging
from typing import Any

from suitkaise.cucumber._errors import RefusalError
from suitkaise.cucumber._reducer import Reducer, reducer, reducer_with_state

# What is made anew: by the handler itself when it needs it.
_OPEN = {"sock": None, "socket": None}
_SECRETS = ("password", "credentials")


def reduce_handler(handler: logging.Handler) -> tuple[tuple[type], dict[str, Any]]:
    """Send all but the lock and what is open."""
    handler.flush()
    state = {name: value for name, value in vars(handler).items() if name != "lock"}
    for name in _SECRETS:
        if state.get(name) is not None and _is_the_standard_librarys(handler):
            raise RefusalError(
                f"its {name} would be in the bytes; make the handler at the receiver"
            )
    for name, value in _OPEN.items():
        if name in state:
            state[name] = value
    if isinstance(handler, logging.FileHandler):
        state["stream"] = None
        state["mode"] = handler.mode.replace("w", "a").replace("x", "a")
    return (type(handler),), state


def rebuild_handler(kind: type[logging.Handler]) -> logging.Handler:
    """Make a handler that is yet to get its state."""
    return kind.__new__(kind)


def restore_handler(handler: logging.Handler, state: dict[str, Any]) -> None:
    """Give it its state and a lock; it is flushed and closed with the program, as all are."""
    vars(handler).update(state)
    handler.createLock()
    add = getattr(logging, "_addHandlerRef")  # noqa: B009  private
    add(handler)


def reduce_record(record: logging.LogRecord) -> tuple[type, dict[str, Any]]:
    """Send its attributes, the traceback as text."""
    attributes = dict(vars(record))
    if record.exc_info:
        kind, error, trace = record.exc_info
        if trace is not None and not record.exc_text:
            attributes["exc_text"] = logging.Formatter().formatException(record.exc_info)
        attributes["exc_info"] = kind, error, None
    return type(record), attributes


def rebuild_record(kind: type[logging.LogRecord], attributes: dict[str, Any]) -> logging.LogRecord:
    """Make the record."""
    record = kind.__new__(kind)
    vars(record).update(attributes)
    return record


def _is_the_standard_librarys(handler: logging.Handler) -> bool:
    """Tell whether an attribute of that name is what it sounds like."""
    return any(base.__module__ == "logging.handlers" for base in type(handler).__mro__)


REDUCERS: dict[str, Reducer] = {
    "logging.Handler": reducer_with_state(reduce_handler, rebuild_handler, restore_handler),
    "logging.LogRecord": reducer(reduce_record, rebuild_record),
}
